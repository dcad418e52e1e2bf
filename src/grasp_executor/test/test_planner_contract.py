"""What every planner must do, whichever it is: one suite over all of them.

`embedded` runs everywhere, and `moveit` over a move_group in memory, which shows that what it asks
and how it judges is right; over ROS where moveit_msgs is there. `moveit` over a real move_group
runs where one answers: name its ROS_DOMAIN_ID in GRASP_MOVE_GROUP_DOMAIN. `moveit_py` runs where
that is installed (docs/moveit.md).
"""

from __future__ import annotations

import importlib.util
import itertools
import os
from contextlib import closing

import numpy as np
import pytest

pytest.importorskip("roboplan")
pytest.importorskip("coal")
from memory_move_group import MemoryMoveGroup
from planning_cell import CELL, CONTACTS, TABLE, Witness, box, random_poses, top_down

from grasp_core.errors import (
    Cancelled,
    Collision,
    ConfigError,
    PlanFailure,
    PlanningFailed,
    Unreachable,
)
from grasp_core.transform import Transform
from grasp_executor.planning.line import travel
from grasp_executor.planning.moveit import MoveItPlanner
from grasp_executor.planning.moveit_config import MOVEIT_PY, MoveItConfig
from grasp_executor.planning.moveit_process import ProcessMoveGroup
from grasp_executor.planning.moveit_scene import PREFIX
from grasp_executor.scene import ATTACHED, Box, CollisionScene

DOMAIN = "GRASP_MOVE_GROUP_DOMAIN"
MISSING = "planner moveit: moveit_msgs is not installed, run make moveit-messages"
PADDING_M = 0.005
WALL = box("wall", (0.6, 0.02, 0.4), (0.5, 0.0, 0.2))
UP = Transform.from_translation(0.0, 0.0, 0.1)


class Suite:
    """A planner, and how somebody else takes an obstacle out of its scene behind its back."""

    def __init__(self, planner, take_away=None):
        self.planner, self.take_away = planner, take_away


def embedded(robot):
    from grasp_executor.planning.embedded import EmbeddedPlanner

    yield Suite(EmbeddedPlanner(robot))


def moveit_in_memory(robot):
    move_group = MemoryMoveGroup(robot)
    yield Suite(MoveItPlanner(robot, move_group), lambda name: move_group.remove(PREFIX + name))


def moveit_in_memory_over_ros(robot):
    pytest.importorskip("moveit_msgs", reason=MISSING)
    from ros_move_group import served_from_memory

    with served_from_memory(robot) as (node, move_group):
        planner = MoveItPlanner(robot, move_group)
        yield Suite(planner, lambda name: node.move_group.remove(PREFIX + name))


def moveit_in_memory_of_another_process(robot):
    with closing(ProcessMoveGroup(MemoryMoveGroup, (robot,), 60.0)) as move_group:
        yield Suite(MoveItPlanner(robot, move_group), taken_from(move_group))


def moveit_py(robot):
    pytest.importorskip("moveit_msgs", reason=MISSING)
    if importlib.util.find_spec("moveit") is None:
        pytest.skip("planner moveit over moveit_py: moveit_py is not installed")
    from grasp_executor.ros_moveit_py import connect_moveit_py

    config = MoveItConfig(server=MOVEIT_PY, service_timeout_s=60.0)
    with closing(connect_moveit_py(robot, config)) as move_group:
        yield Suite(MoveItPlanner(robot, move_group, config), taken_from(move_group))


def moveit(robot):
    if DOMAIN not in os.environ:
        pytest.skip(f"planner moveit: no move_group named in {DOMAIN}")
    pytest.importorskip("moveit_msgs", reason=MISSING)
    from ros_move_group import running_move_group

    with running_move_group(int(os.environ[DOMAIN])) as move_group:
        yield Suite(MoveItPlanner(robot, move_group), taken_from(move_group))


