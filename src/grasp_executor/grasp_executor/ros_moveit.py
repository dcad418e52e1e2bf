"""A running move_group over its services: the planner's port in messages."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from geometry_msgs.msg import PoseStamped
from rclpy.client import Client
from rclpy.task import Future
from sensor_msgs.msg import JointState
from shape_msgs.msg import SolidPrimitive

from grasp_core.errors import HardwareLost, MissingDependency
from grasp_core.transform import Transform
from grasp_executor.interfaces import Wait
from grasp_executor.planning.move_group import (
    AllowedContacts,
    Answer,
    RobotState,
    Scaling,
    SceneContents,
    Solid,
    TimedPath,
)
from grasp_executor.planning.moveit_codes import SUCCESS
from grasp_executor.planning.moveit_config import MoveItConfig
from grasp_ros.conversions import pose_from_transform, transform_from_pose
from grasp_ros.spinner import Spinner

try:
    from moveit_msgs.msg import (
        AllowedCollisionEntry,
        AllowedCollisionMatrix,
        AttachedCollisionObject,
        CollisionObject,
        Constraints,
        JointConstraint,
        PlanningScene,
        PlanningSceneComponents,
        RobotTrajectory,
    )
    from moveit_msgs.msg import RobotState as RobotStateMsg
    from moveit_msgs.srv import (
        ApplyPlanningScene,
        GetCartesianPath,
        GetMotionPlan,
        GetPlanningScene,
        GetPositionFK,
        GetPositionIK,
        GetStateValidity,
    )
except ImportError as error:
    raise MissingDependency(
        "the planner moveit needs moveit_msgs, which is not installed: apt-get install "
        "ros-jazzy-moveit-msgs where ROS is, else run make moveit-messages"
    ) from error

_POLL_S = 0.001
_GOAL_TOLERANCE_RAD = 1e-4
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
        scene = self._call(self._read, [request], wait)[0].scene
        solids: dict[str, Solid] = {}
        others: list[str] = []
        for item in scene.world.collision_objects:
            solid = solid_of(item)
            if solid is None:
                others.append(item.id)
            else:
                solids[item.id] = solid
        return SceneContents(solids, others, contacts_of(scene.allowed_collision_matrix))

    def change_scene(
        self,
        put: Sequence[Solid],
        remove: Collection[str],
        contacts: AllowedContacts,
        wait: Wait,
    ) -> bool:
        """See MoveGroup."""
        scene = PlanningScene(is_diff=True)
        scene.robot_state.is_diff = True
        scene.allowed_collision_matrix = collision_matrix(contacts)
        scene.world.collision_objects = [
            *(CollisionObject(id=name, operation=CollisionObject.REMOVE) for name in remove),
            *(collision_object(solid, self._model_frame) for solid in put),
        ]
        answer = self._call(self._apply, [ApplyPlanningScene.Request(scene=scene)], wait)[0]
        return bool(answer.success)

    def poses(
        self, state: RobotState, links: Sequence[str], wait: Wait
    ) -> tuple[int, list[Transform]]:
        """See MoveGroup."""
        request = GetPositionFK.Request(fk_link_names=list(links), robot_state=_state(state))
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
            request.ik_request.robot_state = _state(state)
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
            GetStateValidity.Request(robot_state=_state(state), group_name=group)
            for state in states
        ]
        found = []
        for answer in self._call(self._validity, requests, wait):
            pairs = [(one.contact_body_1, one.contact_body_2) for one in answer.contacts]
            # Invalid without a contact is invalid all the same.
            found.append(pairs if pairs or answer.valid else [("the arm", "something")])
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
        request.start_state = _state(start)
        request.group_name = group
        request.pipeline_id = self._config.pipeline
        request.planner_id = self._config.planner_id
        request.num_planning_attempts = 1
        request.allowed_planning_time = time_s
        request.max_velocity_scaling_factor = scaling.velocity
        request.max_acceleration_scaling_factor = scaling.acceleration
        request.goal_constraints = [
            Constraints(
                joint_constraints=[
                    JointConstraint(
                        joint_name=name,
                        position=position,
                        tolerance_above=_GOAL_TOLERANCE_RAD,
                        tolerance_below=_GOAL_TOLERANCE_RAD,
                        weight=1.0,
                    )
                    for name, position in goal.items()
                ]
            )
        ]
        answer = self._call(self._plan, [service], wait, time_s)[0].motion_plan_response
        return _answer(answer.error_code, answer.trajectory)

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
        request.start_state = _state(start)
        request.group_name = group
        request.link_name = link
        request.waypoints = [pose_from_transform(pose)]
        request.max_step = step_m
        request.avoid_collisions = avoid_collisions
        request.max_velocity_scaling_factor = scaling.velocity
        request.max_acceleration_scaling_factor = scaling.acceleration
        answer = self._call(self._line, [request], wait)[0]
        return _answer(answer.error_code, answer.solution, float(answer.fraction))

    def _client(self, service: type[Any], name: str) -> Client:
        prefix = f"{self._config.namespace.rstrip('/')}/" if self._config.namespace else ""
        return self._link.node.create_client(service, prefix + name)

    def _call(
        self, client: Client, requests: Sequence[Any], wait: Wait, extra_s: float = 0.0
    ) -> list[Any]:
        """Send requests, and wait for all answers.

        Raises:
            HardwareLost: One does not come in time; or what ``wait`` raises.
        """
        timeout_s = self._config.service_timeout_s + extra_s
        deadline = time.monotonic() + timeout_s
        while not client.service_is_ready():
            self._pause(client, deadline, timeout_s, wait)
        futures: list[Future] = self._link.run(lambda: [client.call_async(r) for r in requests])
        try:
            done = 0
            while True:
                while done < len(futures) and futures[done].done():
                    done += 1
                    deadline = time.monotonic() + timeout_s
                if done == len(futures):
                    return [future.result() for future in futures]
                self._pause(client, deadline, timeout_s, wait)
        finally:
            for future in futures:
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


def _state(state: RobotState) -> RobotStateMsg:
    """The whole state: without ``is_diff``, nothing is carried but what is named."""
    names = list(state.positions)
    joints = JointState(name=names, position=[float(state.positions[name]) for name in names])
    message = RobotStateMsg(joint_state=joints, is_diff=False)
    if state.carried is not None:
        carried = state.carried
        message.attached_collision_objects = [
            AttachedCollisionObject(
                link_name=carried.link,
                object=collision_object(carried.solid, carried.link),
                touch_links=list(carried.touch_links),
            )
        ]
    return message


def collision_object(solid: Solid, frame: str) -> CollisionObject:
    """The message of a box, its pose in a frame."""
    item = CollisionObject(id=solid.name, operation=CollisionObject.ADD)
    item.header.frame_id = frame
    item.pose = pose_from_transform(solid.pose)
    size = [float(side) for side in solid.size_m]
    item.primitives = [SolidPrimitive(type=SolidPrimitive.BOX, dimensions=size)]
    item.primitive_poses = [pose_from_transform(Transform.identity())]
    return item


def solid_of(item: CollisionObject) -> Solid | None:
    """The box that an object of the scene is; None if it is anything else."""
    if len(item.primitives) != 1 or item.meshes or item.planes:
        return None
    (shape,) = item.primitives
    if shape.type != SolidPrimitive.BOX:
        return None
    pose = transform_from_pose(item.pose) @ transform_from_pose(item.primitive_poses[0])
    x, y, z = (float(side) for side in shape.dimensions)
    return Solid(item.id, (x, y, z), pose)


def contacts_of(matrix: AllowedCollisionMatrix) -> AllowedContacts:
    """What a matrix allows."""
    names = list(matrix.entry_names)
    pairs = {
        frozenset((names[row], names[column]))
        for row, entry in enumerate(matrix.entry_values)
        for column, allowed in enumerate(entry.enabled[:row])
        if allowed
    }
    defaults = dict(
        zip(matrix.default_entry_names, map(bool, matrix.default_entry_values), strict=True)
    )
    return AllowedContacts(frozenset(names), frozenset(pairs), defaults)


def collision_matrix(contacts: AllowedContacts) -> AllowedCollisionMatrix:
    """The message of what may touch."""
    names = sorted(contacts.names)
    row_of = {name: row for row, name in enumerate(names)}
    enabled = np.zeros((len(names), len(names)), dtype=bool)
    for pair in contacts.pairs:
        rows = [row_of[name] for name in pair]
        enabled[rows[0], rows[-1]] = enabled[rows[-1], rows[0]] = True
    return AllowedCollisionMatrix(
        entry_names=names,
        entry_values=[AllowedCollisionEntry(enabled=row) for row in enabled.tolist()],
        default_entry_names=list(contacts.defaults),
        default_entry_values=list(contacts.defaults.values()),
    )


def _answer(code: Any, trajectory: RobotTrajectory, fraction: float = 1.0) -> Answer:
    joints = trajectory.joint_trajectory
    times = [p.time_from_start.sec + 1e-9 * p.time_from_start.nanosec for p in joints.points]
    positions = np.array([point.positions for point in joints.points], dtype=np.float64)
    path = TimedPath(
        tuple(joints.joint_names),
        np.array(times, dtype=np.float64),
        positions.reshape(len(times), len(joints.joint_names) if times else 0),
    )
    return Answer(int(code.val), path, str(code.message), fraction)
