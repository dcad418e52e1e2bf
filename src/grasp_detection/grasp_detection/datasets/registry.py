"""Dataset layouts by name: a new one is a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from grasp_detection.datasets.cornell import CornellDataset
from grasp_detection.datasets.dataset import Dataset, DatasetError
from grasp_detection.datasets.files import require_folder
from grasp_detection.datasets.jacquard import JacquardDataset
from grasp_detection.datasets.ocid import OcidDataset
from grasp_detection.datasets.overhead_scenes import OverheadScenes

_LAYOUTS: dict[str, Callable[[Path], Dataset]] = {
    "cornell": CornellDataset,
    "jacquard": JacquardDataset,
    "ocid": OcidDataset,
    "overhead": OverheadScenes,
}
_ONLY_BY_NAME = {"overhead"}  # another view of what is in Jacquard's layout


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


def detect_dataset(root: Path) -> Dataset:
    """Open a folder in the one layout that fits it.

    Raises:
        DatasetError: No such folder, or no layout fits, or more than one.
    """
    require_folder(root)
    fitting: list[Dataset] = []
    reasons: list[str] = []
    for name in sorted(_LAYOUTS.keys() - _ONLY_BY_NAME):
        try:
            fitting.append(open_dataset(name, root))
        except DatasetError as error:
            reasons.append(f"{name}: {error}")
    if not fitting:
        raise DatasetError(f"{root} fits no known layout; {'; '.join(reasons)}")
    if len(fitting) > 1:
        names = ", ".join(dataset.name for dataset in fitting)
        raise DatasetError(f"{root} fits the layouts {names}: say which is meant")
    return fitting[0]