def taken_from(move_group):
    """Takes an obstacle out of the scene, as another client would."""

    def take_away(name):
        there = move_group.read_scene(pass_by)
        move_group.change_scene((), [PREFIX + name], there.contacts, pass_by)

    return take_away


PLANNERS = [
    embedded,
    moveit_in_memory,
    moveit_in_memory_of_another_process,
    pytest.param(moveit_in_memory_over_ros, marks=pytest.mark.ros),
    pytest.param(moveit, marks=pytest.mark.ros),
    pytest.param(moveit_py, marks=pytest.mark.ros),
]


@pytest.fixture(scope="module", params=PLANNERS)
def suite(request, robot):
    yield from request.param(robot)


@pytest.fixture
def planner(suite, robot):
    suite.planner.attach(None)
    suite.planner.set_scene(CollisionScene((TABLE,), CONTACTS))
    suite.planner.set_gap(robot.gripper.max_gap_m)
    return suite.planner


def pass_by():
    """A wait that neither cancels nor watches."""


def at(planner, pose, near):
    return planner.solve_ik(pose, near, wait=pass_by)[0]


# Reach


def test_poses_are_reached(robot, planner, observe):
    lower, upper = robot.limits()
    for pose in random_poses(8, seed=1):
        solutions = planner.solve_ik(pose, observe, wait=pass_by)
        assert 1 <= len(solutions) <= 4
        for joints in solutions:
            offset, angle = planner.forward(joints).distance_to(pose)
            assert offset < 2e-4
            assert angle < 2e-3
            assert (joints >= lower).all()
            assert (joints <= upper).all()
        weights = np.linspace(1.0, 0.4, len(observe))
        distances = [np.linalg.norm(weights * (joints - observe)) for joints in solutions]
        assert distances == sorted(distances)


def test_a_path_begins_and_ends_where_it_was_told_and_keeps_its_limits(robot, planner, observe):
    goal = at(planner, top_down(0.5, 0.2, 0.2, 0.5), observe)
    fast, slow = (planner.plan_joints(observe, goal, speed, wait=pass_by) for speed in (1.0, 0.3))
    for trajectory, speed in ((fast, 1.0), (slow, 0.3)):
        assert trajectory.joints == tuple(robot.arm.joints)
        np.testing.assert_array_equal(trajectory.positions[0], observe)
        np.testing.assert_array_equal(trajectory.goal, goal)
        assert trajectory.times_s[0] == 0.0
        assert (np.diff(trajectory.times_s) > 0.0).all()
        assert (trajectory.velocities[[0, -1]] == 0.0).all()
        most = np.array(robot.arm.velocity) * 0.35 * speed
        assert (np.abs(trajectory.velocities) <= most * 1.001).all()
        steps = np.diff(trajectory.positions, axis=0) / np.diff(trajectory.times_s)[:, None]
        assert (np.abs(steps) <= most * 1.001).all()
    assert slow.duration_s > fast.duration_s


# Refuse


def test_what_is_out_of_reach_is_unreachable(planner, observe):
    with pytest.raises(Unreachable, match=r"1\.200"):
        planner.solve_ik(top_down(1.2, 0.0, 0.2), observe, wait=pass_by)


def test_goals_outside_limits_are_named(robot, planner, observe):
    goal = observe.copy()
    goal[1] = robot.arm.upper[1] + 0.1
    with pytest.raises(PlanningFailed, match=r"panda_joint2 is 1\.86"):
        planner.plan_joints(observe, goal, wait=pass_by)


def test_wrong_scenes_are_refused(planner):
    for scene, match in (
        (CollisionScene((TABLE, TABLE)), "table occur more than once"),
        (CollisionScene((TABLE,), (("panda_link0", "tabel"),)), "tabel"),
        (CollisionScene((box("flat", (0.1, 0.1, 0.0), (0.5, 0.0, 0.0)),)), "must be above 0"),
    ):
        with pytest.raises(ConfigError, match=match):
            planner.set_scene(scene)


