"""How the jaws would close at proposed places, on height maps whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from grasp_core.camera import PinholeCamera
from grasp_core.height_map import Grid, HeightMap
from grasp_core.transform import Transform
from grasp_core.unseen import Sight
from grasp_detection.learned.closing import REASONS, close_on

GRID = Grid(-0.2, -0.2, 0.002, 200, 200)
ABOVE = Transform.from_rotation(np.diag([1.0, -1.0, -1.0]), (0.0, 0.0, 0.75))  # T_support_camera
CAMERA = PinholeCamera(320, 240, 310.0, 310.0, 159.5, 119.5)


def box(length, width, height=0.05, yaw=0.0, x=0.0, y=0.0):
    """Heights of a box on the grid."""
    xs, ys = GRID.centres()
    dx, dy = xs[None, :] - x, ys[:, None] - y
    along = dx * math.cos(yaw) + dy * math.sin(yaw)
    across = dy * math.cos(yaw) - dx * math.sin(yaw)
    inside = (np.abs(along) <= length / 2) & (np.abs(across) <= width / 2)
    return np.where(inside, height, 0.0).astype(np.float32)


def closings(gripper, height_m, rows, seen=None):
    seen = np.ones(height_m.shape, bool) if seen is None else seen
    blind = np.full((CAMERA.height, CAMERA.width), np.nan, np.float32)
    return close_on(
        np.array(rows, float).reshape(-1, 5),
        HeightMap(height_m, seen, GRID, ABOVE.inverse()),
        gripper,
        finger_depth_m=0.03,
        support_clearance_m=0.004,
        sight=Sight(blind, CAMERA, ABOVE),
    )


def closed(gripper, height_m, row, seen=None):
    found = closings(gripper, height_m, [row], seen)
    return found.rows[0], found.top_m[0], found.factor[0], REASONS[found.reason[0]]


def test_no_proposal_is_no_closing(gripper):
    found = closings(gripper, box(0.1, 0.03), [])
    assert found.rows.shape == (0, 5)
    assert len(found.top_m) == len(found.factor) == len(found.reason) == 0


def test_a_good_proposal_is_centred_and_keeps_its_quality(gripper):
    row, top_m, factor, reason = closed(gripper, box(0.1, 0.04), (0.01, 0.006, 0.05, 0.02, 1.57))
    assert reason == ""
    assert row[1] == pytest.approx(0.0, abs=0.002)
    assert row[2] == pytest.approx(0.04, abs=0.004)
    assert top_m == pytest.approx(0.05)
    assert factor > 0.9


@pytest.mark.parametrize("off_deg", [-25.0, 12.0, 30.0])
def test_a_turned_proposal_is_turned_across_the_sides(gripper, off_deg):
    yaw = 0.4
    start = yaw + math.pi / 2 + math.radians(off_deg)
    row, _, factor, reason = closed(
        gripper, box(0.1, 0.04, yaw=yaw), (0.0, 0.0, 0.05, 0.02, start)
    )
    assert reason == ""
    assert abs(math.sin(row[4] - yaw - math.pi / 2)) < math.sin(math.radians(9.0))
    assert factor > 0.8


def test_what_is_wider_than_the_jaws_is_told(gripper):
    wide = box(0.15, 0.15)
    row, _, factor, reason = closed(gripper, wide, (0.0, 0.0, 0.06, 0.02, 0.0))
    assert reason == "what stands there is wider than the jaws open"
    assert factor < 0.05
    assert row.tolist() == [0.0, 0.0, 0.06, 0.02, 0.0], "it stays as it was proposed"


def test_a_finger_needs_room(gripper):
    blocked = np.maximum(box(0.1, 0.04), box(0.3, 0.06, y=0.06))
    blocked = np.maximum(blocked, box(0.3, 0.06, y=-0.06))
    _, _, factor, reason = closed(gripper, blocked, (0.0, 0.0, 0.05, 0.02, math.pi / 2))
    assert reason in REASONS[2:4]
    assert factor < 0.05


def test_the_palm_needs_room(gripper):
    """A post beside the fingers' way stands 5 cm higher than the object's top."""
    post = np.maximum(box(0.03, 0.03, 0.03), box(0.3, 0.02, 0.12, y=0.08))
    post = np.maximum(post, box(0.3, 0.02, 0.12, y=-0.08))
    post = np.maximum(post, box(0.02, 0.3, 0.12, x=0.08))
    post = np.maximum(post, box(0.02, 0.3, 0.12, x=-0.08))
    _, _, factor, reason = closed(gripper, post, (0.0, 0.0, 0.04, 0.02, 0.0))
    assert reason == "the palm would come down on something"
    assert factor < 0.05


def test_nothing_between_the_jaws_is_told(gripper):
    flat = np.zeros(GRID.shape, np.float32)
    _, _, factor, reason = closed(gripper, flat, (0.0, 0.0, 0.05, 0.02, 0.0))
    assert reason == "nothing stands between the jaws"
    assert factor < 0.05


def test_a_wedge_is_worth_less_than_flat_sides(gripper):
    xs, ys = GRID.centres()
    wedge = np.abs(ys[:, None]) <= 0.02 + 0.5 * (xs[None, :] + 0.0)
    wedge &= (np.abs(xs) <= 0.04)[None, :]
    height_m = np.where(wedge, 0.05, 0.0).astype(np.float32)
    row = (0.0, 0.0, 0.05, 0.02, math.pi / 2)
    assert closed(gripper, height_m, row)[2] < 0.75 * closed(gripper, box(0.1, 0.04), row)[2]


def test_fingers_where_nothing_was_seen_are_worth_little(gripper):
    seen = np.ones(GRID.shape, bool)
    seen[: GRID.rows // 2 - 8] = False  # beside the box, on one side
    row = (0.0, 0.0, 0.05, 0.02, math.pi / 2)
    height_m = box(0.08, 0.04)
    _, _, factor, _ = closed(gripper, height_m, row, seen)
    assert factor < 0.2 * closed(gripper, height_m, row)[2]


def test_the_shadow_of_the_object_itself_may_be_entered(gripper):
    """A camera from the side sees a box, and the table but for the box's shadow."""
    tilt = math.radians(45.0)
    forward = np.array([0.0, math.sin(tilt), -math.cos(tilt)])
    right = np.array([1.0, 0.0, 0.0])
    rotation = np.column_stack([right, np.cross(forward, right), forward])
    T_support_camera = Transform.from_rotation(rotation, -0.75 * forward)
    v, u = np.mgrid[0 : CAMERA.height, 0 : CAMERA.width]
    rays = T_support_camera.rotate(CAMERA.rays(np.stack([u, v], -1)).reshape(-1, 3))
    origin, low, high = T_support_camera.translation, (-0.04, -0.02, 0.0), (0.04, 0.02, 0.1)
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (low - origin) / rays, (high - origin) / rays
    near, far = np.minimum(a, b).max(axis=1), np.maximum(a, b).min(axis=1)
    depth = np.where((near <= far) & (near > 0.0), near, -origin[2] / rays[:, 2])
    depth_m = depth.reshape(CAMERA.height, CAMERA.width).astype(np.float32)
    seen = np.ones(GRID.shape, bool)
    ys = GRID.centres()[1]
    seen[(ys > 0.02) & (ys < 0.12)] = False
    scene = HeightMap(box(0.08, 0.04, 0.1), seen, GRID, T_support_camera.inverse())
    found = close_on(
        np.array([(0.0, 0.0, 0.05, 0.02, math.pi / 2)]),
        scene,
        gripper,
        finger_depth_m=0.03,
        support_clearance_m=0.004,
        sight=Sight(depth_m, CAMERA, T_support_camera),
    )
    assert found.factor[0] > 0.8
