"""Weights: found by name or path, checked before they are believed."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from grasp_core.camera import PinholeCamera
from grasp_core.cell import load_cell
from grasp_core.errors import BadCalibration, BadImage, ConfigError
from grasp_core.frame import RgbdFrame
from grasp_core.rectangle import matches
from grasp_core.transform import Transform
from grasp_detection.learned.model import LearnedModel
from grasp_detection.learned.picture_detection import PictureDetection
from grasp_detection.learned.weights import (
    WeightsError,
    default_weights,
    find_weights,
    load_weights,
    save_weights,
    shipped_names,
)
from grasp_detection.maps.config import MapsConfig
from grasp_detection.maps.networks.dsc_graspnet import DscGraspNet
from grasp_detection.registry import (
    create_detector,
    create_picture_detector,
    detector_names,
    find_detector,
    has_weights,
    weights_of,
)

ABOUT = {
    "detector": "dsc_graspnet",
    "modality": "rgb",
    "size": 112,
    "calibration": {"score": [0.0, 1.0], "quality": [0.1, 0.9]},
}


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "mine.safetensors"
    save_weights(DscGraspNet(3).state_dict(), ABOUT, path)
    return path


def test_what_is_saved_is_loaded(saved):
    weights = load_weights("dsc_graspnet", str(saved))
    torch.manual_seed(0)
    for name, tensor in DscGraspNet(3).state_dict().items():
        assert torch.equal(weights.state[name], tensor), name
    assert weights.metadata["modality"] == "rgb"
    assert saved.stat().st_size == weights.metadata["bytes"] < 10e6


def test_a_wrong_name_lists_the_valid_ones():
    with pytest.raises(WeightsError, match="valid are default, cornell_rgb"):
        find_weights("dsc_graspnet", "cornel_rgb")
    with pytest.raises(WeightsError, match="cornell_rgb"):
        create_detector("dsc_graspnet", None, {"weights": "nothing.safetensors"})


def test_a_flipped_bit_is_noticed(saved):
    data = bytearray(saved.read_bytes())
    data[len(data) // 2] ^= 1
    saved.write_bytes(data)
    with pytest.raises(WeightsError, match="corrupted"):
        load_weights("dsc_graspnet", str(saved))


def test_a_truncated_file_is_noticed(saved):
    saved.write_bytes(saved.read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"corrupted \(1000 bytes\)"):
        load_weights("dsc_graspnet", str(saved))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "must lie beside"),
        ("{", "no valid JSON"),
        ("{}", "lacks detector, modality"),
        ("null", "lacks detector"),
        (json.dumps({**ABOUT, "sha256": "", "size": -8}), "size is -8"),
        (json.dumps({**ABOUT, "sha256": "", "size": "abc"}), "size is 'abc'"),
    ],
)
def test_metadata_must_be_there_and_whole(saved, content, reason):
    beside = saved.with_suffix(".json")
    beside.unlink() if content is None else beside.write_text(content)
    with pytest.raises(WeightsError, match=reason):
        load_weights("dsc_graspnet", str(saved))


def test_weights_of_another_network_are_refused(saved):
    about = json.loads(saved.with_suffix(".json").read_text())
    saved.with_suffix(".json").write_text(json.dumps({**about, "modality": "d"}))
    with pytest.raises(WeightsError, match=r"do not fit this network.*stem"):
        create_picture_detector("dsc_graspnet", {"weights": str(saved)})
    saved.with_suffix(".json").write_text(json.dumps({**about, "detector": "efcn"}))
    with pytest.raises(WeightsError, match="weights of efcn, not of dsc_graspnet"):
        load_weights("dsc_graspnet", str(saved))


def test_a_missing_gpu_is_said(saved):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(ConfigError, match="no GPU here"):
        create_picture_detector("dsc_graspnet", {"weights": str(saved), "device": "cuda"})


LEARNED = [name for name in detector_names() if has_weights(name)]


def test_a_size_that_the_network_cannot_take_is_refused(saved):
    about = json.loads(saved.with_suffix(".json").read_text())
    saved.with_suffix(".json").write_text(json.dumps({**about, "size": 100}))
    with pytest.raises(WeightsError, match="size is 100, must be a multiple of 8"):
        create_picture_detector("dsc_graspnet", {"weights": str(saved)})


@pytest.mark.parametrize(
    ("detector", "name"), [(one, name) for one in LEARNED for name in shipped_names(one)]
)
def test_shipped_weights_are_small_whole_and_told(detector, name):
    weights = load_weights(detector, name)
    assert find_weights(detector, name).stat().st_size <= 10e6
    about = weights.metadata
    assert {"split", "trained_on", "dataset", "metrics", "wall_s"} <= set(about)
    assert about["command"].startswith(f"grasp train --detector {about['detector']}")
    assert re.fullmatch(r"[0-9a-f]{7,40}", about["revision"])
    create_picture_detector(detector, {"weights": name, "device": "cpu"})


def test_every_default_is_shipped():
    with_weights = [name for name in LEARNED if shipped_names(name)]
    assert "dsc_graspnet" in with_weights
    for name in with_weights:
        assert default_weights(name) in shipped_names(name)


def test_what_sees_depth_comes_first_where_there_is_depth():
    assert default_weights("dsc_graspnet") == "synthetic_d"
    assert default_weights("dsc_graspnet", depth=False) == "cornell_rgb"
    assert default_weights("fast", depth=False) == "default"  # it has none that sees colour
    assert weights_of("gg-cnn2", "") == "synthetic_d"
    assert weights_of("antipodal", "") == ""


# In the node: a window of the whole frame, and back to its pixels


def detector_of(gripper, cell=None, **settings):
    values = {"weights": "cornell_rgb", "device": "cpu", **settings}
    return create_detector("dsc_graspnet", gripper, values, cell)


def looking_of(gripper, cell):
    """What such a detector does between frame and grasps."""
    family, config = (
        find_detector("dsc_graspnet").family(),
        MapsConfig(weights="cornell_rgb", device="cpu"),
    )
    model = LearnedModel.load("dsc_graspnet", family, config)
    return PictureDetection("dsc_graspnet", model, gripper, config, cell)


def frame_of(color):
    height, width = color.shape[:2]
    depth = np.full((height, width), 0.7, np.float32)
    return RgbdFrame(color, depth, PinholeCamera(width, height, 600, 600, width / 2, height / 2))


def pasted(u0, v0):
    """A 640x480 picture with a 321 px square of paper and a bar on it at (u0, v0)."""
    import cv2

    from grasp_core.rectangle import corners_of

    color = np.full((480, 640, 3), 215, np.uint8)
    label = np.array([[u0 + 170.0, v0 + 150.0, 50.0, 25.0, 0.5]])
    bar = corners_of(label * [1, 1, 0.7, 5.0, 1])[0]
    cv2.fillConvexPoly(color, bar.round().astype(int), (50, 40, 40), cv2.LINE_AA)
    return color, label


@pytest.mark.parametrize(("u0", "v0"), [(160.0, 80.0), (300.0, 20.0), (10.0, 150.0)])
def test_the_node_finds_the_bar_wherever_its_window_is(u0, v0, gripper):
    color, label = pasted(u0, v0)
    grasps = detector_of(gripper, window_px=(u0, v0, 321.0)).detect(frame_of(color))
    assert grasps
    best = grasps[0].rectangle
    row = np.array([[best.u, best.v, best.width, best.height, best.angle]])
    # The bar is five times as long as a label: any place along it will do.
    along = np.array([-np.sin(0.5), np.cos(0.5)])
    shift = float((row[0, :2] - label[0, :2]) @ along)
    label[0, :2] += np.clip(shift, -60, 60) * along
    assert matches(row, label).all()
    assert [g.quality for g in grasps] == sorted((g.quality for g in grasps), reverse=True)
    assert all(np.isfinite(g.raw_score) for g in grasps)


def test_a_networks_own_score_can_be_asked_for(gripper):
    color, _ = pasted(160.0, 80.0)
    window = (160.0, 80.0, 321.0)
    every = detector_of(gripper, window_px=window).detect(frame_of(color))
    least = (every[0].raw_score + every[-1].raw_score) / 2.0
    asking = detector_of(gripper, window_px=window, min_raw_score=least)
    some = asking.detect(frame_of(color))
    assert [g.raw_score for g in some] == [g.raw_score for g in every if g.raw_score >= least]
    assert 0 < len(some) < len(every)


def test_the_scene_is_shown_as_large_as_the_network_knows_it(gripper):
    # cornell_rgb saw 0.315 m in its 112 px; here 321 px at 0.75 m span 0.39 m.
    window = (160.0, 80.0, 321.0)
    frame = frame_of(np.zeros((480, 640, 3), np.uint8))

    def size(depth_m, **settings):
        detector = detector_of(gripper, window_px=window, **settings)
        return detector.input_px(replace(frame, depth_m=np.full((480, 640), depth_m, np.float32)))

    focal_px = 0.5 * (frame.camera.fx + frame.camera.fy)
    for depth_m in (0.75, 1.5):
        assert size(depth_m) == 8 * round(112 * (321 * depth_m / focal_px) / 0.315 / 8)
    assert size(np.nan) == 112
    assert size(0.75, input_px=96) == 96


def test_the_workspace_is_looked_at_where_the_cameras_pose_is_known(gripper):
    cell, frame = load_cell("tabletop"), frame_of(np.zeros((480, 640, 3), np.uint8))
    middle, sides = [0.5, 0.0, 0.0], []
    for height_m, right_m in ((0.9, 0.0), (1.4, 0.1)):
        # Straight down, image u along the base's -y.
        down = Transform.from_rpy((np.pi, 0.0, -np.pi / 2), (0.5, right_m, height_m))
        posed = replace(frame, T_base_camera=down)
        window = looking_of(gripper, cell).window(posed)
        u, v = frame.camera.project(down.inverse().apply(np.array([middle])))[0]
        assert window.u0 <= u <= window.u0 + window.side
        assert window.v0 <= v <= window.v0 + window.side
        sides.append(window.side)
    assert 480.0 >= sides[0] > 1.3 * sides[1]
    blind = Transform.from_rpy((np.pi, 0.0, 0.0), (5.0, 0.0, 0.9))
    with pytest.raises(BadCalibration, match="does not see the workspace"):
        detector_of(gripper, cell).detect(replace(frame, T_base_camera=blind))
    centred = looking_of(gripper, cell).window(frame)
    assert (centred.u0, centred.v0, centred.side) == (80.0, 0.0, 480.0)


def test_a_window_outside_the_picture_is_refused(gripper):
    detector = detector_of(gripper, window_px=(400.0, 0.0, 321.0))
    with pytest.raises(BadImage, match=r"leaves the picture of 640x480"):
        detector.detect(frame_of(np.zeros((480, 640, 3), np.uint8)))


def test_an_input_that_the_network_cannot_take_is_refused(gripper):
    with pytest.raises(ConfigError, match="input_px is 100, must be a multiple of 8"):
        detector_of(gripper, input_px=100)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"window_px": (1.0, 2.0)}, "window_px"),
        ({"window_px": (1.0, 2.0, 3.0)}, "at least 8 px"),
    ],
)
def test_impossible_settings_are_refused(values, reason):
    with pytest.raises(ConfigError, match=reason):
        MapsConfig(**values)