# Collide


def test_a_pose_in_an_obstacle_names_it(planner, observe):
    with pytest.raises(Collision, match="table"):
        planner.solve_ik(top_down(0.5, 0.0, -0.01), observe, wait=pass_by)


def test_start_and_goal_in_an_obstacle_name_it(planner, observe):
    inside = at(planner, top_down(0.5, 0.0, 0.2), observe)
    block = box("block", (0.1, 0.1, 0.1), (0.5, 0.0, 0.2))
    planner.set_scene(CollisionScene((TABLE, block), CONTACTS))
    with pytest.raises(Collision, match=r"block.* at the goal"):
        planner.plan_joints(observe, inside, wait=pass_by)
    with pytest.raises(Collision, match=r"block.* at the start"):
        planner.plan_joints(inside, observe, wait=pass_by)
    with pytest.raises(Collision, match=r"block.* at the start"):
        planner.plan_line(inside, UP @ top_down(0.5, 0.0, 0.2), 0.1, wait=pass_by)


@pytest.mark.parametrize(("clearance_m", "free"), [(0.004, False), (0.006, True)])
def test_boxes_are_padded_by_five_millimetres(planner, observe, clearance_m, free):
    pose = top_down(0.5, 0.0, 0.2)
    joints = at(planner, pose, observe)
    # The fingertips end at the tcp frame's origin, give or take the pads.
    tip = 0.2 - _below_tcp(planner, joints, observe)
    block = box("block", (0.2, 0.2, 0.02), (0.5, 0.0, tip - clearance_m - 0.01))
    planner.set_scene(CollisionScene((TABLE, block), CONTACTS))
    if free:
        assert planner.solve_ik(pose, joints, wait=pass_by)
    else:
        with pytest.raises(Collision, match="block"):
            planner.solve_ik(pose, joints, wait=pass_by)


def _below_tcp(planner, joints, observe):
    """How far the hand reaches below the tcp frame at a top-down pose, metres, by a witness."""
    from grasp_core.robot import load_robot

    robot = load_robot("panda")
    low, high = -0.02, 0.02
    while high - low > 1e-5:
        middle = 0.5 * (low + high)
        slab = box("slab", (0.2, 0.2, 0.02), (0.5, 0.0, 0.2 - middle - 0.01))
        touches = bool(Witness(robot, CollisionScene((slab,)), 0.0).hits(joints))
        low, high = (middle, high) if touches else (low, middle)
    return low


# Avoid


def test_paths_lead_around_a_wall(robot, planner, observe):
    scene = CollisionScene((TABLE, WALL), CONTACTS)
    planner.set_scene(scene)
    start = at(planner, top_down(0.5, 0.2, 0.1), observe)
    goal = at(planner, top_down(0.5, -0.2, 0.1), start)
    trajectory = planner.plan_joints(start, goal, wait=pass_by)
    # Between what was checked state by state, a corner may come a little closer than the padding.
    witness = Witness(robot, scene, 0.5 * PADDING_M)
    assert not any(witness.hits(joints) for joints in trajectory.positions[::2])


def test_paths_in_a_bin_are_free_by_another_check(robot, planner, observe):
    planner.set_scene(CELL)
    witness = Witness(robot, CELL, 0.5 * PADDING_M)
    here = observe
    for x, y, yaw in ((0.45, 0.1, 0.3), (0.55, -0.1, -0.7), (0.5, 0.0, 1.2)):
        goal = at(planner, top_down(x, y, 0.06, yaw), here)
        trajectory = planner.plan_joints(here, goal, wait=pass_by)
        assert not any(witness.hits(joints) for joints in trajectory.positions[::2])
        here = goal


# Attach


