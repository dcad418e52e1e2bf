"""The planner's port in the messages of MoveIt: what is sent, and what comes back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from sensor_msgs.msg import JointState
from shape_msgs.msg import SolidPrimitive

from grasp_core.errors import MissingDependency
from grasp_core.optional import lacking
from grasp_core.transform import Transform
from grasp_executor.planning.move_group import (
    AllowedContacts,
    Answer,
    RobotState,
    SceneContents,
    Solid,
    TimedPath,
)
from grasp_ros.conversions import pose_from_transform, transform_from_pose

try:
    from moveit_msgs.msg import (
        AllowedCollisionEntry,
        AllowedCollisionMatrix,
        AttachedCollisionObject,
        CollisionObject,
        Constraints,
        JointConstraint,
        PlanningScene,
        RobotTrajectory,
    )
    from moveit_msgs.msg import RobotState as RobotStateMsg
except ImportError as error:
    raise MissingDependency(
        f"the planner moveit needs moveit_msgs, which {lacking(error)}: apt-get install "
        "ros-jazzy-moveit-msgs where ROS is, else run make moveit-messages"
    ) from error

_GOAL_TOLERANCE_RAD = 1e-4


def state_message(state: RobotState) -> RobotStateMsg:
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


def scene_change(
    put: Sequence[Solid], remove: Collection[str], contacts: AllowedContacts, frame: str
) -> PlanningScene:
    """The message that puts or replaces boxes in a frame, removes others, and sets what may touch.

    What the robot's state holds is left alone.
    """
    scene = PlanningScene(is_diff=True)
    scene.robot_state.is_diff = True
    scene.allowed_collision_matrix = collision_matrix(contacts)
    scene.world.collision_objects = [
        *(CollisionObject(id=name, operation=CollisionObject.REMOVE) for name in remove),
        *(collision_object(solid, frame) for solid in put),
    ]
    return scene


def contents_of(scene: PlanningScene) -> SceneContents:
    """What a planning scene holds."""
    solids: dict[str, Solid] = {}
    others: list[str] = []
    for item in scene.world.collision_objects:
        solid = solid_of(item)
        if solid is None:
            others.append(item.id)
        else:
            solids[item.id] = solid
    return SceneContents(solids, others, contacts_of(scene.allowed_collision_matrix))


def joint_goal(goal: Mapping[str, float]) -> Constraints:
    """The message that asks for joint positions."""
    return Constraints(
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


def answer_of(code: Any, trajectory: RobotTrajectory, fraction: float = 1.0) -> Answer:
    """What came of planning, from its error code and trajectory."""
    joints = trajectory.joint_trajectory
    times = [p.time_from_start.sec + 1e-9 * p.time_from_start.nanosec for p in joints.points]
    positions = np.array([point.positions for point in joints.points], dtype=np.float64)
    path = TimedPath(
        tuple(joints.joint_names),
        np.array(times, dtype=np.float64),
        positions.reshape(len(times), len(joints.joint_names) if times else 0),
    )
    return Answer(int(code.val), path, str(code.message), fraction)
