"""Moving the simulated arm and hand, for the tests of both."""

from __future__ import annotations

import numpy as np

from grasp_sim.gripper import GripperGoal
from grasp_sim.simulation import Simulation

# The grasp frame points straight down at (0.5, 0), 30 mm and 230 mm above the table.
LOW = np.array([0.0, 0.4594437, 0.0, -2.3656314, 0.0, 2.8250752, np.pi / 4])
HIGH = np.array([0.0, -0.0089533, 0.0, -2.3534694, 0.0, 2.3445162, np.pi / 4])


def wait(simulation: Simulation, seconds: float) -> None:
    for _ in range(round(seconds * 240)):
        simulation.step()


def close(simulation: Simulation, gap_m: float = 0.0, force_n: float = 20.0) -> GripperGoal:
    goal = simulation.grip(gap_m, force_n)
    start = simulation.time_s
    while not goal.done:
        simulation.step()
        assert simulation.time_s - start < 2.0
    return goal


def go(simulation: Simulation, target: np.ndarray, seconds: float) -> None:
    here = simulation.arm_state()[0]
    zeros = [[0.0] * 7] * 2
    goal = simulation.follow(
        simulation.robot.arm.joints, [0.0, seconds], [here.tolist(), target.tolist()], zeros
    )
    while not goal.done:
        simulation.step()
