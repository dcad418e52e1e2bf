"""The connection to move_group: what it does when no answer comes."""

from __future__ import annotations

import importlib.util
import threading
import time

import numpy as np
import pytest

pytest.importorskip("roboplan")
pytest.importorskip(
    "moveit_msgs", reason="planner moveit: moveit_msgs is not installed, run make moveit-messages"
)
from planning_cell import CONTACTS, TABLE
from ros_move_group import served_from_memory

from grasp_core.errors import Cancelled, HardwareLost, MissingDependency
from grasp_core.transform import Transform
from grasp_executor.planning.move_group import AllowedContacts, Carried, RobotState, Scaling, Solid
from grasp_executor.planning.moveit import MoveItPlanner
from grasp_executor.planning.moveit_codes import SUCCESS
from grasp_executor.planning.moveit_config import MOVEIT_PY, MoveItConfig
from grasp_executor.ros_moveit_messages import scene_change, state_message
from grasp_executor.ros_moveit_py import checked_pairs, connect_moveit_py
from grasp_executor.scene import CollisionScene

pytestmark = pytest.mark.ros
FINGERS = {"panda_finger_joint1": 0.04, "panda_finger_joint2": 0.04}


def pass_by():
    """A wait that neither cancels nor watches."""


@pytest.fixture
def goal(observe):
    return observe + np.array([0.3, 0.2, 0.0, 0.1, 0.0, 0.1, 0.0])


def test_a_cancel_is_seen_while_move_group_plans(robot, observe, goal):
    asked, answer = threading.Event(), threading.Event()

    def hold():
        asked.set()
        answer.wait(30.0)

    def cancel_while_it_plans():
        if asked.is_set():
            raise Cancelled("cancelled by the client")

    with served_from_memory(robot) as (node, move_group):
        planner = MoveItPlanner(robot, move_group)
        planner.set_scene(CollisionScene((TABLE,), CONTACTS))
        node.hold = hold
        with pytest.raises(Cancelled):
            planner.plan_joints(observe, goal, wait=cancel_while_it_plans)
        assert not answer.is_set()
        answer.set()
        node.hold = pass_by
        planned = planner.plan_joints(observe, goal, wait=pass_by)
    np.testing.assert_array_equal(planned.goal, goal)


def test_many_requests_at_once_are_all_answered_by_a_move_group_that_is_slow(
    robot, observe, monkeypatch
):
    with served_from_memory(robot) as (node, move_group):
        planner = MoveItPlanner(robot, move_group)
        planner.set_scene(CollisionScene((TABLE,), CONTACTS))
        planner.solve_ik(planner.forward(observe), observe, wait=pass_by)
        answer = node.move_group.touching

        def late(states, group, wait):
            monkeypatch.setattr(node.move_group, "touching", answer)
            time.sleep(0.2)  # for the others to arrive
            return answer(states, group, wait)

        monkeypatch.setattr(node.move_group, "touching", late)
        state = RobotState(dict(zip(robot.arm.joints, observe, strict=True)) | FINGERS)
        assert move_group.touching([state] * 40, "", pass_by) == [[]] * 40


def test_a_move_group_that_hangs_is_lost(robot, observe, goal):
    answer = threading.Event()
    with served_from_memory(robot) as (node, move_group):
        joints = robot.arm.joints
        start = RobotState(dict(zip(joints, observe, strict=True)) | FINGERS)
        request = (start, dict(zip(joints, goal, strict=True)), "", Scaling(1.0, 1.0), 0.1)
        assert move_group.plan(*request, pass_by).code == SUCCESS
        move_group._config = MoveItConfig(service_timeout_s=0.2)
        node.hold = lambda: answer.wait(60.0)
        with pytest.raises(HardwareLost, match=r"plan_kinematic_path for 0\.3 s: does it run"):
            move_group.plan(*request, pass_by)
        answer.set()


def test_a_move_group_that_does_not_run_is_lost(robot, observe):
    with served_from_memory(robot, MoveItConfig(service_timeout_s=0.2, namespace="nobody")) as (
        _,
        move_group,
    ):
        planner = MoveItPlanner(robot, move_group)
        with pytest.raises(HardwareLost, match=r"nobody/compute_fk for 0\.2 s"):
            planner.solve_ik(planner.forward(observe), observe, wait=pass_by)


def test_a_moveit_py_that_is_not_installed_is_told(robot):
    if importlib.util.find_spec("moveit") is not None:
        pytest.skip("moveit_py is installed")
    with pytest.raises(MissingDependency, match="apt-get install ros-jazzy-moveit-py"):
        connect_moveit_py(robot, MoveItConfig(server=MOVEIT_PY))


def test_the_pairs_of_a_scene_are_those_that_may_not_touch(robot):
    carried = Carried(Solid("held", (0.02, 0.02, 0.02), Transform.identity()), "hand", ("finger",))
    scene = scene_change(
        [Solid("table", (1.0, 1.0, 0.1), Transform.identity())],
        [],
        AllowedContacts(
            frozenset({"arm", "hand", "finger", "held"}),
            frozenset({frozenset({"hand", "finger"})}),
            {"base": True},
        ),
        "base",
    )
    scene.robot_state = state_message(RobotState({}, carried))
    names, pairs = checked_pairs(scene, frozenset({"base", "arm", "hand", "finger"}))
    assert set(names) == {"base", "arm", "hand", "finger", "table", "held"}
    assert set(map(frozenset, pairs)) == {
        frozenset(pair.split())
        for pair in (
            "arm hand",
            "arm finger",
            "arm table",
            "hand table",
            "finger table",
            "held table",
            "held arm",
        )
    }
