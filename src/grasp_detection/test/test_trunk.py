"""Pretrained trunks: their shape, how they are brought in, and how they go into a training."""

import json
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from onnx import helper, numpy_helper
from torch import nn
from torch.nn import functional

from grasp_core.errors import ConfigError
from grasp_detection.datasets.registry import open_dataset
from grasp_detection.datasets.split import make_split, save_splits
from grasp_detection.learned import trunk as trunks
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig
from grasp_detection.learned.training.initial import find_start
from grasp_detection.learned.training.optimiser import one_cycle
from grasp_detection.learned.training.request import TrainingRequest
from grasp_detection.learned.training.run import train
from grasp_detection.learned.trunk import (
    THIN_RESNET50,
    FeaturePyramid,
    PyramidLevels,
    ResNet,
    TrunkLayout,
    find_layout,
)
from grasp_detection.learned.trunk_files import Trunk, load_trunk, shipped_trunks
from grasp_detection.learned.trunk_import import import_trunk, origin_of
from grasp_detection.learned.weights import SHIPPED, WeightsError, load_weights, save_weights
from grasp_detection.maps.networks.resnet_fpn import RESNET_FPN
from grasp_detection.registry import find_learned

SPREAD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
TINY = {
    "tiny": TrunkLayout("tiny", (2, 1, 1, 1), 4, bottleneck=False),
    "tiny_deep": TrunkLayout("tiny_deep", (1, 2, 1, 1), 4),
    "tiny_thin": TrunkLayout("tiny_thin", (1, 1, 2, 1), 4, stride_first=True, pool_ahead=True),
}


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    torch.manual_seed(0)
    for name, layout in TINY.items():
        monkeypatch.setitem(trunks._LAYOUTS, name, layout)


def drawn(network):
    """With numbers everywhere that are not those of a new one."""
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor) * 0.2)
    return network.eval()


