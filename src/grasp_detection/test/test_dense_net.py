"""Dense blocks, and trunks made of them."""

import re

import numpy as np
import pytest
import torch

from grasp_core.errors import ConfigError
from grasp_detection.dsgd.heads import DenseHead
from grasp_detection.learned import dense_net
from grasp_detection.learned.dense_net import DENSE_LAYOUTS, DenseBlock, DenseLayout, DenseNet
from grasp_detection.learned.inputs import to_channels
from grasp_detection.learned.trunk_files import Trunk
from grasp_detection.learned.trunk_import import import_trunk
from grasp_detection.learned.trunks import build_trunk, trunk_channels, trunk_names
from grasp_detection.learned.weights import WeightsError

TINY = DenseLayout("tiny_dense", 4, (2, 1, 2, 2))
# Parameters of torchvision's networks without their classifiers.
PUBLISHED = {
    "densenet121": 6_953_856,
    "densenet161": 26_472_000,
    "densenet169": 12_484_480,
    "densenet201": 18_092_928,
}


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(dense_net.DENSE_LAYOUTS, TINY.name, TINY)
    return TINY


def drawn(network):
    """The same network with normalisations that do something."""
    torch.manual_seed(3)
    for name, tensor in network.state_dict().items():
        if name.endswith(("running_var", "norm1.weight", "norm.weight")):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith(("running_mean", "norm1.bias", "norm2.bias")):
            tensor.uniform_(-0.2, 0.2)
    return network.eval()


def test_equation_4_each_layer_sees_all_before_it():
    block = DenseBlock(3, 4, 3).eval()
    assert [layer.norm1.num_features for layer in block.layers] == [3, 7, 11]
    x = torch.randn(2, 3, 5, 6)
    with torch.inference_mode():
        found = block(x)
        seen = [x]
        for layer in block.layers:
            seen.append(layer(torch.cat(seen, dim=1)))
    assert found.shape == (2, block.channels, 5, 6) == (2, 15, 5, 6)
    assert torch.equal(found, torch.cat(seen, dim=1))


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_layouts_are_the_published_networks(name):
    layout = DENSE_LAYOUTS[name]
    before = layout.channels(2)
    with torch.device("meta"):
        trunk = DenseNet(3, layout)
        head = DenseHead(before, layout.growth, layout.layers[3], squeeze=True, pool=True)
    assert head.channels == layout.channels(3)
    # The normalisation ahead of the third transition is the detectors' own.
    count = sum(p.numel() for part in (trunk, head) for p in part.parameters()) + 2 * before
    assert count == PUBLISHED[name]


def test_features_have_three_strides(tiny):
    with torch.inference_mode():
        features = build_trunk(tiny.name, 1).eval()(torch.zeros(2, 1, 64, 32))
    channels = [8 + 2 * 4, 8 + 4, 6 + 2 * 4]
    assert trunk_channels(tiny.name) == channels
    sizes = [(16, 8), (8, 4), (4, 2)]
    assert [f.shape for f in features] == [
        (2, count, *size) for count, size in zip(channels, sizes, strict=True)
    ]


def theirs(state, old):
    """Tensors as torchvision names them, in old files with points before the numbers."""
    point = "." if old else ""
    names = (
        (r"^(conv|norm)1\.", r"\g<1>0."),
        (
            r"^blocks\.(\d)\.layers\.(\d+)\.(conv|norm)(\d)",
            lambda m: f"denseblock{int(m[1]) + 1}.denselayer{int(m[2]) + 1}.{m[3]}{point}{m[4]}",
        ),
        (r"^transitions\.(\d)", lambda m: f"transition{int(m[1]) + 1}"),
    )
    found = {}
    for name, tensor in state.items():
        if old and name.endswith("num_batches_tracked"):
            continue
        for pattern, replacement in names:
            name = re.sub(pattern, replacement, name)
        found[f"features.{name}"] = tensor
    return {**found, "features.norm5.weight": torch.zeros(3), "classifier.weight": torch.ones(2)}


@pytest.mark.parametrize("old", [False, True])
def test_a_dense_file_of_torchvision_answers_as_there(old, tiny, tmp_path):
    there, path = drawn(DenseNet(3, tiny)), tmp_path / "densenet.pth"
    torch.save(theirs(there.state_dict(), old), path)
    here = build_trunk(tiny.name, 3).eval()
    here.load_state_dict(import_trunk(path, tiny.name))
    picture = torch.rand(1, 3, 32, 64)
    spread = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    with torch.inference_mode():
        for one, other in zip(here(picture), there(picture / spread), strict=True):
            assert torch.allclose(one, other, atol=1e-4)
    with pytest.raises(WeightsError, match=r"densenet.pth .*it is no densenet121"):
        import_trunk(path, "densenet121")


def test_depth_may_stand_in_for_blue(tiny):
    color = np.zeros((4, 4, 3), np.uint8)
    color[:2] = (255, 0, 255)
    relief_m = np.full((4, 4), 0.05, np.float32)
    channels = to_channels(color, relief_m, "rgd")
    assert channels.shape == (3, 4, 4)
    assert channels[0, 0, 0] == pytest.approx(0.5)
    assert channels[2] == pytest.approx(0.5)  # of 0.1 m
    state = DenseNet(3, tiny).state_dict()
    network = build_trunk(tiny.name, 3)
    Trunk(tiny.name, state, {}).load_into(network, "rgd")
    assert torch.equal(network.conv1.weight, state["conv1.weight"])  # blue's filters for depth


def test_names_of_all_trunks():
    assert {"thin_resnet50", "resnet50", "densenet169"} <= set(trunk_names())
    with pytest.raises(ConfigError, match="no trunk 'vgg'; valid are densenet121, "):
        build_trunk("vgg", 3)
