"""The simulated hand as each driver serves it."""

from __future__ import annotations

import contextlib
import dataclasses
import time

import pytest
import rclpy
from action_msgs.msg import GoalStatus
from control_msgs.action import ParallelGripperCommand
from fanuc_msgs.msg import IOState
from fanuc_msgs.srv import SetBoolIO
from franka_msgs.action import Grasp, Move
from rclpy.action import ActionClient
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from std_msgs.msg import Bool
from std_srvs.srv import Trigger

from grasp_core.hand_drivers import DigitalIoDriver
from grasp_core.robot import load_robot
from grasp_sim.config import SimConfig
from grasp_sim.engine import Engine
from grasp_sim.ros_hands import serve_hand
from grasp_sim.ros_running import Running
from grasp_sim.simulation import Simulation

pytestmark = pytest.mark.ros
PATIENCE_S = 30.0
SPEED = 10.0
SUCCEEDED, ABORTED = GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_ABORTED
FANUC = DigitalIoDriver(
    lines="fanuc", close_output="RO[1]", closed_input="DI[101]", active_low=("DI[101]",)
)


def panda(gripper, **changes):
    robot = load_robot("panda", gripper)
    return dataclasses.replace(robot, gripper=dataclasses.replace(robot.gripper, **changes))


class Served:
    """A hand that is served, and a client of it."""

    def __init__(self, robot):
        self.engine = Engine(lambda: Simulation(SimConfig(renderer="tiny"), robot), SPEED)
        self.node = Node("served")
        tell = serve_hand(self.node, self.engine, Running(), robot.gripper)
        if tell is not None:
            self.engine.every(50.0, tell)
        self.engine.start()
        self._executor = MultiThreadedExecutor(4)
        self._executor.add_node(self.node)

    def close(self):
        self.engine.stop()
        self._executor.shutdown(2.0)
        self.node.destroy_node()

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            self._executor.spin_once(timeout_sec=0.02)
            assert time.monotonic() < deadline, "timed out"

    def wait(self, future):
        self.until(future.done)
        return future.result()

    def ask(self, kind, name, goal):
        """Status and result of a goal; None for one that is refused."""
        client = ActionClient(self.node, kind, name)
        self.until(lambda: client.wait_for_server(timeout_sec=0.0))
        handle = self.wait(client.send_goal_async(goal))
        outcome = self.wait(handle.get_result_async()) if handle.accepted else None
        client.destroy()
        return (outcome.status, outcome.result) if outcome else None

    def gap_m(self):
        return self.engine.call(lambda simulation: simulation.gap_m)


@contextlib.contextmanager
def served(robot):
    rclpy.init()
    found = Served(robot)
    try:
        yield found
    finally:
        found.close()
        rclpy.shutdown()


def test_a_parallel_gripper_takes_one_position_and_tells_its_joint():
    robot = panda("parallel_hand")
    action = robot.gripper.driver.action
    goal = ParallelGripperCommand.Goal()
    with served(robot) as hand:
        goal.command.position, goal.command.effort = [0.02, 0.02], [20.0]
        assert hand.ask(ParallelGripperCommand, action, goal) is None
        goal.command.position = [0.02]
        status, result = hand.ask(ParallelGripperCommand, action, goal)
        assert (status, result.reached_goal, result.stalled) == (SUCCEEDED, True, False)
        assert list(result.state.position) == pytest.approx([0.02], abs=1e-3)
        assert hand.gap_m() == pytest.approx(0.04, abs=2e-3)


def test_frankas_hand_moves_grasps_and_stops():
    with served(panda("franka_hand")) as hand:
        status, result = hand.ask(Move, "franka_gripper/move", Move.Goal(width=0.05, speed=0.1))
        assert (status, result.success, result.error) == (SUCCEEDED, True, "")
        assert hand.gap_m() == pytest.approx(0.05, abs=2e-3)
        status, result = hand.ask(Move, "franka_gripper/move", Move.Goal(width=0.1, speed=0.1))
        assert (status, result.success) == (ABORTED, False)
        assert "Command failed" in result.error
        # Nothing is there: within epsilon of 0 that is a success, of 30 mm it is not.
        goal = Grasp.Goal(width=0.03, speed=0.1, force=20.0)
        status, result = hand.ask(Grasp, "franka_gripper/grasp", goal)
        assert (status, result.success, result.error) == (ABORTED, False, "")
        goal.width = 0.0
        status, result = hand.ask(Grasp, "franka_gripper/grasp", goal)
        assert (status, result.success) == (SUCCEEDED, True)
        stop = hand.node.create_client(Trigger, "franka_gripper/stop")
        assert hand.wait(stop.call_async(Trigger.Request())).success


def test_a_pneumatic_hand_follows_its_valves_and_tells_its_switches():
    robot = panda("pneumatic_hand")
    driver = robot.gripper.driver
    told = {}
    with served(robot) as hand:
        for line in driver.inputs:
            hand.node.create_subscription(
                Bool, line, lambda message, line=line: told.update({line: message.data}), 10
            )
        outputs = {line: hand.node.create_publisher(Bool, line, 10) for line in driver.outputs}
        hand.until(lambda: all(out.get_subscription_count() for out in outputs.values()))
        hand.until(lambda: told.get(driver.opened_input))
        assert not told[driver.closed_input]
        for closes, reached in ((True, driver.closed_input), (False, driver.opened_input)):
            for line, level in driver.levels(closes).items():
                outputs[line].publish(Bool(data=level))
            hand.until(lambda reached=reached: told[reached])
        assert not told[driver.part_present_input]


def test_a_hand_on_fanucs_signals_springs_open():
    robot = panda("pneumatic_hand", driver=FANUC)
    told = []
    with served(robot) as hand:
        name = FANUC.controller
        hand.node.create_subscription(IOState, f"{name}/io_state", told.append, 10)
        client = hand.node.create_client(SetBoolIO, f"{name}/set_bool_io")

        def put(kind, index, value):
            request = SetBoolIO.Request(index=index, value=value)
            request.io_type.type = kind
            return hand.wait(client.call_async(request)).result

        hand.until(client.service_is_ready)
        assert put("DO", 7, True) == 1
        assert put("RO", 1, True) == 0
        hand.until(lambda: told and not told[-1].values[0].value)  # on while low
        assert (told[-1].values[0].io_type.type, told[-1].values[0].index) == ("DI", 101)
        assert put("RO", 1, False) == 0
        hand.until(lambda: hand.gap_m() > robot.gripper.max_gap_m - 2e-3)
