"""A detector from outside the tree goes everywhere that the stack's own ones go."""

import subprocess
import sys
from dataclasses import asdict, replace
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
import third_family
import torch

from grasp_core.camera import PinholeCamera
from grasp_core.errors import ConfigError
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Level
from grasp_detection import external, registry
from grasp_detection.datasets.registry import open_dataset
from grasp_detection.datasets.split import make_split, save_splits
from grasp_detection.evaluation.protocol import Protocol
from grasp_detection.evaluation.run import DetectorRun
from grasp_detection.external import entry_from_file
from grasp_detection.learned.family import Stage
from grasp_detection.learned.members import Members
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig
from grasp_detection.learned.training.distributed import TrainingProcess
from grasp_detection.learned.training.errors import TrainingError
from grasp_detection.learned.training.request import TrainingRequest
from grasp_detection.learned.training.run import train
from grasp_detection.learned.training.trainer import Trainer
from grasp_detection.learned.weights import load_weights
from grasp_detection.maps.members import MAPS
from grasp_detection.registry import (
    create_detector,
    detector_names,
    find_detector,
    resolve,
    split_label,
)

FILE = Path(third_family.__file__)
TOY = f"{FILE}:Toy"


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def request_of(bars, tmp_path):
    save_splits(
        [make_split(open_dataset("cornell", bars), "image-wise", (0.6, 0.2, 0.2))],
        tmp_path / "split.json",
    )

    def made(**values):
        config = TrainingConfig(
            **{"size": 32, "epochs": 4, "batch": 4, "learning_rate": 0.01, **values}
        )
        return TrainingRequest(
            TOY, "cornell", bars, tmp_path / "split.json", config, AugmentConfig(),
            taught=("spread=0.2",), out=tmp_path / "run", device="cpu",
        )  # fmt: skip

    return made


def test_a_third_kind_is_trained_resumed_evaluated_and_used(request_of, bars, tmp_path, gripper):
    def kill(progress):
        if progress.epoch == 3 and progress.step == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(request_of(), report=kill)
    starts = []
    finished = train(request_of(), starts.append)
    assert starts[0].finished_epochs == 2
    history = finished.trained.history
    assert [one.stage for one in history] == ["where", "where", "how", "how"]
    assert finished.trained.best.stage == "how"
    # Beyond what it was told, nothing moved in the second stage.
    checkpoint = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    frozen = [name for name in checkpoint["network"] if not name.startswith("how")]
    final = finished.trained.state
    assert all(torch.equal(checkpoint["network"][name], final[name]) for name in frozen)
    log = (tmp_path / "run" / "log.csv").read_text().splitlines()
    assert log[0].endswith("stage,loss_where,loss_how")
    assert finished.metadata["training"]["spread"] == 0.2
    assert finished.metadata["measured"]["mean_width"] == pytest.approx(1 / 3.6, rel=0.01)
    command = finished.metadata["command"]
    assert "third_family.py:Toy --dataset cornell" in command
    assert command.endswith("--learning-rate 0.01 --set spread=0.2")

    weights = str(finished.weights)
    assert load_weights("toy", weights).metadata["detector"] == "toy"
    protocol = Protocol.of(open_dataset("cornell", bars), "all", None, None, 0)
    run = DetectorRun.of(TOY, weights, protocol, {"sharpness": 2.0, "device": "cpu"})
    run.measure(protocol, lambda done: None)
    figures = run.figures(protocol)
    assert figures["n"] == 12
    assert figures["parameters"] == finished.metadata["parameters"]
    assert figures["seen_in_training"] > 0

    values = {"weights": weights, "min_quality": 0.0, "centre": False, "device": "cpu"}
    detector = create_detector(TOY, gripper, values)
    camera = PinholeCamera(64, 48, 60.0, 60.0, 32.0, 24.0)
    color = np.full((48, 64, 3), 230, np.uint8)
    color[20:30, 25:32] = 40
    grasps = detector.detect(RgbdFrame(color, np.full((48, 64), 0.7, np.float32), camera))
    assert detector.input_px(RgbdFrame(color, np.full((48, 64), 0.7, np.float32), camera)) == 32
    assert [grasp.level for grasp in grasps] == [Level.GLOBAL]
    assert grasps[0].model == "toy"


def test_what_a_stage_does_not_teach_stays_as_it_is(bars, tmp_path):
    dataset = open_dataset("cornell", bars)
    split = make_split(dataset, "image-wise", (0.6, 0.2, 0.2))
    config = TrainingConfig(size=32, epochs=4, batch=3, learning_rate=0.05)
    alone = TrainingProcess(0, 1, torch.device("cpu"))
    trainer = Trainer(third_family.Toy(), dataset, split, config, AugmentConfig(), tmp_path, alone)
    assert trainer.stage.name == "where"
    states = []
    trainer.run(
        lambda progress: states.append(
            {name: t.clone() for name, t in trainer._network.state_dict().items()}
        )
    )
    steps = len(states) // 2
    first, middle, last = states[0], states[steps - 1], states[-1]
    for name in first:
        learns_first = not name.startswith("how")
        assert torch.equal(first[name], middle[name]) != learns_first, name
    # The second stage begins with the averaged weights of the first, statistics included.
    begun = states[steps]
    for name in begun:
        assert torch.equal(begun[name], last[name]) != name.startswith("how"), name


