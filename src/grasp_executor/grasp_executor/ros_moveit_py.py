"""MoveIt's Python interface as the planner's port: what runs in a process of its own.

It gives the answers of a move_group without one: the bindings of moveit_py, with what they lack
made up here, namely straight lines, and the names of what touches.
"""

from __future__ import annotations

import copy
import itertools
import math
import tempfile
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import yaml

from grasp_core.errors import MissingDependency
from grasp_core.optional import lacking
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.interfaces import Wait
from grasp_executor.planning.kinematics import interpolate_pose
from grasp_executor.planning.line import travel
from grasp_executor.planning.move_group import (
    UNNAMED_PAIR,
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
from grasp_executor.planning.moveit_parameters import DEFAULT_PIPELINE, moveit_py_parameters
from grasp_executor.planning.moveit_process import ProcessMoveGroup
from grasp_executor.planning.moveit_scene import links_of
from grasp_executor.ros_moveit_messages import (
    PlanningScene,
    answer_of,
    contacts_of,
    contents_of,
    joint_goal,
    scene_change,
    state_message,
)
from grasp_ros.conversions import pose_from_transform

_NODE = "grasp_stack_moveit_py"
_NO_IK_SOLUTION = -31
_STEP_S = 1.0  # between points of a line: they are timed anew

Pair = tuple[str, str]


def connect_moveit_py(robot: RobotModel, config: MoveItConfig) -> ProcessMoveGroup:
    """Start moveit_py in a process of its own.

    Raises:
        MissingDependency: It is not installed.
        HardwareLost: It does not start.
    """
    return ProcessMoveGroup(MoveItPyMoveGroup, (robot, config), config.service_timeout_s)


class MoveItPyMoveGroup:
    """Implements :class:`~grasp_executor.planning.move_group.MoveGroup`; one in a process.

    The monitored scene holds the obstacles. Each request looks at a copy of it, with the robot
    in the state that the request names.
    """

    def __init__(self, robot: RobotModel, config: MoveItConfig) -> None:
        """Start MoveIt, which takes the signals of the process and its rclcpp.

        Raises:
            MissingDependency: moveit_py is not installed.
            RuntimeError: It does not accept the robot.
        """
        try:
            from moveit.planning import MoveItPy, PlanRequestParameters
        except ImportError as error:
            raise MissingDependency(
                f"moveit.server is moveit_py, which {lacking(error)}: apt-get install "
                "ros-jazzy-moveit-py where ROS is, or set moveit.server to move_group"
            ) from error
        parameters = {"/**": {"ros__parameters": moveit_py_parameters(robot)}}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump(parameters, file)
            file.flush()
            self._moveit = MoveItPy(
                node_name=_NODE,
                launch_params_filepaths=[file.name],
                provide_planning_service=False,
            )
        self._links, _ = links_of(robot)
        self._model = self._moveit.get_robot_model()
        self._monitor = self._moveit.get_planning_scene_monitor()
        self._request = PlanRequestParameters(self._moveit, "")
        self._request.planning_pipeline = config.pipeline or DEFAULT_PIPELINE
        self._request.planner_id = config.planner_id
        self._request.planning_attempts = 1

    def read_scene(self, wait: Wait) -> SceneContents:
        """See MoveGroup."""
        with self._monitor.read_only() as scene:
            return contents_of(scene.planning_scene_message)

    def change_scene(
        self,
        put: Sequence[Solid],
        remove: Collection[str],
        contacts: AllowedContacts,
        wait: Wait,
    ) -> bool:
        """See MoveGroup."""
        change = scene_change(put, remove, contacts, self._model.model_frame)
        return bool(self._monitor.new_planning_scene_message(change))

    def poses(
        self, state: RobotState, links: Sequence[str], wait: Wait
    ) -> tuple[int, list[Transform]]:
        """See MoveGroup; a link that the robot lacks raises."""
        placed = self._placed(state)
        return SUCCESS, [_pose_of(placed, link) for link in links]

    def configurations(
        self, states: Sequence[RobotState], group: str, link: str, pose: Transform, wait: Wait
    ) -> list[tuple[int, Mapping[str, float]]]:
        """See MoveGroup."""
        target = pose_from_transform(pose)
        found: list[tuple[int, Mapping[str, float]]] = []
        for state in states:
            placed = self._placed(state)
            if placed.set_from_ik(group, target, link):
                found.append((SUCCESS, dict(placed.joint_positions)))
            else:
                found.append((_NO_IK_SOLUTION, {}))
        return found

    def touching(
        self, states: Sequence[RobotState], group: str, wait: Wait
    ) -> list[list[tuple[str, str]]]:
        """See MoveGroup."""
        found = []
        for state in states:
            scene = self._scene_with(state)
            pairs = []
            if scene.is_state_colliding(group):
                # A collision whose pair is not found is one all the same.
                pairs = _touching_pairs(scene, self._links, group) or [UNNAMED_PAIR]
            found.append(pairs)
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
        scene = self._scene_with(start)
        component = self._moveit.get_planning_component(group)
        component.set_start_state(robot_state=scene.current_state)
        component.set_goal_state(motion_plan_constraints=[joint_goal(goal)])
        self._request.planning_time = time_s
        self._request.max_velocity_scaling_factor = scaling.velocity
        self._request.max_acceleration_scaling_factor = scaling.acceleration
        response = component.plan(single_plan_parameters=self._request, planning_scene=scene)
        planned = response.trajectory
        if planned is None:
            return Answer(int(response.error_code.val), _untimed((), []))
        return answer_of(response.error_code, planned.get_robot_trajectory_msg())

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
        """See MoveGroup; points are one step apart, and their times say nothing of speed."""
        scene = self._scene_with(start)
        state = scene.current_state
        begin = _pose_of(state, link)
        names = tuple(start.positions)
        points = [dict(state.joint_positions)]
        steps = max(1, math.ceil(travel(begin, pose) / step_m))
        for step in range(1, steps + 1):
            between = pose_from_transform(interpolate_pose(begin, pose, step / steps))
            if not state.set_from_ik(group, between, link):
                break
            state.update()
            if avoid_collisions and scene.is_state_colliding(state, group):
                break
            points.append(dict(state.joint_positions))
        return Answer(SUCCESS, _untimed(names, points), fraction=(len(points) - 1) / steps)

    def _placed(self, state: RobotState) -> Any:
        """A robot in a state, without what it carries."""
        from moveit.core.robot_state import RobotState as MoveItState

        placed = MoveItState(self._model)
        placed.set_to_default_values()
        placed.joint_positions = dict(state.positions)
        placed.update()
        return placed

    def _scene_with(self, state: RobotState) -> Any:
        """A copy of the scene in which the robot is in a state and carries what that says."""
        with self._monitor.read_only() as scene:
            own = copy.copy(scene)
        own.set_current_state(state_message(state))
        own.current_state.update()
        return own


def _touching_pairs(scene: Any, links: frozenset[str], group: str) -> list[Pair]:
    """The pairs of a scene that touch and may not.

    The bindings tell only whether anything touches: all pairs are asked about together, then
    halves of those, until single ones are left.
    """
    from moveit.core.collision_detection import (
        AllowedCollisionMatrix,
        CollisionRequest,
        CollisionResult,
    )

    names, pairs = checked_pairs(scene.planning_scene_message, links)
    request = CollisionRequest()
    request.joint_model_group_name = group

    def touching(some: list[Pair]) -> list[Pair]:
        matrix = AllowedCollisionMatrix(names, True)
        for first, second in some:
            matrix.set_entry(first, second, False)
        result = CollisionResult()
        scene.check_collision(request, result, scene.current_state, matrix)
        if not result.collision or len(some) == 1:
            return some if result.collision else []
        half = len(some) // 2
        return touching(some[:half]) + touching(some[half:])

    return touching(pairs) if pairs else []


def checked_pairs(message: PlanningScene, links: frozenset[str]) -> tuple[list[str], list[Pair]]:
    """Names of all that may touch in a scene, and the pairs of them that are looked at."""
    objects = [item.id for item in message.world.collision_objects]
    carried = {
        item.object.id: {item.link_name, *item.touch_links}
        for item in message.robot_state.attached_collision_objects
    }
    contacts = contacts_of(message.allowed_collision_matrix)
    pairs = [
        *itertools.combinations(sorted(links), 2),
        *itertools.product([*links, *carried], objects),
        *((link, name) for name, touched in carried.items() for link in links - touched),
    ]
    return [*links, *objects, *carried], [p for p in pairs if not contacts.allows(*p)]


def _pose_of(state: Any, link: str) -> Transform:
    return Transform(np.asarray(state.get_global_link_transform(link), dtype=np.float64))


def _untimed(names: tuple[str, ...], points: Sequence[Mapping[str, float]]) -> TimedPath:
    positions = np.array([[point[name] for name in names] for point in points], dtype=np.float64)
    times = _STEP_S * np.arange(len(points), dtype=np.float64)
    return TimedPath(names, times, positions.reshape(len(points), len(names)))
