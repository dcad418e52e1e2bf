"""The OCID_grasp dataset: real clutter with hand-drawn grasps, classes and masks.

Sequences, in any depth below the root, e.g. ``ARID20/table/top/seq01``, hold files of the same
name in these folders:

- ``rgb/NAME.png`` colour; ``depth/NAME.png`` (optional) 16 bits, millimetres.
- ``Annotations/NAME.txt``: four lines "u v" per rectangle. Unlike Cornell's, the **first edge runs
  along a jaw**, the second along the opening: the authors' own program draws the first edge as the
  plate, as in figure 4 of the paper.
- ``Annotations_per_class/NAME/CLASS/NAME.txt`` (optional): the same rectangles by class number.
- ``seg_mask_instances_combi/NAME.png`` (optional, else OCID's own ``label/NAME.png``): object
  number of each pixel; ``seg_mask_labeled_combi/NAME.png`` (optional): class of each pixel.

``data_split/*.txt`` in the root (lines "SEQUENCE,NAME.png") lists the pictures of the dataset;
without it every picture beside an ``Annotations`` folder counts. ``training_K.txt`` and
``validation_K.txt`` among them are the published folds: what is learnt, and what is reported.

What a split must keep together: a sequence adds one object after another to the same scene, and
two cameras, ``bottom`` and ``top``, take it at the same time. So a picture is one file, but
``Record.object`` is the sequence less its camera, e.g. ``ARID20/table/seq01``: an object-wise
split keeps the scene of a sequence on one side. It does not keep an object on one side, since an
object comes in many sequences. An image-wise split, as the one published with the dataset, tests
on scenes that were trained on with an object more or less.
Source: Ainetter, Fraundorfer, "End-to-end trainable deep neural network for robotic grasp
detection and semantic segmentation from RGB", ICRA 2021; Suchi et al., "EasyLabel", ICRA 2019.
"""

from __future__ import annotations

from collections.abc import Iterator
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
from grasp_detection.datasets.labels import read_corners, rows_of_corners

CAMERAS = ("bottom", "top")
CLASSES = (
    "background", "apple", "ball", "banana", "bell_pepper", "binder", "bowl", "cereal_box",
    "coffee_mug", "flashlight", "food_bag", "food_box", "food_can", "glue_stick", "hand_towel",
    "instant_noodles", "keyboard", "kleenex", "lemon", "lime", "marker", "orange", "peach", "pear",
    "potato", "shampoo", "soda_can", "sponge", "stapler", "tomato", "toothpaste", "unknown",
)  # fmt: skip
_MASKS = ("seg_mask_instances_combi", "label")
_CLASS_MASKS = "seg_mask_labeled_combi"
_DECIMALS = 3  # to which a rectangle of one file is found in another


