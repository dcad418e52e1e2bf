"""Slow trials in one process: does it really pick things up? Dev objects only."""

import numpy as np
import pytest

from grasp_benchmark.in_process import sequence_in
from grasp_benchmark.speed.pose_error import measure_pose_errors
from grasp_core.robot import load_robot
from grasp_detection.registry import create_detector
from grasp_executor.selection import PickGoal
from grasp_sim.config import SimConfig
from grasp_sim.scene_seed import scene_seed
from grasp_sim.simulation import Simulation

pytestmark = pytest.mark.slow

ROBOT = load_robot("panda", "force_hand")


@pytest.mark.parametrize(
    ("settings", "clutter", "picks", "least"),
    [
        ({}, 1, 40, 0.9),
        ({"camera_tilt_deg": 40.0}, 1, 20, 0.85),
        ({"noise": "d435"}, 1, 20, 0.8),
        ({}, 6, 15, 0.85),
    ],
    ids=["overhead", "tilted", "noisy", "clutter"],
)
def test_objects_are_picked(settings, clutter, picks, least):
    simulation = Simulation(SimConfig(**settings), ROBOT)
    sequence = sequence_in(simulation, create_detector("antipodal", ROBOT.gripper), ROBOT)
    names = simulation.objects.draw(picks * clutter, seed=99)
    success, codes = 0, []
    for index in range(picks):
        simulation.new_scene(names[index * clutter : (index + 1) * clutter], scene_seed(99, index))
        outcome = sequence.run(PickGoal())
        in_bin = any(thing.in_bin for thing in simulation.truth())
        assert in_bin or not outcome.success, "reported as picked, but not in the bin"
        success += outcome.success
        codes.append(outcome.code.name)
    simulation.close()
    assert success / picks >= least, codes


@pytest.mark.parametrize("tilt_deg", [0.0, 20.0, 40.0])
def test_many_grasp_poses_are_true(tilt_deg):
    errors = measure_pose_errors(ROBOT, tilt_deg, count=400, seed=11)
    assert np.percentile(errors.point_mm, 95) <= 2.0
    assert np.percentile(errors.angle_deg, 95) <= 0.5
