"""Learning from a trained network's answers: it brings the pupil near, and only who fits may."""

from dataclasses import replace

import pytest
import torch
from tiny_network import TINY, TinyNetwork

from grasp_core.errors import ConfigError
from grasp_detection.datasets.registry import open_dataset
from grasp_detection.datasets.split import make_split, save_splits
from grasp_detection.grasp_scorer.members import GRASP_SCORERS
from grasp_detection.learned.model import LearnedModel
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig
from grasp_detection.learned.training.distributed import TrainingProcess
from grasp_detection.learned.training.errors import TrainingError
from grasp_detection.learned.training.request import TrainingRequest
from grasp_detection.learned.training.run import train
from grasp_detection.learned.training.teacher import Teacher
from grasp_detection.learned.training.trainer import Trainer
from grasp_detection.learned.weights import Weights, load_weights
from grasp_detection.maps.family import MAPS
from grasp_detection.maps.networks.gg_cnn2 import GG_CNN2

CPU = torch.device("cpu")
ALONE = TrainingProcess(0, 1, CPU)
SMALL = TrainingConfig(size=32, epochs=3, batch=4, learning_rate=0.003, teacher_share=1.0)


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


def tiny_weights(seed=7, **about):
    """A network drawn by chance whose answers have the spread of maps."""
    torch.manual_seed(seed)
    network = TinyNetwork(3, 0.0).eval()
    metadata = {"modality": "rgb", "sha256": f"seed{seed}", **about}
    return Weights(f"tiny{seed}", network.state_dict(), metadata)


def teacher(config=SMALL, weights=None, family=TINY, pupil=TINY):
    return Teacher.of(family, weights or tiny_weights(), pupil, config, CPU)


def learnt(dataset, split, out, config=SMALL, taught_by=None):
    """The network at the end of a run."""
    run = Trainer(TINY, dataset, split, config, AugmentConfig(), out, ALONE, teacher=taught_by)
    network = TinyNetwork(3, 0.0).eval()
    trained = run.run()
    network.load_state_dict(trained.state)
    return network, trained


def test_who_is_taught_comes_to_answer_as_the_teacher_does(dataset, split, tmp_path):
    config = replace(SMALL, epochs=12, learning_rate=0.02)
    weights = tiny_weights()
    # The same answer everywhere, which no label gives.
    weights.state["layers.3.weight"].zero_()
    weights.state["layers.3.bias"].copy_(torch.tensor([1.0, 0.6, -0.8, 0.5]))
    _, trained = learnt(dataset, split, tmp_path, config, teacher(config, weights))
    off = [epoch.losses[f"taught_{MAPS}"] for epoch in trained.history]
    assert off[-1] < 0.2 * off[0]


def test_labels_and_answers_share_the_loss(dataset, split, tmp_path):
    config = replace(SMALL, epochs=1, teacher_share=0.25)
    _, trained = learnt(dataset, split, tmp_path, config, teacher(config))
    epoch = trained.history[0]
    assert set(epoch.losses) == {MAPS, f"taught_{MAPS}"}
    assert epoch.loss == pytest.approx(sum(epoch.losses.values()))
    told = teacher(config).shared({MAPS: torch.tensor(8.0)}, {MAPS: torch.tensor(4.0)})
    assert {name: float(loss) for name, loss in told.items()} == {MAPS: 6.0, "taught_maps": 1.0}


def test_the_teacher_learns_nothing(dataset, split, tmp_path):
    master = teacher()
    before = {name: tensor.clone() for name, tensor in master.network.state_dict().items()}
    learnt(dataset, split, tmp_path, replace(SMALL, epochs=1), master)
    after = master.network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_a_run_with_another_teacher_does_not_go_on(dataset, split, tmp_path):
    config = replace(SMALL, epochs=1)
    learnt(dataset, split, tmp_path, config, teacher(config))
    with pytest.raises(TrainingError, match="teacher was 'seed7', is 'seed8'"):
        learnt(dataset, split, tmp_path, config, teacher(config, tiny_weights(8)))


def test_who_cannot_teach_is_told_so():
    scorer = next(iter(GRASP_SCORERS.entries())).family()
    with pytest.raises(ConfigError, match="cannot learn from the answers of TinyNetwork"):
        teacher(pupil=scorer)
    with pytest.raises(ConfigError, match=r"sees rgb.*pictures are d: give --modality rgb"):
        teacher(replace(SMALL, modality="d"))
    with pytest.raises(ConfigError, match="trained elsewhere"):
        teacher(weights=tiny_weights(means="picture"))


def test_weights_name_their_teacher_and_count_what_it_has_seen(bars, dataset, split, tmp_path):
    save_splits([split], tmp_path / "split.json")

    def ask(out, **more):
        return TrainingRequest(
            "gg_cnn2",
            "cornell",
            bars,
            tmp_path / "split.json",
            TrainingConfig(size=32, epochs=1, batch=4),
            AugmentConfig(),
            out=tmp_path / out,
            **more,
        )

    assert train(ask("first")) is not None
    file = tmp_path / "first" / "weights.safetensors"
    metadata = load_weights("gg_cnn2", str(file)).metadata
    assert "teacher" not in metadata
    done = train(ask("second", teacher=f"gg_cnn2:{file}"))
    about = done.metadata["teacher"]
    assert about["sha256"] == metadata["sha256"]
    assert about["command"] == metadata["command"]
    assert f"--teacher gg_cnn2:{file.name}" in done.metadata["command"]
    model = LearnedModel("gg_cnn2", GG_CNN2, load_weights("gg_cnn2", str(done.weights)))
    assert model.pictures_seen("cornell") == {*split.train, *split.validation}
    # It counts, too, where the pupil itself learns from other pictures.
    assert set(done.metadata["init_seen"]["cornell"]) == {*split.train, *split.validation}
