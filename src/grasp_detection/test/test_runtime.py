"""Runtimes: the same maps from all, and what is said when one cannot serve."""

import importlib.util
import sys

import numpy as np
import pytest

from grasp_core.errors import ConfigError, MissingDependency
from grasp_detection.learned.model import load_picture_detector
from grasp_detection.learned.runtime import start_runtime
from grasp_detection.learned.weights import shipped_names
from grasp_detection.maps.networks.registry import find_network, network_names

RUNTIMES = ("torch", "openvino", "onnxruntime")
SHIPPED = [(name, weights) for name in network_names() for weights in shipped_names(name)]


@pytest.mark.parametrize(("name", "weights"), SHIPPED)
def test_runtimes_agree_on_all_shipped_weights(name, weights):
    models = [load_picture_detector(name, weights, "cpu", one) for one in RUNTIMES]
    rng = np.random.default_rng(0)
    channels = {"d": 1, "rgb": 3, "rgbd": 4}[models[0].modality]
    for height, width in ((64, 96), (128, 128)):
        picture = rng.normal(0.0, 0.02, (1, channels, height, width)).astype(np.float32)
        picture[:, :, height // 3 : height // 2, width // 4 : -width // 4] += 0.4  # a bar
        torch_maps, *others = (model.runtime(picture) for model in models)
        assert np.abs(torch_maps).max() > 0.1
        for maps in others:
            assert maps.shape == torch_maps.shape == (1, 4, height, width)
            assert np.abs(maps - torch_maps).max() < 1e-4


@pytest.mark.parametrize("name", network_names())
def test_every_network_can_be_converted(name):
    network = find_network(name).build(1, 0.0).eval()
    picture = np.random.default_rng(0).normal(size=(2, 1, 40, 32)).astype(np.float32)
    expected, *others = (start_runtime(network, 1, one, "cpu")(picture) for one in RUNTIMES)
    for maps in others:
        assert np.abs(maps - expected).max() < 1e-4


def test_half_precision_says_so_and_stays_close():
    models = [
        load_picture_detector("dsc_graspnet", "default", "cpu", one)
        for one in ("openvino_bf16", "openvino")
    ]
    assert models[0].runtime.name == "openvino_bf16"
    relief = np.zeros((1, 1, 128, 128), np.float32)
    relief[:, :, 50:70, 40:90] = 0.4
    half, whole = (model.runtime(relief) for model in models)
    assert np.abs(half - whole).max() < 0.1
    assert np.abs(whole).max() > 0.3


def test_any_number_of_sizes_can_be_shown():
    network = find_network("gg_cnn2").build(1, 0.0).eval()
    openvino, expected = (start_runtime(network, 1, one, "cpu") for one in ("openvino", "torch"))
    rng = np.random.default_rng(1)
    for side in (16, 24, 32, 40, 48, 56, 16):
        picture = rng.normal(size=(1, 1, side, side)).astype(np.float32)
        assert np.abs(openvino(picture) - expected(picture)).max() < 1e-4


def test_the_quickest_is_taken_where_it_is_installed(monkeypatch):
    network = find_network("gg_cnn2").build(1, 0.0).eval()
    assert start_runtime(network, 1, "auto", "cpu").name == "openvino"
    assert start_runtime(network, 1, "auto", "cpu", "onnxruntime").name == "onnxruntime"
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "openvino" else find(name)
    )
    assert start_runtime(network, 1, "auto", "cpu").name == "torch"


@pytest.mark.parametrize("library", ["openvino", "onnx", "onnxruntime"])
def test_a_missing_runtime_says_what_to_install(monkeypatch, library):
    network = find_network("gg_cnn2").build(1, 0.0).eval()
    monkeypatch.setitem(sys.modules, library, None)
    runtime = library.replace("onnxruntime", "onnx").replace("onnx", "onnxruntime")
    with pytest.raises(MissingDependency, match=f"needs {library}.*pip install.*set runtime to"):
        start_runtime(network, 1, runtime, "cpu")


def test_runtimes_that_do_not_exist_are_refused():
    network = find_network("gg_cnn2").build(1, 0.0).eval()
    with pytest.raises(
        ConfigError, match="valid are auto, onnxruntime, openvino, openvino_bf16, torch"
    ):
        start_runtime(network, 1, "tensorrt", "cpu")
