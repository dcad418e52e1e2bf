"""From views to the camera: exact on exact views, honest on bad ones."""

import datetime

import cv2
import numpy as np
import pytest
from calibration_case import BOARD, CAMERA, TRUTH, view_at, views_of

from grasp_calibration.closed_form import METHODS, motions
from grasp_calibration.errors import CalibrationFailed, DegenerateViews
from grasp_calibration.report import hand_eye_of, lines_of
from grasp_calibration.solve import calibrate
from grasp_calibration.view import View
from grasp_core.robot import CAMERA_MOUNTS
from grasp_core.transform import Transform

MOUNTS = pytest.mark.parametrize("mount", CAMERA_MOUNTS)


def pairs_of(views, mount):
    carriers = [view.carrier(mount) for view in views]
    return motions(carriers, [view.image.T_camera_board for view in views])


@MOUNTS
@pytest.mark.parametrize("method", METHODS)
def test_closed_solutions_are_exact_on_exact_views(method, mount):
    found = METHODS[method](pairs_of(views_of(mount, count=6, noise_px=0.0), mount))
    offset_m, angle = found.distance_to(TRUTH[mount].camera)
    assert offset_m < 1e-5
    assert angle < 1e-5


@pytest.mark.skipif(not hasattr(cv2, "calibrateHandEye"), reason="OpenCV 5.0 has no hand-eye")
@pytest.mark.parametrize("method", METHODS)
def test_closed_solutions_agree_with_those_of_opencv(method):
    views = views_of("hand", noise_px=0.05)
    found = METHODS[method](pairs_of(views, "hand"))
    hands = [view.T_base_hand for view in views]
    boards = [view.image.T_camera_board for view in views]
    rotation, translation = cv2.calibrateHandEye(
        [one.rotation for one in hands],
        [one.translation for one in hands],
        [one.rotation for one in boards],
        [one.translation for one in boards],
        method=getattr(cv2, f"CALIB_HAND_EYE_{method.upper()}"),
    )
    theirs = Transform.from_rotation(rotation, translation.ravel())
    offset_m, angle = found.distance_to(theirs)
    assert offset_m < 0.001
    assert angle < 0.002


@MOUNTS
def test_the_refinement_is_better_than_all_of_them(mount):
    found = calibrate(views_of(mount), CAMERA, BOARD, mount)
    offset_m, angle = found.poses.camera.distance_to(TRUTH[mount].camera)
    assert offset_m < 0.0003
    assert angle < 0.0005
    assert found.poses.board.distance_to(TRUTH[mount].board)[0] < 0.0003
    assert found.errors.px < min(errors.px for errors in found.by_method.values())
    assert 0.1 < found.errors.px < 0.2  # the noise, in both directions
    assert found.errors.mm < found.held_out.mm < 1.0
    assert not found.rejected


@MOUNTS
def test_views_whose_robot_pose_is_wrong_are_rejected_by_name(mount):
    views = views_of(mount, count=16)
    wrong = {3: (0.0, 0.0, 0.03), 9: (0.02, -0.02, 0.0), 12: (0.01, 0.0, 0.0)}
    for index, offset in wrong.items():
        moved = Transform.from_translation(*offset) @ views[index].T_base_hand
        views[index] = View(moved, views[index].image, f"view {index}")
    found = calibrate(views, CAMERA, BOARD, mount)
    assert [one.name for one in found.rejected] == [f"view {index}" for index in wrong]
    assert "px, the median is" in found.rejected[0].reason
    assert found.poses.camera.distance_to(TRUTH[mount].camera)[0] < 0.0005


def test_views_that_contradict_one_another_are_no_calibration():
    views, others = views_of("hand"), views_of("hand", seed=1)
    mixed = [
        View(other.T_base_hand, view.image) for view, other in zip(views, others, strict=True)
    ]
    with pytest.raises(CalibrationFailed, match=r"views contradict .* check the board's size"):
        calibrate(mixed, CAMERA, BOARD, "hand")


@MOUNTS
@pytest.mark.parametrize(
    ("views", "complaint"),
    [
        ({"count": 5}, "5 good views, at least 6"),
        ({"tilt_deg": 0.0}, "the hand turns by 0.0 deg"),
        ({"axes": (0, 0, 1)}, "about one axis only"),
        ({"axes": (0, 1, 0)}, "about one axis only"),
    ],
)
def test_views_that_do_not_determine_the_camera_are_refused(views, complaint, mount):
    with pytest.raises(DegenerateViews, match=complaint):
        calibrate(views_of(mount, **views), CAMERA, BOARD, mount)


def test_the_report_and_the_file_hold_the_same_figures():
    found = calibrate(views_of("hand"), CAMERA, BOARD, "hand")
    now = datetime.datetime(2026, 3, 31, 12, 0, tzinfo=datetime.timezone.utc)
    kept = hand_eye_of(found, "hand", "optical", "0815", now)
    assert (kept.mount, kept.views, kept.camera_serial) == ("hand", 15, "0815")
    assert kept.age_days(now) == 0.0
    refined = next(line for line in lines_of(found) if line.startswith("refined"))
    assert f"{kept.residual_mm:.2f}" in refined


def test_a_view_far_away_counts_as_its_pixels_do():
    rng = np.random.default_rng(0)
    far = Transform.from_rpy((0.3, 0.2, 0.1), (0.0, 0.0, 1.4))
    views = [*views_of("fixed"), view_at("fixed", far, rng, name="far")]
    found = calibrate(views, CAMERA, BOARD, "fixed")
    assert "far" in [view.name for view in found.views]
