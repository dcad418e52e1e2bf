"""Published weight files: read whole, converted right, and never run."""

import os
import sys
import types

import numpy as np
import pytest
import torch

from grasp_core.errors import ConfigError
from grasp_detection.learned.inputs import RELIEF_UNIT_M
from grasp_detection.learned.model import LearnedModel
from grasp_detection.learned.picture_means import by_picture_means
from grasp_detection.learned.published import find_published, import_state
from grasp_detection.learned.torch_files import read_published
from grasp_detection.learned.weights import Weights, WeightsError
from grasp_detection.learned.window import Window
from grasp_detection.maps.config import MapsConfig
from grasp_detection.registry import find_learned


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def network(name, channels, **sizes):
    """With weights and statistics that are not those of a new one."""
    torch.manual_seed(3)
    made = find_learned(name).family().knowing(sizes).build(channels, 0.0)
    with torch.no_grad():
        for tensor in (*made.parameters(), *made.buffers()):
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor) * 0.1)
    return made.eval()


def as_published(made, monkeypatch):
    """The same tensors in a class of a module that exists only while the file is written."""
    module = types.ModuleType("inference.models.grconvnet3")
    code = "import torch\nclass GenerativeResnet(torch.nn.Module):\n    pass\n"
    exec(code, module.__dict__)
    for name in ("inference", "inference.models"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    module.GenerativeResnet.__module__ = module.__name__
    whole = module.GenerativeResnet()
    for name, child in made.named_children():
        whole.add_module(name, plain(child, module.GenerativeResnet))
    return whole


def plain(child, kind):
    """A part in which every class of this project is replaced by a published one."""
    if type(child).__module__.startswith("torch.nn"):
        return child
    replaced = kind()
    for name, part in child.named_children():
        replaced.add_module(name, plain(part, kind))
    return replaced


@pytest.mark.parametrize("new_format", [True, False])
@pytest.mark.parametrize("layout", ["network", "tensors", "checkpoint", "parallel"])
def test_all_layouts_are_read(tmp_path, monkeypatch, layout, new_format):
    made, path = network("gr_convnet", 4), tmp_path / "epoch_19_iou_0.98"
    with monkeypatch.context() as patch:
        content = {
            "network": lambda: as_published(made, patch),
            "tensors": made.state_dict,
            "checkpoint": lambda: {
                "epoch": torch.tensor(19),
                "loss": torch.tensor(0.1),
                "state_dict": made.state_dict(),
            },
            "parallel": lambda: {f"module.{name}": t for name, t in made.state_dict().items()},
        }[layout]()
        torch.save(content, path, _use_new_zipfile_serialization=new_format)
    assert "inference" not in sys.modules
    state = read_published(path)
    expected = made.state_dict()
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], expected[name]) for name in expected)


@pytest.mark.parametrize("modality", ["d", "rgb", "rgbd"])
@pytest.mark.parametrize("name", ["gg_cnn2", "gr_convnet"])
def test_conventions_are_converted(name, modality):
    channels = {"d": 1, "rgb": 3, "rgbd": 4}[modality]
    _, family, published = find_published(name)
    theirs, ours = network(name, channels), family.build(channels, 0.0).eval()
    ours.load_state_dict(published.adapt(theirs.state_dict(), modality))
    color, relief = torch.rand(1, 3, 32, 32) - 0.5, torch.rand(1, 1, 32, 32)
    depth_m = -RELIEF_UNIT_M * relief  # away from the camera, metres
    inputs = {
        "d": (depth_m, relief),
        "rgb": (color, color),
        "rgbd": (torch.cat([depth_m, color], 1), torch.cat([color, relief], 1)),
    }[modality]
    with torch.inference_mode():
        expected, got = theirs(inputs[0]), ours(inputs[1])
    assert torch.allclose(got[:, [0, 1, 3]], expected[:, [0, 1, 3]], atol=1e-5)
    assert torch.allclose(got[:, 2], -expected[:, 2], atol=1e-5)


