"""Det_Seg_Refine: the paper's layers, losses and equations, and what its answers mean."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from training_checks import by_heart, moved

from grasp_core.camera import PinholeCamera
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Level
from grasp_detection.datasets.dataset import DatasetError
from grasp_detection.datasets.registry import open_dataset
from grasp_detection.datasets.split import Split
from grasp_detection.det_seg_refine.config import DetSegRefineConfig
from grasp_detection.det_seg_refine.family import (
    ANCHOR_CORRECTIONS,
    ANCHORS,
    BOX,
    BOXES,
    CORRECTIONS,
    DET,
    DET_FULL,
    DET_SEG,
    DET_SEG_REFINE,
    DET_SEG_REFINE_FULL,
    LABELS,
    LOGITS,
    ORIENTATION,
    PROPOSAL_BOX,
    PROPOSAL_SCORE,
    PROPOSED,
    REFINE,
    REFINEMENT,
    ROTATION,
    SEGMENTATION,
    SEMANTIC,
    DetSegRefineTargets,
)
from grasp_detection.det_seg_refine.losses import box_loss, matched, orientation_loss
from grasp_detection.det_seg_refine.network import Sizes
from grasp_detection.det_seg_refine.objects import Objects, first_of_each
from grasp_detection.det_seg_refine.orientations import angle_of, class_of
from grasp_detection.det_seg_refine.refinement import (
    RefinementHead,
    decode_turned,
    encode_turned,
    most_likely,
)
from grasp_detection.det_seg_refine.segmentation import MiniDeepLab, hard_pixel_loss
from grasp_detection.learned import trunk
from grasp_detection.learned.boxes import encode
from grasp_detection.learned.model import LearnedModel
from grasp_detection.learned.picture_detection import PictureDetection
from grasp_detection.learned.proposals import ProposalSettings
from grasp_detection.learned.score_calibration import Calibration
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig
from grasp_detection.learned.training.distributed import TrainingProcess
from grasp_detection.learned.training.trainer import Trainer
from grasp_detection.learned.trunk import TrunkLayout
from grasp_detection.learned.weights import Weights
from grasp_detection.ranking import UNSEEN
from grasp_detection.stage_timer import StageTimer

TAUGHT = DetSegRefineTargets()
SMALL = Sizes(pyramid=8, hidden=16, segmentation=4, refinement=8, map_px=6)
FEW = ProposalSettings(considered=40, proposed=12)
ROWS = np.array([[20.0, 30.0, 24.0, 10.0, 0.4], [45.0, 41.0, 30.0, 12.0, -1.2]])


@pytest.fixture
def tiny(monkeypatch):
    """A family's network with everything small."""
    layout = TrunkLayout("tiny", (1, 1, 1, 1), 8, bottleneck=False)
    monkeypatch.setitem(trunk._LAYOUTS, "tiny", layout)
    return lambda family: replace(
        family, trunk="tiny", sizes=SMALL, proposals=FEW, anchor_px=(8.0, 16.0, 32.0)
    )


def batch_of(told):
    return {name: torch.from_numpy(np.asarray(array))[None] for name, array in told.items()}


def taught(family, rows=ROWS, size=64):
    told = family.targets(rows, size, size, TAUGHT)
    if family.segments:
        areas = np.zeros((size, size), np.uint8)
        areas[20:40, 10:50] = 1
        told |= family.area_targets(areas)
    return batch_of(told)


# Orientations


def test_classes_stand_for_multiples_of_ten_degrees():
    degrees = torch.tensor([0.0, 4.9, 5.1, -10.0, 90.0, 86.0, -89.0, -84.0])
    number = class_of(torch.deg2rad(degrees))
    assert number.tolist() == [0, 0, 1, 17, 9, 9, 9, 10]
    middle = torch.rad2deg(angle_of(number))
    assert middle.tolist() == pytest.approx([0, 0, 10, -10, 90, 90, 90, -80], abs=1e-4)


# The network


