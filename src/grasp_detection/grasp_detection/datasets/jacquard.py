"""The Jacquard dataset, and simulated scenes written in its layout.

Files, in any depth below the root (Jacquard has one folder per object), all of view number ``I``
of object ``ID`` beginning with ``I_ID``:

- ``_RGB.png`` colour; ``_stereo_depth.tiff`` and ``_perfect_depth.tiff`` depth in metres. Either
  colour or the chosen depth may be missing.
- ``_grasps.txt``: lines "u;v;angle;opening;jaw", pixels, the angle in degrees from +u towards +v.
- ``_mask.png`` (optional): the object is what is not 0.
- ``_instances.png`` and ``_classes.json`` (optional; not in Jacquard, but in scenes with several
  objects): object number of each pixel, 0 background, and {"number": "class name"}.
- ``_quality.txt`` (optional; not in Jacquard): for each line of ``_grasps.txt`` how likely the
  grasp holds, in [0, 1].

Every view is a picture of its own. Jacquard's views of one object show it in different poses; an
object-wise split keeps them together.
Source: Depierre, Dellandrea, Chen, "Jacquard: a large scale dataset for robotic grasp detection",
IROS 2018.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from grasp_detection.datasets.dataset import DatasetError, Record, Sample
from grasp_detection.datasets.files import (
    read_color,
    read_depth_m,
    read_mask,
    require_folder,
    require_size,
)
from grasp_detection.datasets.instances import instances_of
from grasp_detection.datasets.labels import read_center_rows, read_shares

DEPTHS = ("stereo", "perfect")
_FILE = re.compile(
    r"(?P<stem>\d+_(?P<object>.+))_(?:RGB\.png|grasps\.txt|(?:stereo|perfect)_depth\.tiff)"
)


class JacquardDataset:
    """Views of a folder in Jacquard's layout; see the module's description."""

    name = "jacquard"

    def __init__(self, root: Path, depth: str = DEPTHS[0]) -> None:
        """List the views.

        Args:
            root: The folder.
            depth: ``stereo``, simulated with the faults of a sensor, or ``perfect``. A view that
                lacks the chosen kind has no depth: the other kind never stands in for it.

        Raises:
            DatasetError: No folder, no view in it, or no such kind of depth.
        """
        if depth not in DEPTHS:
            raise DatasetError(f"no depth {depth!r} in Jacquard; valid are {', '.join(DEPTHS)}")
        self.root = require_folder(root)
        self.depth = depth
        objects: dict[Path, str] = {}
        for path in self.root.rglob("*_*_*.*"):
            found = _FILE.fullmatch(path.name)
            if found is not None:
                objects[path.with_name(found["stem"])] = found["object"]
        self._stems = sorted(objects)
        names = [stem.relative_to(self.root).as_posix() for stem in self._stems]
        self.records = [
            Record(name, name, objects[stem])
            for name, stem in zip(names, self._stems, strict=True)
        ]
        if not self.records:
            raise DatasetError(
                f"{self.root} holds no I_ID_RGB.png, I_ID_stereo_depth.tiff or I_ID_grasps.txt: "
                "give the folder of the Jacquard dataset"
            )

    def load(self, index: int) -> Sample:
        """Read one view; see :class:`grasp_detection.datasets.dataset.Dataset`."""
        stem = self._stems[index]
        color_path, depth_path = (
            _named(stem, "_RGB.png"),
            _named(stem, f"_{self.depth}_depth.tiff"),
        )
        color = read_color(color_path) if color_path.exists() else None
        depth_m = read_depth_m(depth_path) if depth_path.exists() else None
        main = color if color is not None else depth_m
        if main is None:
            raise DatasetError(
                f"neither {color_path} nor {depth_path.name} is there: copy it again"
            )
        size = (int(main.shape[0]), int(main.shape[1]))
        if depth_m is not None:
            require_size(depth_path, depth_m, size)
        grasps, skipped = read_center_rows(_named(stem, "_grasps.txt"))
        quality_path = _named(stem, "_quality.txt")
        quality = read_shares(quality_path) if quality_path.exists() else None
        if quality is not None and len(quality) != len(grasps) + skipped:
            raise DatasetError(
                f"{quality_path} has {len(quality)} lines for {len(grasps) + skipped} grasps: "
                "copy both files again"
            )
        instances = _read_instances(stem, size)
        return Sample(
            self.records[index],
            color,
            depth_m,
            grasps,
            np.empty((0, 5)),
            instances=instances,
            classes=_read_classes(_named(stem, "_classes.json")),
            grasp_instances=None if instances is None else _owners(stem, grasps, instances),
            # A skipped label leaves no way to tell which line is whose.
            grasp_quality=None if skipped else quality,
            skipped=skipped,
        )


def _named(stem: Path, ending: str) -> Path:
    return stem.with_name(stem.name + ending)


def _read_instances(stem: Path, size: tuple[int, int]) -> NDArray[np.int32] | None:
    for ending in ("_instances.png", "_mask.png"):
        path = _named(stem, ending)
        if path.exists():
            mask = read_mask(path)
            require_size(path, mask, size)
            return mask if ending == "_instances.png" else (mask > 0).astype(np.int32)
    return None


def _owners(
    stem: Path, grasps: NDArray[np.float64], instances: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Object of each grasp; without a file of instances there is one object alone."""
    if _named(stem, "_instances.png").exists():
        return instances_of(grasps, instances)
    return np.ones(len(grasps), np.int64)


def _read_classes(path: Path) -> dict[int, str] | None:
    if not path.exists():
        return None
    try:
        named = json.loads(path.read_text(encoding="utf-8"))
        return {int(number): str(name) for number, name in named.items()}
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, AttributeError) as error:
        raise DatasetError(f'{path} must hold {{"number": "class name"}}: {error}') from error
