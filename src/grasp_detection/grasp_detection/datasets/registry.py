"""Dataset layouts by name: a new one is a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from grasp_detection.datasets.cornell import CornellDataset
from grasp_detection.datasets.dataset import Dataset, DatasetError

_LAYOUTS: dict[str, Callable[[Path], Dataset]] = {
    "cornell": CornellDataset,
}


def dataset_names() -> list[str]:
    """Names of all layouts, sorted."""
    return sorted(_LAYOUTS)


def open_dataset(name: str, root: Path) -> Dataset:
    """Open a folder in a known layout.

    Raises:
        DatasetError: No such layout, no such folder, or nothing of that layout in it.
    """
    layout = _LAYOUTS.get(name)
    if layout is None:
        raise DatasetError(f"no dataset layout {name!r}; valid are {', '.join(dataset_names())}")
    return layout(root)
