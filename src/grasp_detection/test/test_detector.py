"""What the node adds to any detector's candidates."""

from __future__ import annotations

import math

import numpy as np
import pytest

from grasp_core.grasp import Grasp
from grasp_core.rectangle import GraspRectangle
from grasp_detection.detector import with_depth


def test_depth_is_filled_where_it_is_missing_alone(scene, solids):
    box, _ = solids
    frame = scene(box(0.0, 0.0, 0.06, 0.06, 0.05))
    rectangle = GraspRectangle(319.5, 239.5, 40.0, 16.0, 0.0)
    with_own = Grasp(rectangle, 0.5, depth_m=0.123)
    filled, kept = with_depth([Grasp(rectangle, 0.5), with_own], frame)
    assert filled.depth_m == pytest.approx(0.70, abs=0.001)
    assert kept is with_own


def test_depth_stays_unknown_over_a_hole(scene):
    frame = scene()
    frame.depth_m[:] = np.nan
    grasp = Grasp(GraspRectangle(100.0, 100.0, 40.0, 16.0, 0.0), 0.5)
    assert math.isnan(with_depth([grasp], frame)[0].depth_m)
