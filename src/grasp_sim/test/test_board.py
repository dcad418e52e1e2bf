"""The calibration board in pictures, and a camera that goes where the hand goes."""

import dataclasses

import cv2
import numpy as np
import pytest

from grasp_core import aruco
from grasp_core.charuco_board import CharucoBoard
from grasp_core.errors import ConfigError
from grasp_core.robot import load_robot
from grasp_sim.config import SimConfig
from grasp_sim.simulation import Simulation

BOARD = CharucoBoard()


@pytest.fixture(scope="module")
def looking_down():
    """A camera on the hand, and a board below it."""
    config = SimConfig(
        renderer="tiny",
        camera_mount="hand",
        board="table",
        board_rpy_deg=(2.0, 3.0, 10.0),
        board_xyz_m=(0.02, -0.01, 0.03),
    )
    simulation = Simulation(config, load_robot("panda", "force_hand"))
    yield simulation
    simulation.close()


def corners_off(simulation):
    """Where the corners are seen, less where they are, shape (N, 2), pixels."""
    find = aruco.corner_finder(
        BOARD.columns, BOARD.rows, BOARD.square_m, BOARD.marker_m, BOARD.dictionary
    )
    frame = simulation.render()
    pixels, ids = find(cv2.cvtColor(frame.color, cv2.COLOR_RGB2GRAY))
    assert sorted(ids) == list(range(len(BOARD.corners)))
    T_camera_board = simulation.T_base_camera.inverse() @ simulation.board.pose()
    return pixels - frame.camera.project(T_camera_board.apply(BOARD.corners[ids]))


def test_the_board_is_drawn_where_it_is(looking_down):
    off = corners_off(looking_down)
    assert np.abs(off.mean(axis=0)).max() < 0.4
    assert np.abs(off).max() < 1.5  # this renderer takes the nearest point of a texture


def test_a_camera_on_the_hand_begins_over_the_workspace_and_goes_with_the_hand(looking_down):
    simulation = looking_down
    arm = simulation.robot.arm
    assert arm.observe == arm.look
    before = simulation.T_base_camera
    target = np.array(arm.observe) + np.eye(len(arm.joints))[0] * 0.1
    simulation.follow(arm.joints, [1.0], [target.tolist()])
    for _ in range(300):
        simulation.step()
    moved_m, turned = before.distance_to(simulation.T_base_camera)
    assert turned == pytest.approx(0.1, abs=0.005)
    assert moved_m == pytest.approx(0.1 * np.hypot(*before.translation[:2]), abs=0.005)
    T_tcp_camera = simulation.world.link_pose(arm.tcp_frame).inverse() @ simulation.T_base_camera
    assert T_tcp_camera.matrix == pytest.approx(simulation.T_parent_camera.matrix)
    simulation.clear()


def test_a_board_in_the_hand_goes_with_it_and_outlives_a_new_scene():
    config = SimConfig(renderer="tiny", board="hand")
    simulation = Simulation(config, load_robot("panda", "force_hand"))
    try:
        simulation.clear()
        T_base_tcp = simulation.world.link_pose(simulation.robot.arm.tcp_frame)
        held = T_base_tcp.inverse().apply(simulation.board.pose().apply(BOARD.outline))
        # Its upper edge is between the fingers, the rest beyond them.
        assert held[:2, 2] == pytest.approx([0.02, 0.02])
        assert held[2:, 2] == pytest.approx([0.02 + BOARD.size_m[1]] * 2)
        assert held[:, 1] == pytest.approx(np.zeros(4), abs=1e-9)
    finally:
        simulation.close()


def test_noise_of_colour_is_as_strong_as_asked_and_repeats():
    config = SimConfig(renderer="tiny", color_noise=5.0, image_width=160, image_height=120)
    simulation = Simulation(config, load_robot("panda", "force_hand"))
    try:
        first, again = simulation.render().color, simulation.render().color
        assert np.array_equal(first, again)
        simulation.step()
        other = simulation.render().color.astype(float)
        assert np.std(other - first) == pytest.approx(5.0 * np.sqrt(2.0), rel=0.1)
    finally:
        simulation.close()


def test_a_robot_without_a_look_configuration_takes_no_camera_on_its_hand():
    robot = load_robot("panda")
    untaught = dataclasses.replace(robot, arm=dataclasses.replace(robot.arm, look=()))
    assert untaught.for_camera("fixed") is untaught
    with pytest.raises(ConfigError, match="no look configuration"):
        untaught.for_camera("hand")