def test_the_configurations_have_the_paper_s_layers(tiny):
    x = torch.zeros(2, 3, 64, 64)
    shapes = {
        BOXES: (2, 12, 4),
        ORIENTATION: (2, 12, 19),
        CORRECTIONS: (2, 12, 18, 4),
        SEMANTIC: (2, 2, 16, 16),
        REFINEMENT: (2, 12, 5),
    }
    for family, count in ((DET, 3), (DET_SEG, 4), (DET_SEG_REFINE, 5)):
        small = tiny(family)
        with torch.inference_mode():
            outputs = small.build(3, 0.0).eval()(x)
        assert small.outputs == tuple(shapes)[:count]
        assert [tuple(one.shape) for one in outputs] == list(shapes.values())[:count]
    # In training 16 labels are proposed besides, and the way to the proposals comes out.
    found = small.forward(small.build(3, 0.0), x, {PROPOSED: torch.full((2, 16, 4), torch.nan)})
    assert found[BOXES].shape == (2, 12 + 16, 4)
    anchors = 2 * (16 * 16 + 8 * 8 + 4 * 4)
    assert found[LOGITS].shape == (2, anchors)
    assert found[ANCHOR_CORRECTIONS].shape == found[ANCHORS].shape == (2, anchors, 4)


def test_the_small_ones_can_ship_and_the_full_one_is_the_paper_s():
    parameters = sum(p.numel() for p in DET_SEG_REFINE.build(3, 0.0).parameters())
    assert 2 * parameters < 10e6  # bytes in half precision
    assert DET_SEG_REFINE_FULL.trunk == "resnet101"
    paper = DET_FULL.sizes
    assert (paper.stages, paper.pyramid, paper.hidden) == (4, 256, 1024)
    assert not paper.in_grasp_frame


def test_anchors_are_measured_on_the_labels():
    labels = [np.array([[0, 0, 40.0, 10.0, 0]]), np.array([[0, 0, 40.0, 40.0, 0]] * 2)]
    told = DET.measure(labels, 64)
    assert told["anchor_px"] == [20.0, 40.0, 80.0]
    assert told["anchor_ratios"] == [0.625, 1.0]
    anchors = replace(DET, **told, trunk="thin_resnet50").build(3, 0.0).eval()
    with torch.inference_mode():
        found = anchors(torch.zeros(1, 3, 64, 64), torch.empty(1, 0, 4))[-1][0]
    # The first cell of stride 4 has its middle at 1.5; both anchors have the level's area.
    assert found[0, :2].tolist() == [1.5, 1.5]
    assert (found[:2, 2] * found[:2, 3]).tolist() == pytest.approx([400.0, 400.0])
    assert (found[:2, 3] / found[:2, 2]).tolist() == pytest.approx([0.625, 1.0])
    assert found[-1, :2].tolist() == [55.5, 55.5]


def test_each_loss_moves_its_own_part(tiny):
    torch.manual_seed(1)
    family = tiny(DET_SEG_REFINE)
    network = family.build(3, 0.0).train()
    for branch in (network.head.orientation, network.head.correction):
        torch.nn.init.normal_(branch[-1].weight)
    torch.nn.init.normal_(network.refinement.second.weight)
    targets = taught(family)
    # Labels along the picture's sides: what is proposed as it is meets them by the metric, too.
    targets[LABELS][0, :2, 4] = angle_of(torch.tensor([0, 0]))
    outputs = family.forward(network, torch.randn(1, 3, 64, 64), targets)
    losses = family.losses(outputs, targets)
    trunk_too = {"trunk", "pyramid"}
    assert moved(network, losses[PROPOSAL_SCORE]) == {*trunk_too, "proposals"}
    assert moved(network, losses[PROPOSAL_BOX]) == {*trunk_too, "proposals"}
    assert moved(network, losses[BOX]) == {*trunk_too, "head"}
    assert moved(network, losses[ROTATION]) == {*trunk_too, "head"}
    assert moved(network, losses[SEGMENTATION]) == {*trunk_too, "segmentation"}
    assert moved(network, outputs[REFINEMENT].sum()) == {*trunk_too, "segmentation", "refinement"}
    assert losses[REFINE].isfinite()


