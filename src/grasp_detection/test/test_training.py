"""Training: it learns, it resumes, and several processes do what one does."""

import csv
import multiprocessing
import os
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_network
import torch
from tiny_network import TINY, TinyNetwork

from grasp_core.errors import ConfigError
from grasp_detection.datasets.dataset import DatasetError
from grasp_detection.datasets.registry import open_dataset
from grasp_detection.datasets.split import Split, make_split, save_splits
from grasp_detection.learned.training.augment import apply, draw_crop, draw_matrix
from grasp_detection.learned.training.averaging import RunningAverage
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig
from grasp_detection.learned.training.distributed import TrainingProcess
from grasp_detection.learned.training.errors import TrainingError
from grasp_detection.learned.training.finish import finish
from grasp_detection.learned.training.initial import start_from
from grasp_detection.learned.training.pictures import (
    SampleCache,
    TrainingPictures,
    validation_inputs,
)
from grasp_detection.learned.training.trainer import Trainer
from grasp_detection.learned.training.validation import validate
from grasp_detection.learned.weights import Weights, WeightsError, load_weights
from grasp_detection.learned.window import Window
from grasp_detection.maps.family import MAPS, MapsFamily, MapsTargets
from grasp_detection.maps.grasp_maps import paint
from grasp_detection.maps.losses import squared
from grasp_detection.maps.networks.dsc_graspnet import DSC_GRASPNET, DscGraspNet

ALONE = TrainingProcess(0, 1, torch.device("cpu"))
STILL = AugmentConfig(
    rotate=False,
    flip=False,
    zoom=1.0,
    shift=0.0,
    contrast=0.0,
    gamma=0.0,
    tint=0.0,
    color_noise=0.0,
)
SMALL = TrainingConfig(size=32, epochs=3, batch=4, learning_rate=0.003)


