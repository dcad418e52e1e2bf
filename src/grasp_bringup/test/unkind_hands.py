"""The stand-in's hand, behind whichever driver its profile names: kind until told otherwise."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from typing import Any

from control_msgs.action import GripperCommand, ParallelGripperCommand
from fanuc_msgs.msg import BoolIO, IOState
from fanuc_msgs.srv import SetBoolIO
from franka_msgs.action import Grasp, Move
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Bool
from std_srvs.srv import Trigger
from unkind_actions import POLL_S, Manners, Server
from unkind_body import Body

from grasp_core.hand_drivers import fanuc_signal
from grasp_ros.qos import SENSOR

_REACHED_M = 1e-3
_SWITCH_M = 1e-3
_MOVE_N = 5.0


class HandManners(Manners):
    """Those of the hand's driver.

    Attributes:
        is_frankas: GripperCommand is answered as Franka's own server does: it aborts when the jaws
            close on anything, tells effort 0, never stalled, and aborts beyond the widest gap.
        error: What the driver's library throws at the end of every goal; empty for nothing.
        stops: How often the hand was told to stop.
        switched: What its output lines were set to, in order.
    """

    def behave(self) -> None:
        super().behave()
        self.is_frankas = False
        self.error = ""
        self.stops = 0
        self.switched: list[tuple[str, bool]] = []


class _JawServer(Server):
    """An action that sends the jaws to a gap, and reports what stopped them."""

    def __init__(self, node: Node, body: Body, manners: HandManners, kind: Any, name: str) -> None:
        self._body, self._hand, self._kind = body, node.robot.gripper, kind
        super().__init__(node, kind, name, manners)

    def _run(self, handle: Any) -> Any:
        gap_m, force_n = self._asked(handle.request)
        manners, body = self._manners, self._body
        beyond = gap_m > body.robot.gripper.max_gap_m + 1e-9
        if beyond and self._is_frankas():
            handle.abort()
            return self._report(False)
        body.grip(gap_m, force_n)
        while not body.jaws_rest and not manners.is_early:
            time.sleep(POLL_S)
            if handle.is_cancel_requested and not manners.refuses_cancel:
                body.grip(body.gap_m, force_n)
                handle.canceled()
                return self._report(False)
            if manners.abort_code is not None or manners.error:
                break
        met_something = abs(body.gap_m - gap_m) > _REACHED_M
        fails = manners.abort_code is not None or bool(manners.error)
        fails |= met_something and not manners.is_early and self._aborts_on(handle.request)
        if fails:
            handle.abort()
        else:
            handle.succeed()
        return self._report(not fails)

    def _is_frankas(self) -> bool:
        return self._manners.is_frankas

    def _asked(self, request: Any) -> tuple[float, float]:
        """Gap, metres, and force, newtons."""
        raise NotImplementedError

    def _aborts_on(self, request: Any) -> bool:
        """Whether jaws that stopped before the gap asked for are a failure."""
        return self._is_frankas()

    def _report(self, succeeded: bool) -> Any:
        raise NotImplementedError


class _GripperCommandServer(_JawServer):
    def _asked(self, request: Any) -> tuple[float, float]:
        command = request.command
        return self._hand.driver.gap_from_command(command.position), command.max_effort

    def _report(self, succeeded: bool) -> GripperCommand.Result:
        body = self._body
        result = GripperCommand.Result(position=self._hand.driver.command_from_gap(body.gap_m))
        if not self._is_frankas():
            result.effort = float(body.force_n * body.presses)
            result.stalled = bool(body.presses)
        result.reached_goal = bool(abs(body.gap_m - body.target_m) < _REACHED_M)
        return result


class _ParallelServer(_JawServer):
    """As ros2_controllers by default: a stall aborts."""

    def _asked(self, request: Any) -> tuple[float, float]:
        (position,), (effort,) = request.command.position, request.command.effort
        return self._hand.driver.gap_from_command(position), effort

    def _aborts_on(self, request: Any) -> bool:
        return True

    def _report(self, succeeded: bool) -> ParallelGripperCommand.Result:
        result = ParallelGripperCommand.Result(stalled=bool(self._body.presses))
        result.state.position = [self._hand.driver.command_from_gap(self._body.gap_m)]
        result.reached_goal = succeeded
        return result


class _FrankaServer(_JawServer):
    def _is_frankas(self) -> bool:
        return True

    def _asked(self, request: Any) -> tuple[float, float]:
        return request.width, getattr(request, "force", _MOVE_N)

    def _aborts_on(self, request: Any) -> bool:
        """A grasp takes what its epsilon allows."""
        epsilon = getattr(request, "epsilon", None)
        return epsilon is None or self._body.gap_m > request.width + epsilon.outer

    def _report(self, succeeded: bool) -> Any:
        return self._kind.Result(success=succeeded, error=self._manners.error)


class JointStates:
    """The stream ``hand`` of a hand that publishes joint states."""

    def __init__(self, node: Node, body: Body) -> None:
        self._hand, self._body = node.robot.gripper, body
        self._publisher = node.create_publisher(JointState, self._hand.joint_states_topic, SENSOR)

    def measure(self) -> Callable[[Any], JointState]:
        """Take a measurement; the message of it, which is stamped when it is told."""
        force_n = float(self._body.force_n * self._body.presses * self._hand.reports_force)
        positions = [self._body.gap_m / 2] * 2

        def message(stamp: Any) -> JointState:
            told = JointState(
                name=list(self._hand.joints),
                position=list(positions),
                velocity=[0.0] * 2,
                effort=[force_n] * 2,
            )
            told.header.stamp = stamp
            return told

        return message

    def publish(self, message: JointState) -> None:
        """Send it."""
        self._publisher.publish(message)


class Lines:
    """The stream ``hand`` of a hand on digital lines: the level of each input."""

    def __init__(self, node: Node, body: Body) -> None:
        self._hand, self._driver, self._body = node.robot.gripper, node.robot.gripper.driver, body
        fanuc = self._driver.lines == "fanuc"
        self._send = self._fanuc(node) if fanuc else self._topics(node)

    def measure(self) -> Callable[[Any], dict[str, bool]]:
        """Read the inputs; nothing of them carries a stamp."""
        gap_m, driver = self._body.gap_m, self._driver
        on = {
            driver.part_present_input: self._body.breaks_beam,
            driver.closed_input: gap_m <= _SWITCH_M,
            driver.opened_input: gap_m >= self._hand.max_gap_m - _SWITCH_M,
        }
        levels = {line: driver.level(line, bool(state)) for line, state in on.items() if line}
        return lambda stamp: dict(levels)

    def publish(self, levels: Mapping[str, bool]) -> None:
        """Send them."""
        self._send(levels)

    def _topics(self, node: Node) -> Callable[[Mapping[str, bool]], None]:
        publishers = {line: node.create_publisher(Bool, line, 10) for line in self._driver.inputs}
        return lambda levels: [
            publishers[line].publish(Bool(data=level)) for line, level in levels.items()
        ]

    def _fanuc(self, node: Node) -> Callable[[Mapping[str, bool]], None]:
        publisher = node.create_publisher(IOState, f"{self._driver.controller}/io_state", 10)

        def send(levels: Mapping[str, bool]) -> None:
            message = IOState()
            for line, level in levels.items():
                value = BoolIO(value=level)
                value.io_type.type, value.index = fanuc_signal(line)
                message.values.append(value)
            publisher.publish(message)

        return send


def serve_hand(node: Node, body: Body, manners: HandManners) -> JointStates | Lines:
    """Serve the driver of the hand's profile; what it tells, a message at a time."""
    driver = node.robot.gripper.driver
    if driver.name == "gripper_command":
        _GripperCommandServer(node, body, manners, GripperCommand, driver.action)
    elif driver.name == "parallel_gripper_command":
        _ParallelServer(node, body, manners, ParallelGripperCommand, driver.action)
    elif driver.name == "franka":
        _serve_franka(node, body, manners, driver.node)
    else:
        _serve_outputs(node, body, manners)
        return Lines(node, body)
    return JointStates(node, body)


