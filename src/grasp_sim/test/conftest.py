from __future__ import annotations

from collections.abc import Iterator

import pytest

from grasp_core.robot import RobotModel, load_robot
from grasp_sim.config import SimConfig
from grasp_sim.simulation import Simulation


@pytest.fixture(scope="session")
def robot() -> RobotModel:
    return load_robot("panda", "force_hand")


@pytest.fixture(scope="module")
def cell(robot: RobotModel) -> Iterator[Simulation]:
    """One simulation per module; building worlds is what costs."""
    simulation = Simulation(SimConfig(renderer="tiny"), robot)
    yield simulation
    simulation.close()


@pytest.fixture
def simulation(cell: Simulation) -> Simulation:
    """An empty table, the arm at rest."""
    cell.clear()
    return cell
