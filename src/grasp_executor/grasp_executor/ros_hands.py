"""Hands by their driver: a new one is a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Callable

from grasp_core.errors import ConfigError, MissingDependency
from grasp_core.hand_drivers import ActionDriver
from grasp_core.optional import lacking
from grasp_core.robot import RobotModel
from grasp_executor.config import ExecutorConfig
from grasp_executor.interfaces import Gripper
from grasp_executor.ros_states import JointStateCache
from grasp_ros.spinner import Spinner

Build = Callable[[Spinner, RobotModel, ExecutorConfig, JointStateCache], Gripper]


def _gripper_command() -> Build:
    from grasp_executor.ros_hand_gripper_command import GripperCommandHand

    return GripperCommandHand


def _parallel_gripper_command() -> Build:
    from grasp_executor.ros_hand_parallel_gripper_command import ParallelGripperCommandHand

    return ParallelGripperCommandHand


def _franka() -> Build:
    from grasp_executor.ros_hand_franka import FrankaHand

    return FrankaHand


def _digital_io() -> Build:
    from grasp_executor.ros_hand_digital_io import DigitalIoHand

    return DigitalIoHand


HANDS: dict[str, Callable[[], Build]] = {
    "gripper_command": _gripper_command,
    "parallel_gripper_command": _parallel_gripper_command,
    "franka": _franka,
    "digital_io": _digital_io,
}
"""By driver; each imports its class, and the messages that it needs, only when asked for."""


def connect_hand(
    hardware: Spinner, model: RobotModel, config: ExecutorConfig, states: JointStateCache
) -> Gripper:
    """The hand of a robot behind its driver.

    Raises:
        ConfigError: ``gripper_action`` is given to a driver that has no such action.
        MissingDependency: The messages of its driver are not installed.
    """
    driver = model.gripper.driver
    if config.gripper_action and not isinstance(driver, ActionDriver):
        raise ConfigError(
            f"gripper_action is {config.gripper_action!r}, but driver {driver.name} of the hand "
            "has no such action: leave it empty"
        )
    try:
        return HANDS[driver.name]()(hardware, model, config, states)
    except ImportError as error:
        raise MissingDependency(
            f"driver {driver.name} of the hand needs {error.name}, which {lacking(error)}: source "
            "the workspace of its driver, or build it from interfaces/"
        ) from error
