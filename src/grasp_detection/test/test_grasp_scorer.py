"""The grasp scorer: the paper's layers, losses and ways of gradients, and what it learns."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional
from training_checks import by_heart, moved

from grasp_core.rectangle import matches
from grasp_detection.grasp_scorer.anchors import Anchors
from grasp_detection.grasp_scorer.config import GraspScorerConfig
from grasp_detection.grasp_scorer.family import (
    ANCHOR_PX,
    DELTAS,
    FINAL_LOGITS,
    GOOD,
    GRASP_SCORER,
    GRASP_SCORER_FULL,
    GUIDE,
    LABELS,
    PAPER,
    PRIMARY_LOGITS,
    PRIMARY_SCORE,
    REGRESSION,
    SCORER,
)
from grasp_detection.grasp_scorer.network import Scorer, ScorerSizes
from grasp_detection.learned import trunk
from grasp_detection.learned.family import TargetSettings
from grasp_detection.learned.trunk import TrunkLayout

ANCHORS = Anchors(40.0, 18.0, 6, 16)
TAUGHT = TargetSettings()
SMALL = ScorerSizes(8, 6, 10)


def family_of(anchors, size):
    return replace(
        GRASP_SCORER, anchor_width=anchors.width / size, anchor_height=anchors.height / size
    )


def batch_of(told):
    return {name: torch.from_numpy(array)[None] for name, array in told.items()}


def perfect(targets):
    """Outputs that agree with targets entirely."""
    logits = np.stack([-9.0 * targets[GOOD], 9.0 * targets[GOOD] - 4.0], axis=1)
    logits = logits.astype(np.float32)
    return {DELTAS: targets[DELTAS], PRIMARY_LOGITS: logits, FINAL_LOGITS: logits}


def test_the_anchors_are_the_mean_of_the_labels():
    labels = [np.array([[0, 0, 30.0, 10.0, 0]]), np.array([[0, 0, 60.0, 20.0, 0]] * 2)]
    told = GRASP_SCORER.measure(labels, 320)
    assert told == {
        "anchor_width": 50.0 / 320,
        "anchor_height": pytest.approx(16.6667 / 320, abs=1e-5),
    }
    assert GRASP_SCORER.knowing(told).anchor_width == 50.0 / 320


def test_the_network_has_the_paper_s_cells_and_sizes():
    network = GRASP_SCORER.build(3, 0.0).eval()
    with torch.inference_mode():
        shapes = [tuple(one.shape) for one in network(torch.zeros(1, 3, 320, 320))]
    scorer = Scorer(8, 6, PAPER)
    assert shapes == [(1, 6, 5, 20, 20), (1, 6, 2, 20, 20), (1, 6, 2, 20, 20)]
    assert scorer.joint_image.weight[0].numel() == 9216
    assert scorer.grasp.weight.shape == (512, 5 * 6)
    assert scorer.joint_image.weight[0].numel() + scorer.joint_grasp.weight.shape[1] == 9728
    assert GRASP_SCORER_FULL.sizes == PAPER
    assert GRASP_SCORER_FULL.trunk == "resnet50"


def test_the_scorer_is_the_paper_s_layers_on_each_grasp():
    torch.manual_seed(0)
    scorer = Scorer(4, 6, SMALL)
    features, deltas = torch.randn(1, 4, 5, 5), torch.randn(1, 6, 5, 5, 5)
    got = scorer(features, deltas)
    seen = functional.pad(functional.leaky_relu(scorer.image(features), 0.1), (1, 1, 1, 1))
    for anchor, row, column in ((0, 0, 0), (3, 2, 4), (5, 4, 1)):
        neighbourhood = seen[0, :, row : row + 3, column : column + 3].flatten()
        vector = torch.zeros(30)
        vector[5 * anchor : 5 * anchor + 5] = deltas[0, anchor, :, row, column]
        told = functional.leaky_relu(scorer.grasp(vector), 0.1)
        weight = torch.cat(
            [scorer.joint_image.weight.flatten(1), scorer.joint_grasp.weight], dim=1
        )
        joint = weight @ torch.cat([neighbourhood, told]) + scorer.joint_image.bias
        expected = scorer.verdict(functional.leaky_relu(joint, 0.1))
        assert torch.allclose(got[0, anchor, :, row, column], expected, atol=1e-5)


def test_each_loss_moves_what_the_paper_says():
    torch.manual_seed(1)
    family = family_of(ANCHORS, 96)
    network = family.build(3, 0.0).train()
    rows = np.array([[39.5, 23.5, 40.0, 18.0, 0.26], [60.0, 70.0, 30.0, 20.0, -1.0]])
    targets = batch_of(family.targets(rows, 96, 96, TAUGHT))
    outputs = family.forward(network, torch.randn(1, 3, 96, 96))
    losses = family.losses(outputs, targets)
    assert moved(network, losses[PRIMARY_SCORE]) == {"trunk", "score"}
    assert moved(network, losses[SCORER]) == {"trunk", "scorer"}
    assert moved(network, losses[REGRESSION]) == {"trunk", "regression"}
    # The new term alone, by which the scorer guides the regression.
    nothing = batch_of(family.targets(np.empty((0, 5)), 96, 96, TAUGHT))
    assert moved(network, family.losses(outputs, nothing)[REGRESSION]) == {"trunk", "regression"}


def test_the_scorer_learns_from_the_most_promising_grasps_alone():
    family = family_of(ANCHORS, 96)
    rows = np.array([[39.5, 23.5, 40.0, 18.0, np.radians(15.0)]])
    targets = batch_of(family.targets(rows, 96, 96, TAUGHT))
    outputs = {
        DELTAS: torch.zeros(1, 6, 5, 6, 6),
        PRIMARY_LOGITS: torch.zeros(1, 6, 2, 6, 6),
        FINAL_LOGITS: torch.zeros(1, 6, 2, 6, 6, requires_grad=True),
    }
    outputs[PRIMARY_LOGITS][0, 2:5, 1] = 1.0 + torch.rand(3, 6, 6)
    outputs[PRIMARY_LOGITS][0, 3, 1, 1, 2] = 5.0
    losses = family.losses(outputs, targets)
    losses[SCORER].backward()
    gradient = outputs[FINAL_LOGITS].grad[0, :, 1]
    # 64 are meant in a picture of 400 cells; this one has 36.
    assert int((gradient != 0).sum()) == 6
    assert not gradient[[0, 1, 5]].any()
    # The anchor as it is meets the label; its neighbours in angle are 30 degrees off, in place
    # they overlap by less than a quarter only from two cells away.
    assert gradient[3, 1, 2] < 0.0
    assert (gradient[[2, 4]] >= 0.0).all()
    assert gradient[3, 5, 5] >= 0.0
    assert float(losses[SCORER].detach()) == pytest.approx(np.log(2.0))


@pytest.mark.parametrize(("cells", "scored"), [(20, 64), (10, 16), (28, 125), (2, 1)])
def test_parts_of_a_picture_and_larger_ones_have_their_share_of_the_scored(cells, scored):
    primary = np.zeros((6, 2, cells, cells), np.float32)
    ranks = np.random.default_rng(3).permutation(6 * cells * cells).reshape(6, cells, cells)
    primary[:, 1] = ranks / 1000.0
    outputs = {
        DELTAS: np.zeros((6, 5, cells, cells), np.float32),
        PRIMARY_LOGITS: primary,
        FINAL_LOGITS: -primary,  # the scorer thinks the opposite
    }
    family = family_of(ANCHORS, 16 * cells)
    found = family.read(outputs, 16 * cells, GraspScorerConfig())
    least = ranks.max() + 1 - scored  # the last that the primary score lets through
    assert found.score[0] == pytest.approx(1.0 / (1.0 + np.exp(least / 1000.0)), abs=1e-6)
    everywhere = family.read(outputs, 16 * cells, GraspScorerConfig(scored=0))
    assert everywhere.score[0] == pytest.approx(0.5)


def test_only_good_anchors_and_three_times_as_many_bad_ones_count():
    family = family_of(ANCHORS, 96)
    told = family.targets(np.array([[39.5, 23.5, 40.0, 18.0, 0.26]]), 96, 96, TAUGHT)
    targets = batch_of(told)
    losses = family.losses(batch_of(perfect(told)), targets)
    assert float(losses[PRIMARY_SCORE]) < 0.05
    assert float(losses[REGRESSION]) == 0.0
    outputs = {
        DELTAS: (targets[DELTAS] + 2.0).requires_grad_(),
        PRIMARY_LOGITS: torch.zeros(1, 6, 2, 6, 6, requires_grad=True),
        FINAL_LOGITS: torch.zeros(1, 6, 2, 6, 6),
    }
    losses = family.losses(outputs, targets)
    # Smooth L1 of 2 is 1.5, five values, weight 2; two equal logits are worth ln 2.
    assert float(losses[REGRESSION].detach()) == pytest.approx(2.0 * 5 * 1.5)
    assert float(losses[PRIMARY_SCORE].detach()) == pytest.approx(np.log(2.0))
    # In training the scorer guides: what it thinks bad costs.
    guided = family.losses({**outputs, GUIDE: torch.zeros(1, 6, 2, 6, 6)}, targets)
    assert float((guided[REGRESSION] - losses[REGRESSION]).detach()) == pytest.approx(np.log(2.0))
    sum(losses.values()).backward()
    assert (outputs[DELTAS].grad != 0).sum() == 5
    assert (outputs[PRIMARY_LOGITS].grad[:, :, 1] != 0).sum() == 1 + 3


def test_a_picture_without_labels_teaches_that_nothing_is_there():
    targets = batch_of(GRASP_SCORER.targets(np.empty((0, 5)), 64, 64, TAUGHT))
    network = GRASP_SCORER.build(1, 0.0)
    losses = GRASP_SCORER.losses(GRASP_SCORER.forward(network, torch.zeros(1, 1, 64, 64)), targets)
    assert 0.0 < float(losses[PRIMARY_SCORE].detach()) < 5.0
    assert all(loss.isfinite() for loss in losses.values())


def test_of_very_many_labels_every_so_many_are_matched():
    rows = np.tile([10.0, 10.0, 8.0, 4.0, 0.0], (700, 1))
    rows[:, 0] = np.linspace(0.0, 63.0, 700)
    kept = GRASP_SCORER.targets(rows, 64, 64, TAUGHT)[LABELS]
    known = kept[np.isfinite(kept[:, 0])]
    assert known[:, 0] == pytest.approx(rows[::3, 0], abs=1e-4)


def test_what_is_taught_can_be_read_by_either_score():
    family = family_of(ANCHORS, 96)
    rows = np.array([[20.0, 30.0, 44.0, 20.0, 0.4], [70.0, 61.0, 30.0, 12.0, -1.2]])
    outputs = perfect(family.targets(rows, 96, 96, TAUGHT))
    found = family.read(outputs, 96, GraspScorerConfig(), limit=5, min_score=0.5)
    assert len(found.rows) == 2
    assert matches(found.rows, rows, jaccard=0.99).all()
    assert (found.score > 0.99).all()
    # The scorer alone thinks better of the second label.
    second = outputs[PRIMARY_LOGITS].copy()
    orientation, row, column = np.argwhere(family.targets(rows[:1], 96, 96, TAUGHT)[GOOD])[0]
    second[orientation, 1, row, column] = -30.0
    outputs = {**outputs, FINAL_LOGITS: second}
    assert matches(family.read(outputs, 96, GraspScorerConfig()).rows, rows[1:]).all()
    primary = family.read(outputs, 96, GraspScorerConfig(rank_by="primary"), limit=2)
    assert (primary.score > 0.99).all()
    assert sorted(primary.raw_score > 0.5) == [False, True]
    # A part of a larger input has anchors as large.
    part = family.targets(rows[:1], 48, 96, TAUGHT)
    whole = family.targets(rows[:1], 96, 96, TAUGHT)
    assert np.array_equal(part[DELTAS][..., :3, :3], whole[DELTAS][..., :3, :3])
    assert np.array_equal(part[ANCHOR_PX], whole[ANCHOR_PX])


def test_two_samples_are_learnt_by_heart(bars, tmp_path, monkeypatch):
    tiny = TrunkLayout("tiny", (1, 1, 1, 1), 8, bottleneck=False)
    monkeypatch.setitem(trunk._LAYOUTS, "tiny", tiny)
    # As many of its 96 anchors as make the scorer learn in a few steps.
    monkeypatch.setattr("grasp_detection.grasp_scorer.family._SCORED", 150)
    family = replace(GRASP_SCORER, trunk="tiny", sizes=ScorerSizes(16, 16, 16))
    cycle = {"epochs": 12, "learning_rate": 0.003, "average": 0.8}
    trained = by_heart(family, bars, tmp_path / "run", copies=20, **cycle).run()
    first = trained.history[0]
    for name in (PRIMARY_SCORE, SCORER):  # the guiding term grows with the scorer's skill
        assert min(one.losses[name] for one in trained.history) < 0.5 * first.losses[name]
    # Not in every epoch: after so few steps the scorer has never seen many of the anchors.
    assert max(one.validation_accuracy for one in trained.history) == 1.0
    assert trained.measured["trunk"] == "tiny"
    assert set(trained.measured) == {"anchor_width", "anchor_height", "trunk"}
