"""Runtimes: the same maps from all, and what is said when one cannot serve."""

import importlib.util
import sys

import numpy as np
import pytest

from grasp_core.errors import ConfigError, MissingDependency
from grasp_detection.learned.runtime import start_runtime
from grasp_detection.learned.weights import shipped_names
from grasp_detection.registry import (
    create_picture_detector,
    detector_names,
    find_learned,
    has_weights,
)

RUNTIMES = ("torch", "openvino", "onnxruntime")
LEARNED = [name for name in detector_names() if has_weights(name)]
SHIPPED = [(name, weights) for name in LEARNED for weights in shipped_names(name)]


def model_of(name, weights, runtime):
    return create_picture_detector(name, {"weights": weights, "device": "cpu", "runtime": runtime})


def network_of(name, channels=1):
    family = find_learned(name).family()
    return family, family.build(channels, 0.0).eval()


def largest_difference(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].shape == other[name].shape
    return max(np.abs(one[name] - other[name]).max() for name in one)


@pytest.mark.parametrize(("name", "weights"), SHIPPED)
def test_runtimes_agree_on_all_shipped_weights(name, weights):
    models = [model_of(name, weights, one) for one in RUNTIMES]
    rng = np.random.default_rng(0)
    channels = {"d": 1, "rgb": 3, "rgbd": 4}[models[0].modality]
    for height, width in ((64, 96), (128, 128)):
        picture = rng.normal(0.0, 0.02, (1, channels, height, width)).astype(np.float32)
        picture[:, :, height // 3 : height // 2, width // 4 : -width // 4] += 0.4  # a bar
        expected, *others = (model.runtime(picture) for model in models)
        assert max(np.abs(one).max() for one in expected.values()) > 0.1
        for found in others:
            assert largest_difference(found, expected) < 1e-4


PAPER_SIZES = {name for name in LEARNED if name.endswith(("_full", "_lite"))}


@pytest.mark.parametrize("name", sorted(set(LEARNED) - PAPER_SIZES))
def test_every_network_can_be_converted(name):
    """The sizes of papers are the same layers, wider, and take minutes."""
    family, network = network_of(name, 3)
    # Not square, and no less than the network takes.
    height, width = max(48, 4 * family.stride), max(32, 3 * family.stride)
    for part in family.parts(network, 3).values():
        shape = (2, part.channels, height, width)
        picture = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        expected, *others = (
            start_runtime(part.network, part.channels, part.outputs, one, "cpu")(picture)
            for one in RUNTIMES
        )
        assert tuple(expected) == part.outputs
        for found in others:
            assert largest_difference(found, expected) < 1e-4


def test_half_precision_says_so_and_stays_close():
    models = [model_of("dsc_graspnet", "default", one) for one in ("openvino_bf16", "openvino")]
    assert models[0].runtime.name == "openvino_bf16"
    relief = np.zeros((1, 1, 128, 128), np.float32)
    relief[:, :, 50:70, 40:90] = 0.4
    half, whole = (model.runtime(relief)["maps"] for model in models)
    assert np.abs(half - whole).max() < 0.1
    assert np.abs(whole).max() > 0.3


def test_any_number_of_sizes_can_be_shown():
    _, network = network_of("gg_cnn2")
    openvino, expected = (
        start_runtime(network, 1, ("maps",), one, "cpu") for one in ("openvino", "torch")
    )
    rng = np.random.default_rng(1)
    for side in (16, 24, 32, 40, 48, 56, 16):
        picture = rng.normal(size=(1, 1, side, side)).astype(np.float32)
        assert largest_difference(openvino(picture), expected(picture)) < 1e-4


def test_the_quickest_is_taken_where_it_is_installed(monkeypatch):
    _, network = network_of("gg_cnn2")
    assert start_runtime(network, 1, ("maps",), "auto", "cpu").name == "openvino"
    assert start_runtime(network, 1, ("maps",), "auto", "cpu", "onnxruntime").name == "onnxruntime"
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "openvino" else find(name)
    )
    assert start_runtime(network, 1, ("maps",), "auto", "cpu").name == "torch"


@pytest.mark.parametrize("library", ["openvino", "onnx", "onnxruntime"])
def test_a_missing_runtime_says_what_to_install(monkeypatch, library):
    _, network = network_of("gg_cnn2")
    monkeypatch.setitem(sys.modules, library, None)
    runtime = library.replace("onnxruntime", "onnx").replace("onnx", "onnxruntime")
    with pytest.raises(MissingDependency, match=f"needs {library}.*pip install.*set runtime to"):
        start_runtime(network, 1, ("maps",), runtime, "cpu")


def test_runtimes_that_do_not_exist_are_refused():
    _, network = network_of("gg_cnn2")
    with pytest.raises(
        ConfigError, match="valid are auto, onnxruntime, openvino, openvino_bf16, torch"
    ):
        start_runtime(network, 1, ("maps",), "tensorrt", "cpu")
