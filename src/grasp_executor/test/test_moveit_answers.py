"""What planner moveit makes of answers that a move_group really gives."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("roboplan")
from memory_move_group import FAILURE, INVALID_LINK_NAME, MemoryMoveGroup
from planning_cell import CONTACTS, TABLE, box, top_down

from grasp_core.errors import (
    Cancelled,
    Collision,
    ConfigError,
    NoTransform,
    PlanningFailed,
    Unreachable,
)
from grasp_core.transform import Transform
from grasp_executor.planning.move_group import Answer, SceneContents, TimedPath
from grasp_executor.planning.moveit import MoveItPlanner
from grasp_executor.planning.moveit_config import MoveItConfig
from grasp_executor.planning.moveit_path import arranged, thinned
from grasp_executor.planning.moveit_scene import CARRIED, PREFIX
from grasp_executor.scene import Box, CollisionScene

INVALID_MOTION_PLAN, FRAME_TRANSFORM_FAILURE = -2, -21
WALL = box("wall", (0.6, 0.02, 0.4), (0.5, 0.0, 0.2))


def pass_by():
    """A wait that neither cancels nor watches."""


@pytest.fixture(scope="module")
def stand_in(robot):
    return MemoryMoveGroup(robot)


@pytest.fixture
def move_group(stand_in, monkeypatch):
    yield stand_in
    stand_in.fails.clear()
    stand_in.followed = 1.0
    stand_in.intrude = pass_by


@pytest.fixture
def planner(robot, move_group):
    planner = MoveItPlanner(robot, move_group, MoveItConfig(attempts=4))
    planner.set_scene(CollisionScene((TABLE,), CONTACTS))
    return planner


@pytest.fixture
def goal(observe):
    return observe + np.array([0.3, 0.2, 0.0, 0.1, 0.0, 0.1, 0.0])


# Codes


def test_a_refused_path_is_asked_for_again(move_group, planner, observe, goal):
    move_group.fails = [INVALID_MOTION_PLAN, FAILURE, INVALID_MOTION_PLAN]
    np.testing.assert_array_equal(planner.plan_joints(observe, goal, wait=pass_by).goal, goal)
    assert not move_group.fails


def test_a_failure_with_a_path_is_a_failure(move_group, planner, observe, goal):
    move_group.fails = [FAILURE] * 4
    with pytest.raises(PlanningFailed, match=r"4 attempts.*\(MoveIt FAILURE, 99999\)"):
        planner.plan_joints(observe, goal, wait=pass_by)
    assert not move_group.fails


def test_what_another_attempt_cannot_mend_is_told_at_once(move_group, planner, observe, goal):
    move_group.fails = [FRAME_TRANSFORM_FAILURE, FAILURE]
    with pytest.raises(NoTransform, match="FRAME_TRANSFORM_FAILURE, -21"):
        planner.plan_joints(observe, goal, wait=pass_by)
    assert move_group.fails == [FAILURE]


@pytest.mark.parametrize("followed", [0.45, 0.975])
def test_a_line_that_ends_early_is_no_success(move_group, planner, observe, followed):
    start = planner.solve_ik(top_down(0.5, 0.0, 0.3), observe, wait=pass_by)[0]
    move_group.followed = followed
    with pytest.raises(Unreachable, match=r"ends after \d+ of 100 mm"):
        planner.plan_line(start, top_down(0.5, 0.0, 0.2), 0.1, wait=pass_by)


# Paths


def path(joints, positions, times):
    return TimedPath(joints, np.array(times), np.array(positions, dtype=float))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (path((), np.empty((0, 0)), []), "has 0 points"),
        (path(("a",), [[0.0], [1.0]], [0.0, 1.0]), "lacks the joints b"),
        (path(("a", "b"), [[0, 0], [np.nan, 1]], [0.0, 1.0]), "not finite"),
        (path(("a", "b"), [[0, 0], [1, 1]], [0.0, 0.0]), "times .* do not increase"),
        (path(("a", "b"), [[0.2, 0], [1, 1]], [0.0, 1.0]), "begins 0.2000 rad away"),
    ],
)
def test_a_path_is_judged_by_what_it_holds(answer, told):
    with pytest.raises(PlanningFailed, match=told):
        arranged(answer, ("a", "b"), np.zeros(2))


def test_columns_are_put_into_our_order():
    answer = path(("finger", "b", "a"), [[0.04, 0, 0], [0.04, 2, 1]], [0.0, 1.0])
    np.testing.assert_array_equal(arranged(answer, ("a", "b"), np.zeros(2)), [[0, 0], [1, 2]])


def test_a_jump_between_branches_is_refused(move_group, planner, observe, monkeypatch):
    start = planner.solve_ik(top_down(0.5, 0.0, 0.3), observe, wait=pass_by)[0]
    real = move_group.line

    def jumping(*arguments):
        answer = real(*arguments)
        positions = answer.path.positions.copy()
        positions[len(positions) // 2 :, 0] += 0.6
        return Answer(answer.code, TimedPath(answer.path.joints, answer.path.times_s, positions))

    monkeypatch.setattr(move_group, "line", jumping)
    with pytest.raises(Unreachable, match=r"would move 0\.[56]\d rad within one step"):
        planner.plan_line(start, top_down(0.5, 0.0, 0.2), 0.1, wait=pass_by)


def test_short_paths_get_points_enough_for_a_spline():
    points, progress = thinned(np.array([[0.0, 0.0], [0.01, 0.02]]), np.array([0.0, 0.02]), 0.5)
    assert len(points) == len(progress) == 5
    np.testing.assert_allclose(points[2], [0.005, 0.01])


def test_a_path_through_an_obstacle_is_refused_whatever_its_code(
    move_group, planner, observe, monkeypatch
):
    start = planner.solve_ik(top_down(0.5, 0.2, 0.1), observe, wait=pass_by)[0]
    goal = planner.solve_ik(top_down(0.5, -0.2, 0.1), start, wait=pass_by)[0]
    straight = np.linspace(start, goal, 60)
    names = planner._joints

    def through(*_):
        return Answer(1, TimedPath(names, np.linspace(0.0, 10.0, 60), straight.copy()))

    monkeypatch.setattr(move_group, "plan", through)
    assert planner.plan_joints(start, goal, wait=pass_by).duration_s > 0.0
    planner.set_scene(CollisionScene((TABLE, WALL), CONTACTS))
    with pytest.raises(PlanningFailed, match="touches wall"):
        planner.plan_joints(start, goal, wait=pass_by)


# The scene


def test_a_scene_changed_while_it_plans_is_mended_and_planned_again(
    move_group, planner, observe, goal
):
    planner.set_scene(CollisionScene((TABLE, WALL), CONTACTS))
    planner.solve_ik(top_down(0.5, 0.2, 0.2), observe, wait=pass_by)
    intrusions = iter([PREFIX + "wall"])
    move_group.intrude = lambda: [move_group.remove(name) for name in intrusions]
    planner.plan_joints(observe, goal, wait=pass_by)
    assert PREFIX + "wall" in move_group.scene.solids


def test_a_client_that_always_changes_it_is_named(move_group, planner, observe, goal):
    planner.set_scene(CollisionScene((TABLE, WALL), CONTACTS))
    move_group.intrude = lambda: move_group.remove(PREFIX + "wall")
    with pytest.raises(PlanningFailed, match="changed while it planned: wall is missing"):
        planner.plan_joints(observe, goal, wait=pass_by)


def test_a_scene_that_is_not_taken_over_is_a_failure(move_group, planner, observe, monkeypatch):
    monkeypatch.setattr(move_group, "change_scene", lambda *_: True)
    planner.set_scene(CollisionScene((TABLE, box("new", (0.1,) * 3, (0, 1, 0))), CONTACTS))
    with pytest.raises(PlanningFailed, match="not the one it was given: new is missing"):
        planner.solve_ik(top_down(0.5, 0.0, 0.2), observe, wait=pass_by)


def test_objects_of_others_are_left_alone(move_group, planner, observe):
    there = move_group.scene
    move_group.scene = SceneContents(there.solids, ("fixture",), there.contacts)
    planner.set_scene(CollisionScene((TABLE, WALL), CONTACTS))
    planner.solve_ik(top_down(0.5, 0.2, 0.2), observe, wait=pass_by)
    assert move_group.scene.others == ("fixture",)
    assert {PREFIX + "table", PREFIX + "wall"} == set(move_group.scene.solids)


def test_the_same_scene_is_sent_once(move_group, planner, observe):
    planner.solve_ik(top_down(0.5, 0.0, 0.2), observe, wait=pass_by)
    sent = move_group.changes
    planner.solve_ik(top_down(0.5, 0.0, 0.3), observe, wait=pass_by)
    assert move_group.changes == sent


def test_boxes_stand_where_the_robot_does(robot, move_group, planner, observe):
    planner.set_scene(CollisionScene((WALL,)))
    planner.solve_ik(top_down(0.5, 0.2, 0.2), observe, wait=pass_by)
    solid = move_group.scene.solids[PREFIX + "wall"]
    np.testing.assert_allclose(
        solid.pose.matrix, (move_group.T_model_base @ WALL.pose).matrix, atol=1e-9
    )
    np.testing.assert_allclose(solid.size_m, (0.61, 0.03, 0.41))


def test_links_that_stand_still_may_touch_boxes_but_not_what_is_carried(
    move_group, planner, observe
):
    planner.attach(Box("object", (0.03, 0.03, 0.05), Transform.identity()))
    planner.solve_ik(top_down(0.5, 0.2, 0.2), observe, wait=pass_by)
    contacts = move_group.scene.contacts
    assert contacts.defaults["panda_link0"]
    assert frozenset(("panda_link0", PREFIX + "table")) in contacts.pairs
    assert CARRIED in contacts.names
    assert frozenset(("panda_link0", CARRIED)) not in contacts.pairs


# The robot


def test_another_robot_is_refused(robot, move_group, planner, observe, monkeypatch):
    longer = Transform.from_translation(0.0, 0.0, 0.05)
    real = move_group.poses

    def other(*arguments):
        code, (base, tcp) = real(*arguments)
        return code, [base, tcp @ longer]

    monkeypatch.setattr(move_group, "poses", other)
    with pytest.raises(ConfigError, match=r"robot is not panda: .* 50\.0 mm"):
        planner.solve_ik(top_down(0.5, 0.0, 0.2), observe, wait=pass_by)


def test_a_robot_without_our_frames_is_refused(move_group, planner, observe, monkeypatch):
    monkeypatch.setattr(move_group, "poses", lambda *_: (INVALID_LINK_NAME, []))
    with pytest.raises(ConfigError, match="asked for panda_link0 and panda_hand_tcp"):
        planner.solve_ik(top_down(0.5, 0.0, 0.2), observe, wait=pass_by)


def test_a_start_that_touches_deeply_names_it(planner, observe):
    inside = planner.solve_ik(top_down(0.5, 0.0, 0.2), observe, wait=pass_by)[0]
    planner.set_scene(CollisionScene((box("block", (0.1,) * 3, (0.5, 0.0, 0.2)),)))
    with pytest.raises(Collision, match=r"touches block.* at the start"):
        planner.plan_joints(inside, observe, wait=pass_by)


def test_a_cancel_is_seen_between_two_attempts(move_group, planner, observe, goal):
    move_group.fails = [FAILURE] * 4

    def cancel_after_two():
        if len(move_group.fails) == 2:
            raise Cancelled("cancelled by the client")

    with pytest.raises(Cancelled):
        planner.plan_joints(observe, goal, wait=cancel_after_two)
    assert len(move_group.fails) == 2
