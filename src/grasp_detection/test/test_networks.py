"""DSC-GraspNet: size as published, shapes, and what its parts do."""

import pytest
import torch

from grasp_core.errors import ConfigError
from grasp_detection.networks.dsc_graspnet import DscGraspNet
from grasp_detection.networks.layers import CoordinateAttention, FeatureDropout
from grasp_detection.networks.registry import find_network


def test_parameters_match_the_paper():
    counts = {c: sum(p.numel() for p in DscGraspNet(c).parameters()) for c in (1, 3, 4)}
    assert counts[3] == 643_243  # the paper: 0.643 million
    assert counts[4] - counts[3] == counts[3] - counts[1] - 288 == 288  # 3x3x32 per channel


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 32, 32), (3, 64, 40), (4, 48, 96)])
def test_maps_have_the_size_of_the_picture(channels, height, width):
    network = DscGraspNet(channels).eval()
    with torch.inference_mode():
        assert network(torch.randn(2, channels, height, width)).shape == (2, 4, height, width)


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


def test_unknown_network_lists_the_known():
    with pytest.raises(ConfigError, match="dsc_graspnet"):
        find_network("resnet")
