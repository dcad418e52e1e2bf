"""A calibration that is off is found, and by how much."""

import numpy as np
import pytest
from calibration_case import BOARD, CAMERA, TRUTH, views_of

from grasp_calibration.check import check, point_errors_m, workspace_points
from grasp_calibration.solve import calibrate
from grasp_core.cell import load_cell
from grasp_core.robot import CAMERA_MOUNTS
from grasp_core.transform import Transform

CELL = load_cell("tabletop")


@pytest.mark.parametrize("mount", CAMERA_MOUNTS)
def test_a_good_calibration_passes_and_a_shifted_camera_does_not(mount):
    fresh = calibrate(views_of(mount, count=10), CAMERA, BOARD, mount)
    true = TRUTH[mount].camera
    assert check(true, fresh, CAMERA, BOARD, CELL).worst_mm < 1.0
    shifted = true @ Transform.from_translation(0.006, 0.0, 0.0)
    assert check(shifted, fresh, CAMERA, BOARD, CELL).workspace_mm == pytest.approx(6.0, abs=0.5)
    turned = true @ Transform.from_rpy((0.0, 0.01, 0.0), (0.0, 0.0, 0.0))
    found = check(turned, fresh, CAMERA, BOARD, CELL)
    assert found.workspace_deg == pytest.approx(0.573, abs=0.05)
    assert found.board_mm > 1.0


def test_errors_of_points_are_those_of_the_two_poses():
    true = Transform.from_rpy((3.1, 0.0, 0.0), (0.5, 0.0, 0.8))
    believed = Transform.from_translation(0.0, 0.003, 0.004) @ true
    points = workspace_points(CELL)
    errors = point_errors_m(true, believed, Transform.identity(), points)
    assert errors == pytest.approx(np.full(len(points), 0.005))
    assert points[:, 2].min() == CELL.support_z_m
