"""DSGD: the paper's layers, equations and targets, what its answers mean, and the switch."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from training_checks import by_heart, moved

from grasp_core.errors import ConfigError
from grasp_core.grasp import Level
from grasp_core.rectangle import matches
from grasp_detection.dsgd import losses as equations
from grasp_detection.dsgd.angles import angle_of, class_of
from grasp_detection.dsgd.config import DsgdConfig
from grasp_detection.dsgd.family import (
    DSGD,
    DSGD_LITE,
    GLOBAL_ALONE,
    PIXELS_ALONE,
    REGIONS_ALONE,
    REGIONS_FULL,
    DsgdTargets,
)
from grasp_detection.dsgd.grasp_images import best_rows, grasp_images
from grasp_detection.dsgd.heads import GlobalHead, PixelHead, RegionHead
from grasp_detection.dsgd.network import (
    ANGLE_MAPS,
    BOXES,
    EVALUATION,
    GLOBAL_ANGLE,
    GLOBAL_BOX,
    GRASP_MAPS,
    RECTANGLES,
    REGION_ANGLES,
    REGION_CONFIDENCE,
    TRIED,
)
from grasp_detection.dsgd.sizes import CONFIGURATIONS, Sizes, paper_sizes
from grasp_detection.dsgd.targets import grasps_to_judge, paint, salient_regions
from grasp_detection.learned import trunk
from grasp_detection.learned.boxes import encode
from grasp_detection.learned.dense_net import DENSE_LAYOUTS
from grasp_detection.learned.family import WHOLE
from grasp_detection.learned.runtime import start_runtime
from grasp_detection.learned.trunk import TrunkLayout

ROWS = np.array([[20.0, 30.0, 24.0, 10.0, 0.4], [45.0, 41.0, 30.0, 12.0, -1.2]])
TAUGHT = DsgdTargets()
SMALL = Sizes(pyramid=8, growth=4, region=2, global_=2, pixel=2, mask=4, proposed=12)
ALL = (REGIONS_ALONE, PIXELS_ALONE, GLOBAL_ALONE, DSGD)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def tiny(monkeypatch):
    """A family's network with everything small."""
    layout = TrunkLayout("tiny", (1, 1, 1, 1), 8, bottleneck=False)
    monkeypatch.setitem(trunk._LAYOUTS, "tiny", layout)
    return lambda family: replace(family, trunk="tiny", sizes=SMALL)


def taught(family, rows=ROWS, size=64):
    told = family.targets(rows, size, size, TAUGHT)
    return {name: torch.from_numpy(np.asarray(array))[None] for name, array in told.items()}


# Sizes


def test_table_3_is_made_of_published_networks():
    assert list(CONFIGURATIONS) == ["lite", "a", "b", "c", "d", "e"]
    rows = {
        name: [
            (DENSE_LAYOUTS[net].growth, *DENSE_LAYOUTS[net].layers)
            for net in (one.region, one.pixel, one.global_)
        ]
        for name, one in CONFIGURATIONS.items()
    }
    plain = (32, 6, 12, 24, 16)
    assert rows["lite"] == [plain] * 3
    assert rows["a"] == [(32, 6, 12, 32, 32), (32, 6, 12, 32, 32), plain]
    assert rows["c"] == [(48, 6, 12, 36, 24), (32, 6, 12, 48, 32), plain]
    assert rows["e"] == [(48, 6, 12, 36, 24), (48, 6, 12, 36, 24), plain]
    with pytest.raises(ConfigError, match=r"go with densenet121.*not with trunk resnet50"):
        replace(REGIONS_FULL, trunk="resnet50").build(3, 0.0)


def test_the_paper_s_shapes():
    # Figure 3: k x 1664 x 7 x 7, SR1, SR2; figure 1: what comes out of each network.
    k, sizes = 50, paper_sizes("densenet169")
    assert sizes.proposed == k
    with torch.device("meta"):
        features = torch.zeros(1, DENSE_LAYOUTS["densenet169"].channels(2), 14, 14)
        region = RegionHead(1280, (16,), sizes, (16, 32, 64), (0.7, 1.4), 0.0).eval()
        dense = region.dense(torch.zeros(k, 1280, 14, 14))
        first = region.masks[0](dense)
        boxes, rectangles, angles, confidence, masks = region([features])
        pixel = PixelHead(1280, 16, sizes, 0.0).eval()
        maps, logits = pixel(features)
        box, angle = GlobalHead(1280, 16, sizes, (40, 20), 0.0).eval()(features)
    assert dense.shape == (k, 1664, 7, 7)
    assert first.shape == (k, 256, 14, 14)
    assert masks.shape == (1, k, 2, 14, 14)
    assert boxes.shape == (1, k, 4)
    assert rectangles.shape == (1, k, 2, 4)
    assert angles.shape == (1, k, 2, 20)
    assert confidence.shape == (1, k, 2)
    assert maps.shape == (1, 3, 224, 224)
    assert logits.shape == (1, 20, 224, 224)
    assert (box.shape, angle.shape) == ((1, 4), (1, 20))


