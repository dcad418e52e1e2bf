"""`grasp import`: from a published file to weights that detect."""

import numpy as np
import pytest
import torch

from grasp_cli.main import main
from grasp_detection.learned.family import WHOLE
from grasp_detection.learned.trunk import ResNet, find_layout
from grasp_detection.learned.trunk_files import load_trunk
from grasp_detection.registry import create_picture_detector, find_learned


def run(*arguments):
    return main(["import", *map(str, arguments)])


def test_published_weights_detect(tmp_path, capsys):
    published, out = tmp_path / "statedict.pt", tmp_path / "ours" / "ggcnn2.safetensors"
    torch.save(find_learned("gg_cnn2").family().build(1, 0.0).state_dict(), published)
    arguments = (published, "--detector", "gg-cnn2", "--modality", "d", "--out", out)
    assert run(*arguments) == 0
    assert "66,676 parameters of gg_cnn2" in capsys.readouterr().out
    model = create_picture_detector("gg_cnn2", {"weights": str(out)})
    assert (model.modality, model.size, model.parameters) == ("d", 304, 66_676)
    ranking = model.rank(None, np.full((320, 320), 0.5, np.float32), 5)
    assert ranking.rows.shape[1] == 5


def test_a_coloured_picture_is_fed_as_they_were_taught(tmp_path, monkeypatch):
    published, out = tmp_path / "statedict.pt", tmp_path / "grconvnet.safetensors"
    torch.save(find_learned("gr_convnet").family().build(3, 0.0).state_dict(), published)
    assert run(published, "--detector", "gr-convnet", "--modality", "rgb", "--out", out) == 0
    model = create_picture_detector("gr_convnet", {"weights": str(out)})
    assert model.size == 224
    fed = []
    answer = {"maps": np.zeros((1, 4, 224, 224))}
    monkeypatch.setitem(model._runtimes, WHOLE, lambda x: fed.append(x) or answer)
    model.rank(np.full((224, 224, 3), (250, 130, 10), np.uint8), None, 5)
    assert np.allclose(fed[0].mean(axis=(2, 3)), [[120 / 255, 0.0, -120 / 255]], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"--out": "weights.pt"}, "--out is weights.pt, must end in .safetensors"),
        ({"--size": "300"}, "--size is 300, must be a positive multiple of 8"),
        ({"--modality": "rgb"}, "sees 1 channel"),
        ({"--detector": "efcn"}, "valid are gg_cnn2, gr_convnet"),
        ({"--licence": "MIT"}, "--licence means nothing with --detector"),
    ],
)
def test_wrong_input_is_refused(tmp_path, capsys, change, what):
    published = tmp_path / "statedict.pt"
    torch.save(find_learned("gg_cnn2").family().build(1, 0.0).state_dict(), published)
    options = {
        "--detector": "gg_cnn2",
        "--modality": "d",
        "--out": tmp_path / "out.safetensors",
        **change,
    }
    assert run(published, *(word for pair in options.items() for word in pair)) == 2
    assert what in capsys.readouterr().err
    assert not (tmp_path / "out.safetensors").exists()


def test_a_trunk_is_brought_in_with_its_origin(tmp_path, capsys):
    published, out = tmp_path / "resnet18.pth", tmp_path / "ours" / "trunk.safetensors"
    torch.save(resnet18_of_torchvision(), published)
    options = ("--trunk", "resnet18", "--licence", "MIT", "--half", "--out", out)
    assert run(published, *options) == 0
    assert "2,780,544 parameters of resnet18" in capsys.readouterr().out
    trunk = load_trunk(str(out))
    assert trunk.layout == "resnet18"
    assert trunk.about["licence"] == "MIT"
    assert trunk.about["origin"].startswith("torchvision")
    assert trunk.state["conv1.bias"].dtype == torch.float16
    assert run(published, "--trunk", "resnet18", "--size", 224, "--out", out) == 2
    assert "--size means nothing with --trunk" in capsys.readouterr().err
    assert run(published, "--detector", "gg_cnn2", "--out", out) == 2
    assert "--modality is missing" in capsys.readouterr().err


def resnet18_of_torchvision():
    """Tensors as torchvision names them, up to the third stage."""
    ours = ResNet(3, find_layout("resnet18")).state_dict()
    state = {}
    for name, tensor in ours.items():
        stem, _, kind = name.rpartition(".")
        conv, norm = "conv1", "bn1"
        if stem != "conv1":
            _, stage, block, part = stem.split(".")
            layer = f"layer{int(stage) + 1}.{block}"
            conv, norm = {
                "a": (f"{layer}.conv1", f"{layer}.bn1"),
                "b": (f"{layer}.conv2", f"{layer}.bn2"),
                "p": (f"{layer}.downsample.0", f"{layer}.downsample.1"),
            }[part]
        if kind == "weight":
            state[f"{conv}.weight"] = tensor
            for part in ("weight", "running_var"):
                state[f"{norm}.{part}"] = torch.ones(len(tensor))
            for part in ("bias", "running_mean"):
                state[f"{norm}.{part}"] = torch.zeros(len(tensor))
    return state
