"""RoIAlign and boxes as tensors, against cases computed by hand and other implementations."""

import cv2
import numpy as np
import pytest
import torch

from grasp_detection.learned.boxes import decode, encode, iou, unsuppressed
from grasp_detection.learned.roi_align import roi_align


def ramp(height=6, width=8):
    """A map whose first channel is the column and whose second is ten times the row."""
    row, column = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([column, 10.0 * row]).double()[None]


def test_the_middle_of_a_bin_is_read_where_it_lies():
    # At stride 4 column i is centred on pixel 4 i + 1.5; a box of 8 px in two bins of 4 px.
    boxes = torch.tensor([[[9.5, 13.5, 8.0, 8.0]]], dtype=torch.float64)
    seen = roi_align(ramp(), boxes, stride=4, bins=2)
    assert seen.shape == (1, 1, 2, 2, 2)
    # Bins are centred on pixels 7.5 and 11.5: columns 1.5 and 2.5; rows 2.5 and 3.5.
    assert seen[0, 0, 0].tolist() == [[1.5, 2.5], [1.5, 2.5]]
    assert seen[0, 0, 1].tolist() == [[25.0, 25.0], [35.0, 35.0]]


def test_a_bin_is_the_mean_of_its_samples_and_nothing_is_rounded():
    boxes = torch.tensor([[[10.3, 9.1, 9.7, 5.3]]], dtype=torch.float64)
    coarse = roi_align(ramp(), boxes, stride=4, bins=2)
    fine = roi_align(ramp(), boxes, stride=4, bins=2, samples=3)
    assert torch.allclose(coarse, fine)  # on a ramp the middle is the mean
    assert float(coarse[0, 0, 0].mean()) == pytest.approx((10.3 + 0.5) / 4 - 0.5)
    peak = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
    peak[0, 0, 2, 2] = 1.0
    whole = torch.tensor([[[2.0, 2.0, 3.0, 3.0]]], dtype=torch.float64)
    seen = roi_align(peak, whole, stride=1, bins=1, samples=3)
    assert float(seen) == pytest.approx(1.0 / 9.0)


def test_what_lies_outside_repeats_the_border():
    boxes = torch.tensor([[[-100.0, 13.5, 8.0, 8.0], [500.0, 500.0, 8.0, 8.0]]])
    seen = roi_align(ramp().float(), boxes, stride=4, bins=2)
    assert (seen[0, 0, 0] == 0.0).all()
    assert (seen[0, 1, 0] == 7.0).all()
    assert (seen[0, 1, 1] == 50.0).all()


def test_each_picture_s_boxes_are_read_from_its_own_map():
    maps = torch.cat([ramp(), 100.0 + ramp()])
    boxes = torch.tensor([[[9.5, 9.5, 8.0, 8.0]] * 2] * 2, dtype=torch.float64)
    seen = roi_align(maps, boxes, stride=4, bins=3)
    assert torch.allclose(seen[1] - seen[0], torch.full((2, 2, 3, 3), 100.0).double())


def test_gradients_of_map_and_boxes_are_right():
    torch.manual_seed(3)
    maps = torch.randn(2, 3, 5, 7, dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor(
        [
            [[7.3, 6.2, 5.1, 4.7], [12.1, 8.4, 9.3, 3.2]],
            [[3.9, 11.2, 4.4, 6.1], [20.2, 9.9, 3, 2]],
        ],
        dtype=torch.float64,
        requires_grad=True,
    )
    # Away from the cells' borders, where bilinear interpolation has no derivative.
    assert torch.autograd.gradcheck(lambda m, b: roi_align(m, b, 4, 2, 2), (maps, boxes))


def test_corrections_make_references_into_boxes_and_back():
    references = torch.tensor([[10.0, 20.0, 40.0, 10.0]])
    boxes = torch.tensor([[30.0, 15.0, 20.0, 20.0]])
    found = encode(boxes, references)
    assert found.tolist()[0] == pytest.approx([0.5, -0.5, -np.log(2.0), np.log(2.0)])
    assert decode(found, references).tolist()[0] == pytest.approx(boxes.tolist()[0], rel=1e-5)
    assert torch.isfinite(decode(torch.full((1, 4), 1e9), references)).all()


def test_jaccard_index_of_boxes():
    a = torch.tensor([[0.0, 0.0, 4.0, 2.0]])
    b = torch.tensor([[0.0, 0.0, 4.0, 2.0], [2.0, 0.0, 4.0, 2.0], [0.0, 5.0, 4.0, 2.0], [0] * 4])
    assert iou(a, b)[0].tolist() == pytest.approx([1.0, 1.0 / 3.0, 0.0, 0.0])


def test_suppression_keeps_what_opencv_keeps():
    rng = np.random.default_rng(5)
    boxes = np.concatenate([rng.uniform(0, 60, (120, 2)), rng.uniform(8, 30, (120, 2))], axis=1)
    score = np.sort(rng.uniform(0.1, 1.0, 120))[::-1]
    corners = [(x - w / 2, y - h / 2, w, h) for x, y, w, h in boxes]
    expected = sorted(cv2.dnn.NMSBoxes(corners, score.tolist(), 0.0, 0.5))
    tensor = torch.from_numpy(boxes)[None].float()
    kept = unsuppressed(tensor, 0.5, 120, rounds=12)
    assert 0 < len(expected) < 120
    assert torch.nonzero(kept[0]).flatten().tolist() == expected
    # One question alone drops what only a dropped box overlaps.
    assert int(unsuppressed(tensor, 0.5, 120, rounds=1).sum()) < len(expected)