def test_what_ships_is_small_and_lite_is_the_paper_s():
    with torch.device("meta"):
        small = sum(p.numel() for p in DSGD.build(3, 0.0).parameters())
        lite = DSGD_LITE.build(3, 0.0)
    assert 2 * small < 10e6  # bytes in half precision
    blocks = [head.dense for head in (lite.region, lite.prediction, lite.evaluation, lite.pixel)]
    assert [len(block.block.layers) for block in blocks] == [16] * 4
    assert {block.channels for block in blocks} == {1024}


# Targets


def test_angle_classes_stand_for_multiples_of_nine_degrees():
    degrees = np.array([0.0, 4.4, 4.6, -9.0, 90.0, 86.0, -89.0, -84.0])
    number = class_of(np.radians(degrees))
    assert number.tolist() == [0, 0, 1, 19, 10, 10, 10, 11]
    assert np.degrees(angle_of(number)) == pytest.approx([0, 0, 9, -9, 90, 90, 90, -81])
    assert equations.classes_of(torch.from_numpy(np.radians(degrees))).tolist() == number.tolist()
    box, logits = torch.zeros(8, 4), torch.eye(20)[torch.from_numpy(number)]
    assert best_rows(box, logits)[:, 4].numpy() == pytest.approx(angle_of(number), abs=1e-6)


def test_labels_cluster_on_salient_regions():
    handle = [[20.0 + 4 * step, 10.0, 12.0, 8.0, 0.1] for step in range(-1, 2)]
    across = [20.0, 10.0, 12.0, 8.0, 1.5]  # at the same place along another axis
    apart = [50.0, 40.0, 10.0, 10.0, 0.0]
    found = salient_regions(np.array([*handle, across, apart]))
    assert found.grasps.tolist() == [handle[1], across, apart]
    assert found.boxes[2] == pytest.approx([50.0, 40.0, 10.0, 10.0])
    x, y, w, _ = found.boxes[0]
    assert (x, y) == pytest.approx((20.0, 10.0))
    assert w == pytest.approx(8.0 + 12.0 * math.cos(0.1) + 8.0 * math.sin(0.1))
    assert not len(salient_regions(np.empty((0, 5))).boxes)


def test_maps_hold_position_sizes_and_class():
    maps, classes = paint(ROWS, 64, 32.0, np.array([1.0, 0.5]), bell=True)
    assert np.unravel_index(maps[0].argmax(), (64, 64)) == (30, 20)
    assert maps[:, 30, 20] == pytest.approx([1.0, 24 / 32, 10 / 32])
    assert maps[:, 41, 45] == pytest.approx([0.5, 30 / 32, 12 / 32])
    assert classes[30, 20] == class_of(0.4)
    assert classes[41, 45] == class_of(-1.2)
    assert classes[0, 0] == -1.0
    assert not maps[:, classes < 0].any()


def test_judged_are_a_label_and_one_that_was_moved():
    right = 0
    for number in range(20):
        rows = ROWS + number
        tried, valid = grasps_to_judge(rows, 64)
        again, _ = grasps_to_judge(rows, 64)
        assert np.array_equal(tried, again)
        assert (tried[0] == rows).all(axis=1).any()
        assert valid[0]
        assert valid[1] == matches(tried[1:], rows)[0]
        right += int(valid[1])
    assert 0 < right < 20
    none, valid = grasps_to_judge(np.empty((0, 5)), 64)
    assert none.shape == (2, 5)
    assert not valid.any()


