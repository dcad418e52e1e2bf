"""A running move_group over its services: the planner's port in messages."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from geometry_msgs.msg import PoseStamped
from rclpy.client import Client
from rclpy.task import Future

from grasp_core.errors import HardwareLost
from grasp_core.transform import Transform
from grasp_executor.interfaces import Wait
from grasp_executor.planning.move_group import (
    UNNAMED_PAIR,
    AllowedContacts,
    Answer,
    RobotState,
    Scaling,
    SceneContents,
    Solid,
)
from grasp_executor.planning.moveit_codes import SUCCESS
from grasp_executor.planning.moveit_config import MoveItConfig
from grasp_executor.ros_moveit_messages import (
    answer_of,
    contents_of,
    joint_goal,
    scene_change,
    state_message,
)
from grasp_ros.conversions import pose_from_transform, transform_from_pose
from grasp_ros.spinner import Spinner

# After the module that says what to install where these are missing:
# isort: split
from moveit_msgs.msg import PlanningSceneComponents
from moveit_msgs.srv import (
    ApplyPlanningScene,
    GetCartesianPath,
    GetMotionPlan,
    GetPlanningScene,
    GetPositionFK,
    GetPositionIK,
    GetStateValidity,
)

_POLL_S = 0.001
# A service keeps ten requests, by ROS's default, and drops others unseen: there is room for those
# of a call that was given up and of the next one.
_AT_ONCE = 5
_SCENE = (
    PlanningSceneComponents.WORLD_OBJECT_NAMES
    | PlanningSceneComponents.WORLD_OBJECT_GEOMETRY
    | PlanningSceneComponents.ALLOWED_COLLISION_MATRIX
)


class RosMoveGroup:
    """Implements :class:`~grasp_executor.planning.move_group.MoveGroup`.

    Nothing is asked of TF or of joint states: each request holds the whole state of the robot,
    and poses are in the model frame.
    """

    def __init__(self, link: Spinner, config: MoveItConfig) -> None:
        self._link, self._config = link, config
        self._model_frame = ""
        self._read = self._client(GetPlanningScene, "get_planning_scene")
        self._apply = self._client(ApplyPlanningScene, "apply_planning_scene")
        self._forward = self._client(GetPositionFK, "compute_fk")
        self._inverse = self._client(GetPositionIK, "compute_ik")
        self._validity = self._client(GetStateValidity, "check_state_validity")
        self._plan = self._client(GetMotionPlan, "plan_kinematic_path")
        self._line = self._client(GetCartesianPath, "compute_cartesian_path")

    def read_scene(self, wait: Wait) -> SceneContents:
        """See MoveGroup."""
        request = GetPlanningScene.Request(
            components=PlanningSceneComponents(components=int(_SCENE))
        )
        return contents_of(self._call(self._read, [request], wait)[0].scene)

    def change_scene(
        self,
        put: Sequence[Solid],
        remove: Collection[str],
        contacts: AllowedContacts,
        wait: Wait,
    ) -> bool:
        """See MoveGroup."""
        scene = scene_change(put, remove, contacts, self._model_frame)
        answer = self._call(self._apply, [ApplyPlanningScene.Request(scene=scene)], wait)[0]
        return bool(answer.success)

    def poses(
        self, state: RobotState, links: Sequence[str], wait: Wait
    ) -> tuple[int, list[Transform]]:
        """See MoveGroup."""
        request = GetPositionFK.Request(
            fk_link_names=list(links), robot_state=state_message(state)
        )
        answer = self._call(self._forward, [request], wait)[0]
        code = int(answer.error_code.val)
        if code == SUCCESS:
            self._model_frame = answer.pose_stamped[0].header.frame_id
        return code, [transform_from_pose(stamped.pose) for stamped in answer.pose_stamped]

    def configurations(
        self, states: Sequence[RobotState], group: str, link: str, pose: Transform, wait: Wait
    ) -> list[tuple[int, Mapping[str, float]]]:
        """See MoveGroup."""
        target = PoseStamped(pose=pose_from_transform(pose))
        target.header.frame_id = self._model_frame
        requests = []
        for state in states:
            request = GetPositionIK.Request()
            request.ik_request.group_name = group
            request.ik_request.robot_state = state_message(state)
            request.ik_request.ik_link_name = link
            request.ik_request.pose_stamped = target
            requests.append(request)
        found: list[tuple[int, Mapping[str, float]]] = []
        for answer in self._call(self._inverse, requests, wait):
            joints = answer.solution.joint_state
            positions = dict(zip(joints.name, joints.position, strict=True))
            found.append((int(answer.error_code.val), positions))
        return found

    def touching(
        self, states: Sequence[RobotState], group: str, wait: Wait
    ) -> list[list[tuple[str, str]]]:
        """See MoveGroup."""
        requests = [
            GetStateValidity.Request(robot_state=state_message(state), group_name=group)
            for state in states
        ]
        found = []
        for answer in self._call(self._validity, requests, wait):
            pairs = [(one.contact_body_1, one.contact_body_2) for one in answer.contacts]
            # Invalid without a contact is invalid all the same.
            found.append(pairs if pairs or answer.valid else [UNNAMED_PAIR])
        return found

    def plan(
        self,
        start: RobotState,
        goal: Mapping[str, float],
        group: str,
        scaling: Scaling,
        time_s: float,
        wait: Wait,
    ) -> Answer:
        """See MoveGroup."""
        service = GetMotionPlan.Request()
        request = service.motion_plan_request
        request.start_state = state_message(start)
        request.group_name = group
        request.pipeline_id = self._config.pipeline
        request.planner_id = self._config.planner_id
        request.num_planning_attempts = 1
        request.allowed_planning_time = time_s
        request.max_velocity_scaling_factor = scaling.velocity
        request.max_acceleration_scaling_factor = scaling.acceleration
        request.goal_constraints = [joint_goal(goal)]
        answer = self._call(self._plan, [service], wait, time_s)[0].motion_plan_response
        return answer_of(answer.error_code, answer.trajectory)

    def line(
        self,
        start: RobotState,
        group: str,
        link: str,
        pose: Transform,
        step_m: float,
        scaling: Scaling,
        avoid_collisions: bool,
        wait: Wait,
    ) -> Answer:
        """See MoveGroup."""
        request = GetCartesianPath.Request()
        request.header.frame_id = self._model_frame
        request.start_state = state_message(start)
        request.group_name = group
        request.link_name = link
        request.waypoints = [pose_from_transform(pose)]
        request.max_step = step_m
        request.avoid_collisions = avoid_collisions
        request.max_velocity_scaling_factor = scaling.velocity
        request.max_acceleration_scaling_factor = scaling.acceleration
        answer = self._call(self._line, [request], wait)[0]
        return answer_of(answer.error_code, answer.solution, float(answer.fraction))

    def _client(self, service: type[Any], name: str) -> Client:
        prefix = f"{self._config.namespace.rstrip('/')}/" if self._config.namespace else ""
        return self._link.node.create_client(service, prefix + name)

    def _call(
        self, client: Client, requests: Sequence[Any], wait: Wait, extra_s: float = 0.0
    ) -> list[Any]:
        """Send requests, a few at a time, and wait for all answers.

        Raises:
            HardwareLost: One does not come in time; or what ``wait`` raises.
        """
        timeout_s = self._config.service_timeout_s + extra_s
        deadline = time.monotonic() + timeout_s
        while not client.service_is_ready():
            self._pause(client, deadline, timeout_s, wait)
        answers: list[Any] = []
        pending: list[Future] = []
        try:
            while len(answers) < len(requests):
                sent = len(answers) + len(pending)
                if sent < len(requests) and len(pending) <= _AT_ONCE // 2:
                    batch = requests[sent : sent + _AT_ONCE - len(pending)]
                    pending += self._link.run(partial(_send, client, batch))
                if pending[0].done():
                    answers.append(pending.pop(0).result())
                    deadline = time.monotonic() + timeout_s
                else:
                    self._pause(client, deadline, timeout_s, wait)
            return answers
        finally:
            for future in pending:
                if not future.done():
                    client.remove_pending_request(future)

    @staticmethod
    def _pause(client: Client, deadline: float, timeout_s: float, wait: Wait) -> None:
        wait()
        if time.monotonic() > deadline:
            raise HardwareLost(
                f"move_group does not answer on {client.srv_name} for {timeout_s:.1f} s: does it "
                "run, in this namespace and ROS_DOMAIN_ID? (docs/moveit.md)"
            )
        time.sleep(_POLL_S)


def _send(client: Client, requests: Sequence[Any]) -> list[Future]:
    return [client.call_async(request) for request in requests]