@pytest.fixture(autouse=True)
def one_thread():
    """Pictures this small only lose by sharing the work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def dataset(bars):
    return open_dataset("cornell", bars)


@pytest.fixture
def split(dataset):
    return make_split(dataset, "image-wise", (0.7, 0.15, 0.15))


def trainer(dataset, split, out, config=SMALL, family=TINY):
    return Trainer(family, dataset, split, config, AugmentConfig(), out, ALONE)


def test_two_samples_are_learnt_by_heart(bars, tmp_path):
    for path in list((bars / "01").iterdir()):
        if path.name[:7] not in ("pcd0100", "pcd0101"):
            path.unlink()
    for copy in range(2, 21):
        shutil.copytree(bars / "01", bars / f"{copy:02d}")
    dataset = open_dataset("cornell", bars)
    # The same two pictures train and validate: here, remembering is the point.
    split = Split("cornell", "image-wise", 0, ("0100", "0101"), (), ())
    object.__setattr__(split, "validation", split.train)
    config = TrainingConfig(
        size=32, epochs=6, batch=2, learning_rate=0.01, dropout=0.0, average=0.8
    )
    out = tmp_path / "run"
    trained = Trainer(DSC_GRASPNET, dataset, split, config, STILL, out, ALONE).run()
    losses = [epoch.loss for epoch in trained.history]
    assert losses[-1] < 0.05 * losses[0]
    assert trained.best.validation_accuracy == 1.0


def untimed(epoch):
    return replace(epoch, seconds=0.0, cpu_seconds=0.0)


def test_a_killed_run_goes_on_as_if_nothing_had_been(dataset, split, tmp_path):
    whole = trainer(dataset, split, tmp_path / "whole").run()

    def kill(progress):
        if progress.epoch == 2 and progress.step == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trainer(dataset, split, tmp_path / "killed").run(kill)
    again = trainer(dataset, split, tmp_path / "killed")
    assert again.finished_epochs == 1
    resumed = again.run()
    for one, other in zip(whole.history, resumed.history, strict=True):
        assert untimed(one) == untimed(other)
    assert all(torch.equal(whole.state[name], resumed.state[name]) for name in whole.state)
    with (tmp_path / "killed" / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert (tmp_path / "killed" / "curves.png").stat().st_size > 5000


def test_colour_joins_a_network_that_knew_depth_without_changing_it():
    torch.manual_seed(0)
    known, wider = TinyNetwork(1, 0.0).eval(), TinyNetwork(4, 0.0).eval()
    weights = Weights("depth", known.state_dict(), {"modality": "d"})
    start_from(weights, wider, "rgbd")
    picture = torch.rand(1, 4, 32, 32)
    assert torch.equal(wider(picture), known(picture[:, 3:]))
    with pytest.raises(WeightsError, match="do not fit this network"):
        start_from(weights, DscGraspNet(4, 0.0), "rgbd")


def test_half_precision_learns_nearly_the_same(dataset, split, tmp_path):
    whole, half = (
        trainer(dataset, split, tmp_path / precision, replace(SMALL, precision=precision)).run()
        for precision in ("fp32", "bf16")
    )
    losses = [[epoch.loss for epoch in run.history] for run in (whole, half)]
    assert losses[0] != losses[1]
    assert np.allclose(*losses, rtol=0.05)


def test_a_folder_with_another_run_is_refused(dataset, split, tmp_path):
    trainer(dataset, split, tmp_path, replace(SMALL, epochs=1)).run()
    with pytest.raises(TrainingError, match=r"another run \(seed was 0, is 5\)"):
        trainer(dataset, split, tmp_path, replace(SMALL, epochs=1, seed=5))


def test_it_stops_when_validation_no_longer_improves(dataset, split, tmp_path, monkeypatch):
    losses = iter([0.9, 0.5, 0.6, 0.5, 0.7, 0.8, 0.9, 0.1])
    run = trainer(dataset, split, tmp_path, replace(SMALL, epochs=8, patience=2))
    monkeypatch.setattr(run, "_validate", lambda size: (next(losses), 0.5))
    trained = run.run()
    # Of equally good epochs the later one counts, but it is no improvement to wait for more.
    assert trained.best.epoch == 4
    assert len(trained.history) == 4


def test_a_stopped_run_goes_on_with_more_patience(dataset, split, tmp_path, monkeypatch):
    def run(patience, losses):
        one = trainer(dataset, split, tmp_path, replace(SMALL, epochs=5, patience=patience))
        monkeypatch.setattr(one, "_validate", lambda size: (losses.pop(0), 0.5))
        return one.run()

    assert len(run(1, [0.5, 0.6]).history) == 2
    trained = run(2, [0.4, 0.3, 0.2])
    assert len(trained.history) == 5
    assert trained.best.epoch == 5


def test_sizes_change_from_warm_up_to_full(dataset, split, tmp_path):
    config = replace(SMALL, warmup_size=32, warmup_epochs=1, size=48, epochs=2)
    trained = trainer(dataset, split, tmp_path, config).run()
    assert [epoch.size for epoch in trained.history] == [32, 48]
    assert trained.best.size == 48
    with pytest.raises(ConfigError, match="weights are for the full size"):
        replace(SMALL, warmup_epochs=SMALL.epochs)
    with pytest.raises(ConfigError, match="size is 36 px, must be a multiple of 8"):
        trainer(dataset, split, tmp_path / "odd", replace(SMALL, size=36))


def test_a_run_that_diverges_is_stopped(dataset, split, tmp_path):
    with pytest.raises(TrainingError, match=r"loss of epoch 1 is (nan|inf).*learning-rate"):
        trainer(
            dataset, split, tmp_path, replace(SMALL, learning_rate=1.0), MapsFamily(Diverging)
        ).run()
    assert not (tmp_path / "checkpoint.pt").exists()


def test_a_run_whose_validation_diverges_is_stopped(dataset, split, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "grasp_detection.learned.training.trainer.validate", lambda *_: (np.nan, 0.0)
    )
    with pytest.raises(
        TrainingError, match=r"validation loss is nan after epoch 1.*learning-rate"
    ):
        trainer(dataset, split, tmp_path).run()
    assert not (tmp_path / "checkpoint.pt").exists()


class Answering(torch.nn.Module):
    """Always predicts the same maps."""

    def __init__(self, maps):
        super().__init__()
        self.register_buffer("maps", maps)

    def forward(self, x):
        return self.maps.expand(len(x), *self.maps.shape)


class Diverging(TinyNetwork):
    def forward(self, x):
        return super().forward(x) * float("nan")


def test_a_broken_checkpoint_is_said(dataset, split, tmp_path):
    (tmp_path / "checkpoint.pt").write_bytes(b"no checkpoint")
    with pytest.raises(TrainingError, match="delete it to start again"):
        trainer(dataset, split, tmp_path)


def test_views_without_labels_are_no_mistakes(bars, split, tmp_path):
    for picture in split.validation[:-1]:
        (bars / "01" / f"pcd{picture}cpos.txt").write_text("")
    dataset = open_dataset("cornell", bars)
    assert len(split.validation) == 2
    config = replace(SMALL, epochs=1)
    cache, views = SampleCache(dataset, config.modality), split.indices(dataset, "validation")
    family = MapsFamily(TinyNetwork, squared)
    ((_, windows, samples),) = validation_inputs(
        family, cache, views, "rgb", config.size, len(views)
    )
    (told,) = (
        paint(window.to_input(sample.grasps), config.size)
        for window, sample in zip(windows, samples, strict=True)
        if len(sample.grasps)
    )
    knowing = Answering(torch.from_numpy(told))
    judged = validate(family, knowing, cache, views, "rgb", config.size, MapsTargets())
    assert judged == (pytest.approx(0.0), 1.0)
    (bars / "01" / f"pcd{split.validation[-1]}cpos.txt").write_text("")
    with pytest.raises(DatasetError, match="no validation picture has a label"):
        trainer(dataset, split, tmp_path / "none")


def test_depth_that_is_not_there_is_said(dataset, split, tmp_path):
    with pytest.raises(DatasetError, match="has no depth, which modality rgbd needs"):
        trainer(dataset, split, tmp_path, replace(SMALL, modality="rgbd")).run()


def test_a_split_of_another_dataset_is_said(dataset, tmp_path):
    foreign = Split("cornell", "image-wise", 0, ("9999",), ("0100",), ("0101",))
    with pytest.raises(DatasetError, match="lacks 1 pictures of the split, among them 9999"):
        trainer(dataset, foreign, tmp_path)


def test_finished_weights_say_what_they_are(dataset, split, tmp_path):
    trained = trainer(dataset, split, tmp_path, family=DSC_GRASPNET).run()
    path = tmp_path / "weights.safetensors"
    origin = {"command": "grasp train", "revision": "abc"}
    settings = (SMALL, AugmentConfig(), MapsTargets())
    finish("dsc_graspnet", DSC_GRASPNET, trained, dataset, split, *settings, origin, path)
    metadata = load_weights("dsc_graspnet", str(path)).metadata
    assert metadata["split"] == split.digest
    assert metadata["trained_on"] == sorted(split.train)
    assert metadata["parameters"] == 643_243
    assert metadata["command"] == "grasp train"
    assert metadata["metrics"]["validation_pictures"] == len(split.validation)
    assert not set(metadata["trained_on"]) & {*split.test, *split.validation}


def test_two_processes_compute_what_one_does(bars, dataset, split, tmp_path):
    save_splits([split], tmp_path / "split.json")
    values = {"size": 32, "epochs": 2, "batch": 4, "learning_rate": 0.003}
    alone = trainer(dataset, split, tmp_path / "alone", TrainingConfig(**values)).run()
    program = tmp_path / "program.py"
    program.write_text(
        "import sys, torch\n"
        f"sys.path.insert(0, {str(Path(tiny_network.__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "torch.set_num_threads(1)\n"
        "from grasp_detection.datasets.registry import open_dataset\n"
        "from grasp_detection.datasets.split import load_splits\n"
        "from tiny_network import TINY\n"
        "from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig\n"
        "from grasp_detection.learned.training.distributed import training_process\n"
        "from grasp_detection.learned.training.trainer import Trainer\n"
        f"config = TrainingConfig(**{values!r})\n"
        f"split = load_splits(Path({str(tmp_path / 'split.json')!r}))[0]\n"
        f"dataset = open_dataset('cornell', Path({str(bars)!r}))\n"
        f"out = Path({str(tmp_path / 'two')!r})\n"
        "with training_process('cpu') as here:\n"
        "    assert here.size == 2\n"
        "    Trainer(TINY, dataset, split, config, AugmentConfig(), out, here).run()\n"
    )
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", str(program)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    saved = torch.load(tmp_path / "two" / "checkpoint.pt", weights_only=True)
    losses = [epoch["loss"] for epoch in saved["history"]]
    assert np.allclose(losses, [epoch.loss for epoch in alone.history], rtol=1e-3)
    state = saved["best"]["state"]
    for name, tensor in alone.state.items():
        assert torch.allclose(state[name], tensor, rtol=1e-3, atol=1e-5), name


def test_a_batch_must_be_dealt_evenly(dataset, split, tmp_path):
    # Of 8 training views, a batch of 9 takes 8.
    for size, config in ((3, SMALL), (3, replace(SMALL, batch=9))):
        several = TrainingProcess(0, size, torch.device("cpu"))
        with pytest.raises(ConfigError, match=f"evenly among {size} processes"):
            Trainer(
                TINY,
                dataset,
                split,
                config,
                AugmentConfig(),
                tmp_path,
                several,
            )


def test_what_a_picture_gives_depends_on_seed_epoch_and_index_alone(dataset, split, tmp_path):
    from grasp_detection.learned.training.pictures import SampleCache, TrainingPictures

    indices = split.indices(dataset, "train")
    one, two = (
        TrainingPictures(
            TINY, SampleCache(dataset, "rgb"), indices, SMALL, AugmentConfig(), MapsTargets()
        )
        for _ in range(2)
    )
    two[3], two[1]
    assert torch.equal(one[2][0], two[2][0])
    two.epoch = 1
    assert not torch.equal(one[2][0], two[2][0])
    parts = [list(one.batches(4, 0, part, 2)) for part in range(2)]
    whole = list(two.batches(4, 0, 0, 1))
    for (inputs, _), (even, _), (odd, _) in zip(whole, *parts, strict=True):
        assert torch.equal(inputs[0::2], even)
        assert torch.equal(inputs[1::2], odd)


def first_batch(root, workers):
    """Channels and maps of the first batch of an epoch, as arrays."""
    dataset = open_dataset("cornell", root)
    indices = make_split(dataset, "image-wise", (0.7, 0.15, 0.15)).indices(dataset, "train")
    cache = SampleCache(dataset, "rgb")
    pictures = TrainingPictures(TINY, cache, indices, SMALL, AugmentConfig(), MapsTargets())
    channels, targets = next(iter(pictures.batches(2, workers, 0, 1)))
    return channels.numpy(), targets[MAPS].numpy()


def test_workers_give_the_same_pictures(bars):
    # Workers are forked, as from the process of `grasp train`. This one is not fit for that: other
    # tests have left threads and a renderer in it.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        there = pool.submit(first_batch, bars, 1).result()
    for here, other in zip(first_batch(bars, 0), there, strict=True):
        np.testing.assert_array_equal(here, other)


def test_without_variation_training_sees_what_validation_sees():
    picture = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    window = Window.centred(480, 640, 112)
    matrix = draw_matrix(window, STILL, np.random.default_rng(1))
    seen, *_ = apply(matrix, 112, picture, None, np.empty((0, 5)))
    assert np.abs(seen.astype(int) - window.cut(picture).astype(int)).max() <= 2  # roundings
    # 18 pixels make one: their noise must be averaged, not picked from.
    assert seen.std() < 0.4 * picture.std()


def test_crops_mostly_show_a_label_at_the_scale_of_the_whole():
    rng = np.random.default_rng(0)
    whole = Window.centred(480, 640, 224).matrix
    rows = np.array([[150.0, 100.0, 40.0, 20.0, 0.2], [630.0, 20.0, 40.0, 20.0, 0.2]])
    shown = 0
    for _ in range(200):
        part = draw_crop(whole, 224, 112, rows, rng)
        assert np.allclose(part[:, :2], whole[:, :2])
        corner = whole[:, 2] - part[:, 2]
        assert (corner >= 0.0).all()
        assert (corner <= 112.0).all()
        *_, moved, kept = apply(part, 112, None, None, rows)
        assert not kept[1]  # the other one lies outside the whole
        shown += bool(kept[0])
        assert moved[:, 2] == pytest.approx(40.0 * 224 / 480)
    assert 150 < shown < 190  # three of four, and some of the rest by chance


def test_a_crop_larger_than_the_input_is_refused():
    with pytest.raises(ConfigError, match="crop is 232 px, must be at most size, 224"):
        TrainingConfig(crop=232)


def test_the_running_average_forgets_its_start():
    network, average = TinyNetwork(3, 0.0), None
    for value in range(60):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.fill_(float(value))
        average = average or RunningAverage(network, 0.9)
        average.update(network)
    kept = average.state()["layers.3.bias"]
    assert 49.0 < float(kept[0]) < 54.0  # some steps behind 59, and nothing left of the first