def test_a_carried_box_collides_until_it_is_let_go(planner, observe):
    pose = top_down(0.5, 0.0, 0.3)
    goal = at(planner, pose, observe)
    post = box("post", (0.04, 0.04, 0.1), (0.5, 0.0, 0.05))
    planner.set_scene(CollisionScene((TABLE, post), CONTACTS))
    assert planner.plan_joints(observe, goal, wait=pass_by).duration_s > 0.0
    planner.attach(Box("rod", (0.02, 0.02, 0.24), Transform.from_translation(0.0, 0.0, 0.1)))
    with pytest.raises(Collision, match="attached touches post"):
        planner.plan_joints(observe, goal, wait=pass_by)
    planner.attach(None)
    assert planner.plan_joints(observe, goal, wait=pass_by).duration_s > 0.0


def test_a_carried_box_may_touch_the_hand_and_what_it_is_allowed_to(planner, observe):
    pose = top_down(0.5, 0.0, 0.03)
    joints = at(planner, pose, observe)
    planner.attach(Box("object", (0.03, 0.03, 0.07), Transform.identity()))  # 5 mm in the table
    with pytest.raises(Collision, match="attached touches table"):
        planner.plan_line(joints, UP @ pose, 0.1, wait=pass_by)
    planner.set_scene(CollisionScene((TABLE,), (*CONTACTS, (ATTACHED, "table"))))
    lift = planner.plan_line(joints, UP @ pose, 0.1, wait=pass_by)
    planner.set_scene(CollisionScene((TABLE,), CONTACTS))
    assert planner.plan_joints(lift.goal, observe, wait=pass_by).duration_s > 0.0


def test_a_carried_box_is_kept_off_the_arm(planner, observe):
    planner.attach(Box("beam", (0.8, 0.02, 0.02), Transform.identity()))
    with pytest.raises(Collision, match="attached"):
        planner.solve_ik(top_down(0.3, 0.0, 0.02), observe, wait=pass_by)


# Line


def test_a_line_is_straight_whole_and_no_faster_than_told(planner, observe):
    pose = top_down(0.5, 0.1, 0.3, 0.4)
    target = Transform.from_translation(0.0, 0.05, -0.15) @ pose
    start = at(planner, pose, observe)
    line = planner.plan_line(start, target, 0.08, wait=pass_by)
    np.testing.assert_array_equal(line.positions[0], start)
    poses = [planner.forward(joints) for joints in line.positions]
    offset, angle = poses[-1].distance_to(target)
    assert offset < 6e-4
    assert angle < 6e-3
    along = (target.translation - pose.translation) / travel(pose, target)
    for here in poses:
        moved = here.translation - pose.translation
        assert np.linalg.norm(moved - along * (moved @ along)) < 7e-4
        assert here.distance_to(pose)[1] < 7e-3
    steps = [a.distance_to(b)[0] for a, b in itertools.pairwise(poses)]
    assert (np.array(steps) / np.diff(line.times_s)).max() < 0.08 * 1.02


def test_a_line_into_a_wall_names_it(planner, observe):
    planner.set_scene(CollisionScene((TABLE, WALL), CONTACTS))
    pose = top_down(0.5, 0.2, 0.1)
    start = at(planner, pose, observe)
    through = Transform.from_translation(0.0, -0.4, 0.0) @ pose
    with pytest.raises(Collision, match=r"wall.* of the straight line|wall.* of the motion"):
        planner.plan_line(start, through, 0.1, wait=pass_by)


def test_a_line_beyond_reach_is_unreachable(planner, observe):
    pose = top_down(0.6, 0.0, 0.3)
    start = at(planner, pose, observe)
    with pytest.raises(Unreachable):
        planner.plan_line(start, Transform.from_translation(0.6, 0, 0) @ pose, 0.1, wait=pass_by)


