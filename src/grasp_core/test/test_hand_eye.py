"""Calibration files: written and read back, incomplete and impossible ones refused."""

import pytest
import yaml

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
