"""A hand that flies: six coordinates for its pose, and a camera that paints the board."""

import numpy as np
from painted_board import BOARD, CAMERA, paint
from scipy.spatial.transform import Rotation

from grasp_calibration.station import Picture
from grasp_core.errors import Unreachable
from grasp_core.robot import CAMERA_ON_HAND
from grasp_core.transform import Transform
from grasp_executor.interfaces import ArmState, JointTrajectory

LINK = Transform.from_rpy((0.0, 0.0, 0.0), (0.0, 0.0, -0.05))  # T_tcp_hand: not the same frame


def joints_of(pose):
    return np.concatenate([pose.translation, Rotation.from_matrix(pose.rotation).as_rotvec()])


def pose_of(joints):
    return Transform.from_rotation(Rotation.from_rotvec(joints[3:]).as_matrix(), joints[:3])


class FlyingHand:
    """Arm, clock, planner and camera in one; moves take no time.

    Attributes:
        visited: Where it has been sent.
        attached: What the planner was told that it carries.
    """

    def __init__(self, mount, truth, T_camera_board):
        carrier = truth.board @ T_camera_board.inverse() @ truth.camera.inverse()
        T_base_hand = carrier if mount == CAMERA_ON_HAND else carrier.inverse()
        self._mount, self._truth = mount, truth
        self._joints = joints_of(T_base_hand @ LINK.inverse())
        self._now_s = 0.0
        self.begin = self._joints
        self.visited, self.attached, self.floor_m = [], [], -10.0

    # Arm, its motion, and the clock

    def state(self):
        return ArmState(self._joints, np.zeros(6), self._now_s)

    def start(self, trajectory):
        self.visited.append(trajectory.goal)
        self._joints = trajectory.goal
        return self

    def done(self):
        return True

    def check(self):
        pass

    def cancel(self):
        pass

    def progress_s(self):
        return float("nan")

    def now_s(self):
        return self._now_s

    def sleep(self, duration_s):
        self._now_s += duration_s

    # Planner

    def forward(self, joints):
        return pose_of(joints)

    def set_scene(self, scene):
        pass

    def attach(self, box):
        self.attached.append(box)

    def solve_ik(self, T_base_tcp, near, count=4, *, wait):
        if T_base_tcp.translation[2] < self.floor_m:
            raise Unreachable("below the floor")
        return [joints_of(T_base_tcp)]

    def plan_joints(self, start, goal, speed=1.0, *, wait):
        still = np.zeros((2, 6))
        return JointTrajectory(
            tuple("xyzabc"), np.array([0.0, 0.1]), np.stack([start, goal]), still, still
        )

    # Camera

    def take(self, wait):
        wait()
        T_base_hand = pose_of(self._joints) @ LINK
        carrier = T_base_hand if self._mount == CAMERA_ON_HAND else T_base_hand.inverse()
        color = paint(self._truth.T_camera_board(carrier), seed=len(self.visited))
        return Picture(color, CAMERA, T_base_hand, "optical")


__all__ = ["BOARD", "CAMERA", "FlyingHand"]
