"""Calibration files: written and read back, incomplete and impossible ones refused."""

import datetime

import pytest
import yaml

from grasp_core.easy_handeye import EasyHandeye, write_calib
from grasp_core.errors import BadCalibration, ConfigError
from grasp_core.hand_eye import HandEye, load_hand_eye, write_hand_eye
from grasp_core.transform import Transform

POSE = Transform.from_rpy((2.8, 0.1, -1.2), (0.4, -0.1, 0.8))


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "new" / "hand_eye.yaml"
    write_hand_eye(path, HandEye("panda_hand", "camera_optical", POSE))
    found = load_hand_eye(path)
    assert (found.parent_frame, found.camera_frame) == ("panda_hand", "camera_optical")
    assert found.T_parent_camera.matrix == pytest.approx(POSE.matrix)


def test_missing_keys_and_impossible_values_are_named(tmp_path):
    path = tmp_path / "hand_eye.yaml"
    write_hand_eye(path, HandEye("base", "camera", POSE))
    content = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**content, "rotation_xyzw": [0.0, 0.0, 0.0, 0.0]}))
    with pytest.raises(BadCalibration, match="quaternion needs a norm above 0"):
        load_hand_eye(path)
    del content["child_frame"]
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(BadCalibration, match="lacks child_frame"):
        load_hand_eye(path)
    with pytest.raises(ConfigError):
        load_hand_eye(tmp_path / "none.yaml")


ABOUT = {
    "date": "2026-03-31T14:05:00+02:00",
    "camera_serial": "0123456789",
    "mount": "hand",
    "method": "refined",
    "views": 21,
    "residual_mm": 0.4,
    "residual_deg": 0.05,
    "held_out_mm": 0.5,
}


def test_what_is_known_of_a_calibration_is_read_back(tmp_path):
    path = tmp_path / "hand_eye.yaml"
    write_hand_eye(path, HandEye("hand", "optical", POSE, **ABOUT))
    found = load_hand_eye(path)
    assert {name: getattr(found, name) for name in ABOUT} == ABOUT


def test_a_file_edited_by_hand_keeps_serial_number_and_date_as_texts(tmp_path):
    path = tmp_path / "hand_eye.yaml"
    write_hand_eye(path, HandEye("base", "optical", POSE))
    path.write_text(path.read_text() + "camera_serial: 123622270\ndate: 2026-03-31\n")
    found = load_hand_eye(path)
    assert (found.camera_serial, found.date) == ("123622270", "2026-03-31")


def test_the_age_counts_time_zones_and_is_unknown_without_a_date():
    now = datetime.datetime(2026, 4, 10, 0, 5, tzinfo=datetime.timezone.utc)
    assert HandEye("base", "optical", POSE, **ABOUT).age_days(now) == pytest.approx(9.5)
    assert HandEye("base", "optical", POSE).age_days(now) is None


@pytest.mark.parametrize(
    ("line", "complaint"),
    [("date: yesterday", "date 'yesterday'"), ("residual_mm: -1", "residual_mm -1")],
)
def test_impossible_reports_are_refused(tmp_path, line, complaint):
    path = tmp_path / "hand_eye.yaml"
    write_hand_eye(path, HandEye("base", "optical", POSE))
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(BadCalibration, match=complaint):
        load_hand_eye(path)


# As message_to_yaml writes the message HandeyeCalibration.
CALIB = """\
parameters:
  name: lab
  calibration_type: eye_in_hand
  robot_base_frame: base
  robot_effector_frame: hand
  tracking_base_frame: camera_color_optical_frame
  tracking_marker_frame: marker
  freehand_robot_movement: true
  move_group_namespace: /
  move_group: manipulator
transform:
  translation:
    x: 0.1
    y: -0.2
    z: 0.3
  rotation:
    x: 0.0
    y: 0.0
    z: 1.0
    w: 0.0
"""


@pytest.mark.parametrize(
    ("kind", "parent", "mount"),
    [("eye_in_hand", "hand", "hand"), ("eye_on_base", "base", "fixed")],
)
def test_a_calib_of_easy_handeye2_is_read(tmp_path, kind, parent, mount):
    path = tmp_path / "lab.calib"
    path.write_text(CALIB.replace("eye_in_hand", kind))
    found = load_hand_eye(path)
    assert (found.parent_frame, found.camera_frame) == (parent, "camera_color_optical_frame")
    assert found.mount == mount
    assert found.T_parent_camera.translation.tolist() == [0.1, -0.2, 0.3]
    assert found.T_parent_camera.rotate([1.0, 0.0, 0.0]) == pytest.approx([-1.0, 0.0, 0.0])


def test_a_calib_is_written_as_easy_handeye2_writes_it(tmp_path):
    path = tmp_path / "lab.calib"
    write_calib(path, EasyHandeye(True, "base", "hand", "optical", POSE))
    found = load_hand_eye(path)
    assert (found.parent_frame, found.camera_frame) == ("hand", "optical")
    assert found.T_parent_camera.matrix == pytest.approx(POSE.matrix)
    written, known = yaml.safe_load(path.read_text()), yaml.safe_load(CALIB)
    # Its loader refuses a field that the message does not have.
    assert {key: set(value) for key, value in written.items()} == {
        key: set(value) for key, value in known.items()
    }


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("eye_in_hand", "eye_of_newt", "calibration_type 'eye_of_newt'"),
        ("  robot_effector_frame: hand\n", "", "lacks 'robot_effector_frame'"),
        ("    w: 0.0\n", "", "lacks 'w'"),
    ],
)
def test_a_broken_calib_is_refused(tmp_path, old, new, complaint):
    path = tmp_path / "lab.calib"
    path.write_text(CALIB.replace(old, new))
    with pytest.raises(BadCalibration, match=complaint):
        load_hand_eye(path)