def test_the_two_stages_learn_what_the_paper_says(tiny):
    first, second = tiny(DET_SEG_REFINE).stages(10)
    assert (first.epochs, second.epochs) == (7, 3)
    assert REFINE not in first.losses
    assert second.losses == ()
    network = tiny(DET_SEG_REFINE).build(3, 0.0)
    for stage, still in ((first, {"refinement"}), (second, {"trunk", "pyramid"})):
        rest = {
            n.partition(".")[0]
            for n, _ in network.named_parameters()
            if not n.startswith(stage.learns)
        }
        assert rest == still
    (whole,) = DET_FULL.stages(5)
    names = ["trunk.conv1.weight", "trunk.stages.0.1.a.bias", "trunk.stages.1.0.a.bias", "head.x"]
    assert [name.startswith(whole.learns) for name in names] == [False, False, True, True]


# Losses


def test_proposals_are_matched_by_boxes_along_the_picture_s_sides():
    labels = torch.tensor([[[20.0, 20.0, 20.0, 10.0, 1.2], [50.0, 20.0, 20.0, 10.0, -0.5]]])
    labels = torch.cat([labels, torch.full((1, 3, 5), torch.nan)], dim=1)
    boxes = torch.tensor(
        [[[20.0, 20, 20, 10], [22.0, 20, 20, 10], [50.0, 25, 20, 10], [0, 0, 9, 9]]]
    )
    label, valid = matched(boxes, labels)
    assert valid.tolist() == [[True, True, False, False]]  # 1, 0.82, 1/3, 0
    assert label[0, :3, 4].tolist() == pytest.approx([1.2, 1.2, -0.5])


def test_equation_4_asks_for_the_label_s_class_or_the_invalid_one():
    label = torch.tensor([[[0, 0, 1.0, 1.0, math.radians(-21.0)], [0, 0, 1.0, 1.0, 0.0]]])
    valid = torch.tensor([[True, False]])
    logits = torch.zeros(1, 2, 19)
    assert float(orientation_loss(logits, label, valid)) == pytest.approx(math.log(19.0))
    logits[0, 0, 16] = logits[0, 1, 18] = 20.0
    assert float(orientation_loss(logits, label, valid)) < 1e-6


def test_equation_5_corrects_for_the_label_s_class_alone():
    boxes = torch.tensor([[[10.0, 10.0, 20.0, 10.0], [0.0, 0.0, 5.0, 5.0]]])
    label = torch.tensor([[[14.0, 10.0, 20.0, 10.0, 0.0], [0, 0, 1.0, 1.0, 0.0]]])
    valid = torch.tensor([[True, False]])
    corrections = torch.zeros(1, 2, 18, 4, requires_grad=True)
    loss = box_loss(corrections, boxes, label, valid)
    assert float(loss.detach()) == pytest.approx(0.5 * 0.2**2)  # t_x* = 4 / 20
    loss.backward()
    assert torch.nonzero(corrections.grad).tolist() == [[0, 0, 0, 0]]
    corrections = torch.zeros(1, 2, 18, 4)
    corrections[0, 0, 0, 0] = 0.2 + 3.0
    assert float(box_loss(corrections, boxes, label, valid)) == pytest.approx(2.5)


def test_equation_8_counts_the_least_likely_quarter_of_the_pixels():
    logits = torch.zeros(1, 2, 4, 4)
    truth = torch.zeros(1, 4, 4)
    logits[0, 0] = 3.0  # right everywhere but in one row of four
    logits[0, :, 1] = torch.tensor([0.0, 2.0])[:, None]
    expected = -math.log(1.0 / (1.0 + math.exp(2.0)))
    assert float(hard_pixel_loss(logits, truth)) == pytest.approx(expected, rel=1e-5)
    wide = torch.zeros(1, 16, 16)
    assert hard_pixel_loss(logits, wide).isfinite()


def test_a_mini_deeplab_sees_near_far_and_everything():
    module = MiniDeepLab(1, 2).eval()
    x = torch.zeros(1, 1, 20, 20, requires_grad=True)
    module(x)[0, :, 10, 10].sum().backward()
    seen = x.grad[0, 0] != 0.0
    assert seen.all()  # everything, by its mean
    least = x.grad[0, 0].abs().min()
    special = {
        tuple(place) for place in torch.nonzero((x.grad[0, 0].abs() - least) > 1e-9).tolist()
    }
    near = {(10 + a, 10 + b) for a in (-1, 0, 1) for b in (-1, 0, 1)}
    far = {(10 + a, 10 + b) for a in (-6, 0, 6) for b in (-6, 0, 6)}
    assert special <= near | far
    assert len(special & far) > 4


# Refinement