def _serve_franka(node: Node, body: Body, manners: HandManners, name: str) -> None:
    for kind, action in ((Move, "move"), (Grasp, "grasp")):
        _FrankaServer(node, body, manners, kind, f"{name}/{action}")

    def stop(request: Any, response: Any) -> Any:
        manners.stops += 1
        body.grip(body.gap_m, 0.0)
        response.success = True
        return response

    node.create_service(Trigger, f"{name}/stop", stop, callback_group=ReentrantCallbackGroup())


def _serve_outputs(node: Node, body: Body, manners: HandManners) -> None:
    driver, hand = node.robot.gripper.driver, node.robot.gripper

    def switch(line: str, level: bool) -> None:
        manners.switched.append((line, level))
        on = driver.level(line, level)
        if on:
            closes = line == driver.close_output
            body.grip(0.0 if closes else hand.max_gap_m, hand.max_force_n)

    def answer(request: Any, response: Any) -> Any:
        while manners.is_silent and node.context.ok():
            time.sleep(POLL_S)
        response.result = manners.abort_code or 0
        if response.result == 0:
            switch(f"{request.io_type.type}[{request.index}]", request.value)
        return response

    group = ReentrantCallbackGroup()
    if driver.lines == "fanuc":
        node.create_service(
            SetBoolIO, f"{driver.controller}/set_bool_io", answer, callback_group=group
        )
        return
    for line in driver.outputs:
        node.create_subscription(
            Bool,
            line,
            functools.partial(lambda line, message: switch(line, message.data), line),
            10,
            callback_group=group,
        )
