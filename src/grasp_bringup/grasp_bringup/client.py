"""A client of the running stack: brings it up, sets scenes, sends picks, asks for the truth."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import rclpy
from grasp_msgs.action import Pick
from grasp_msgs.srv import NewScene, PerturbObject, SceneTruth
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from numpy.typing import NDArray
from rclpy.action import ActionClient
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future
from sensor_msgs.msg import Image

from grasp_bringup.description import NodeDescription
from grasp_bringup.environment import require_usable
from grasp_bringup.processes import StackFailed
from grasp_core.errors import GraspStackError, HardwareLost
from grasp_ros.conversions import color_from_image
from grasp_ros.qos import RESULTS
from grasp_ros.spinner import Spinner

_POLL_S = 0.02
_DISCOVERY_S = 1.0
_LATE_DISCOVERY_S = 5.0


class AnotherStack(GraspStackError):
    """A stack answers already where this one wants to start."""


class GoalRefused(GraspStackError):
    """The executor refused the goal: it is busy or not active."""


class StackClient:
    """Context in which the stack's services and actions can be called."""

    def __init__(self, alive: Callable[[], None] = lambda: None, namespace: str = "") -> None:
        """Prepare.

        Args:
            alive: Called while waiting; raises when the stack has died.
            namespace: Of the stack; empty for none.
        """
        self._alive = alive
        self._namespace = namespace

    def __enter__(self) -> StackClient:
        require_usable()
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = rclpy.create_node(
            "grasp_client", context=self._context, namespace=self._namespace
        )
        self._spinner = Spinner(self._node)
        self._spinner.start()
        self._clients: dict[str, Any] = {}
        self._picks = ActionClient(self._node, Pick, "pick")
        self._image: Image | None = None
        self._running_goal: Any = None
        return self

    def __exit__(self, *error: object) -> None:
        self._spinner.close()
        self._context.try_shutdown()

    @property
    def node(self) -> Any:
        """The underlying rclpy node, for subscriptions of one's own."""
        return self._node

    def watch(self, alive: Callable[[], None]) -> None:
        """Call this while waiting from now on; it raises when the stack has died."""
        self._alive = alive

    def check(self) -> None:
        """Raise when the stack has died."""
        self._alive()

    def refuse_if_present(self, nodes: Sequence[NodeDescription]) -> None:
        """Check that no other stack is seen in this domain.

        On a busy machine discovery can take longer than anyone likes to wait for nothing, so
        :meth:`bring_up` goes on looking.

        Raises:
            AnotherStack: Names the node that answers.
        """
        self._look_for_others(nodes, 0, _DISCOVERY_S)

    def _look_for_others(
        self, nodes: Sequence[NodeDescription], own: int, seconds: float = 0.0
    ) -> None:
        """Raise AnotherStack when more than ``own`` nodes have one of these names."""
        deadline = time.monotonic() + seconds
        while True:
            own_namespace = self._node.get_namespace()
            seen = Counter(
                name
                for name, namespace in self._node.get_node_names_and_namespaces()
                if namespace == own_namespace
            )
            others = sorted(node.name for node in nodes if seen[node.name] > own)
            if others:
                raise AnotherStack(
                    f"another stack answers already: node {', '.join(others)}; stop it, "
                    "or set ROS_DOMAIN_ID to another number"
                )
            if time.monotonic() >= deadline:
                return
            time.sleep(_POLL_S)

    def bring_up(self, nodes: Sequence[NodeDescription], timeout_s: float) -> None:
        """Drive lifecycle nodes to active and wait until everything answers.

        Raises:
            AnotherStack: Two nodes of one name are seen: one belongs to somebody else.
            StackFailed: A node does not appear or refuses a transition.
        """
        alive = self._alive

        def alone() -> None:
            alive()
            self._look_for_others(nodes, 1)

        self.watch(alone)
        try:
            self._bring_up(nodes, timeout_s)
        except StackFailed:
            # Most often because a stack not discovered before has answered instead.
            self._look_for_others(nodes, 1, _LATE_DISCOVERY_S)
            raise
        finally:
            self.watch(alive)

    def _bring_up(self, nodes: Sequence[NodeDescription], timeout_s: float) -> None:
        for node in nodes:
            if node.lifecycle:
                self.transition(node.name, Transition.TRANSITION_CONFIGURE, timeout_s)
        for node in nodes:
            if node.lifecycle:
                self.transition(node.name, Transition.TRANSITION_ACTIVATE, timeout_s)
        self._wait_for_picks(timeout_s)

    def _wait_for_picks(self, timeout_s: float) -> None:
        if not self._wait(lambda: self._picks.server_is_ready(), timeout_s):
            raise StackFailed(
                f"the executor's action pick did not appear within {timeout_s:.0f} s"
            )

    def transition(self, node: str, transition: int, timeout_s: float) -> None:
        """Ask a lifecycle node for a transition.

        Raises:
            StackFailed: It does not answer, or the transition failed.
        """
        request = ChangeState.Request()
        request.transition.id = transition
        answer = self.call(ChangeState, f"{node}/change_state", request, timeout_s)
        if not answer.success:
            state = self.call(GetState, f"{node}/get_state", GetState.Request(), timeout_s)
            raise StackFailed(
                f"node {node} refused transition {transition} and is "
                f"{state.current_state.label}; its log says why"
            )

    def is_active(self, node: str, timeout_s: float = 5.0) -> bool:
        """Whether a lifecycle node is active."""
        answer = self.call(GetState, f"{node}/get_state", GetState.Request(), timeout_s)
        return bool(answer.current_state.id == State.PRIMARY_STATE_ACTIVE)

    def call(self, kind: Any, name: str, request: Any, timeout_s: float) -> Any:
        """Call a service and wait for the answer.

        Raises:
            StackFailed: It does not appear or does not answer in time.
        """
        client = self._clients.get(name)
        if client is None:
            client = self._node.create_client(kind, name)
            self._clients[name] = client
        if not self._wait(client.service_is_ready, timeout_s):
            raise StackFailed(f"service {name} did not appear within {timeout_s:.0f} s")
        return self.finish(client.call_async(request), timeout_s, f"service {name}")

    def finish(self, future: Future, timeout_s: float, what: str) -> Any:
        """Wait for a future.

        Raises:
            StackFailed: It is not done in time.
        """
        if not self._wait(future.done, timeout_s):
            raise StackFailed(f"{what} did not answer within {timeout_s:.0f} s")
        return future.result()

    def _wait(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        while not condition():
            self._alive()
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True

    # -- simulator ------------------------------------------------------------------------------

    def new_scene(self, names: Sequence[str], seed: int, timeout_s: float = 60.0) -> Any:
        """Settle a scene of these objects.

        Raises:
            StackFailed: The simulator could not.
        """
        request = NewScene.Request(names=list(names), seed=seed)
        answer = self.call(NewScene, "simulator/new_scene", request, timeout_s)
        if not answer.success:
            raise StackFailed(f"no scene of {', '.join(names)}: {answer.message}")
        return answer

    def truth(self, timeout_s: float = 30.0) -> Any:
        """What is really there.

        Raises:
            HardwareLost: The simulator could not tell.
        """
        truth = self.call(SceneTruth, "simulator/truth", SceneTruth.Request(), timeout_s)
        if not truth.renderer:
            raise HardwareLost("the simulator could not tell what is there; its log says why")
        return truth

    def perturb(self, request: PerturbObject.Request, timeout_s: float = 30.0) -> Any:
        """Disturb an object."""
        return self.call(PerturbObject, "simulator/perturb", request, timeout_s)

    # -- picks ----------------------------------------------------------------------------------

    def send_pick(
        self,
        goal: Pick.Goal,
        on_feedback: Callable[[Any], None] = lambda feedback: None,
        timeout_s: float = 20.0,
    ) -> Future:
        """Start a pick; the future gives its result.

        Raises:
            GoalRefused: The executor is busy or not active.
            StackFailed: There is no executor, or it does not answer.
        """
        self._wait_for_picks(timeout_s)  # a goal that nobody hears yet is lost
        sending = self._spinner.run(
            lambda: self._picks.send_goal_async(
                goal, feedback_callback=lambda message: on_feedback(message.feedback)
            )
        )
        try:
            handle = self.finish(sending, timeout_s, "action pick")
        except BaseException:
            # A goal that is accepted after it was given up must not be executed.
            sending.add_done_callback(cancel_if_accepted)
            raise
        if not handle.accepted:
            raise GoalRefused("the executor refused the goal: it is busy or not active")
        self._running_goal = handle
        return self._spinner.run(handle.get_result_async)

    def pick(
        self,
        goal: Pick.Goal,
        on_feedback: Callable[[Any], None] = lambda feedback: None,
        timeout_s: float = 600.0,
    ) -> Pick.Result:
        """Do one pick and wait for its result; an interrupt cancels it first."""
        result = self.send_pick(goal, on_feedback)
        try:
            return self.finish(result, timeout_s, "action pick").result
        except BaseException:
            self.cancel_pick()
            raise

    def cancel_pick(self, timeout_s: float = 5.0) -> None:
        """Cancel the running pick, if there is one, and wait until the executor has heard."""
        if self._running_goal is not None:
            cancelling = self._spinner.run(self._running_goal.cancel_goal_async)
            deadline = time.monotonic() + timeout_s
            while not cancelling.done() and time.monotonic() < deadline:
                time.sleep(_POLL_S)

    # -- pictures -------------------------------------------------------------------------------

    def keep_images(self) -> None:
        """Keep the newest annotated image of the detector."""
        self._node.create_subscription(Image, "detector/image", self._keep, RESULTS)

    def _keep(self, message: Image) -> None:
        self._image = message

    def take_image(self) -> NDArray[np.uint8] | None:
        """The newest annotated image since the last call, RGB; None if there is none."""
        message, self._image = self._image, None
        return None if message is None else color_from_image(message)


def cancel_if_accepted(sending: Future) -> None:
    """Cancel a goal whose sender has given up, when its server accepts it after all."""
    handle = None if sending.cancelled() or sending.exception() else sending.result()
    if handle is not None and handle.accepted:
        handle.cancel_goal_async()
