"""The arm's estimate of what acts on its hand from outside, from its joint torques.

As on a Panda: measured joint torques minus those of the model of arm and hand, brought to the
hand by its Jacobian. The simulated model is the true one, so errors are added to the torques.

No data sheet states them for the estimate. Franka's gives a relative force accuracy of 0.8 N
for the arm; the values below are assumed, and give an error of about that size along the vertical
where objects are lifted: an offset of each torque, which stays for a run, a part of the
model's error that changes with the joint's angle, and noise of each reading.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grasp_sim.world import World

Vector = NDArray[np.float64]

TORQUE_OFFSET_NM = 0.2
TORQUE_MODEL_NM = 0.1
TORQUE_NOISE_NM = 0.05
_FIXED_JOINT = 4
_STREAM = 7  # keeps these numbers apart from the noise of the depth images


class WrenchEstimator:
    """Estimates wrenches of one run, with the errors of that run."""

    def __init__(self, world: World, seed: int) -> None:
        """Draw the errors that stay.

        Args:
            world: With arm and hand.
            seed: Of all errors.
        """
        self._world = world
        self._seed = seed
        p, body = world.client, world.robot_body
        count = p.getNumJoints(body)
        self._moving = [j for j in range(count) if p.getJointInfo(body, j)[2] != _FIXED_JOINT]
        arm = world.robot.arm
        self._rows = [self._moving.index(world.joints[name]) for name in arm.joints]
        rng = np.random.default_rng([seed, _STREAM])
        self._offset = rng.normal(0.0, TORQUE_OFFSET_NM, len(self._rows))
        self._model = rng.normal(0.0, TORQUE_MODEL_NM, len(self._rows))
        self._phase = rng.uniform(-np.pi, np.pi, len(self._rows))

    def estimate(self, acceleration: Vector, step: int) -> Vector:
        """The wrench now.

        Args:
            acceleration: Commanded, of the arm's joints, shape (J,), rad/s^2.
            step: Number of the step, which decides the noise.

        Returns:
            Shape (6,): force, N, and torque, N m, which the hand exerts on its surroundings at
            its grasp frame, base frame. A lifted mass shows its weight as a positive z.
        """
        exact, angles, jacobian = self._exact(acceleration)
        rng = np.random.default_rng([self._seed, _STREAM, step])
        noise = rng.normal(0.0, TORQUE_NOISE_NM, len(exact))
        model = self._model * np.sin(angles + self._phase)
        torques = exact + self._offset + model + noise
        wrench, *_ = np.linalg.lstsq(jacobian.T, torques, rcond=None)
        return np.asarray(wrench, dtype=np.float64)

    def _exact(self, acceleration: Vector) -> tuple[Vector, Vector, Vector]:
        """External torques without errors, joint angles, and the arm's Jacobian (6, J)."""
        world, rows = self._world, self._rows
        p, body = world.client, world.robot_body
        states = p.getJointStates(body, self._moving)
        positions, velocities = [s[0] for s in states], [s[1] for s in states]
        measured = np.array([s[3] for s in states])[rows]
        rates = np.zeros(len(self._moving))
        rates[rows] = acceleration
        expected = p.calculateInverseDynamics(body, positions, velocities, rates.tolist())
        tcp = world.links[world.robot.arm.tcp_frame]
        zeros = [0.0] * len(self._moving)
        jacobian = np.vstack(
            p.calculateJacobian(body, tcp, [0.0] * 3, positions, velocities, zeros)
        )
        external = measured - np.array(expected)[rows]
        return external, np.array(positions)[rows], jacobian[:, rows]