def test_a_start_in_the_padding_may_leave_but_not_go_deeper(planner, observe):
    pose = top_down(0.5, 0.0, 0.2)
    joints = at(planner, pose, observe)
    tip = 0.2 - _below_tcp(planner, joints, observe)
    block = box("block", (0.2, 0.2, 0.02), (0.5, 0.0, tip - 0.001 - 0.01))
    planner.set_scene(CollisionScene((TABLE, block), CONTACTS))
    lift = planner.plan_line(joints, UP @ pose, 0.2, wait=pass_by)
    assert planner.forward(lift.goal).distance_to(UP @ pose)[0] < 6e-4
    away = planner.plan_joints(joints, observe, wait=pass_by)
    np.testing.assert_array_equal(away.goal, observe)
    assert (np.diff(away.times_s) > 0.0).all()
    down = Transform.from_translation(0.0, 0.0, -0.02) @ pose
    with pytest.raises(Collision, match="block"):
        planner.plan_line(joints, down, 0.2, wait=pass_by)


# Cancel


@pytest.mark.parametrize("name", ["solve_ik", "plan_joints", "plan_line"])
def test_what_wait_raises_ends_the_call_and_the_next_one_works(planner, observe, name):
    pose = top_down(0.5, 0.1, 0.3)
    goal = at(planner, pose, observe)
    call = {
        "solve_ik": lambda wait: planner.solve_ik(pose, observe, wait=wait),
        "plan_joints": lambda wait: planner.plan_joints(observe, goal, wait=wait),
        "plan_line": lambda wait: planner.plan_line(goal, UP @ pose, 0.1, wait=wait),
    }[name]
    with pytest.raises(Cancelled):
        call(_cancel)
    assert call(pass_by)


def _cancel():
    raise Cancelled("cancelled by the client")


# Stale scene


def test_a_table_that_the_base_alone_may_touch_is_no_change_of_the_scene(planner, observe):
    planner.set_scene(CollisionScene((TABLE,), (("panda_link0", "table"),)))
    goal = at(planner, top_down(0.5, 0.1, 0.3), observe)
    assert planner.plan_joints(observe, goal, wait=pass_by).duration_s > 0.0


def test_a_new_scene_holds_from_the_next_call_on(planner, observe):
    pose = top_down(0.5, 0.0, 0.1)
    assert planner.solve_ik(pose, observe, wait=pass_by)
    planner.set_scene(CollisionScene((TABLE, WALL), CONTACTS))
    with pytest.raises(Collision, match="wall"):
        planner.solve_ik(pose, observe, wait=pass_by)
    planner.set_scene(CollisionScene((TABLE,), CONTACTS))
    assert planner.solve_ik(pose, observe, wait=pass_by)


def test_a_scene_that_somebody_else_changed_is_seen_and_mended(robot, suite, planner, observe):
    if suite.take_away is None:
        pytest.skip("nobody else can reach the embedded planner's scene")
    scene = CollisionScene((TABLE, WALL), CONTACTS)
    planner.set_scene(scene)
    start = at(planner, top_down(0.5, 0.2, 0.1), observe)
    goal = at(planner, top_down(0.5, -0.2, 0.1), start)
    suite.take_away("wall")
    trajectory = planner.plan_joints(start, goal, wait=pass_by)
    witness = Witness(robot, scene, 0.5 * PADDING_M)
    assert not any(witness.hits(joints) for joints in trajectory.positions[::2])


# Gap


def test_the_gap_moves_the_fingers(planner, observe):
    pose = top_down(0.5, 0.0, 0.2)
    joints = at(planner, pose, observe)
    side = pose.apply([0.0, 0.045, -0.01])
    post = box("post", (0.005, 0.005, 0.01), side, padded=False)
    planner.set_scene(CollisionScene((TABLE, post), CONTACTS))
    with pytest.raises(Collision, match="panda_leftfinger touches post"):
        planner.plan_joints(observe, joints, wait=pass_by)
    planner.set_gap(0.02)
    assert planner.plan_joints(observe, joints, wait=pass_by).duration_s > 0.0


def test_every_failure_to_plan_is_one_of_a_plan():
    assert issubclass(Collision, PlanFailure)
    assert issubclass(Unreachable, PlanFailure)
    assert issubclass(PlanningFailed, PlanFailure)