def test_grasp_images_have_the_rectangle_in_place_of_blue():
    pictures = torch.randn(1, 3, 20, 30)
    rows = torch.tensor([[[15.0, 10.0, 8.0, 4.0, 0.0], [15.0, 10.0, 8.0, 4.0, math.pi / 2]]])
    images = grasp_images(pictures, rows)
    assert images.shape == (1, 2, 3, 20, 30)
    assert torch.equal(images[0, 0, :2], pictures[0, :2])
    lying, upright = images[0, :, 2]
    assert torch.nonzero(lying.sum(dim=0)).flatten().tolist() == list(range(11, 20))
    assert torch.nonzero(lying.sum(dim=1)).flatten().tolist() == list(range(8, 13))
    assert torch.nonzero(upright.sum(dim=0)).flatten().tolist() == list(range(13, 18))
    depth = grasp_images(pictures[:, :1], rows)
    assert torch.equal(depth[0, 0, 0], pictures[0, 0] + lying)


# Losses


def test_equation_7_is_relative():
    found, wanted = torch.tensor([3.0, 4.0, 0.0, 10.0]), torch.tensor([0.0, 0.0, 0.0, 10.0])
    assert float(equations.relative_error(found, wanted)) == pytest.approx(0.5)
    assert float(equations.relative_error(torch.tensor([0.5]), torch.zeros(1))) == 0.5


def test_equation_5_takes_the_nearest_label():
    labels = torch.tensor([[[0.0, 30.0, 40.0, 0.0, 0.0], [60.0, 0.0, 80.0, 0.0, math.pi / 2]]])
    labels = torch.cat([labels, torch.full((1, 2, 5), torch.nan)], dim=1).repeat(2, 1, 1)
    labels[1] = torch.nan  # a picture without labels does not count
    box = torch.tensor([[0.0, 25.0, 40.0, 0.0]]).repeat(2, 1).requires_grad_()
    angle = torch.zeros(2, 20)
    loss = equations.prediction_loss(box, angle, labels)
    assert float(loss) == pytest.approx(0.6 * 5 / 50 + 0.4 * math.log(20))
    loss.backward()
    assert box.grad.isfinite().all()
    assert not box.grad[1].any()


def test_equations_10_and_11_count_graspable_regions_alone():
    boxes = torch.tensor([[[30.0, 40.0, 20.0, 10.0], [0.0, 0.0, 5.0, 5.0]]])
    label = torch.tensor([[[36.0, 40.0, 20.0, 10.0, math.radians(18.0)], [1.0] * 5]])
    graspable = torch.tensor([[True, False]])
    corrections = torch.zeros(1, 2, 2, 4, requires_grad=True)
    place = equations.rectangle_loss(corrections, boxes, label, graspable)
    assert float(place) == pytest.approx(6.0 / math.sqrt(36**2 + 40**2 + 20**2 + 10**2))
    place.backward()
    assert {tuple(at) for at in torch.nonzero(corrections.grad).tolist()} == {(0, 0, 1, 0)}
    logits = torch.zeros(1, 2, 2, 20)
    assert float(equations.angle_loss(logits, label, graspable)) == pytest.approx(
        0.4 * math.log(20)
    )
    logits[0, 0, 1, 2] = 30.0
    assert float(equations.angle_loss(logits, label, graspable)) < 1e-6
    sure = torch.tensor([[[0.0, 30.0], [30.0, 0.0]]])
    assert float(equations.confidence_loss(sure, graspable)) < 1e-6
    assert float(equations.confidence_loss(-sure, graspable)) == pytest.approx(0.4 * 30.0)
    masks, wanted = torch.zeros(1, 2, 2, 14, 14), torch.zeros(1, 2, 14, 14)
    wanted[0, 0, :7] = 1.0
    assert float(equations.mask_loss(masks, wanted, graspable)) == pytest.approx(math.log(2))


def test_equation_13_sums_the_maps_and_counts_angles_on_labels():
    wanted = torch.zeros(1, 3, 4, 4)
    wanted[0, :, 1, 1] = torch.tensor([2.0, 4.0, 5.0])
    classes = torch.full((1, 4, 4), -1.0)
    classes[0, 1, 1] = 7.0
    angle = torch.zeros(1, 20, 4, 4)
    found = torch.zeros(1, 3, 4, 4)
    loss = equations.pixel_loss(found, angle, wanted, classes)
    assert float(loss) == pytest.approx(3.0 + math.log(20))  # each map is wrong by all it holds
    angle[0, 7, 1, 1], angle[0, 3, 2, 2] = 30.0, 30.0
    assert float(equations.pixel_loss(wanted, angle, wanted, classes)) < 1e-6