@pytest.mark.parametrize("modality", ["d", "rgb", "rgbd"])
def test_an_imported_network_answers_as_its_authors_feed_it(tmp_path, modality):
    channels = {"d": 1, "rgb": 3, "rgbd": 4}[modality]
    theirs, path = network("gr_convnet", channels, base=16), tmp_path / "epoch_30_iou_0.97"
    # As published: on several GPUs, in fewer channels, with what a profiler left behind.
    state = {f"module.{name}": tensor for name, tensor in theirs.state_dict().items()}
    torch.save({**state, "module.total_ops": torch.zeros(1)}, path)
    _, family, published = find_published("gr_convnet")
    ours, told = import_state(family, published, path, modality)
    assert told["measured"] == {"base": 16}
    assert told["parameters"] == sum(p.numel() for p in theirs.parameters())
    about = {
        "modality": modality, "size": 32, "calibration": {"score": [0, 1], "quality": [0, 1]},
        **told,
    }  # fmt: skip
    model = LearnedModel(
        "gr_convnet", family, Weights("imported", ours, about), MapsConfig(runtime="torch")
    )
    rng = np.random.default_rng(0)
    color = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    # A tilted camera: the support is no constant depth.
    depth_m = (0.5 + 0.01 * np.arange(32)[:, None] + rng.random((32, 32)) / 20).astype(np.float32)
    scaled = color.transpose(2, 0, 1).astype(np.float32) / 255.0
    planes = {"d": np.clip(depth_m - depth_m.mean(), -1, 1)[None], "rgb": scaled - scaled.mean()}
    planes["rgbd"] = np.concatenate([planes["d"], planes["rgb"]])
    with torch.inference_mode():
        expected = theirs(torch.from_numpy(planes[modality])[None])[0].numpy()
    expected[2] *= -1.0
    got = model.predict(model.inputs(color, depth_m, Window.centred(32, 32, 32)))["maps"]
    assert np.abs(got - expected).max() < 1e-4 * max(1.0, np.abs(expected).max())


def test_without_depth_the_relief_is_taken_from_its_mean():
    relief_m = np.array([[0.0, 0.2], [0.4, 3.0]], np.float32)
    channels = by_picture_means(None, relief_m, "d")
    assert np.allclose(channels[0] * RELIEF_UNIT_M, [[-0.9, -0.7], [-0.5, 1.0]])
    for wanted in ("rgb", "rgbd"):
        with pytest.raises(ConfigError, match="needs colour"):
            by_picture_means(None, relief_m, wanted)
    with pytest.raises(ConfigError, match="needs depth"):
        by_picture_means(None, None, "d")


@pytest.mark.parametrize("new_format", [True, False])
def test_code_in_a_file_is_not_run(tmp_path, new_format):
    path, mark = tmp_path / "evil.pt", tmp_path / "mark"
    content = {"weights": torch.zeros(3), "trap": Trap(mark)}
    torch.save(content, path, _use_new_zipfile_serialization=new_format)
    assert set(read_published(path)) == {"weights"}
    assert not mark.exists()
    torch.load(path, weights_only=False)
    assert mark.exists()


def test_what_is_no_network_is_refused(tmp_path):
    path = tmp_path / "file.pt"
    with pytest.raises(WeightsError, match="No such file"):
        read_published(path)
    path.write_bytes(b"not a weight file at all")
    with pytest.raises(WeightsError, match="no weight file of torch"):
        read_published(path)
    torch.save([1, 2], path)
    with pytest.raises(WeightsError, match="holds a list without a network's tensors"):
        read_published(path)


@pytest.mark.parametrize("new_format", [True, False])
def test_a_truncated_file_is_refused(tmp_path, new_format):
    path = tmp_path / "file.pt"
    state = network("gg_cnn2", 1).state_dict()
    torch.save(state, path, _use_new_zipfile_serialization=new_format)
    whole = path.read_bytes()
    for share in (0.01, 0.5, 0.99):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(WeightsError, match="no weight file of torch"):
            read_published(path)


def test_wrong_networks_and_channels_are_refused(tmp_path):
    path = tmp_path / "file.pt"
    torch.save(network("gr_convnet", 4).state_dict(), path)
    _, family, published = find_published("gr-convnet")
    with pytest.raises(WeightsError, match="sees 4 channel"):
        import_state(family, published, path, "d")
    _, family, published = find_published("gg_cnn2")
    with pytest.raises(WeightsError, match="do not fit"):
        import_state(family, published, path, "rgbd")
    with pytest.raises(ConfigError, match="valid are gg_cnn2, gr_convnet"):
        find_published("efcn")
