"""The robot and its planner, for all tests of the executor."""

import numpy as np
import pytest

from grasp_core.robot import load_robot
from grasp_executor.scene import CollisionScene


@pytest.fixture(scope="module")
def robot():
    return load_robot("panda")


@pytest.fixture(scope="module")
def shared(robot):
    from grasp_executor.planning.embedded import EmbeddedPlanner

    return EmbeddedPlanner(robot)


@pytest.fixture
def planner(shared, robot):
    from planning_cell import CONTACTS, TABLE

    shared.attach(None)
    shared.set_scene(CollisionScene((TABLE,), CONTACTS))
    shared.set_gap(robot.gripper.max_gap_m)
    return shared


@pytest.fixture
def observe(robot):
    return np.array(robot.arm.observe)
