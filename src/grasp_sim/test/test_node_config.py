"""What the node's settings make of the profiles of camera and hand."""

import dataclasses

import pytest

from grasp_core.camera_profile import camera_names, load_camera
from grasp_core.errors import ConfigError
from grasp_core.gripper_profile import GripperProfile
from grasp_core.hand_drivers import GripperCommandDriver
from grasp_core.robot import RobotModel
from grasp_sim.config import NOISE_PRESETS, SimConfig
from grasp_sim.node_config import SimNodeConfig
from grasp_sim.world import World


@pytest.mark.parametrize("name", camera_names())
def test_shipped_cameras_name_a_noise_preset_that_exists(name):
    assert SimNodeConfig(noise="camera").noise_of(load_camera(name)) in NOISE_PRESETS


def test_the_cameras_noise_counts_only_if_asked():
    camera = load_camera("realsense")
    assert SimNodeConfig().noise_of(camera) == "none"
    assert SimNodeConfig(noise="camera").noise_of(camera) == "d435"
    odd = dataclasses.replace(camera, noise="loud")
    assert SimNodeConfig(noise="d435").noise_of(odd) == "d435"
    with pytest.raises(ConfigError, match="camera realsense names the noise preset 'loud', must"):
        SimNodeConfig(noise="camera").noise_of(odd)


def test_a_hand_that_does_not_slide_is_refused(robot: RobotModel):
    turning = GripperProfile(
        joints=("knuckle",),
        finger_links=("l", "r"),
        driver=GripperCommandDriver(
            command_unit="joint_angle", angle_rad=(0.0, 0.8), gap_m=(0.085, 0.0)
        ),
    )
    with pytest.raises(ConfigError, match="knuckle; the simulator drives two fingers that slide"):
        World(SimConfig(renderer="tiny"), dataclasses.replace(robot, gripper=turning))