class TheirBlock(nn.Module):
    """A block named and built as torchvision's are."""

    def __init__(self, before, layout, stage, stride, first):
        super().__init__()
        inner, after = layout.width * 2**stage, layout.channels(stage)
        if layout.bottleneck:
            self.conv1 = nn.Conv2d(before, inner, 1, bias=False)
            self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
            self.conv3 = nn.Conv2d(inner, after, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(after)
        else:
            self.conv1 = nn.Conv2d(before, inner, 3, stride, 1, bias=False)
            self.conv2 = nn.Conv2d(inner, after, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(inner), nn.BatchNorm2d(self.conv2.out_channels)
        self.downsample = None
        if first and (stride > 1 or before != after):
            conv = nn.Conv2d(before, after, 1, stride, bias=False)
            self.downsample = nn.Sequential(conv, nn.BatchNorm2d(after))

    def forward(self, x):
        inner = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        if hasattr(self, "conv3"):
            inner = self.bn3(self.conv3(functional.relu(inner)))
        return functional.relu(inner + (self.downsample(x) if self.downsample else x))


def theirs(layout):
    """A ResNet as torchvision has it, without its classifier."""
    parts, before = OrderedDict(), 64
    parts["conv1"] = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
    parts["bn1"], parts["relu"] = nn.BatchNorm2d(64), nn.ReLU()
    parts["maxpool"] = nn.MaxPool2d(3, 2, 1)
    for stage in range(4):
        blocks = []
        for block in range(layout.blocks[stage]):
            stride = 2 if stage and not block else 1
            blocks.append(TheirBlock(before, layout, stage, stride, not block))
            before = layout.channels(stage)
        parts[f"layer{stage + 1}"] = nn.Sequential(*blocks)
    return drawn(nn.Sequential(parts))


@pytest.mark.parametrize("name", ["tiny", "tiny_deep"])
def test_a_file_of_torchvision_answers_as_there(name, tmp_path):
    layout, path = TINY[name], tmp_path / "resnet.pth"
    there = theirs(layout)
    torch.save({**there.state_dict(), "fc.weight": torch.zeros(10, 8)}, path)
    state = import_trunk(path, name)
    here = ResNet(3, layout, 4)
    here.load_state_dict(state)
    picture = torch.rand(1, 3, 64, 48)
    scaled = picture - picture.mean(dim=(2, 3), keepdim=True)
    with torch.inference_mode():
        expected, features = scaled / SPREAD, []
        for part, module in there.named_children():
            expected = module(expected)
            features += [expected] if part.startswith("layer") else []
        found = here(scaled)
    for one, other in zip(found, features, strict=True):
        assert torch.allclose(one, other, atol=1e-4 * float(other.abs().max()))
    # Networks that use three stages take what they need.
    third = ResNet(3, layout)
    Trunk(name, state, {}).load_into(third, "rgb")
    with torch.inference_mode():
        assert torch.equal(third(scaled)[-1], found[2])


def test_every_level_of_a_pyramid_knows_what_the_coarser_ones_know():
    pyramid = PyramidLevels([2, 3, 4], 5)
    features = [torch.randn(1, n, s, s) for n, s in ((2, 8), (3, 4), (4, 2))]
    features[2].requires_grad_()
    levels = pyramid(features)
    assert [tuple(one.shape) for one in levels] == [(1, 5, 8, 8), (1, 5, 4, 4), (1, 5, 2, 2)]
    top, side = pyramid.sides[2](features[2]), pyramid.sides[1](features[1])
    enlarged = top.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    assert torch.allclose(levels[1], pyramid.smooth[1](side + enlarged), atol=1e-6)
    levels[0].sum().backward()
    assert features[2].grad.abs().min() > 0.0


def as_onnx(network, path):
    """Its convolutions in a graph named as open-nsfw.onnx is."""
    nodes, tensors = [], []
    for name, tensor in network.state_dict().items():
        stem, _, kind = name.rpartition(".")
        array = tensor.numpy()
        if stem == "conv1" and kind == "weight":
            array = array[:, ::-1] / 255.0
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        if kind != "weight":
            continue
        label = "bn_1"
        if stem != "conv1":
            _, stage, block, part = stem.split(".")
            branch = "proj_shortcut" if part == "p" else f"branch2{part}"
            label = f"bn_stage{stage}_block{block}_{branch}"
        output = f"{label}/FusedBatchNormV3:0"
        nodes.append(helper.make_node("Conv", ["x", name, f"{stem}.bias"], [output]))
    graph = helper.make_graph(nodes, "thin", [], [], tensors)
    path.write_bytes(helper.make_model(graph).SerializeToString())


def test_the_thin_network_comes_from_its_onnx_file(tmp_path):
    network, path = drawn(ResNet(3, TINY["tiny_thin"])), tmp_path / "net.onnx"
    as_onnx(network, path)
    found = import_trunk(path, "tiny_thin")
    assert found.keys() == network.state_dict().keys()
    for name, tensor in network.state_dict().items():
        assert torch.allclose(found[name], tensor, atol=1e-5)


def test_what_is_no_such_trunk_is_refused(tmp_path):
    path = tmp_path / "other.onnx"
    as_onnx(ResNet(3, TINY["tiny_thin"]), path)
    with pytest.raises(WeightsError, match=r"lacks stages.0.1.a.bias: it is no tiny,"):
        import_trunk(path, "tiny")
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(WeightsError, match="is no ONNX file"):
        import_trunk(path, "tiny_thin")
    with pytest.raises(WeightsError, match=r"cannot read .*missing.onnx"):
        import_trunk(tmp_path / "missing.onnx", "tiny_thin")
    state = theirs(TINY["tiny"]).state_dict()
    del state["layer2.0.bn1.running_var"]
    torch.save(state, tmp_path / "broken.pth")
    with pytest.raises(WeightsError, match=r"lacks 'layer2.0.bn1.running_var'"):
        import_trunk(tmp_path / "broken.pth", "tiny")
    torch.save({"features.0.weight": torch.zeros(8, 3, 3, 3)}, tmp_path / "vgg.pth")
    with pytest.raises(WeightsError, match=r"features.0.weight, which no ResNet"):
        import_trunk(tmp_path / "vgg.pth", "tiny")
    with pytest.raises(ConfigError, match=r"no trunk 'vgg'; valid are densenet121, .*resnet18"):
        import_trunk(tmp_path / "vgg.pth", "vgg")


@pytest.mark.parametrize("name", ["resnet18", "resnet50", THIN_RESNET50])
def test_trunks_halve_the_picture_four_times(name):
    layout = find_layout(name)
    network = ResNet(3, layout)
    with torch.inference_mode():
        shapes = [tuple(one.shape[1:]) for one in network(torch.zeros(1, 3, 64, 32))]
    assert shapes == [(layout.channels(i), 16 >> i, 8 >> i) for i in range(3)]
    expected = {"resnet18": 2_780_544, "resnet50": 8_528_000, THIN_RESNET50: 2_148_032}
    assert sum(p.numel() for p in network.parameters()) == expected[name]


def test_caffe_pools_below_and_right():
    network = ResNet(1, replace(TINY["tiny_thin"], blocks=(0, 0, 0, 0)))
    with torch.no_grad():
        network.conv1.weight.zero_()
        network.conv1.weight[:, :, 3, 3] = 1.0  # every other pixel, as it is
    picture = torch.arange(64.0).reshape(1, 1, 8, 8)
    seen = picture[:, :, ::2, ::2]
    # Of 4x4 pixels, the windows begin at 0 and 2 and end at 2 and 4.
    x = functional.pad(seen, (0, 1, 0, 1))
    expected = torch.stack([x[..., r : r + 3, c : c + 3].max() for r in (0, 2) for c in (0, 2)])
    pooled = functional.max_pool2d(functional.pad(network.conv1(picture), (0, 1, 0, 1)), 3, 2)
    assert torch.equal(pooled[0, 0].flatten(), expected)


def test_a_pyramid_brings_coarse_features_to_the_finest_place():
    pyramid = FeaturePyramid([4, 6, 8], 5)
    with torch.no_grad():
        pyramid.smooth.weight.zero_()
        pyramid.smooth.weight[range(5), range(5), 1, 1] = 1.0
    features = [torch.randn(2, 4, 16, 8), torch.randn(2, 6, 8, 4), torch.randn(2, 8, 4, 2)]
    found = pyramid(features)
    expected = sum(
        side(one).repeat_interleave(2**i, 2).repeat_interleave(2**i, 3)
        for i, (side, one) in enumerate(zip(pyramid.sides, features, strict=True))
    )
    assert torch.allclose(found, expected + pyramid.smooth.bias[:, None, None], atol=1e-5)


def test_a_trunk_drawn_at_random_passes_on_what_it_is_given():
    network = ResNet(3, TINY["tiny_deep"])
    x = torch.randn(1, 16, 8, 8).relu()
    assert torch.equal(network.stages[1][1](network.stages[1][0](x)), network.stages[1][0](x))


def test_the_shipped_trunk_is_told_whose_it_is():
    assert shipped_trunks() == [THIN_RESNET50]
    trunk = load_trunk(THIN_RESNET50)
    trunk.load_into(ResNet(3, find_layout(THIN_RESNET50)), "rgb")
    assert (trunk.about["origin"], trunk.about["licence"]) == origin_of(THIN_RESNET50)
    licence = SHIPPED / "trunks" / "LICENCE.txt"
    assert "Copyright (c) 2016, Yahoo Inc." in licence.read_text()
    assert (SHIPPED / "trunks" / f"{THIN_RESNET50}.safetensors").stat().st_size < 10e6


@pytest.mark.parametrize(("modality", "channels"), [("rgb", 3), ("rgbd", 4), ("d", 1)])
def test_filters_for_relief_are_made_of_those_for_colour(modality, channels):
    network, trunk = ResNet(channels, find_layout(THIN_RESNET50)), load_trunk(THIN_RESNET50)
    trunk.load_into(network, modality)
    filters, seen = network.conv1.weight.detach(), trunk.state["conv1.weight"].float()
    if modality == "d":
        assert torch.allclose(filters, seen.mean(dim=1, keepdim=True))
    else:
        assert torch.equal(filters[:, :3], seen)
        assert not filters[:, 3:].any()


def test_a_trunk_is_asked_for_where_there_is_one():
    assert find_start(RESNET_FPN, "", None).layout == THIN_RESNET50
    assert find_start(RESNET_FPN, "random", None) is None
    assert find_start(find_learned("fast").family(), "", None) is None
    with pytest.raises(ConfigError, match="means nothing for a network without one"):
        find_start(find_learned("fast").family(), THIN_RESNET50, None)
    with pytest.raises(WeightsError, match="no trunk resnet50 ships: bring in torchvision's"):
        find_start(find_learned("grasp_scorer_full").family(), "", None)
    with pytest.raises(WeightsError, match=r"no trunk file mine.safetensors"):
        find_start(RESNET_FPN, "mine.safetensors", None)
    with pytest.raises(ConfigError, match="no trunk 'resnet'; valid are thin_resnet50, random"):
        find_start(RESNET_FPN, "resnet", None)


@pytest.fixture
def request_of(bars, tmp_path):
    split = tmp_path / "split.json"
    save_splits([make_split(open_dataset("cornell", bars), "image-wise", (0.6, 0.2, 0.2))], split)
    state = ResNet(3, TINY["tiny"]).state_dict()
    about = {"trunk": "tiny", "origin": "a test", "licence": "none"}
    save_weights(state, about, tmp_path / "tiny.safetensors")

    def made(**values):
        config = TrainingConfig(size=32, epochs=2, batch=4, storage="fp16")
        asked = {"out": tmp_path / "run", "trunk": str(tmp_path / "tiny.safetensors"), **values}
        return TrainingRequest(
            "resnet_fpn", "cornell", bars, split, config, AugmentConfig(), device="cpu",
            threads=1, **asked,
        )  # fmt: skip

    return made


def test_what_is_trained_from_a_trunk_says_so(request_of, tmp_path):
    finished = train(request_of())
    told = json.loads(Path(finished.weights).with_suffix(".json").read_text())
    assert told["trunk"]["origin"] == "a test"
    assert told["trunk"]["sha256"]
    assert told["measured"] == {"trunk": "tiny"}
    assert "--trunk tiny.safetensors" in told["command"]
    weights = load_weights("resnet_fpn", str(finished.weights))
    assert weights.state["trunk.conv1.weight"].dtype == torch.float16
    # What goes on from these weights keeps trunk and origin.
    again = train(request_of(out=tmp_path / "on", trunk="", init=str(finished.weights)))
    assert again.metadata["trunk"] == told["trunk"]
    assert again.metadata["measured"] == {"trunk": "tiny"}
    with pytest.raises(ConfigError, match="means nothing with --init"):
        request_of(init="default")


@pytest.mark.parametrize(("pretrained", "rates"), [(True, [0.002, 0.0004]), (False, [0.002] * 2)])
def test_a_pretrained_trunk_learns_more_slowly(pretrained, rates):
    network = replace(RESNET_FPN, trunk="tiny").build(3, 0.0)
    optimiser, schedule = one_cycle(network, TrainingConfig(), 100, pretrained=pretrained)
    highest = [0.0, 0.0]
    for _ in range(99):
        optimiser.step()
        schedule.step()
        highest = [max(one) for one in zip(highest, schedule.get_last_lr(), strict=True)]
    assert highest == pytest.approx(rates, rel=0.01)
    counts = [sum(p.numel() for p in group["params"]) for group in optimiser.param_groups]
    assert counts[1] == sum(p.numel() for p in network.trunk.parameters())
    assert sum(counts) == sum(p.numel() for p in network.parameters())


def test_what_ships_of_a_trunk_has_its_licence_beside_it():
    licence = (SHIPPED / "trunks" / "LICENCE.txt").read_text()
    made_of_it = [
        path for path in SHIPPED.glob("*/*.json") if "trunk" in json.loads(path.read_text())
    ]
    assert {path.parent.name for path in made_of_it} >= {"resnet_fpn", "grasp_scorer"}
    for path in made_of_it:
        assert (path.parent / "LICENCE.txt").read_text() == licence
