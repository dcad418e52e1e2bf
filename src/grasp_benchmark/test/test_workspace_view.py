"""The learned detector's window holds the workspace and lies in the picture."""

import numpy as np
import pytest

from grasp_core.camera import PinholeCamera
from grasp_core.cell import load_cell
from grasp_core.errors import BadCalibration
from grasp_core.transform import Transform
from grasp_detection.learned.workspace_view import workspace_view
from grasp_sim.camera import camera_pose, intrinsics
from grasp_sim.config import SimConfig

CELL = load_cell("tabletop")


@pytest.mark.parametrize("tilt", [0.0, 20.0, 40.0])
def test_objects_anywhere_in_the_workspace_are_seen(tilt):
    config = SimConfig(camera_tilt_deg=tilt).in_cell()
    camera, T_base_camera = intrinsics(config), camera_pose(config)
    u0, v0, side = workspace_view(CELL, camera, T_base_camera)
    assert u0 >= 0
    assert v0 >= 0
    assert u0 + side <= camera.width
    assert v0 + side <= camera.height
    places = np.random.default_rng(0).uniform(
        [config.workspace_x[0], config.workspace_y[0], 0.0],
        [config.workspace_x[1], config.workspace_y[1], 0.03],
        (200, 3),
    )
    pixels = camera.project(T_base_camera.inverse().apply(places))
    inside = ((pixels >= [u0, v0]) & (pixels <= [u0 + side, v0 + side])).all(axis=1)
    assert inside.mean() > 0.9  # a tilted camera's picture is not high enough for all of it


def test_every_camera_of_the_simulator_is_looked_at_through_its_own_window():
    views = []
    for distance in (0.75, 0.9):
        config = SimConfig(camera_distance_m=distance)
        camera, exact = intrinsics(config), camera_pose(config)
        views.append(workspace_view(CELL, camera, exact))
        # As it comes from a message: rounded, through a quaternion.
        sent = Transform.from_quaternion(exact.quaternion, exact.translation)
        assert workspace_view(CELL, camera, sent) == views[-1]
    assert views[1][2] < views[0][2]


def test_a_camera_that_looks_elsewhere_is_refused():
    camera = PinholeCamera(640, 480, 600, 600, 319.5, 239.5)
    up = Transform.from_translation(0.5, 0.0, 0.8)  # optical axis away from the table
    with pytest.raises(BadCalibration, match="behind the camera"):
        workspace_view(CELL, camera, up)
    aside = Transform.from_rpy((np.pi, 0.0, 0.0), (5.0, 0.0, 0.8))
    with pytest.raises(BadCalibration, match="does not see the workspace"):
        workspace_view(CELL, camera, aside)
