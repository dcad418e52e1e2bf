"""The move_group in memory behind the services of the real one.

By hand, for the whole stack without MoveIt: ``python -m ros_memory_move_group --robot panda``.
"""

from __future__ import annotations

import argparse

import numpy as np
import rclpy
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import PoseStamped
from memory_move_group import MemoryMoveGroup
from moveit_msgs.msg import CollisionObject, ContactInformation
from moveit_msgs.srv import (
    ApplyPlanningScene,
    GetCartesianPath,
    GetMotionPlan,
    GetPlanningScene,
    GetPositionFK,
    GetPositionIK,
    GetStateValidity,
)
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint

from grasp_core.robot import load_robot
from grasp_executor.planning.move_group import Carried, RobotState, Scaling, Solid
from grasp_executor.ros_moveit_messages import (
    collision_matrix,
    collision_object,
    contacts_of,
    solid_of,
)
from grasp_ros.conversions import pose_from_transform, transform_from_pose

FRAME = "cell"


class MoveGroupNode(Node):
    """Serves one move_group in memory.

    Attributes:
        move_group: What answers.
        hold: Called before a path is planned; whoever must be waited for blocks here.
    """

    def __init__(self, robot, context=None, hold=lambda: None):
        super().__init__("move_group", context=context, start_parameter_services=False)
        self.move_group = MemoryMoveGroup(robot)
        self.hold = hold
        for service, name, answer in (
            (GetPlanningScene, "get_planning_scene", self._read),
            (ApplyPlanningScene, "apply_planning_scene", self._apply),
            (GetPositionFK, "compute_fk", self._forward),
            (GetPositionIK, "compute_ik", self._inverse),
            (GetStateValidity, "check_state_validity", self._validity),
            (GetMotionPlan, "plan_kinematic_path", self._plan),
            (GetCartesianPath, "compute_cartesian_path", self._line),
        ):
            self.create_service(service, name, answer)

    def _read(self, request, response):
        scene = self.move_group.read_scene(_pass)
        response.scene.world.collision_objects = [
            *(collision_object(solid, FRAME) for solid in scene.solids.values()),
            *(CollisionObject(id=name) for name in scene.others),
        ]
        response.scene.allowed_collision_matrix = collision_matrix(scene.contacts)
        return response

    def _apply(self, request, response):
        objects = request.scene.world.collision_objects
        put = [solid_of(item) for item in objects if item.operation == CollisionObject.ADD]
        remove = [item.id for item in objects if item.operation == CollisionObject.REMOVE]
        contacts = contacts_of(request.scene.allowed_collision_matrix)
        response.success = request.scene.is_diff and None not in put
        if response.success:
            self.move_group.change_scene(put, remove, contacts, _pass)
        return response

    def _forward(self, request, response):
        state = self._state(request.robot_state)
        code, poses = self.move_group.poses(state, request.fk_link_names, _pass)
        for pose in poses:
            stamped = PoseStamped(pose=pose_from_transform(pose))
            stamped.header.frame_id = FRAME
            response.pose_stamped.append(stamped)
        response.error_code.val = code
        return response

    def _inverse(self, request, response):
        asked = request.ik_request
        pose = transform_from_pose(asked.pose_stamped.pose)
        states = [self._state(asked.robot_state)]
        ((code, positions),) = self.move_group.configurations(
            states, asked.group_name, asked.ik_link_name, pose, _pass
        )
        response.error_code.val = code
        response.solution.joint_state.name = list(positions)
        response.solution.joint_state.position = list(positions.values())
        return response

    def _validity(self, request, response):
        states = [self._state(request.robot_state)]
        (pairs,) = self.move_group.touching(states, request.group_name, _pass)
        response.valid = not pairs
        response.contacts = [
            ContactInformation(contact_body_1=second, contact_body_2=first)
            for first, second in pairs
        ]
        return response

    def _plan(self, request, response):
        self.hold()
        asked = request.motion_plan_request
        goal = {
            one.joint_name: one.position for one in asked.goal_constraints[0].joint_constraints
        }
        answer = self.move_group.plan(
            self._state(asked.start_state),
            goal,
            asked.group_name,
            _scaling(asked),
            asked.allowed_planning_time,
            _pass,
        )
        response.motion_plan_response.error_code.val = answer.code
        response.motion_plan_response.error_code.message = answer.details
        response.motion_plan_response.trajectory.joint_trajectory = _trajectory(answer.path)
        return response

    def _line(self, request, response):
        answer = self.move_group.line(
            self._state(request.start_state),
            request.group_name,
            request.link_name,
            transform_from_pose(request.waypoints[0]),
            request.max_step,
            _scaling(request),
            request.avoid_collisions,
            _pass,
        )
        response.error_code.val = answer.code
        response.fraction = float(answer.fraction)
        response.solution.joint_trajectory = _trajectory(answer.path)
        return response

    def _state(self, message):
        joints = message.joint_state
        carried = None
        if message.attached_collision_objects:
            (held,) = message.attached_collision_objects
            solid = solid_of(held.object)
            assert isinstance(solid, Solid)
            carried = Carried(solid, held.link_name, tuple(held.touch_links))
        return RobotState(dict(zip(joints.name, joints.position, strict=True)), carried)


def _scaling(asked):
    return Scaling(asked.max_velocity_scaling_factor, asked.max_acceleration_scaling_factor)


def _trajectory(path):
    trajectory = JointTrajectory(joint_names=list(path.joints))
    for time, positions in zip(path.times_s, np.asarray(path.positions), strict=True):
        since = Duration(sec=int(time), nanosec=round(1e9 * (time - int(time))))
        trajectory.points.append(
            JointTrajectoryPoint(positions=positions.tolist(), time_from_start=since)
        )
    return trajectory


def _pass():
    """A wait that does nothing."""


def main():
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--robot", default="panda")
    parser.add_argument("--gripper", default="")
    options = parser.parse_args()
    rclpy.init()
    rclpy.spin(MoveGroupNode(load_robot(options.robot, options.gripper)))


if __name__ == "__main__":
    main()