def test_each_loss_moves_its_own_network(tiny):
    torch.manual_seed(1)
    family = tiny(DSGD)
    network = family.build(3, 0.0).train()
    targets = taught(family)
    outputs = family.forward(network, torch.randn(1, 3, 64, 64), targets)
    losses = family.losses(outputs, targets)
    owner = {
        "salience": "region", "place": "region", "turn": "region", "confidence": "region",
        "segmentation": "region", "pixels": "pixel", "predicted": "prediction",
        "evaluated": "evaluation",
    }  # fmt: skip
    assert losses.keys() == owner.keys()
    for name, part in owner.items():
        assert moved(network, losses[name]) == {"trunk", "neck", part}, name


def test_what_does_not_learn_is_not_computed_in_training(tiny):
    family = tiny(DSGD)
    network, targets = family.build(3, 0.0).train(), taught(family)
    names = {}
    for stage in family.stages(10):
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name.startswith(stage.learns))
        outputs = family.forward(network, torch.randn(1, 3, 64, 64), targets)
        names[stage.name] = set(family.losses(outputs, targets))
        assert names[stage.name] == set(stage.losses)
    assert list(names) == ["near", "global"]
    assert outputs[TRIED].shape == (1, 3, 5)  # a label, a moved one, and its own
    assert [stage.epochs for stage in family.stages(10)] == [6, 4]


# Reading


def confidences(*values):
    """Logits of probabilities."""
    found = np.zeros((len(values), 2), np.float32)
    found[:, 1] = np.log(np.array(values) / (1.0 - np.array(values)))
    return found


def region_outputs(rows, *confidence):
    boxes = torch.from_numpy(rows[:, :4]).float() + 1.0
    rectangles = torch.zeros(len(rows), 2, 4)
    rectangles[:, 1] = encode(torch.from_numpy(rows[:, :4]).float(), boxes)
    angles = np.zeros((len(rows), 2, 20), np.float32)
    angles[np.arange(len(rows)), 1, class_of(rows[:, 4])] = 5.0
    return {
        BOXES: boxes.numpy(), RECTANGLES: rectangles.numpy(), REGION_ANGLES: angles,
        REGION_CONFIDENCE: confidences(*confidence),
    }  # fmt: skip


def pixel_outputs(rows, height):
    maps, classes = paint(rows, 64, 32.0, np.full(len(rows), height), bell=True)
    logits = 5.0 * np.eye(20, dtype=np.float32)[np.clip(classes, 0, 19).astype(int)]
    return {GRASP_MAPS: maps, ANGLE_MAPS: np.ascontiguousarray(logits.transpose(2, 0, 1))}


def global_outputs(row, confidence):
    angle = np.eye(20, dtype=np.float32)[class_of(row[4])]
    return {
        GLOBAL_BOX: row[:4].astype(np.float32), GLOBAL_ANGLE: angle,
        EVALUATION: confidences(confidence)[0],
    }  # fmt: skip


EVEN = ROWS.copy()  # with angles that are middles of classes
EVEN[:, 4] = np.radians([18.0, -72.0])


def test_what_is_taught_can_be_read():
    config = DsgdConfig()
    found = REGIONS_ALONE.read(region_outputs(EVEN, 0.6, 0.9), 64, config, limit=5)
    assert found.rows == pytest.approx(EVEN[::-1], abs=1e-3)
    assert found.score == pytest.approx([0.9, 0.6], abs=1e-6)
    found = PIXELS_ALONE.read(pixel_outputs(EVEN, 1.0), 64, config, limit=5)
    order = np.argsort(-found.rows[:, 0])
    assert found.rows[order][:, [0, 1, 4]] == pytest.approx(EVEN[::-1][:, [0, 1, 4]], abs=1.1)
    assert matches(found.rows, EVEN).all()
    found = GLOBAL_ALONE.read(global_outputs(EVEN[0], 0.7), 64, config)
    assert found.rows == pytest.approx(EVEN[:1], abs=1e-3)
    assert found.raw_score == pytest.approx([0.7], abs=1e-6)
    assert not len(GLOBAL_ALONE.read(global_outputs(EVEN[0], 0.7), 64, config, min_score=0.8).rows)


