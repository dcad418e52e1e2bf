"""What `grasp bench` measures, and what it refuses."""

import argparse
import sys

import numpy as np
import pytest

from grasp_bringup import bench_command
from grasp_bringup.bench import detection
from grasp_core.camera import PinholeCamera
from grasp_core.frame import RgbdFrame

VIEW = (40.0, 20.0, 200.0)


@pytest.fixture
def frame():
    """A block of 3x3 cm on a table, seen from above."""
    depth = np.full((240, 320), 0.6, np.float32)
    depth[105:135, 145:175] = 0.56
    camera = PinholeCamera(320, 240, 300.0, 300.0, 160.0, 120.0)
    return RgbdFrame(np.full((240, 320, 3), 90, np.uint8), depth, camera)


def test_detectors_are_timed_in_turns_beside_the_reference(frame, monkeypatch):
    monkeypatch.setattr(detection, "detector_names", lambda: ["antipodal", "gr_convnet"])
    figures = detection.measure_detection([frame], "panda", VIEW, rounds=2)
    assert set(figures) == {"antipodal", "gr_convnet"}
    for row in figures.values():
        assert 0.0 < row["ms_median"] <= row["ms_p95"]
        assert row["ratio_to_gr_convnet"] > 0.0
    learned = figures["gr_convnet"]
    # The one without a network is measured without torch, too.
    assert 20.0 < figures["antipodal"]["peak_mb"] < learned["peak_mb"] - 50.0
    assert learned["runtime"] in learned["runtimes"]
    assert learned["ms_median"] == min(one["ms_median"] for one in learned["runtimes"].values())
    assert list(learned["stages_ms"]) == ["relief", "network", "reading", "centring"]


def test_a_runtime_that_is_not_installed_is_left_out(frame, monkeypatch):
    monkeypatch.setattr(detection, "detector_names", lambda: ["fast", "gr_convnet"])
    monkeypatch.setattr(detection, "peak_mb", lambda *_: 0.0)
    monkeypatch.setitem(sys.modules, "openvino", None)
    figures = detection.measure_detection([frame], "panda", VIEW, rounds=1)
    assert set(figures["fast"]["runtimes"]) == {"onnxruntime", "torch"}


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--only", "detectors,speed"], "--only names 'speed'; valid are detectors"),
        (["--rounds", "0"], "--rounds is 0, must be at least 1"),
        (["--seed", "-1"], "--seed is -1, must be at least 0"),
        (["--json", "/dev/null/figures.json"], "cannot write /dev/null/figures.json"),
    ],
)
def test_wrong_values_are_refused(arguments, what, capsys):
    parser = argparse.ArgumentParser()
    bench_command.add_arguments(parser)
    assert bench_command.main(parser.parse_args(arguments)) == 2
    assert what in capsys.readouterr().err
