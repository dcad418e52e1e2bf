"""Rounds of views: by itself, by hand, cancelled, and from where nothing is seen."""

import numpy as np
import pytest
from calibration_case import TRUTH
from flying_hand import BOARD, CAMERA, FlyingHand

from grasp_calibration.automatic import AutomaticRound, Mount, RoundSettings
from grasp_calibration.detection import BoardDetector
from grasp_calibration.errors import BoardNotSeen
from grasp_calibration.guided import guided_round
from grasp_calibration.solve import calibrate
from grasp_calibration.station import ViewTaker
from grasp_calibration.view_plan import boards_over_image, in_view
from grasp_core.cell import load_cell
from grasp_core.errors import BadCalibration, Cancelled
from grasp_core.robot import CAMERA_MOUNTS, load_robot
from grasp_core.transform import Transform
from grasp_executor.motion import Mover

START = Transform.from_rpy((0.05, 0.0, 0.3), (-0.1, -0.1, 0.5))
SETTINGS = RoundSettings(views=14, settle_s=0.0)
MOUNTS = pytest.mark.parametrize("mount", CAMERA_MOUNTS)


class Station:
    def __init__(self, mount, start=START, cancelled=lambda: False):
        self.hand = FlyingHand(mount, TRUTH[mount], start)
        self.said, self.paced = [], []
        self.taker = ViewTaker(self.hand, BoardDetector(BOARD), self.said.append)
        self.mover = Mover(self.hand, self.hand, 0.01, cancelled)
        about = Mount(load_robot("panda"), load_cell("tabletop"), mount)
        self.round = AutomaticRound(
            about,
            self.hand,
            self.hand,
            self.mover,
            self.taker,
            SETTINGS,
            self.pace,
            self.said.append,
        )

    def pace(self, way, carried):
        self.paced.append((way.goal, carried))
        return way


@MOUNTS
def test_an_automatic_round_finds_the_camera_and_ends_where_it_began(mount):
    station = Station(mount)
    station.round.run()
    found = calibrate(station.taker.views, CAMERA, BOARD, mount)
    offset_m, angle = found.poses.camera.distance_to(TRUTH[mount].camera)
    assert offset_m < 0.001
    assert angle < 0.002
    assert len(station.taker.views) == SETTINGS.views
    assert station.hand.state().positions == pytest.approx(station.hand.begin)
    carried, nothing = station.hand.attached
    assert carried.name == ("camera" if mount == "hand" else "board")
    assert nothing is None
    # Every motion was paced, with what the hand carries once that is known.
    assert [goal.tolist() for goal, _ in station.paced] == [
        goal.tolist() for goal in station.hand.visited
    ]
    assert [held for _, held in station.paced][-1] is carried


def test_the_board_on_the_hand_is_a_box_where_it_is():
    station = Station("fixed")
    station.round.run()
    box = station.hand.attached[0]
    T_hand_middle = TRUTH["fixed"].board @ Transform.from_translation(*BOARD.center)
    T_tcp_middle = Transform.from_translation(0.0, 0.0, -0.05) @ T_hand_middle
    assert box.pose.distance_to(T_tcp_middle)[0] < 0.005
    assert box.size_m[0] > BOARD.size_m[0]


def test_poses_that_the_arm_cannot_reach_are_passed_over():
    station = Station("hand")
    station.hand.floor_m = station.hand.begin[2] - 0.02
    station.round.run()
    assert any("skipped: below the floor" in line for line in station.said)
    assert min(joints[2] for joints in station.hand.visited) >= station.hand.floor_m
    assert len(station.taker.views) == SETTINGS.views


def test_a_cancel_ends_the_round_before_the_next_motion():
    station = Station("hand", cancelled=lambda: len(station.taker.views) >= 4)
    with pytest.raises(Cancelled):
        station.round.run()
    assert len(station.taker.views) == 4
    assert len(station.hand.visited) == 3  # one fewer: the first view is taken where it stands


def test_a_round_from_where_the_board_is_not_seen_says_what_to_do():
    station = Station("hand", Transform.from_translation(2.0, 0.0, 0.5))
    with pytest.raises(BoardNotSeen, match="in the middle of the image"):
        station.round.run()
    assert not station.hand.visited


def test_a_guided_round_tells_what_is_missing_and_goes_on_after_a_bad_view():
    station = Station("hand")
    answers = iter([""] * 8 + ["d"])
    begin, away = station.hand.begin, np.full(6, 2.0)

    def ask(prompt):
        turned = begin + 0.03 * len(station.said) * np.eye(6)[5]
        there = away if len(station.said) == 2 else turned
        station.hand.start(station.hand.plan_joints(begin, there, wait=None))
        return next(answers)

    guided_round(station.taker, ask, lambda: None, station.said.append, "hand", 20)
    assert len(station.taker.views) == 7
    assert sum(line.startswith("skipped: 0 corners") for line in station.said) == 1
    assert "turn it more about" in station.said[-1]


def test_a_camera_whose_resolution_changes_in_between_is_refused():
    station = Station("hand")
    station.taker.take(lambda: None)
    station.taker.camera = CAMERA.binned(2, 2)
    with pytest.raises(BadCalibration, match="camera_info has changed"):
        station.taker.take(lambda: None)


def test_proposed_boards_are_in_view_tilted_and_all_over_the_image():
    proposed = boards_over_image(START, CAMERA, BOARD, np.random.default_rng(0))
    poses = [next(proposed) for _ in range(30)]
    assert all(in_view(pose, CAMERA, BOARD) for pose in poses)
    tilts = np.degrees([np.arccos(pose.rotation[2, 2]) for pose in poses])
    assert tilts.min() > 10.0
    assert tilts.max() < 40.0
    middles = np.array([CAMERA.project(pose.apply(BOARD.center)) for pose in poses])
    assert np.ptp(middles[:, 0]) > 200.0
    assert np.ptp(middles[:, 1]) > 100.0