def test_equation_10_in_the_grasp_s_frame():
    grasp = torch.tensor([10.0, 20.0, 8.0, 4.0, math.radians(30.0)])
    label = torch.tensor([12.0, 20.0, 16.0, 2.0, math.radians(28.0)])
    found = encode_turned(label, grasp, wrap=True).tolist()
    cos, sin = math.cos(math.radians(30.0)), math.sin(math.radians(30.0))
    expected = [2 * cos / 8, -2 * sin / 4, math.log(2), -math.log(2), -2 / 180]
    assert found == pytest.approx(expected, abs=1e-5)
    # As printed a turn of -2 degrees is one of 178.
    printed = encode_turned(label, grasp, wrap=False)
    assert float(printed[4]) == pytest.approx(178 / 180, abs=1e-5)
    for factors in (torch.tensor(found), printed):
        back = decode_turned(factors, grasp)
        assert back.tolist() == pytest.approx(label.tolist(), abs=1e-4)


def test_refinement_sees_the_map_and_its_part_in_the_rotated_grasp():
    likely = torch.zeros(1, 1, 16, 16)
    likely[..., 8:] = 1.0  # the right half, from pixel 32 on
    grasps = torch.tensor([[[31.5, 31.5, 40.0, 8.0, 0.0], [31.5, 31.5, 40.0, 8.0, math.pi / 2]]])
    whole = RefinementHead(16, 4, in_grasp_frame=False).maps(likely, grasps, 4)
    assert whole.shape == (1, 2, 2, 16, 16)
    assert torch.allclose(whole[0, :, 0], likely[0].expand(2, -1, -1))
    lying, upright = whole[0, :, 1]
    assert torch.nonzero(lying.sum(dim=0)).flatten().tolist() == list(range(8, 13))
    assert torch.nonzero(lying.sum(dim=1)).flatten().tolist() == [7, 8]
    assert torch.nonzero(upright.sum(dim=0)).flatten().tolist() == [8]
    # In the grasp's frame the same scene turned with the grasp is the same.
    own = RefinementHead(6, 4, in_grasp_frame=True)
    turned = own.maps(likely.transpose(2, 3), grasps, 4)[0, 1]
    assert torch.allclose(turned, own.maps(likely, grasps, 4)[0, 0], atol=1e-5)
    assert own.maps(likely, grasps, 4)[0, 0, 1, 0].sum() == 0.0  # beside the grasp


# Reading


def outputs_of(rows, size=64):
    """What a network would put out that is sure of these grasps."""
    rows = torch.as_tensor(rows, dtype=torch.float32)
    orientation = torch.zeros(len(rows) + 1, 19)
    orientation[:, 18] = 9.0
    orientation[torch.arange(len(rows)), class_of(rows[:, 4])] = torch.linspace(15, 12, len(rows))
    boxes = torch.cat([rows[:, :4] + 1.0, torch.tensor([[5.0, 5.0, 9.0, 9.0]])])
    corrections = torch.zeros(len(rows) + 1, 18, 4)
    corrections[: len(rows)] = encode(rows[:, :4], boxes[:-1])[:, None]
    found = {BOXES: boxes, ORIENTATION: orientation, CORRECTIONS: corrections}
    return {name: tensor.numpy() for name, tensor in found.items()}


def test_what_is_taught_can_be_read():
    rows = ROWS.copy()
    rows[:, 4] = np.radians([20.0, -70.0])
    found = DET.read(outputs_of(rows), 64, DetSegRefineConfig(), limit=5, min_score=0.5)
    assert found.rows == pytest.approx(rows, abs=1e-3)
    assert (found.score > 0.9).all()
    assert found.score[0] > found.score[1]
    assert not len(DET.read(outputs_of(rows), 64, DetSegRefineConfig(), min_score=1.0).rows)