@pytest.mark.parametrize(
    ("stages", "failure", "reason"),
    [
        ([Stage("a", 3), Stage("b", 3)], ConfigError, r"\[3, 3\] epochs do not make 3"),
        ([Stage("a", 3), Stage("b", 0)], ConfigError, "each needs one at least"),
        ([Stage("a", 1), Stage("a", 2)], ConfigError, "have one name"),
        ([Stage("a", 3, ("nothing",))], TrainingError, "name begins with one of nothing"),
    ],
)
def test_stages_that_make_no_sense_are_refused(bars, tmp_path, stages, failure, reason):
    class Aimless(third_family.Toy):
        def stages(self, epochs):
            return tuple(stages)

    dataset = open_dataset("cornell", bars)
    split = make_split(dataset, "image-wise", (0.6, 0.2, 0.2))
    alone = TrainingProcess(0, 1, torch.device("cpu"))
    config = TrainingConfig(size=32, epochs=3, batch=4)
    with pytest.raises(failure, match=reason):
        Trainer(Aimless(), dataset, split, config, AugmentConfig(), tmp_path, alone)


def test_a_file_names_a_detector():
    name, entry = entry_from_file(f"{FILE}:Fixed")
    assert (name, entry.name, entry.is_learned) == (f"{FILE}:Fixed", "fixed", False)
    assert create_detector(f"{FILE}:Fixed", None).detect(None) == []
    toy = find_detector(TOY)
    assert (toy.name, toy.group, toy.is_learned) == ("toy", "toy", True)
    assert asdict(toy.config_class())["sharpness"] == 1.0
    assert resolve(TOY) == TOY
    assert split_label(f"{TOY}:runs/w.safetensors") == (TOY, "runs/w.safetensors")
    assert split_label("efcn:cornell_rgb") == ("efcn", "cornell_rgb")
    assert split_label(TOY) == (TOY, "")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere.py:Toy", "no file .*nowhere.py"),
        (f"{FILE}:Nothing", "has no class Nothing"),
        (f"{FILE}:NoDetector", r"needs a method detect\(frame\), or must be a Family"),
    ],
)
def test_files_that_hold_no_detector_are_refused(name, reason):
    with pytest.raises(ConfigError, match=reason):
        find_detector(name)


def test_a_file_that_cannot_be_run_says_why(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("import nosuchlibrary\n")
    with pytest.raises(ConfigError, match=r"broken.py cannot be run: ModuleNotFoundError"):
        find_detector(f"{path}:Anything")


def test_installed_packages_bring_detectors(monkeypatch):
    points = {
        "their-own": EntryPoint("their-own", "third_family:Fixed", external.GROUP),
        "broken": EntryPoint("broken", "nosuchmodule:Thing", external.GROUP),
    }

    def entry_points(group, name=None):
        assert group == external.GROUP
        return [point for own, point in points.items() if name in (None, own)]

    monkeypatch.setattr(external, "entry_points", entry_points)
    external.installed_entry.cache_clear()
    assert {"their-own", "broken", "antipodal"} <= set(detector_names())
    assert find_detector("their_own").build(None, None, None).name == "fixed"
    with pytest.raises(ConfigError, match=r"broken.*cannot be loaded.*nosuchmodule"):
        find_detector("broken")
    assert find_detector("antipodal").name == "antipodal"  # the others are not harmed
    external.installed_entry.cache_clear()


def test_names_are_known_without_torch():
    code = (
        "import sys; from grasp_detection.registry import *;"
        "assert find_detector('efcn').is_learned and detector_names();"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


NETWORK = """
from torch import nn
from grasp_detection.learned.layers import ConvBnRelu
from grasp_detection.maps.family import MapsFamily
from grasp_detection.maps.losses import smooth_l1


class Plain(nn.Module):
    def __init__(self, channels, dropout=0.0):
        super().__init__()
        self.layers = nn.Sequential(ConvBnRelu(channels, 8), nn.Conv2d(8, 4, 3, padding=1))

    def forward(self, x):
        return self.layers(x)


PLAIN = MapsFamily(Plain, smooth_l1)
"""


@pytest.mark.parametrize("kind", ["a network to a family", "a family"])
def test_the_recipes_work(kind, request_of, tmp_path, monkeypatch, gripper):
    # As CONTRIBUTING.md says: a file, and one line among the members, or among the families.
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "plain_network.py").write_text(NETWORK)
    if kind == "a family":
        members = Members("toy", third_family.ToyConfig, {"plain": "third_family:Toy"})
        monkeypatch.setattr(third_family, "Toy", third_family.Toy())  # the object, not the class
    else:
        members = replace(MAPS, places={**MAPS.places, "plain": "plain_network:PLAIN"})
    known = {**registry._ENTRIES, **{entry.name: entry for entry in members.entries()}}
    monkeypatch.setattr(registry, "_ENTRIES", known)
    assert "plain" in detector_names()
    request = replace(request_of(epochs=2), detector="plain", taught=())
    weights = str(train(request).weights)
    detector = create_detector("plain", gripper, {"weights": weights, "min_quality": 0.0})
    camera = PinholeCamera(64, 48, 60.0, 60.0, 32.0, 24.0)
    frame = RgbdFrame(np.zeros((48, 64, 3), np.uint8), np.full((48, 64), 0.7, np.float32), camera)
    assert all(grasp.model == "plain" for grasp in detector.detect(frame))


def test_every_recipe_is_short():
    text = (Path(__file__).parents[3] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    recipes = [part for part in text.split("\n## ") if part.startswith("Add a")]
    assert {part.splitlines()[0] for part in recipes} >= {
        "Add a network to a family",
        "Add a family",
    }
    for recipe in recipes:
        lines = [line for line in recipe.splitlines()[1:] if line.strip()]
        assert len(lines) <= 10, recipe.splitlines()[0]
