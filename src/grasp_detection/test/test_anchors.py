"""Oriented anchors: there and back again, matched by hand, and learnt by heart."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grasp_core.rectangle import angle_difference, matches
from grasp_detection.datasets.registry import open_dataset
from grasp_detection.datasets.split import Split
from grasp_detection.grasp_scorer.anchors import Anchors
from grasp_detection.grasp_scorer.family import (
    DELTAS,
    GOOD,
    LOGITS,
    PRIMARY_PREDICTOR,
    PRIMARY_SCORE,
    REGRESSION,
)
from grasp_detection.learned.config import LearnedConfig
from grasp_detection.learned.family import TargetSettings
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig
from grasp_detection.learned.training.distributed import TrainingProcess
from grasp_detection.learned.training.trainer import Trainer

ANCHORS = Anchors(40.0, 18.0, 6, 16)
TAUGHT = TargetSettings()


def at(*values):
    return tuple(np.array([value]) for value in values)


@given(
    st.floats(0.0, 95.0),
    st.floats(0.0, 95.0),
    st.floats(5.0, 90.0),
    st.floats(4.0, 60.0),
    st.floats(-1.57, 1.57),
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)),
)
def test_a_deformation_gives_its_label_back(u, v, width, height, angle, anchor):
    rows = np.array([[u, v, width, height, angle]])
    back = ANCHORS.decode(ANCHORS.encode(rows, *at(*anchor)), *at(*anchor))
    assert np.allclose(back[:, :4], rows[:, :4])
    assert angle_difference(back[:, 4], rows[:, 4]).max() < 1e-9


def test_equation_two_by_hand():
    # Anchor 3 of 6 is turned by 15 degrees; row 1, column 2 has its middle at 39.5, 23.5.
    row = ANCHORS.decode(np.array([[0.5, -1.0, np.log(2.0), 0.0, 0.5]]), *at(3, 1, 2))[0]
    assert row == pytest.approx([39.5 + 20.0, 23.5 - 18.0, 80.0, 18.0, np.radians(15.0 + 15.0)])


def test_a_label_makes_the_anchor_nearest_in_angle_good():
    rows = np.array([[39.5, 23.5, 40.0, 18.0, np.radians(20.0)]])
    good, deltas = ANCHORS.match(rows, 96)
    assert np.argwhere(good).tolist() == [[3, 1, 2]]
    assert deltas[3, :, 1, 2] == pytest.approx([0.0, 0.0, 0.0, 0.0, 5.0 / 30.0], abs=1e-6)
    # Between two anchors both are good; an axis has no direction, so the last and first meet.
    good, _ = ANCHORS.match(rows * [1, 1, 1, 1, 0] + [0, 0, 0, 0, np.pi / 2], 96)
    assert np.argwhere(good)[:, 0].tolist() == [0, 5]


def test_of_two_labels_in_a_cell_the_nearer_one_counts():
    near, far = [40.0, 24.0, 44.0, 18.0, 0.26], [45.0, 28.0, 60.0, 18.0, 0.26]
    for rows in ([near, far], [far, near]):
        _, deltas = ANCHORS.match(np.array(rows), 96)
        assert deltas[3, 2, 1, 2] == pytest.approx(np.log(44.0 / 40.0))


def test_the_anchors_are_the_mean_of_the_labels():
    labels = [np.array([[0, 0, 30.0, 10.0, 0]]), np.array([[0, 0, 60.0, 20.0, 0]] * 2)]
    told = PRIMARY_PREDICTOR.measure(labels, 320)
    assert told == {
        "anchor_width": 50.0 / 320,
        "anchor_height": pytest.approx(16.6667 / 320, abs=1e-5),
    }
    assert PRIMARY_PREDICTOR.knowing(told).anchor_width == 50.0 / 320


def family_of(anchors, size):
    return replace(
        PRIMARY_PREDICTOR, anchor_width=anchors.width / size, anchor_height=anchors.height / size
    )


def perfect(targets):
    """Outputs that agree with targets entirely."""
    logits = np.stack([-9.0 * targets[GOOD], 9.0 * targets[GOOD] - 4.0], axis=1)
    return {DELTAS: targets[DELTAS], LOGITS: logits.astype(np.float32)}


def test_what_is_taught_can_be_read():
    family = family_of(ANCHORS, 96)
    rows = np.array([[20.0, 30.0, 44.0, 20.0, 0.4], [70.0, 61.0, 30.0, 12.0, -1.2]])
    found = family.read(
        perfect(family.targets(rows, 96, 96, TAUGHT)), 96, LearnedConfig(), limit=5, min_score=0.5
    )
    assert len(found.rows) == 2
    assert matches(found.rows, rows, jaccard=0.99).all()
    assert (found.score > 0.99).all()
    # A part of a larger input has anchors as large.
    part = family.targets(rows[:1], 48, 96, TAUGHT)
    whole = family.targets(rows[:1], 96, 96, TAUGHT)
    assert np.array_equal(part[DELTAS][..., :3, :3], whole[DELTAS][..., :3, :3])


def test_only_good_anchors_and_three_times_as_many_bad_ones_count():
    family = family_of(ANCHORS, 96)
    told = family.targets(np.array([[39.5, 23.5, 40.0, 18.0, 0.26]]), 96, 96, TAUGHT)
    targets = {name: torch.from_numpy(array)[None] for name, array in told.items()}
    outputs = {
        name: torch.from_numpy(array)[None].requires_grad_()
        for name, array in perfect(told).items()
    }
    losses = family.losses(outputs, targets)
    assert float(losses[PRIMARY_SCORE].detach()) < 0.05
    assert float(losses[REGRESSION].detach()) == 0.0
    outputs = {
        DELTAS: (targets[DELTAS] + 2.0).requires_grad_(),
        LOGITS: torch.zeros_like(outputs[LOGITS]).requires_grad_(),
    }
    losses = family.losses(outputs, targets)
    # Smooth L1 of 2 is 1.5, five values, weight 2; two equal logits are worth ln 2.
    assert float(losses[REGRESSION].detach()) == pytest.approx(2.0 * 5 * 1.5)
    assert float(losses[PRIMARY_SCORE].detach()) == pytest.approx(np.log(2.0))
    sum(losses.values()).backward()
    assert (outputs[DELTAS].grad != 0).sum() == 5
    assert (outputs[LOGITS].grad[:, :, 1] != 0).sum() == 1 + 3


def test_a_picture_without_labels_teaches_that_nothing_is_there():
    told = PRIMARY_PREDICTOR.targets(np.empty((0, 5)), 64, 64, TAUGHT)
    targets = {name: torch.from_numpy(array)[None] for name, array in told.items()}
    outputs = PRIMARY_PREDICTOR.forward(PRIMARY_PREDICTOR.build(1, 0.0), torch.zeros(1, 1, 64, 64))
    losses = PRIMARY_PREDICTOR.losses(outputs, targets)
    assert float(losses[REGRESSION].detach()) == 0.0
    assert 0.0 < float(losses[PRIMARY_SCORE].detach()) < 5.0


def test_two_samples_are_learnt_by_heart(bars, tmp_path):
    torch.set_num_threads(1)
    for path in list((bars / "01").iterdir()):
        if path.name[:7] not in ("pcd0100", "pcd0101"):
            path.unlink()
    for copy in range(2, 21):
        shutil.copytree(bars / "01", bars / f"{copy:02d}")
    # The same two pictures train and validate: here, remembering is the point.
    split = Split("cornell", "image-wise", 0, ("0100", "0101"), (), ())
    object.__setattr__(split, "validation", split.train)
    config = TrainingConfig(
        size=64, epochs=8, batch=2, learning_rate=0.005, dropout=0.0, average=0.8
    )
    still = AugmentConfig(
        rotate=False, flip=False, zoom=1.0, shift=0.0, contrast=0.0, gamma=0.0, tint=0.0,
        color_noise=0.0,
    )  # fmt: skip
    alone = TrainingProcess(0, 1, torch.device("cpu"))
    dataset = open_dataset("cornell", bars)
    trained = Trainer(
        PRIMARY_PREDICTOR, dataset, split, config, still, tmp_path / "run", alone
    ).run()
    first, last = trained.history[0], trained.history[-1]
    assert last.loss < 0.1 * first.loss
    assert set(last.losses) == {PRIMARY_SCORE, REGRESSION}
    assert trained.best.validation_accuracy == 1.0
    assert set(trained.measured) == {"anchor_width", "anchor_height"}
