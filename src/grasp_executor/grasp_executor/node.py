"""The executor node: the pick sequence as the action ``pick``."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from functools import partial

from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from grasp_msgs.action import Pick
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.timer import Timer

from grasp_core.cell import load_cell
from grasp_core.errors import BadGoal, Code, ConfigError, HardwareLost
from grasp_core.reach import require_reach
from grasp_core.robot import RobotModel, load_robot
from grasp_executor.config import ExecutorConfig
from grasp_executor.fault_latch import FaultLatch
from grasp_executor.first_pick import FirstPick
from grasp_executor.hand_memory import EmptyWidthMemory, state_file
from grasp_executor.outcome import PickOutcome
from grasp_executor.pick import PickSequence
from grasp_executor.planning.move_group import MoveGroup
from grasp_executor.planning.moveit_config import MOVEIT_PY, MoveItConfig
from grasp_executor.planning.moveit_process import ProcessMoveGroup
from grasp_executor.planning.registry import create_planner, find_planner
from grasp_executor.ros_detection import DetectionClient
from grasp_executor.ros_hands import connect_hand
from grasp_executor.ros_hardware import RosArm
from grasp_executor.ros_messages import Feedback, result_to_msg
from grasp_executor.ros_operator import ConfirmService, OperatorServices
from grasp_executor.ros_planned_path import PlannedPath
from grasp_executor.ros_scenery import Scenery
from grasp_executor.ros_states import JointStateCache, RosClock, joint_sources, state_rates
from grasp_executor.ros_stop import watch_stops
from grasp_executor.selection import PickGoal, Policy
from grasp_executor.station import RobotPort
from grasp_ros.camera_pose import camera_pose
from grasp_ros.lifecycle import GraspLifecycleNode
from grasp_ros.spin import run
from grasp_ros.spinner import Spinner, companion

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
        self._planner_link: Spinner | ProcessMoveGroup | None = None
        self._telling: Timer | None = None
        self._operator: OperatorServices | None = None
        self._confirm: ConfirmService | None = None
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
            state_rates(model),
        )
        detection = DetectionClient(
            hardware.node,
            config,
            camera_pose(hardware.node, self._base_frame, config.hand_eye, config.max_stamp_lead_s),
        )
        robot = RobotPort(
            planner=create_planner(
                config.planner, model, settings, partial(self._connect_planner, model)
            ),
            arm=RosArm(hardware, model, config, states),
            gripper=connect_hand(hardware, model, config, states),
            camera=detection,
            clock=clock,
        )
        watch_stops(hardware.node, model.arm, config.protective_stop_topic, self._latch)
        hand = config.gripper or model.arm.gripper
        memory = EmptyWidthMemory(state_file(config.state_dir, model.name, hand))
        self._sequence = PickSequence(robot, model, cell, config, memory, self._latch)
        self._operator = OperatorServices(self, self._sequence, self._busy, self._base_frame)
        self._scenery = Scenery(self, self._base_frame, cell)
        self._sequence.show_surroundings(self._scenery.show)
        self._path = PlannedPath(self, model)
        self._sequence.show_motions(self._path.show)
        if config.step:
            self._confirm = ConfirmService(self)
            self._sequence.ask_before_motions(self._confirm)
        self._first_pick = FirstPick(config.state_dir, model.name, hand)
        hardware.start()
        # Without event handlers: see grasp_ros.camera_input.
        quiet = PublisherEventCallbacks(use_default_callbacks=False)
        self._target = self.create_publisher(PoseStamped, "~/target", 1, event_callbacks=quiet)
        # Wall time: a simulator that was killed stops /clock.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._telling = self.create_timer(_DIAGNOSTICS_PERIOD_S, self._tell, clock=steady)
        if self._server is None:
            self._server = self._serve()

    def _connect_planner(self, model: RobotModel, settings: MoveItConfig) -> MoveGroup:
        """Reach a running move_group, on a node of its own: the hardware's has enough to do.

        Or start moveit_py, where the settings say so.
        """
        if settings.server == MOVEIT_PY:
            from grasp_executor.ros_moveit_py import connect_moveit_py

            self._planner_link = process = connect_moveit_py(model, settings)
            return process
        from grasp_executor.ros_moveit import RosMoveGroup

        self._planner_link = link = companion(self, "planner")
        link.start()
        return RosMoveGroup(link, settings)

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
            self._path.destroy()
        if self._operator is not None:
            self._operator.destroy()
        if self._confirm is not None:
            self._confirm.destroy()
        if self._hardware is not None:
            self._hardware.close()
        if self._planner_link is not None:
            self._planner_link.close()
        self._sequence, self._hardware, self._telling = None, None, None
        self._planner_link = None
        self._operator, self._confirm = None, None

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
            self._remember_first_pick()
            self.get_logger().info(sentence)
            handle.succeed()
            return self._told(outcome)
        self.get_logger().warning(sentence)
        if outcome.code is Code.CANCELLED and handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.abort()
        return self._told(outcome)

    def _remember_first_pick(self) -> None:
        try:
            self._first_pick.note()
        except ConfigError as error:
            self.get_logger().warning(str(error))

    def _run(self, handle: ServerGoalHandle) -> PickOutcome:
        sequence, stop = self._sequence, self._stop
        if sequence is None:
            return PickOutcome(Code.INTERNAL, "the executor was cleaned up")
        request = handle.request
        try:
            policy = Policy(request.policy)
            goal = PickGoal(
                request.label,
                request.min_quality,
                policy,
                request.max_attempts or 1,
                request.delicate_force_n,
            )
        except (BadGoal, ValueError) as error:
            return PickOutcome(Code.BAD_GOAL, str(error))
        return sequence.run(
            goal,
            cancelled=lambda: handle.is_cancel_requested or stop.is_set(),
            report=Feedback(handle),
        )

    def _told(self, outcome: PickOutcome) -> Pick.Result:
        result = result_to_msg(outcome, self._base_frame, self.get_clock().now().to_msg())
        if outcome.T_base_grasp is not None:
            self._target.publish(result.pose)
        return result

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


def main() -> None:
    """Run the executor node."""
    raise SystemExit(run(ExecutorNode, _THREADS))


if __name__ == "__main__":
    main()
