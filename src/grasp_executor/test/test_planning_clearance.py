"""Clearance from boxes: padding and leaving it, the carried box, what counts as a scene."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

pytest.importorskip("roboplan.core")
coal = pytest.importorskip("coal")
pin = pytest.importorskip("pinocchio")

from planning_cell import (  # noqa: E402
    CONTACTS,
    PADDING_M,
    TABLE,
    Witness,
    best,
    box,
    top_down,
)

from grasp_core.errors import Collision, ConfigError  # noqa: E402
from grasp_core.transform import Transform  # noqa: E402
from grasp_executor.planning.embedded import EmbeddedPlanner  # noqa: E402
from grasp_executor.planning.embedded_config import EmbeddedConfig  # noqa: E402
from grasp_executor.scene import ATTACHED, Box, CollisionScene  # noqa: E402

# The profile


def test_pairs_that_can_collide_are_checked(robot):
    """Folded back on itself, the arm hits its base and its upper arm."""
    witness = Witness(robot, CollisionScene(), 0.0)
    rng = np.random.default_rng(3)
    lower, upper = robot.limits()
    planner = EmbeddedPlanner(robot)
    seen = set()
    for q in rng.uniform(lower, upper, size=(400, 7)):
        hits = witness.hits(q)
        assert planner._clearance.padded.collides(q) == bool(hits)
        assert set(planner._clearance.padded.touching(q)) == {(b, a) for a, b in hits} or not hits
        seen |= {frozenset(pair) for pair in hits}
    assert frozenset(("panda_hand", "panda_link5")) in seen
    assert frozenset(("panda_link5", "panda_link0")) in seen


# Padding and leaving it


def fingertip_over_box(planner, observe, clearance_m, **kwargs):
    """Configuration with the fingertips over a box, which is then put into the scene."""
    pose = top_down(0.5, 0.0, 0.2)
    joints = best(planner, pose, observe)
    # The pads end 0.1034 - 0.0584 - 0.045 = 0 m from the grasp frame: at its height.
    top = 0.2 - clearance_m
    block = box("block", (0.2, 0.2, top), (0.5, 0.0, 0.5 * top), **kwargs)
    planner.set_scene(CollisionScene((TABLE, block), CONTACTS))
    return pose, joints


@pytest.mark.parametrize(("clearance_m", "free"), [(0.004, False), (0.006, True)])
def test_padding_is_five_millimetres(planner, observe, clearance_m, free):
    pose, joints = fingertip_over_box(planner, observe, clearance_m)
    if free:
        assert planner.solve_ik(pose, joints)
    else:
        with pytest.raises(Collision, match="block"):
            planner.solve_ik(pose, joints)


def test_unpadded_box_may_be_close(planner, observe):
    pose, joints = fingertip_over_box(planner, observe, 0.001, padded=False)
    assert planner.solve_ik(pose, joints)


def test_contacts_may_touch(planner, observe):
    pose, joints = fingertip_over_box(planner, observe, -0.005)
    scene = planner._clearance._scene
    fingers = (("panda_leftfinger", "block"), ("panda_rightfinger", "block"))
    planner.set_scene(CollisionScene(scene.boxes, (*scene.contacts, *fingers)))
    assert planner.solve_ik(pose, joints)


@pytest.mark.parametrize("clearance_m", [0.003, 0.0, -0.001])
def test_start_in_the_padding_may_leave(planner, observe, clearance_m):
    pose, joints = fingertip_over_box(planner, observe, clearance_m)
    lift = planner.plan_line(joints, Transform.from_translation(0.0, 0.0, 0.1) @ pose, 0.2)
    away = planner.plan_joints(joints, observe)
    for trajectory in (lift, away):
        collides = [planner._clearance.padded.collides(q) for q in trajectory.positions]
        assert collides[0]
        clear = collides.index(False)
        assert not any(collides[clear:])
        travelled = planner.forward(trajectory.positions[clear]).distance_to(pose)[0]
        assert travelled < EmbeddedConfig().leave_distance_m


def test_start_deep_in_a_box_is_refused(planner, observe):
    pose, joints = fingertip_over_box(planner, observe, -0.005)
    with pytest.raises(Collision, match="block"):
        planner.plan_joints(joints, observe)
    with pytest.raises(Collision, match="block"):
        planner.plan_line(joints, Transform.from_translation(0.0, 0.0, 0.1) @ pose, 0.2)


def test_leaving_does_not_go_deeper(planner, observe):
    pose, joints = fingertip_over_box(planner, observe, 0.001)
    with pytest.raises(Collision, match="block"):
        planner.plan_line(joints, Transform.from_translation(0.0, 0.0, -0.02) @ pose, 0.2)


# The carried box


@pytest.mark.parametrize(("gap_to_wall_m", "free"), [(0.005, True), (-0.005, False)])
def test_carried_box_is_where_it_is_held(planner, observe, gap_to_wall_m, free):
    """A wall 5 mm outside or inside the carried box, on each of its sides in turn."""
    joints = best(planner, top_down(0.5, 0.0, 0.4, 0.4), observe)
    T_base_tcp = planner.forward(joints)
    carried = Box("object", (0.03, 0.05, 0.08), Transform.from_translation(0.0, 0.01, 0.06))
    for axis, sign in ((0, 1), (0, -1), (1, 1), (1, -1), (2, 1)):
        centre = np.array([0.0, 0.01, 0.08])
        shift = 0.5 * carried.size_m[axis] + gap_to_wall_m + 0.005
        centre[axis] = carried.pose.translation[axis] + sign * shift
        size = [0.04, 0.04, 0.02]
        size[axis] = 0.01
        pose = T_base_tcp @ Transform.from_translation(*centre)
        wall = Box("wall", tuple(size), pose, padded=False)
        planner.attach(None)
        planner.set_scene(CollisionScene((wall,)))
        assert not planner._clearance.padded.collides(joints)
        planner.attach(carried)
        assert planner._clearance.padded.collides(joints) != free
        if not free:
            assert planner._clearance.padded.touching(joints) == [(ATTACHED, "wall")]


def test_carried_box_may_stand_on_its_table_while_lifted(planner, observe):
    pose = top_down(0.5, 0.0, 0.03)
    joints = best(planner, pose, observe)
    planner.attach(Box("object", (0.03, 0.03, 0.07), Transform.identity()))  # 5 mm in the table
    up = Transform.from_translation(0.0, 0.0, 0.02) @ pose
    with pytest.raises(Collision, match="attached touches table"):
        planner.plan_line(joints, up, 0.1)
    planner.set_scene(CollisionScene((TABLE,), (*CONTACTS, (ATTACHED, "table"))))
    lift = planner.plan_line(joints, up, 0.1)
    planner.set_scene(CollisionScene((TABLE,), CONTACTS))
    assert planner.plan_joints(lift.goal, observe).duration_s > 0.0


def test_carried_box_is_kept_off_the_arm(planner, observe):
    planner.attach(Box("beam", (0.8, 0.02, 0.02), Transform.identity()))
    with pytest.raises(Collision, match="attached"):
        planner.solve_ik(top_down(0.3, 0.0, 0.02), observe)
    planner.attach(None)
    assert planner.solve_ik(top_down(0.3, 0.0, 0.02), observe)


def test_gap_moves_the_fingers(planner, observe):
    pose = top_down(0.5, 0.0, 0.2)
    joints = best(planner, pose, observe)
    side = pose.apply([0.0, 0.045, -0.01])
    post = box("post", (0.005, 0.005, 0.01), side, padded=False)
    planner.set_scene(CollisionScene((post,)))
    assert planner._clearance.padded.touching(joints) == [("panda_leftfinger", "post")]
    planner.set_gap(0.02)
    assert not planner._clearance.padded.collides(joints)


# The scene


def test_boxes_may_overlap_each_other(planner, observe):
    blocks = tuple(box(f"b{i}", (0.1, 0.1, 0.1), (0.5, 0.01 * i, 0.05)) for i in range(5))
    planner.set_scene(CollisionScene((TABLE, *blocks), CONTACTS))
    assert planner.plan_joints(observe, observe + 0.01).duration_s > 0.0


def test_rotated_box_is_rotated(robot, planner, observe):
    rng = np.random.default_rng(2)
    turned = [
        box(f"b{i}", (0.3, 0.02, 0.05), rng.uniform((0.3, -0.3, 0), (0.6, 0.3, 0.5)), rotation=r)
        for i, r in enumerate(Rotation.random(6, random_state=rng).as_matrix())
    ]
    scene = CollisionScene(tuple(turned))
    planner.set_scene(scene)
    witness = Witness(robot, scene, PADDING_M)
    lower, upper = robot.limits()
    for q in rng.uniform(lower, upper, size=(150, 7)):
        assert planner._clearance.padded.collides(q) == bool(witness.hits(q))


def test_wrong_scenes_are_refused_and_change_nothing(planner, observe):
    before = planner._clearance.padded
    for boxes, contacts, match in (
        ((TABLE, TABLE), (), "table"),
        ((TABLE,), (("panda_link0", "tabel"),), "tabel"),
        ((TABLE,), (("panda_foot", "table"),), "panda_foot"),
        ((box("flat", (0.1, 0.1, 0.0), (0.5, 0, 0)),), (), "flat"),
    ):
        with pytest.raises(ConfigError, match=match):
            planner.set_scene(CollisionScene(boxes, contacts))
    assert planner._clearance.padded is before


def test_unknown_space_says_where_it_is_and_what_to_do(planner, observe):
    planner.set_scene(CollisionScene((box("unknown_3", (0.2, 0.2, 0.4), (0.5, 0.1, 0.2)),)))
    expected = r"touches unknown_3 .*unknown space at x 0\.40 to 0\.60, y 0\.00 to 0\.20, z 0\.00"
    with pytest.raises(Collision, match=expected + ".*free_space"):
        planner.solve_ik(top_down(0.5, 0.1, 0.2), near=observe)
