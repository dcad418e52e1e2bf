"""Every robot under config/robots picks in its own cell, with the hands that it may carry."""

import pytest

from grasp_benchmark.in_process import sequence_in
from grasp_core.errors import Code
from grasp_core.robot import load_robot, robot_names
from grasp_core.transform import Transform
from grasp_detection.registry import create_detector
from grasp_executor.config import PickConfig
from grasp_executor.selection import PickGoal
from grasp_sim.config import SimConfig
from grasp_sim.picture import draw
from grasp_sim.simulation import Simulation

HANDS = [
    *((name, "") for name in robot_names()),
    ("fr3", "force_hand"),
    ("fr3", "parallel_85"),
]


@pytest.mark.parametrize(("name", "hand"), HANDS)
def test_a_block_is_picked(name, hand):
    robot = load_robot(name, hand)
    simulation = Simulation(SimConfig(renderer="tiny", cell=robot.arm.cell), robot)
    x, y, z = simulation.config.camera_target
    pose = Transform.from_rpy((0.0, 0.0, 0.4), (x + 0.02, y - 0.03, z + 0.025))
    simulation.world.add_box("block", (0.04, 0.06, 0.05), pose)
    detector = create_detector("antipodal", robot.gripper, cell=simulation.world.cell)
    sequence = sequence_in(simulation, detector, robot, config=PickConfig(hold_s=0.5))
    outcome = sequence.run(PickGoal())
    assert outcome.code is Code.OK, outcome.message
    assert [thing.name for thing in simulation.truth() if thing.in_bin] == ["block"]
    assert outcome.opening_m == pytest.approx(0.04, abs=0.002)
    simulation.close()


@pytest.mark.parametrize("name", robot_names())
def test_the_arm_rests_outside_the_cameras_view(name):
    robot = load_robot(name)
    simulation = Simulation(SimConfig(renderer="tiny", cell=robot.arm.cell), robot)
    _, _, bodies = draw(simulation.world, simulation.camera, simulation.T_base_camera)
    assert not (bodies == simulation.world.robot_body).any()
    simulation.close()
