"""The connection to move_group: what it does when no answer comes."""

from __future__ import annotations

import threading

import numpy as np
import pytest

pytest.importorskip("roboplan")
pytest.importorskip(
    "moveit_msgs", reason="planner moveit: moveit_msgs is not installed, run make moveit-messages"
)
from planning_cell import CONTACTS, TABLE
from ros_move_group import served_from_memory

from grasp_core.errors import Cancelled, HardwareLost
from grasp_executor.planning.moveit import MoveItPlanner
from grasp_executor.planning.moveit_config import MoveItConfig
from grasp_executor.scene import CollisionScene

pytestmark = pytest.mark.ros


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


def test_a_move_group_that_hangs_is_lost(robot, observe, goal):
    answer = threading.Event()
    with served_from_memory(robot, MoveItConfig(service_timeout_s=0.5)) as (node, move_group):
        config = MoveItConfig(max_planning_time_s=0.5, service_timeout_s=0.5)
        planner = MoveItPlanner(robot, move_group, config)
        node.hold = lambda: answer.wait(60.0)
        with pytest.raises(HardwareLost, match=r"plan_kinematic_path.*does it run"):
            planner.plan_joints(observe, goal, wait=pass_by)
        answer.set()


def test_a_move_group_that_does_not_run_is_lost(robot, observe):
    with served_from_memory(robot, MoveItConfig(service_timeout_s=0.2, namespace="nobody")) as (
        _,
        move_group,
    ):
        planner = MoveItPlanner(robot, move_group)
        with pytest.raises(HardwareLost, match=r"nobody/compute_fk for 0\.2 s"):
            planner.solve_ik(planner.forward(observe), observe, wait=pass_by)
