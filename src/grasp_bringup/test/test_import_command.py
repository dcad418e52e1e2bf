"""`grasp import`: from a published file to weights that detect."""

import argparse

import numpy as np
import pytest
import torch

from grasp_bringup import import_command
from grasp_detection.generative.model import load_picture_detector
from grasp_detection.networks.registry import find_network


def run(*arguments):
    parser = argparse.ArgumentParser()
    import_command.add_arguments(parser)
    return import_command.main(parser.parse_args([str(one) for one in arguments]))


def test_published_weights_detect(tmp_path, capsys):
    published, out = tmp_path / "statedict.pt", tmp_path / "ours" / "ggcnn2.safetensors"
    torch.save(find_network("gg_cnn2").build(1, 0.0).state_dict(), published)
    arguments = (published, "--detector", "gg-cnn2", "--modality", "d", "--out", out)
    assert run(*arguments, "--size", "304") == 0
    assert "66,676 parameters of gg_cnn2" in capsys.readouterr().out
    model = load_picture_detector("gg_cnn2", str(out))
    assert (model.modality, model.size, model.parameters) == ("d", 304, 66_676)
    ranking = model.rank(None, np.full((320, 320), 0.5, np.float32), 5)
    assert ranking.rows.shape[1] == 5


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"--out": "weights.pt"}, "--out is weights.pt, must end in .safetensors"),
        ({"--size": "300"}, "--size is 300, must be a positive multiple of 8"),
        ({"--modality": "rgb"}, "sees 1 channel"),
        ({"--detector": "efcn"}, "valid are gg_cnn2, gr_convnet"),
    ],
)
def test_wrong_input_is_refused(tmp_path, capsys, change, what):
    published = tmp_path / "statedict.pt"
    torch.save(find_network("gg_cnn2").build(1, 0.0).state_dict(), published)
    options = {
        "--detector": "gg_cnn2",
        "--modality": "d",
        "--out": tmp_path / "out.safetensors",
        **change,
    }
    assert run(published, *(word for pair in options.items() for word in pair)) == 2
    assert what in capsys.readouterr().err
    assert not (tmp_path / "out.safetensors").exists()