class OcidDataset:
    """Views of a folder in the layout of OCID_grasp; see the module's description."""

    name = "ocid"

    def __init__(self, root: Path) -> None:
        """List the views.

        Raises:
            DatasetError: No folder, no picture in it, or a list of pictures is broken.
        """
        self.root = require_folder(root)
        listed = set(_listed(self.root)) or set(_found(self.root))
        self._pictures = sorted(listed)
        self.records: list[Record] = []
        for sequence, name in self._pictures:
            view = _view_of(sequence, name)
            self.records.append(Record(view, view, scene_of(sequence)))
        if not self.records:
            raise DatasetError(
                f"{self.root} holds no folder rgb beside a folder Annotations: give the folder of "
                "the OCID_grasp dataset"
            )

    def published_folds(self) -> list[tuple[set[str], set[str]]]:
        """Pictures that are learnt and that are reported, of each fold of its publication.

        Raises:
            DatasetError: The folder lacks a list, or one is broken.
        """
        lists = self.root / "data_split"
        folds = []
        for path in sorted(lists.glob("training_*.txt")):
            held_out = path.with_name(path.name.replace("training", "validation"))
            if not held_out.exists():
                raise DatasetError(f"{held_out} is missing beside {path.name}")
            parts = ({_view_of(*one) for one in _lines(each)} for each in (path, held_out))
            learnt, reported = parts
            folds.append((learnt, reported))
        if not folds:
            raise DatasetError(
                f"{lists} holds no training_K.txt and validation_K.txt, the published folds"
            )
        return folds

    def load(self, index: int) -> Sample:
        """Read one view; see :class:`grasp_detection.datasets.dataset.Dataset`."""
        sequence, name = self._pictures[index]
        folder, stem = self.root / sequence, Path(name).stem
        color = read_color(folder / "rgb" / name)
        size = (int(color.shape[0]), int(color.shape[1]))
        depth_path = folder / "depth" / name
        depth_m = read_depth_m(depth_path) if depth_path.exists() else None
        if depth_m is not None:
            require_size(depth_path, depth_m, size)
        corners = read_corners(folder / "Annotations" / f"{stem}.txt")
        grasps, usable = rows_of_corners(np.roll(corners, -1, axis=1))
        instances = _read_first([folder / kind / name for kind in _MASKS], size)
        classes = self._classes(index, instances, size)
        owners = None
        if instances is not None:
            allowed = self._allowed(index, classes, corners[usable])
            owners = instances_of(grasps, instances, allowed)
        return Sample(
            self.records[index],
            color,
            depth_m,
            grasps,
            np.empty((0, 5)),
            instances=instances,
            classes=None if classes is None else {n: class_name(c) for n, c in classes.items()},
            grasp_instances=owners,
            skipped=len(corners) - int(usable.sum()),
        )

    def _classes(
        self, index: int, instances: NDArray[np.int32] | None, size: tuple[int, int]
    ) -> dict[int, int] | None:
        """Class number of each object: the one of most of its pixels that have a class."""
        sequence, name = self._pictures[index]
        class_mask = _read_first([self.root / sequence / _CLASS_MASKS / name], size)
        if instances is None or class_mask is None:
            return None
        classes = {}
        for number in np.unique(instances[instances > 0]):
            seen = class_mask[(instances == number) & (class_mask > 0)]
            if len(seen):
                classes[int(number)] = int(np.bincount(seen).argmax())
        return classes

    def _allowed(
        self, index: int, classes: dict[int, int] | None, corners: NDArray[np.float64]
    ) -> list[list[int] | None] | None:
        """The objects that each rectangle may belong to, by its class; None for all."""
        if classes is None:
            return None
        sequence, name = self._pictures[index]
        stem = Path(name).stem
        folder = self.root / sequence / "Annotations_per_class" / stem
        class_of = {
            _key(four): int(path.parent.name)
            for path in sorted(folder.glob(f"*/{stem}.txt"))
            if path.parent.name.isdecimal()
            for four in read_corners(path)
        }
        wanted = [class_of.get(_key(four)) for four in corners]
        return [
            None if number is None else [n for n, c in classes.items() if c == number]
            for number in wanted
        ]


def class_name(number: int) -> str:
    """Name of a class number of the dataset."""
    return CLASSES[number] if 0 <= number < len(CLASSES) else f"class {number}"


def scene_of(sequence: str) -> str:
    """The scene that a sequence shows: its path less the camera."""
    return "/".join(part for part in sequence.split("/") if part not in CAMERAS)


def _view_of(sequence: str, name: str) -> str:
    return f"{sequence}/{Path(name).stem}"


def _listed(root: Path) -> Iterator[tuple[str, str]]:
    """Sequence and file name of the pictures named in data_split."""
    for path in sorted((root / "data_split").glob("*.txt")):
        yield from _lines(path)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Sequence and file name of the pictures of one list."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"cannot read {path}: {error}") from error
    for number, line in enumerate(lines, 1):
        sequence, comma, name = line.strip().partition(",")
        if not line.strip():
            continue
        if not comma or not name.strip():
            raise DatasetError(f"{path}:{number} must hold SEQUENCE,NAME.png")
        yield sequence.strip("/ "), name.strip()


def _found(root: Path) -> Iterator[tuple[str, str]]:
    """Sequence and file name of every picture in a folder of sequences."""
    for folder in root.rglob("rgb"):
        if (folder.parent / "Annotations").is_dir():
            sequence = folder.parent.relative_to(root).as_posix()
            yield from ((sequence, path.name) for path in folder.glob("*.png"))


def _read_first(paths: list[Path], size: tuple[int, int]) -> NDArray[np.int32] | None:
    for path in paths:
        if path.exists():
            mask = read_mask(path)
            require_size(path, mask, size)
            return mask
    return None


def _key(corners: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(np.round(corners, _DECIMALS).ravel().tolist())