@pytest.mark.parametrize(
    ("region", "pixel", "level"),
    [(0.96, 1.0, Level.REGION), (0.94, 1.0, Level.PIXEL), (0.94, 0.5, Level.GLOBAL)],
)
def test_the_surest_network_speaks(region, pixel, level):
    outputs = {
        **region_outputs(EVEN, region, 0.3), **pixel_outputs(EVEN, pixel),
        **global_outputs(EVEN[0], 0.2),
    }  # fmt: skip
    found = DSGD.read(outputs, 64, DsgdConfig(), limit=5)
    assert found.level is level
    assert (np.diff(found.score) <= 0.0).all()
    assert ((found.score >= 0.0) & (found.score <= 1.0)).all()
    # What is as sure as the switch asks scores above all that is not, whoever it is from.
    assert (found.score[0] > 1.0 / 3.0) == (level is not Level.GLOBAL)
    for speaker in Level.REGION, Level.PIXEL, Level.GLOBAL:
        alone = DSGD.read(outputs, 64, DsgdConfig(speaker=speaker.name.lower()), limit=5)
        assert alone.level is speaker
    lower = DsgdConfig(region_threshold=0.9)
    assert DSGD.read(outputs, 64, lower).level is Level.REGION


def test_what_need_not_run_does_not(tiny):
    torch.manual_seed(0)
    family = tiny(DSGD)
    network = family.build(3, 0.0).eval()
    parts = {
        name: start_runtime(part.network, part.channels, part.outputs, "torch", "cpu")
        for name, part in family.parts(network, 3).items()
    }
    picture = np.random.default_rng(0).standard_normal((1, 3, 64, 96)).astype(np.float32)
    whole = family.forward(network, torch.from_numpy(picture))
    order = ("regions", "pixels", "prediction", "evaluation")
    for ran, config in (
        (1, DsgdConfig(region_threshold=0.0)),
        (2, DsgdConfig(region_threshold=1.0, pixel_threshold=0.0)),
        (4, DsgdConfig(region_threshold=1.0, pixel_threshold=1.0)),
    ):
        asked = []

        def run(name, array, asked=asked):
            asked.append(name)
            return parts[name](array)

        answer = family.answer(run, picture, config)
        assert tuple(asked) == order[:ran]
        for name, array in answer.items():
            other = whole[name].detach().numpy().reshape(array.shape)
            assert array == pytest.approx(other, abs=1e-4), name
        first = {name: array[0] for name, array in answer.items()}
        assert family.read(first, 64, config, limit=3).level is (
            Level.REGION, Level.PIXEL, None, Level.GLOBAL,
        )[ran - 1]  # fmt: skip


@pytest.mark.parametrize("family", [REGIONS_ALONE, PIXELS_ALONE])
def test_runtimes_agree(family, tiny):
    pytest.importorskip("openvino")
    torch.manual_seed(0)
    small = tiny(family)
    part = small.parts(small.build(3, 0.0).eval(), 3)[WHOLE]
    picture = np.random.default_rng(0).standard_normal((1, 3, 64, 96)).astype(np.float32)
    here, there = (
        start_runtime(part.network, 3, part.outputs, name, "cpu")(picture)
        for name in ("torch", "openvino")
    )
    for name in small.outputs:
        assert there[name] == pytest.approx(here[name], abs=1e-3), name


# Training


def trainer_of(family, bars, out, epochs, modality="rgb"):
    cycle = {"epochs": epochs, "learning_rate": 0.01, "average": 0.7}
    return by_heart(family, bars, out, copies=6, modality=modality, **cycle)


@pytest.mark.parametrize(
    ("family", "names"),
    [
        (REGIONS_ALONE, ("salience", "turn")),
        (PIXELS_ALONE, ("pixels",)),
        (GLOBAL_ALONE, ("predicted",)),
    ],
)
def test_two_samples_are_learnt_by_heart(family, names, bars, tmp_path, tiny):
    trained = trainer_of(tiny(family), bars, tmp_path / "run", 10).run()
    first, last = trained.history[0], trained.history[-1]
    for name in names:
        assert last.losses[name] < 0.6 * first.losses[name], name
    assert set(trained.measured) == {"anchor_px", "anchor_ratios", "mean_px", "trunk"}


def test_the_switch_learns_in_two_stages(bars, tmp_path, tiny):
    trainer = trainer_of(tiny(DSGD), bars, tmp_path / "run", 2)
    before = {n: t.clone() for n, t in trainer._network.state_dict().items()}
    trained = trainer.run()
    assert [one.stage for one in trained.history] == ["near", "global"]
    assert set(trained.history[0].losses).isdisjoint(trained.history[1].losses)
    changed = {n.partition(".")[0] for n, t in trained.state.items() if not t.equal(before[n])}
    assert changed == {"trunk", "neck", "region", "pixel", "prediction", "evaluation"}
