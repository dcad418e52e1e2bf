"""Whoever moves the simulated hand, by the driver that its profile names: a line each."""

from __future__ import annotations

from collections.abc import Callable

from rclpy.node import Node

from grasp_core.gripper_profile import GripperProfile
from grasp_core.hand_drivers import ActionDriver, DigitalIoDriver
from grasp_sim.engine import Engine
from grasp_sim.ros_hand_actions import GripperCommandAction, ParallelGripperCommandAction
from grasp_sim.ros_hand_lines import LINES, Valves
from grasp_sim.ros_running import Running
from grasp_sim.simulation import Simulation

Tell = Callable[[Simulation], None]
"""Publishes what the hand's driver tells."""

Serve = Callable[[Node, Engine, Running, GripperProfile], Tell | None]
"""Serves a hand; returns what it tells beside joint states, None for nothing."""


def _gripper_command(node: Node, engine: Engine, running: Running, hand: GripperProfile) -> None:
    GripperCommandAction(node, hand.driver_as(ActionDriver).action, engine, running, hand)


def _parallel_gripper_command(
    node: Node, engine: Engine, running: Running, hand: GripperProfile
) -> None:
    ParallelGripperCommandAction(node, hand.driver_as(ActionDriver).action, engine, running, hand)


def _franka(node: Node, engine: Engine, running: Running, hand: GripperProfile) -> None:
    from grasp_sim.ros_hand_franka import serve_franka

    serve_franka(node, engine, running, hand)


def _digital_io(node: Node, engine: Engine, running: Running, hand: GripperProfile) -> Tell:
    driver = hand.driver_as(DigitalIoDriver)
    lines = LINES[driver.lines](node, driver, Valves(engine, hand).switch)
    return lambda simulation: lines.tell(simulation.hand_reading().levels)


SERVERS: dict[str, Serve] = {
    "gripper_command": _gripper_command,
    "parallel_gripper_command": _parallel_gripper_command,
    "franka": _franka,
    "digital_io": _digital_io,
}


def serve_hand(node: Node, engine: Engine, running: Running, hand: GripperProfile) -> Tell | None:
    """Serve a hand as its driver does; see :data:`Serve`."""
    return SERVERS[hand.driver.name](node, engine, running, hand)
