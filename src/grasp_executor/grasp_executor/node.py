"""The executor node: the pick sequence as the action ``pick``."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter

from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from grasp_msgs.action import Pick
from grasp_msgs.msg import Grasp as GraspMsg
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.timer import Timer

from grasp_core.cell import load_cell
from grasp_core.errors import BadGoal, Code, HardwareLost
from grasp_core.reach import require_reach
from grasp_core.robot import load_robot
from grasp_executor.config import ExecutorConfig
from grasp_executor.fault_latch import FaultLatch
from grasp_executor.hand_memory import EmptyWidthMemory, state_file
from grasp_executor.outcome import PickOutcome, Progress, Stage
from grasp_executor.pick import PickSequence
from grasp_executor.planning.registry import create_planner, find_planner
from grasp_executor.ros_detection import DetectionClient
from grasp_executor.ros_hands import connect_hand
from grasp_executor.ros_hardware import RosArm
from grasp_executor.ros_operator import OperatorServices
from grasp_executor.ros_scenery import Scenery
from grasp_executor.ros_states import JointStateCache, RosClock, joint_sources
from grasp_executor.ros_stop import watch_stops
from grasp_executor.selection import PickGoal, Policy
from grasp_executor.station import RobotPort
from grasp_ros.camera_pose import camera_pose
from grasp_ros.conversions import grasp_to_msg, pose_from_transform
from grasp_ros.lifecycle import GraspLifecycleNode
from grasp_ros.spin import run
from grasp_ros.spinner import Spinner, companion

_FEEDBACK_PERIOD_S = 0.1
_DIAGNOSTICS_PERIOD_S = 1.0
_STOP_PATIENCE_S = 8.0  # a step of planning takes up to three, a lost controller five
_THREADS = 6  # a pick waits in one, cancels, states, transforms and responses need others


class ExecutorNode(GraspLifecycleNode):
    """Serves one pick at a time while active."""

    def __init__(self) -> None:
        super().__init__("executor")
        self._busy = threading.Lock()
        self._accepting = False
        self._stop = threading.Event()
        self._sequence: PickSequence | None = None
        self._server: ActionServer | None = None
        self._hardware: Spinner | None = None
        self._telling: Timer | None = None
        self._operator: OperatorServices | None = None
        self._latch = FaultLatch()  # cleaning up is no acknowledgement
        self._counts: Counter[Code] = Counter()
        self._last: PickOutcome | None = None

    def configure(self) -> None:
        """Load robot, cell and planner; connect to the hardware's topics and actions."""
        config = self.declare_config(ExecutorConfig)
        settings_class = find_planner(config.planner).config_class
        settings = self.declare_config(settings_class, config.planner)
        model, cell = load_robot(config.robot, config.gripper), load_cell(config.cell)
        require_reach(model, config.cell)
        model = model.for_camera(config.camera_mount)
        self._base_frame = model.arm.base_frame
        self._hardware = hardware = companion(self)
        clock = RosClock(hardware.node, config.hardware_timeout_s)
        states = JointStateCache(
            hardware.node,
            clock,
            config.state_timeout_s,
            joint_sources(model),
            config.max_stamp_lead_s,
        )
        detection = DetectionClient(
            hardware.node,
            config,
            camera_pose(hardware.node, self._base_frame, config.hand_eye, config.max_stamp_lead_s),
        )
        robot = RobotPort(
            planner=create_planner(config.planner, model, settings),
            arm=RosArm(hardware, model, config, states),
            gripper=connect_hand(hardware, model, config, states),
            camera=detection,
            clock=clock,
        )
        watch_stops(hardware.node, model.arm, config.protective_stop_topic, self._latch)
        path = state_file(config.state_dir, model.name, config.gripper or model.arm.gripper)
        memory = EmptyWidthMemory(path)
        self._sequence = PickSequence(robot, model, cell, config, memory, self._latch)
        self._operator = OperatorServices(self, self._sequence, self._busy, self._base_frame)
        self._scenery = Scenery(self, self._base_frame, cell)
        self._sequence.show_surroundings(self._scenery.show)
        hardware.start()
        # Without event handlers: see grasp_ros.camera_input.
        quiet = PublisherEventCallbacks(use_default_callbacks=False)
        self._target = self.create_publisher(PoseStamped, "~/target", 1, event_callbacks=quiet)
        # Wall time: a simulator that was killed stops /clock.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._telling = self.create_timer(_DIAGNOSTICS_PERIOD_S, self._tell, clock=steady)
        if self._server is None:
            self._server = self._serve()

    def _serve(self) -> ActionServer:
        # It outlives a cleanup: rclpy's executor dies of one that is destroyed while it waits.
        return ActionServer(
            self,
            Pick,
            "pick",
            execute_callback=self._execute,
            goal_callback=self._decide,
            cancel_callback=lambda goal: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def activate(self) -> None:
        """Accept goals."""
        self._stop = threading.Event()  # a pick that was told to stop goes on being told
        self._accepting = True

    def deactivate(self) -> None:
        """Refuse goals, and stop a running pick.

        Raises:
            HardwareLost: It does not stop.
        """
        self._accepting = False
        self._stop.set()
        # The pick stops the arm through what is destroyed next.
        if not self._busy.acquire(timeout=_STOP_PATIENCE_S):
            raise HardwareLost(
                f"the running pick has not stopped within {_STOP_PATIENCE_S:.0f} s; deactivate "
                "again when it has"
            )
        self._busy.release()

    def cleanup(self) -> None:
        """Stop listening; goals are refused."""
        if self._telling is not None:
            self.destroy_timer(self._telling)
            self.destroy_publisher(self._target)
            self._scenery.destroy()
        if self._operator is not None:
            self._operator.destroy()
        if self._hardware is not None:
            self._hardware.close()
        self._sequence, self._hardware, self._telling = None, None, None
        self._operator = None

    def destroy_node(self) -> None:
        """Stop and destroy, from whatever state."""
        with contextlib.suppress(HardwareLost):
            self.deactivate()
        self.cleanup()
        if self._server is not None:
            self._server.destroy()
            self._server = None
        super().destroy_node()

    def _decide(self, goal: Pick.Goal) -> GoalResponse:
        if not self._accepting:
            self.get_logger().warning("goal refused: the executor is not active")
            return GoalResponse.REJECT
        if self._busy.locked():
            self.get_logger().warning("goal refused: another pick is running")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _execute(self, handle: ServerGoalHandle) -> Pick.Result:
        # Taken here, not on acceptance: an accepted goal whose client has gone is never executed.
        if self._busy.acquire(blocking=False):
            try:
                outcome = self._run(handle)
            finally:
                self._busy.release()
        else:
            outcome = PickOutcome(Code.BAD_GOAL, "another pick began at the same moment")
        self._counts[outcome.code] += 1
        self._last = outcome
        sentence = f"{outcome.code.name}: {outcome.message}"
        if outcome.success:
            self.get_logger().info(sentence)
            handle.succeed()
            return self._result(outcome)
        self.get_logger().warning(sentence)
        if outcome.code is Code.CANCELLED and handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.abort()
        return self._result(outcome)

    def _run(self, handle: ServerGoalHandle) -> PickOutcome:
        sequence, stop = self._sequence, self._stop
        if sequence is None:
            return PickOutcome(Code.INTERNAL, "the executor was cleaned up")
        request = handle.request
        try:
            policy = Policy(request.policy)
            goal = PickGoal(request.label, request.min_quality, policy, request.max_attempts or 1)
        except (BadGoal, ValueError) as error:
            return PickOutcome(Code.BAD_GOAL, str(error))
        return sequence.run(
            goal,
            cancelled=lambda: handle.is_cancel_requested or stop.is_set(),
            report=_Feedback(handle),
        )

    def _tell(self) -> None:
        """What the executor does, and how the picks so far have ended."""
        last, sequence, fault = self._last, self._sequence, self._latch.fault
        doing = "picking" if self._busy.locked() else "idle" if self._accepting else "inactive"
        level = DiagnosticStatus.OK if self._accepting else DiagnosticStatus.WARN
        if last is not None and last.holding and doing == "idle":
            doing = "idle, holding an object"
        if fault is not None:
            level = DiagnosticStatus.ERROR
            doing += f", {fault.code.name} waits for acknowledge"
        values: dict[str, object] = {code.name: n for code, n in sorted(self._counts.items())}
        if sequence is not None:
            values.update(sequence.outliers())
        if last is not None:
            values["last"] = f"{last.code.name}: {last.message.partition(chr(10))[0]}"
        self.publish_status(level, doing, values)

    def _result(self, outcome: PickOutcome) -> Pick.Result:
        result = Pick.Result(
            success=outcome.success,
            code=int(outcome.code),
            message=outcome.message,
            force_n=float(outcome.force_n),
            force_source=outcome.force_source,
            opening_m=float(outcome.opening_m),
            held_s=float(outcome.held_s),
            attempts=outcome.attempts,
            stages=[stage.value for stage, _ in outcome.stage_s],
            stage_s=[float(seconds) for _, seconds in outcome.stage_s],
            holding=outcome.holding,
        )
        if outcome.grasp is not None:
            result.grasp = grasp_to_msg(outcome.grasp)
        if outcome.T_base_grasp is not None:
            result.pose.header.frame_id = self._base_frame
            result.pose.header.stamp = self.get_clock().now().to_msg()
            result.pose.pose = pose_from_transform(outcome.T_base_grasp)
            self._target.publish(result.pose)
        return result


class _Feedback:
    """Publishes progress: every change of stage, and forces ten times a second."""

    def __init__(self, handle: ServerGoalHandle) -> None:
        self._handle = handle
        self._stage: Stage | None = None
        self._sent = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if progress.stage is self._stage and now - self._sent < _FEEDBACK_PERIOD_S:
            return
        self._stage, self._sent = progress.stage, now
        candidate = GraspMsg() if progress.grasp is None else grasp_to_msg(progress.grasp)
        self._handle.publish_feedback(
            Pick.Feedback(
                stage=progress.stage.value, candidate=candidate, force_n=float(progress.force_n)
            )
        )


def main() -> None:
    """Run the executor node."""
    raise SystemExit(run(ExecutorNode, _THREADS))


if __name__ == "__main__":
    main()
