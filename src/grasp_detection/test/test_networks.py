"""The networks: sizes as published, shapes, losses, and what their parts do."""

import math

import pytest
import torch
from torch.nn import functional

from grasp_core.errors import ConfigError
from grasp_detection.learned.layers import (
    ConvBnMish,
    CoordinateAttention,
    FeatureDropout,
    conv_of_joined,
)
from grasp_detection.maps.grasp_maps import COS, QUALITY, SIN, WIDTH
from grasp_detection.maps.losses import (
    p_huber,
    smooth_l1,
    squared,
    weighted_squared,
    weighted_squared_angle,
)
from grasp_detection.maps.members import MAPS
from grasp_detection.maps.networks.dsc_graspnet import DscGraspNet
from grasp_detection.maps.networks.efcn import Efcn, EfcnAngle, EfcnFull
from grasp_detection.maps.networks.gg_cnn2 import GgCnn2
from grasp_detection.maps.networks.gr_convnet import GrConvNet
from grasp_detection.registry import detector_names, find_detector, find_learned, resolve


def parameters(network):
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(
    ("build", "count"),
    [
        (lambda: GgCnn2(1), 66_676),
        (lambda: GrConvNet(4), 1_900_900),  # the paper: 1,900,900
        (lambda: EfcnFull(1), 8_463_460),  # the paper: about 35 MB
        (lambda: Efcn(1), 2_118_772),
    ],
)
def test_networks_have_their_published_size(build, count):
    assert parameters(build()) == count


@pytest.mark.parametrize("name", MAPS.places)
@pytest.mark.parametrize(("channels", "rows", "columns"), [(1, 4, 4), (3, 8, 5), (4, 6, 12)])
def test_maps_have_the_size_of_the_picture(name, channels, rows, columns):
    family = find_learned(name).family()
    height, width = rows * family.stride, columns * family.stride
    network = family.build(channels, 0.1)
    picture = torch.randn(2, channels, height, width)
    with torch.inference_mode():
        assert network.eval()(picture).shape == (2, 4, height, width)
    predicted = network.train()(picture)
    family.loss(predicted, torch.zeros(2, 4, height, width)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_every_network_is_a_detector_of_its_family():
    for name in MAPS.places:
        entry = find_detector(name)
        assert (entry.name, entry.group) == (name, "maps")
        assert name in detector_names()
    assert resolve("efcn-full") == "efcn_full"


def test_the_angle_of_three_maps_is_put_out_doubled():
    network = EfcnAngle(1).eval()
    with torch.inference_mode():
        _, cos, sin, _ = network(torch.randn(1, 1, 32, 32))[0]
    assert torch.allclose(cos**2 + sin**2, torch.ones(32, 32), atol=1e-5)


def test_each_paper_weighs_its_maps():
    target = torch.zeros(1, 4, 8, 8)
    target[:, QUALITY], target[:, COS] = 1.0, 1.0
    errors = {}
    for name, change in {"quality": QUALITY, "cos": COS, "sin": SIN, "width": WIDTH}.items():
        predicted = target.clone()
        predicted[:, change] += 0.5
        errors[name] = [
            float(loss(predicted, target))
            for loss in (p_huber, squared, smooth_l1, weighted_squared)
        ]
    assert errors["quality"] == pytest.approx([0.125, 0.25, 0.125, 5 * 0.25])
    assert errors["cos"] == errors["sin"] == pytest.approx([0.125, 0.25, 0.125, 3 * 0.25])
    assert errors["width"] == pytest.approx([0.125, 0.25, 0.125, 4 * 0.25])


def test_angles_may_be_compared_as_they_are():
    turned = [torch.zeros(1, 4, 4, 4) for _ in range(2)]
    for maps, degrees in zip(turned, (0.0, 45.0), strict=True):
        maps[:, COS] = math.cos(math.radians(2 * degrees))
        maps[:, SIN] = math.sin(math.radians(2 * degrees))
    # Half a right angle off.
    assert float(weighted_squared_angle(*turned)) == pytest.approx(3 * 0.5**2)


def test_parameters_match_the_paper():
    counts = {c: parameters(DscGraspNet(c)) for c in (1, 3, 4)}
    assert counts[3] == 643_243  # the paper: 0.643 million
    assert counts[4] - counts[3] == counts[3] - counts[1] - 288 == 288  # 3x3x32 per channel


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("enlarge", [True, False])
def test_two_inputs_are_taken_as_if_joined(enlarge, training):
    torch.manual_seed(2)
    blocks = [ConvBnMish(10, 6), ConvBnMish(10, 4)]
    for block in blocks:
        block[1].weight.data.uniform_(0.5, 2.0)
        block[1].bias.data.normal_()
        for _ in range(3):  # statistics that are not those of a new block
            block(3.0 * torch.randn(4, 10, 6, 6) + 1.0)
        block.train(training)
    first, second = torch.randn(2, 4, 8, 12), torch.randn(2, 6, 8, 12)
    if enlarge:
        second = torch.randn(2, 6, 4, 6)
    with torch.no_grad():
        got = conv_of_joined(blocks, first, second, enlarge=enlarge)
        if enlarge:
            second = functional.interpolate(second, scale_factor=2, mode="bilinear")
        expected = [block(torch.cat([first, second], dim=1)) for block in blocks]
    for one, other in zip(got, expected, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_coordinate_attention_only_weights():
    torch.manual_seed(0)
    attention = CoordinateAttention(32, 32).eval()
    x = torch.randn(1, 32, 6, 9)
    share = attention(x) / x
    assert ((share > 0) & (share < 1)).all()
    # One weight for each row times one for each column.
    flat = share[0, 0]
    assert torch.allclose(flat, flat[:, :1] @ flat[:1] / flat[0, 0], atol=1e-5)


def test_dropout_drops_whole_features_and_keeps_the_mean():
    torch.manual_seed(0)
    dropout = FeatureDropout(0.25).train()
    y = dropout(torch.ones(64, 32, 3, 3))
    assert sorted(y.unique().tolist()) == [0.0, pytest.approx(1 / 0.75)]
    assert (y.amax(dim=(2, 3)) == y.amin(dim=(2, 3))).all()
    assert y.mean().item() == pytest.approx(1.0, abs=0.05)
    assert torch.equal(dropout.eval()(y), y)


def test_what_learns_nothing_cannot_be_trained():
    with pytest.raises(ConfigError, match=r"antipodal is not learned; .* det,.* dsc_grasp"):
        find_learned("antipodal")