def test_refined_grasps_are_read_unless_asked_otherwise():
    rows = ROWS.copy()
    rows[:, 4] = np.radians([20.0, -70.0])
    better = rows + np.array([1.0, -1.0, 2.0, 1.0, math.radians(4.0)])
    outputs = outputs_of(rows) | {SEMANTIC: areas(classes=1)}
    known = torch.from_numpy(np.concatenate([rows, [[5.0, 5.0, 9.0, 9.0, 0.0]]]))
    wanted = torch.from_numpy(np.concatenate([better, [[5.0, 5.0, 9.0, 9.0, 0.0]]]))
    outputs[REFINEMENT] = encode_turned(wanted, known, wrap=False).float().numpy()
    grasps = most_likely(
        *(torch.from_numpy(outputs[n])[None] for n in (BOXES, ORIENTATION, CORRECTIONS))
    )
    assert grasps[0, :2].numpy() == pytest.approx(rows, abs=1e-3)
    config = DetSegRefineConfig()
    found = DET_SEG_REFINE.read(outputs, 64, config, limit=2)
    assert found.rows == pytest.approx(better, abs=1e-3)
    plain = DET_SEG_REFINE.read(outputs, 64, replace(config, refine=False), limit=2)
    assert plain.rows == pytest.approx(rows, abs=1e-3)


# Objects


def areas(*patches, size=16, classes=3):
    """Logits of (class, rows, columns) patches on a background."""
    logits = np.zeros((1 + classes, size, size), np.float32)
    logits[0] = 1.0
    for number, rows, columns in patches:
        logits[number, rows, columns] = 2.0 + number
    return logits


def test_objects_are_the_connected_parts_of_each_class():
    mugs = (1, slice(0, 4), slice(0, 4)), (1, slice(4, 8), slice(4, 8))  # touch at a corner
    far = (1, slice(12, 16), slice(0, 4))
    can, speck = (2, slice(0, 4), slice(8, 12)), (2, slice(12, 13), slice(12, 15))
    found = Objects.of(areas(*mugs, far, can, speck), ("mug", "can", "box"), 4)
    assert found.instances.max() == 3
    assert found.instances[0, 0] == found.instances[7, 7] != found.instances[15, 0]
    assert found.instances[12, 13] == 0
    centres = [[7.4, 7.4], [17.6, 17.6], [1.0, 62.0], [40.0, 3.0], [62.0, 62.0], [-9.0, 3.0]]
    rows = np.array([[u, v, 9.0, 5.0, 0.1] for u, v in centres])
    instance, number = found.at(rows)
    assert number.tolist() == [1, 1, 1, 2, 0, 0]
    assert instance[0] == instance[1] != instance[2]
    assert (instance[:4] > 0).all()
    assert [found.label(one) for one in (0, 1, 2)] == ["", "mug", "can"]
    assert Objects.of(areas(can), ("a", "graspable"), 4).label(2) == ""
    assert first_of_each(np.array([0, 3, 1, 3, 0, 1, 2])).tolist() == [1, 2, 6]


def test_grasps_are_told_by_object_and_class():
    rows = np.array(
        [[12.0, 12.0, 14.0, 6.0, 0.0], [12.0, 52.0, 14.0, 6.0, 0.0], [52.0, 12.0, 14.0, 6.0, 0.0],
         [52.0, 52.0, 14.0, 6.0, 0.0]]
    )  # fmt: skip
    patches = [(1, slice(0, 6), slice(0, 6)), (1, slice(10, 16), slice(0, 6))]
    outputs = outputs_of(rows) | {SEMANTIC: areas(*patches, (2, slice(0, 6), slice(10, 16)))}
    family = replace(DET_SEG, classes=("mug", "can", "box"))
    assert family.level is Level.REGION
    told = {
        best_of: family.read(outputs, 64, DetSegRefineConfig(best_of=best_of), limit=4)
        for best_of in ("all", "object", "class")
    }
    assert told["all"].labels == ("mug", "mug", "can", "")
    assert told["all"].rows[:, :2] == pytest.approx(rows[:, :2], abs=1e-3)
    assert told["object"].labels == ("mug", "mug", "can")
    assert told["class"].labels == ("mug", "can")
    assert told["class"].rows[:, :2] == pytest.approx(rows[[0, 2], :2], abs=1e-3)


