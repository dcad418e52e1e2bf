"""Detectors that know classes, judged class by class."""

from __future__ import annotations

import numpy as np
import pytest

from grasp_detection.datasets.dataset import Record, Sample
from grasp_detection.evaluation.by_class import class_figures, judge_by_class
from grasp_detection.ranking import UNSEEN, Ranking

MUG, CAN = np.array([10.0, 10.0, 12.0, 6.0, 0.0]), np.array([30.0, 30.0, 12.0, 6.0, 0.5])


class Knowing:
    """Answers as it is told to."""

    def __init__(self, rows, labels, areas, classes=("can", "mug")):
        self.classes = classes
        score = np.linspace(0.9, 0.5, len(rows))
        self._answer = Ranking(np.array(rows), score, score, score, tuple(labels)), areas

    def rank_by_class(self, color, depth_m):
        return self._answer


def scene(classes=None, instances=True):
    mask = np.zeros((40, 40), np.int32)
    mask[5:15, 5:15], mask[25:35, 25:35] = 1, 2
    color = np.zeros((40, 40, 3), np.uint8)
    owners = np.array([1, 2]) if instances else None
    return Sample(
        Record("v", "v"), color, None, np.stack([MUG, CAN]), np.empty((0, 5)),
        instances=mask if instances else None, classes=classes, grasp_instances=owners,
    )  # fmt: skip


NAMED = {1: "mug", 2: "can"}


def areas_of(sample, numbers):
    return np.array([0, *numbers], np.uint8)[sample.instances]


def test_the_best_grasp_of_each_class_counts():
    sample = scene(NAMED)
    off = MUG + np.array([0.0, 0.0, 0.0, 0.0, 1.0])
    detector = Knowing([off, MUG, CAN], ["mug", "mug", "can"], areas_of(sample, (2, 1)))
    found = judge_by_class(detector, sample)
    assert found.right == {"mug": False, "can": True}  # the first of a class is its best
    # A grasp that is right for another class is not right.
    swapped = judge_by_class(Knowing([MUG], ["can"], areas_of(sample, (2, 1))), sample)
    assert swapped.right == {"mug": False, "can": False}
    figures = class_figures([found, swapped, None])
    assert figures["grasp_by_class"] == pytest.approx(1 / 4)
    assert figures["grasp_of_class"] == {"mug": 0.0, "can": 0.5}


def test_masks_are_compared_where_the_detector_looked():
    sample = scene(NAMED)
    areas = areas_of(sample, (2, 2))  # takes the can for a mug
    areas[5:10, 5:15] = 0
    areas[:, 35:] = UNSEEN
    areas[25:30, 25:35] = UNSEEN
    found = judge_by_class(Knowing([], [], areas), sample)
    assert found.overlap["graspable"] == (50 + 50, 100 + 50)
    assert found.overlap["mug"] == (50, 100 + 50)
    assert found.overlap["can"] == (0, 50)
    assert list(found.recognised) == [True, False]
    figures = class_figures([found])
    assert figures["iou_graspable"] == pytest.approx(2 / 3)
    assert figures["iou_of_class"] == {"can": 0.0, "mug": pytest.approx(1 / 3)}
    assert figures["iou_classes"] == pytest.approx(1 / 6)
    assert figures["class_of_masks"] == 0.5


def test_without_names_objects_are_told_from_the_rest_alone():
    sample = scene()
    detector = Knowing([MUG], [""], areas_of(sample, (1, 1)), ("graspable",))
    found = judge_by_class(detector, sample)
    assert class_figures([found]) == {"iou_graspable": 1.0}
    assert judge_by_class(detector, scene(instances=False)) is None
    assert judge_by_class(Knowing([], [], None, ()), sample) is None
    assert class_figures([None, None]) == {}
