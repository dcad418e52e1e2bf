"""What a detector that knows classes of objects is worth, class by class.

As Ainetter and Fraundorfer do on OCID_grasp: of every class that has labels in a picture the best
grasp counts whose centre is on the predicted mask of that class, and it must meet a label of that
class by the rectangle metric; beside it the segmentation's intersection over union.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasp_core.rectangle import matches
from grasp_detection.datasets.dataset import Sample
from grasp_detection.datasets.instances import NAMELESS, class_areas
from grasp_detection.ranking import UNSEEN, ClassDetector, Ranking


@dataclass(frozen=True)
class ClassResult:
    """One view, class by class.

    Attributes:
        right: Whether the best grasp of each class that has labels is right, by name.
        overlap: Pixels in both and in either of the true and the predicted mask, by name;
            :data:`~grasp_detection.datasets.instances.NAMELESS` is every object together.
        recognised: Whether each object's most predicted class is its own.
    """

    right: Mapping[str, bool] = field(default_factory=dict)
    overlap: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    recognised: Sequence[bool] = ()


def judge_by_class(detector: ClassDetector, sample: Sample) -> ClassResult | None:
    """Judge a detector on one view; None where the view has no masks or it knows no classes."""
    if sample.instances is None or not detector.classes:
        return None
    ranking, found = detector.rank_by_class(sample.color, sample.depth_m)
    seen, names = found != UNSEEN, detector.classes
    truth = class_areas(sample.instances, sample.classes, names)
    thing = sample.instances > 0
    overlap = {NAMELESS: _overlap(thing & seen, (found > 0) & seen)}
    if names == (NAMELESS,) or sample.classes is None:
        return ClassResult(overlap=overlap)
    for number, name in enumerate(names, 1):
        overlap[name] = _overlap((truth == number) & seen, found == number)
    return ClassResult(_right(ranking, sample), overlap, _recognised(sample, found, names))


def _overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[int, int]:
    return int((a & b).sum()), int((a | b).sum())


def _right(ranking: Ranking, sample: Sample) -> dict[str, bool]:
    owners, classes = sample.grasp_instances, sample.classes
    if owners is None or classes is None:
        return {}
    labelled: defaultdict[str, list[int]] = defaultdict(list)
    for place, owner in enumerate(owners.tolist()):
        if owner in classes:
            labelled[classes[owner]].append(place)
    right = {}
    for name, places in labelled.items():
        best = next((k for k in range(len(ranking)) if ranking.label(k) == name), None)
        right[name] = best is not None and bool(
            matches(ranking.rows[best : best + 1], sample.grasps[places])[0]
        )
    return right


def _recognised(
    sample: Sample, found: NDArray[np.uint8], names: Sequence[str]
) -> tuple[bool, ...]:
    told = []
    for number, name in sorted((sample.classes or {}).items()):
        inside = found[(sample.instances == number) & (found != UNSEEN)]
        if len(inside):
            counts = np.bincount(inside[inside > 0], minlength=1 + len(names))
            told.append(bool(counts.any()) and names[int(counts.argmax()) - 1] == name)
    return tuple(told)


def class_figures(results: Sequence[ClassResult | None]) -> dict[str, Any]:
    """Figures of many views together; empty where there are none.

    Returns:
        ``iou_graspable``; with classes ``grasp_by_class`` (over all pairs of view and class),
        ``grasp_of_class`` and ``iou_of_class`` by name, ``iou_classes`` (their mean), and
        ``class_of_masks``, the share of true masks of which the class is told rightly.
    """
    judged = [one for one in results if one is not None]
    if not judged:
        return {}
    both: defaultdict[str, int] = defaultdict(int)
    either: defaultdict[str, int] = defaultdict(int)
    right: defaultdict[str, list[bool]] = defaultdict(list)
    for one in judged:
        for name, (common, whole) in one.overlap.items():
            both[name] += common
            either[name] += whole
        for name, is_right in one.right.items():
            right[name].append(is_right)
    iou = {name: both[name] / either[name] for name in either if either[name]}
    figures: dict[str, Any] = {}
    if NAMELESS in iou:
        figures["iou_graspable"] = iou.pop(NAMELESS)
    if iou:
        figures |= {"iou_classes": float(np.mean(list(iou.values()))), "iou_of_class": iou}
    if right:
        every = [is_right for told in right.values() for is_right in told]
        figures["grasp_by_class"] = float(np.mean(every))
        figures["grasp_of_class"] = {name: float(np.mean(told)) for name, told in right.items()}
    recognised = [told for one in judged for told in one.recognised]
    if recognised:
        figures["class_of_masks"] = float(np.mean(recognised))
    return figures