def test_the_class_under_a_grasp_reaches_its_message_s_fields(tiny, gripper):
    torch.manual_seed(2)
    family = tiny(replace(DET_SEG, classes=("mug",)))
    network = family.build(3, 0.0)
    torch.nn.init.normal_(network.head.orientation[-1].weight)
    torch.nn.init.constant_(network.segmentation.classes.weight, 0.0)
    network.segmentation.classes.bias.data = torch.tensor([0.0, 1.0])  # mugs everywhere
    metadata = {
        "detector": "det_seg", "modality": "rgb", "size": 64,
        "calibration": Calibration((0.0, 1.0), (0.2, 1.0)).to_json(),
        "measured": {"classes": ["mug"], "anchor_px": [8.0, 16.0, 32.0]},
    }  # fmt: skip
    config = DetSegRefineConfig(runtime="torch", device="cpu")
    model = LearnedModel("det_seg", family, Weights("w", network.state_dict(), metadata), config)
    color = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    ranking = model.rank(color, None, 5)
    assert ranking.labels == ("mug",) * 5
    assert model.classes == ("mug",)
    ranking, areas = model.rank_by_class(color, None)
    assert len(ranking) > 5
    # The square in the middle was looked at.
    assert (areas[:, 8:56] == 1).all()
    assert (areas[:, :7] == areas[:, 57:]).all()
    assert (areas[:, :7] == UNSEEN).all()
    detection = PictureDetection("det_seg", model, gripper, config, None)
    depth_m = np.full((48, 64), np.nan, np.float32)
    frame = RgbdFrame(color, depth_m, PinholeCamera(64, 48, 60.0, 60.0, 31.5, 23.5))
    grasps = detection.detect(frame, StageTimer())
    assert {(one.label, one.level) for one in grasps} == {("mug", Level.REGION)}


# Training


def test_two_samples_are_learnt_by_heart(bars, tmp_path, tiny):
    family = tiny(DET)
    cycle = {"epochs": 8, "learning_rate": 0.005, "average": 0.8}
    trained = by_heart(family, bars, tmp_path / "run", copies=10, **cycle).run()
    first, last = trained.history[0], trained.history[-1]
    for name in (PROPOSAL_SCORE, ROTATION):  # the boxes are right from the start, as the anchors
        assert last.losses[name] < 0.5 * first.losses[name]
    assert max(one.validation_accuracy for one in trained.history) == 1.0
    assert set(trained.measured) == {"anchor_px", "anchor_ratios", "trunk"}


def test_two_stages_learn_from_masks(tmp_path, tiny):
    torch.set_num_threads(1)
    root = tmp_path / "scenes"
    for number in range(4):
        write_scene(root, number)
    split = Split("jacquard", "image-wise", 0, ("0_a", "0_b", "0_c"), ("0_d",), ())
    config = TrainingConfig(size=64, epochs=2, batch=3, learning_rate=0.004, average=0.5)
    alone = TrainingProcess(0, 1, torch.device("cpu"))
    dataset = open_dataset("jacquard", root)
    trainer = Trainer(
        tiny(DET_SEG_REFINE), dataset, split, config, AugmentConfig(label_turn_deg=5.0),
        tmp_path / "run", alone,
    )  # fmt: skip
    trained = trainer.run()
    assert [one.stage for one in trained.history] == ["detect", "refine"]
    assert trained.measured["classes"] == ["can", "mug"]
    assert trained.state["segmentation.classes.weight"].shape[0] == 3
    assert all(math.isfinite(one.losses[SEGMENTATION]) for one in trained.history)
    (root / "0_a_instances.png").unlink()
    out = tmp_path / "other"
    with pytest.raises(DatasetError, match="no mask"):
        Trainer(tiny(DET_SEG), dataset, split, config, AugmentConfig(), out, alone)


def write_scene(root, number):
    """A picture in the layout of synthetic scenes: a mug and a can, with masks and classes."""
    root.mkdir(exist_ok=True)
    stem = f"0_{'abcd'[number]}"
    mask = np.zeros((64, 64), np.uint8)
    mask[10 + number : 24 + number, 12:40], mask[40:56, 20:30] = 1, 2
    picture = np.full((64, 64, 3), 200, np.uint8)
    picture[mask == 1], picture[mask == 2] = (40, 60, 90), (160, 30, 30)
    cv2.imwrite(str(root / f"{stem}_RGB.png"), picture)
    cv2.imwrite(str(root / f"{stem}_instances.png"), mask)
    (root / f"{stem}_classes.json").write_text('{"1": "mug", "2": "can"}')
    (root / f"{stem}_grasps.txt").write_text(f"26;{17 + number};90;20;9\n25;48;0;16;8\n")
