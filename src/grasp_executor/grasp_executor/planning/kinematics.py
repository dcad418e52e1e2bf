"""Forward and differential kinematics of the arm."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import ConfigError
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.interfaces import JointVector
from grasp_executor.planning.libraries import pin

_DAMPING = 1e-4  # of the least squares; small, since steps are short or already close
_CONVERGED = 1e-7  # m and rad
_LIMIT_ZONE_RAD = 0.25  # where a redundant arm starts to move away from a limit
_LIMIT_GAIN = 0.2  # share of that distance moved back per step
_MAX_STEP_RAD = 0.2


class Kinematics:
    """The chain from the base frame to the tcp frame, in the joint order of the profile."""

    def __init__(self, robot: RobotModel, margin_rad: float = 0.0) -> None:
        """Build from the robot's URDF.

        Raises:
            ConfigError: The profile names a joint or frame that the URDF lacks.
        """
        full = pin.buildModelFromXML(robot.urdf)
        missing = [name for name in robot.arm.joints if not full.existJointName(name)]
        missing += [
            frame
            for frame in (robot.arm.base_frame, robot.arm.tcp_frame)
            if not full.existFrame(frame)
        ]
        if missing:
            raise ConfigError(
                f"robot {robot.name}: the profile names {', '.join(missing)}, which the URDF lacks"
            )
        locked = [
            full.getJointId(name)
            for name in full.names
            if name != "universe" and name not in robot.arm.joints
        ]
        self._model = pin.buildReducedModel(full, locked, pin.neutral(full))
        self._data = self._model.createData()
        self._order = np.array(
            [self._model.joints[self._model.getJointId(name)].idx_q for name in robot.arm.joints]
        )
        self._tcp = self._model.getFrameId(robot.arm.tcp_frame)
        pin.framesForwardKinematics(self._model, self._data, pin.neutral(self._model))
        base = self._data.oMf[self._model.getFrameId(robot.arm.base_frame)]
        self._T_base_world = base.inverse()
        lower, upper = robot.limits()
        self.lower: JointVector = lower + margin_rad
        self.upper: JointVector = upper - margin_rad

    def matrix(self, joints: JointVector) -> NDArray[np.float64]:
        """``T_base_tcp`` of a configuration as a matrix, shape (4, 4)."""
        return np.array((self._T_base_world * self._frame(joints)).homogeneous)

    def forward(self, joints: JointVector) -> Transform:
        """``T_base_tcp`` of a configuration."""
        return Transform(self.matrix(joints))

    def solve_near(
        self,
        T_base_tcp: Transform,
        near: JointVector,
        *,
        iterations: int = 12,
        continuing: bool = False,
    ) -> JointVector | None:
        """Configuration of a pose by Newton steps from one close to it.

        Args:
            T_base_tcp: The pose.
            near: Shape (J,), rad.
            iterations: Steps before giving up.
            continuing: ``near`` is the previous point of a line: use redundancy to move off joint
                limits, and do not mind the margin where ``near`` already lacks it.

        Returns:
            Shape (J,), within limits, reaching the pose within 1e-7 m and rad; None if the steps
            do not converge or leave the limits.
        """
        goal = self._T_base_world.inverse() * pin.SE3(T_base_tcp.matrix)
        joints = np.array(near, dtype=np.float64)
        lower, upper = self.lower, self.upper
        if continuing:
            lower, upper = np.minimum(lower, near), np.maximum(upper, near)
        for iteration in range(iterations):
            error = pin.log6(self._frame(joints).actInv(goal)).vector
            if float(np.abs(error).max()) < _CONVERGED and not (continuing and iteration == 0):
                inside = np.all(joints >= lower) and np.all(joints <= upper)
                return joints if inside else None
            jacobian = pin.computeFrameJacobian(
                self._model, self._data, self._unordered(joints), self._tcp
            )[:, self._order]
            away = self._away_from_limits(joints) if continuing and iteration == 0 else None
            step = _least_squares(jacobian, error, away)
            step *= min(1.0, _MAX_STEP_RAD / max(float(np.abs(step).max()), 1e-12))
            if continuing:
                # Joints that would pass a limit stop there; the others do their share.
                stopped = (joints + step < lower) | (joints + step > upper)
                if stopped.any() and not stopped.all():
                    step = np.where(stopped, np.clip(joints + step, lower, upper) - joints, 0.0)
                    rest = error - jacobian @ step
                    step[~stopped] = _least_squares(jacobian[:, ~stopped], rest, None)
            joints = joints + step
        return None

    def _away_from_limits(self, joints: JointVector) -> JointVector:
        zone = np.minimum(_LIMIT_ZONE_RAD, 0.25 * (self.upper - self.lower))
        low = np.maximum(0.0, self.lower + zone - joints)
        high = np.maximum(0.0, joints - (self.upper - zone))
        return np.clip(_LIMIT_GAIN * (low - high), -0.02, 0.02)

    def _frame(self, joints: JointVector) -> pin.SE3:
        pin.forwardKinematics(self._model, self._data, self._unordered(joints))
        return pin.updateFramePlacement(self._model, self._data, self._tcp)

    def _unordered(self, joints: JointVector) -> JointVector:
        model_order = np.empty(self._model.nq)
        model_order[self._order] = joints
        return model_order


def _least_squares(
    jacobian: NDArray[np.float64], error: NDArray[np.float64], wish: JointVector | None
) -> JointVector:
    """Damped least-squares step; ``wish`` is followed as far as it does not move the frame."""
    square = jacobian @ jacobian.T
    square[np.diag_indices(6)] += _DAMPING**2
    if wish is None:
        return jacobian.T @ np.linalg.solve(square, error)
    return wish + jacobian.T @ np.linalg.solve(square, error - jacobian @ wish)


def interpolate_pose(T_a: Transform, T_b: Transform, fraction: float) -> Transform:
    """Pose on the straight line between two: linear in position, shortest turn in orientation."""
    turn = pin.log3(T_a.rotation.T @ T_b.rotation)
    rotation = T_a.rotation @ pin.exp3(fraction * turn)
    translation = T_a.translation + fraction * (T_b.translation - T_a.translation)
    return Transform.from_rotation(rotation, translation)


def line_deviation(T_a: Transform, T_b: Transform, T: NDArray[np.float64]) -> tuple[float, float]:
    """Distance, metres and radians, of a pose (matrix) from the line between two poses.

    The orientation is compared with that of the line where the pose's foot point lies; a pure
    turn is compared with the closest point of the turn.
    """
    along = T_b.translation - T_a.translation
    length = float(np.linalg.norm(along))
    turn = pin.log3(T_a.rotation.T @ T_b.rotation)
    angle = float(np.linalg.norm(turn))
    if length > 1e-9:
        fraction = float(np.dot(T[:3, 3] - T_a.translation, along)) / length**2
    elif angle > 1e-9:
        turned = pin.log3(T_a.rotation.T @ T[:3, :3])
        fraction = float(np.dot(turned, turn)) / angle**2
    else:
        fraction = 0.0
    fraction = min(1.0, max(0.0, fraction))
    expected = interpolate_pose(T_a, T_b, fraction)
    offset = float(np.linalg.norm(T[:3, 3] - expected.translation))
    cosine = 0.5 * (float(np.trace(expected.rotation.T @ T[:3, :3])) - 1.0)
    if cosine < 0.999:
        return offset, math.acos(max(-1.0, cosine))
    return offset, float(np.linalg.norm(pin.log3(expected.rotation.T @ T[:3, :3])))
