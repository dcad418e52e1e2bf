"""Profiles of cameras: what is shipped, and every refusal with its name and remedy."""

import pytest
import yaml

from grasp_core import camera_profile
from grasp_core.camera_profile import CameraDriver, camera_names, load_camera
from grasp_core.config_folder import config_dir
from grasp_core.errors import ConfigError


@pytest.fixture
def edit(tmp_path, monkeypatch):
    """Writes a changed copy of a shipped profile as camera ``mine``."""
    monkeypatch.setattr(camera_profile, "config_dir", lambda: tmp_path)
    shipped = config_dir() / "cameras" / "realsense.yaml"
    (tmp_path / "cameras").mkdir()

    def write(**changes):
        values = yaml.safe_load(shipped.read_text()) | changes
        (tmp_path / "cameras" / "mine.yaml").write_text(yaml.safe_dump(values))

    return write


@pytest.mark.parametrize("name", camera_names())
def test_shipped_cameras_load(name):
    camera = load_camera(name)
    assert set(camera.topics) == {"color", "depth", "camera_info"}
    assert len(set(camera.topics.values())) == 3
    assert bool(camera.driver.package) != bool(camera.driver.ended)


def test_the_realsense_is_asked_to_align_its_depth():
    camera = load_camera("realsense")
    assert camera.topics["depth"] == "camera/camera/aligned_depth_to_color/image_raw"
    assert camera.alignment_remedy == "start realsense2_camera with align_depth.enable:=true"
    assert camera.synchronisation_remedy == "start realsense2_camera with enable_sync:=true"
    assert camera.driver.parameters_for("831612073525")["serial_no"] == "_831612073525"
    assert camera.driver.parameters_for() == camera.driver.parameters


def test_the_camera_info_of_depth_lies_beside_it():
    aligned = "camera/camera/aligned_depth_to_color/camera_info"
    assert load_camera("realsense").depth_info_topic == aligned
    kinect2 = load_camera("kinect2")
    assert kinect2.depth_info_topic == kinect2.camera_info_topic


def test_a_camera_whose_depth_is_always_aligned_has_another_topic_for_it():
    assert load_camera("kinect2").alignment_remedy.startswith("subscribe to the depth that is")
    assert "synchronise" in load_camera("kinect2").synchronisation_remedy


def test_a_driver_without_a_parameter_for_it_takes_no_serial_number():
    driver = CameraDriver(package="p", executable="e")
    with pytest.raises(ConfigError, match=r"serial number 17 cannot be told to driver p"):
        driver.parameters_for("17")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": "x"}, "mine.yaml: unknown colour; valid names are color_topic"),
        ({"color_topic": ""}, "color_topic is '', must be a name without a leading slash"),
        ({"depth_topic": "/depth"}, "depth_topic is '/depth', must be a name without"),
        ({"color_encoding": "yuv422"}, "color_encoding is 'yuv422', must be one of rgb8, bgr8"),
        ({"depth_encoding": "8UC1"}, "depth_encoding is '8UC1', must be one of 16UC1"),
        ({"min_range_m": 3.0}, "min_range_m is 3.0, must lie below max_range_m 3.0"),
        ({"rectified": "no"}, "rectified needs a bool, got 'no'"),
        ({"driver": None}, "driver needs a CameraDriver, got None"),
        ({"driver": {"package": "p"}}, r"mine.yaml \(driver\): a driver needs a package and eith"),
        ({"driver": {"package": "p", "executable": "e", "launch_file": "l"}}, "got package 'p'"),
        ({"driver": {"executable": "e"}}, "a driver needs a package"),
        ({"driver": {"package": "p", "executable": "e", "aligns": "a"}}, "aligns is 'a', must be"),
        (
            {"driver": {"ended": "gone", "package": "p"}},
            r"starts nothing: take out package",
        ),
        ({"latency_s": -0.1}, "latency_s is -0.1, must lie in"),
        ({"driver": {"node": "n"}}, r"\(driver\): unknown node; valid names are package"),
    ],
)
def test_impossible_cameras_are_refused(edit, changes, message):
    edit(**changes)
    with pytest.raises(ConfigError, match=message):
        load_camera("mine")


def test_wrong_names_list_the_valid_ones(edit):
    edit()
    with pytest.raises(ConfigError, match="no camera 'nosuch'; valid names are mine"):
        load_camera("nosuch")
