"""What `grasp bench` measures, and what it refuses."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from grasp_benchmark.speed import detection
from grasp_core.camera import PinholeCamera
from grasp_core.cell import load_cell
from grasp_core.frame import RgbdFrame
from grasp_core.robot import load_robot

GRIPPER, CELL = load_robot("panda").gripper, load_cell("tabletop")


@pytest.fixture
def frame():
    """A block of 3x3 cm on a table, seen from above."""
    depth = np.full((240, 320), 0.6, np.float32)
    depth[105:135, 145:175] = 0.56
    camera = PinholeCamera(320, 240, 300.0, 300.0, 160.0, 120.0)
    return RgbdFrame(np.full((240, 320, 3), 90, np.uint8), depth, camera)


def test_detectors_are_timed_in_turns_beside_the_reference(frame, monkeypatch):
    monkeypatch.setattr(detection, "detector_names", lambda: ["antipodal", "gr_convnet"])
    figures = detection.measure_detection([frame], GRIPPER, CELL, rounds=2)
    assert set(figures) == {"antipodal", "gr_convnet"}
    for row in figures.values():
        assert 0.0 < row["ms_median"] <= row["ms_p95"]
        assert row["ratio_to_gr_convnet"] > 0.0
    learned = figures["gr_convnet"]
    # The one without a network is measured without torch, too.
    assert 20.0 < figures["antipodal"]["peak_mb"] < learned["peak_mb"] - 50.0
    assert learned["runtime"] in learned["runtimes"]
    exact = {name: one for name, one in learned["runtimes"].items() if name != "openvino_bf16"}
    assert learned["ms_median"] == min(one["ms_median"] for one in exact.values())
    stages = ["view", "input", "network", "reading", "closing", "depth"]
    assert list(learned["stages_ms"]) == stages
    assert 0.0 < sum(learned["stages_ms"].values()) < 1.5 * learned["ms_p95"]


def test_each_is_compared_with_plain_torch_at_its_own_size(frame, monkeypatch):
    made = []
    plain, learned = detection._reference, detection._learned

    def with_a_small_one(name, *rest):
        one = learned(name, *rest)
        small = {"input_px": 96} if name == "gg_cnn2" else {}
        return replace(one, settings={**one.settings, **small})

    def noted(size, device):
        made.append(plain(size, device))
        return made[-1]

    monkeypatch.setattr(detection, "detector_names", lambda: ["fast", "gg_cnn2", "gr_convnet"])
    monkeypatch.setattr(detection, "peak_mb", lambda *_: 0.0)
    monkeypatch.setattr(detection, "_reference", noted)
    monkeypatch.setattr(detection, "_learned", with_a_small_one)
    figures = detection.measure_detection([frame], GRIPPER, CELL, rounds=1)
    sizes = {one.build(GRIPPER, CELL).input_px(frame) for one in made}
    assert sizes == {row["input_px"] for row in figures.values()}
    assert len(sizes) == 2
    assert {(one.name, one.runtime, one.device) for one in made} == {
        ("gr_convnet", "torch", "cpu")
    }


def test_a_runtime_that_is_not_installed_is_left_out(frame, monkeypatch):
    monkeypatch.setattr(detection, "detector_names", lambda: ["fast", "gr_convnet"])
    monkeypatch.setattr(detection, "peak_mb", lambda *_: 0.0)
    monkeypatch.setitem(sys.modules, "openvino", None)
    figures = detection.measure_detection([frame], GRIPPER, CELL, rounds=1)
    assert set(figures["fast"]["runtimes"]) == {"onnxruntime", "torch"}
