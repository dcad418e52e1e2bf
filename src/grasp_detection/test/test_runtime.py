"""Runtimes: the same maps from all, and what is said when one cannot serve."""

import importlib.util
import sys

import numpy as np
import pytest

from grasp_core.errors import ConfigError, MissingDependency
from grasp_detection.generative.model import load_picture_detector
from grasp_detection.networks.registry import find_network, network_names
from grasp_detection.networks.runtime import start_runtime
from grasp_detection.weights import shipped_names

SHIPPED = [(name, weights) for name in network_names() for weights in shipped_names(name)]


@pytest.mark.parametrize(("name", "weights"), SHIPPED)
def test_runtimes_agree_on_all_shipped_weights(name, weights):
    models = [load_picture_detector(name, weights, "cpu", one) for one in ("openvino", "torch")]
    rng = np.random.default_rng(0)
    channels = {"d": 1, "rgb": 3, "rgbd": 4}[models[0].modality]
    for height, width in ((64, 96), (128, 128)):
        picture = rng.normal(0.0, 0.4, (1, channels, height, width)).astype(np.float32)
        one, other = (model.runtime(picture) for model in models)
        assert one.shape == other.shape == (1, 4, height, width)
        assert np.abs(one - other).max() < 1e-4
        assert np.abs(other).max() > 0.1


@pytest.mark.parametrize("name", network_names())
def test_every_network_can_be_converted(name):
    network = find_network(name).build(1, 0.0).eval()
    picture = np.random.default_rng(0).normal(size=(2, 1, 40, 32)).astype(np.float32)
    one, other = (
        start_runtime(network, 1, runtime, "cpu")(picture) for runtime in ("openvino", "torch")
    )
    assert np.abs(one - other).max() < 1e-4


def test_the_quickest_is_taken_where_it_is_installed(monkeypatch):
    network = find_network("gg_cnn2").build(1, 0.0).eval()
    assert start_runtime(network, 1, "auto", "cpu").name == "openvino"
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "openvino" else find(name)
    )
    assert start_runtime(network, 1, "auto", "cpu").name == "torch"


def test_a_missing_runtime_says_what_to_install(monkeypatch):
    network = find_network("gg_cnn2").build(1, 0.0).eval()
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingDependency, match="pip install openvino, or set runtime to torch"):
        start_runtime(network, 1, "openvino", "cpu")


def test_runtimes_that_do_not_exist_are_refused():
    network = find_network("gg_cnn2").build(1, 0.0).eval()
    with pytest.raises(ConfigError, match="valid are auto, openvino, torch"):
        start_runtime(network, 1, "tensorrt", "cpu")
