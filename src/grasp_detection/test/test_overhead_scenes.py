"""Synthetic scenes from straight above: heights, labels on them, and weights that say so."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from grasp_core.errors import ConfigError
from grasp_detection.datasets.dataset import DatasetError
from grasp_detection.datasets.overhead_scenes import OverheadScenes
from grasp_detection.datasets.registry import detect_dataset, open_dataset
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig
from grasp_detection.learned.training.pictures import SampleCache
from grasp_detection.learned.training.request import TrainingRequest
from grasp_detection.learned.training.run import view_of

BAR = (0.03, 0.02, 0.12, 0.03, 0.04, 0.6)
TILTS = (0.0, 50.0)


@pytest.fixture(scope="module")
def root(tmp_path_factory, scene, solids, world_from_camera):
    """A scene with a bar on the table, seen twice from either tilt, and a label across it."""
    folder = tmp_path_factory.mktemp("scenes")
    (folder / "000").mkdir()
    box, _ = solids
    views = []
    label = (*BAR[:2], BAR[4], BAR[3], 0.02, BAR[5] + math.pi / 2)
    away = (0.15, 0.15, 0.05, 0.03, 0.02, 0.0)  # where nothing is
    # Even pictures know their workspace, odd ones do not.
    for number, tilt in enumerate(np.radians(np.repeat(TILTS, 2))):
        frame = scene(box(*BAR), tilt=tilt)
        camera = {
            name: getattr(frame.camera, name)
            for name in ("width", "height", "fx", "fy", "cx", "cy")
        }
        views.append({"camera": camera, "T_base_camera": world_from_camera(tilt).matrix.tolist()})
        stem = folder / "000" / f"{number}_scene000000"
        depth = cv2.imencode(".tiff", frame.depth_m)[1]
        stem.with_name(f"{stem.name}_stereo_depth.tiff").write_bytes(depth.tobytes())
        lines = "".join(";".join(map(str, place)) + "\n" for place in (label, away))
        stem.with_name(f"{stem.name}_places.txt").write_text(lines)
        stem.with_name(f"{stem.name}_quality.txt").write_text("0.9\n0.8\n")
    about = {
        "workspace_min": [-0.22, -0.28, -0.01],
        "workspace_max": [0.22, 0.28, 0.3],
        "views": views,
    }
    (folder / "000" / "scene000000.json").write_text(json.dumps(about))
    return folder


@pytest.mark.parametrize("index", range(2 * len(TILTS)))
def test_labels_lie_across_what_stands_there_from_any_pose(root, index):
    sample = OverheadScenes(root).load(index)
    height_m = sample.relief_m
    assert height_m.shape == (292, 292)
    ((u, v, opening, jaw, angle),) = sample.grasps  # the other was not seen
    assert sample.grasp_quality.tolist() == [0.9]
    assert opening * 0.002 == pytest.approx(BAR[3], abs=1e-4)
    assert jaw * 0.002 == pytest.approx(0.02, abs=1e-4)
    axis = np.array([math.cos(angle), math.sin(angle)])

    def height(along, across):
        x, y = np.rint([u, v] + along * axis + across * axis[::-1] * (-1, 1)).astype(int)
        return height_m[y, x]

    for across in (-5.0, 0.0, 5.0):
        assert height(0.0, across) == pytest.approx(BAR[4], abs=0.003)
    for side in (-1.0, 1.0):
        assert height(side * (opening / 2 + 5), 0.0) < 0.005
        assert height(0.0, side * 20.0) > 0.03  # the bar runs along the jaws
    np.testing.assert_allclose(sample.depth_m, 1.0 - height_m, atol=1e-6)


def test_training_sees_the_heights_as_they_are(root):
    dataset = OverheadScenes(root)
    kept = SampleCache(dataset, "d")[0]
    np.testing.assert_array_equal(kept.depth_m, dataset.load(0).relief_m)


def test_pictures_of_a_scene_are_one_object_and_the_layout_is_asked_for_by_name(root):
    dataset = open_dataset("overhead", root)
    assert {record.object for record in dataset.records} == {"scene000000"}
    assert dataset.records[0].view == "000/0_scene000000"
    assert detect_dataset(root).name == "jacquard"


def test_broken_scenes_are_told_with_their_path(root, tmp_path):
    with pytest.raises(DatasetError, match="no finished synthetic scene"):
        OverheadScenes(tmp_path)
    (tmp_path / "000").mkdir()
    (tmp_path / "000" / "scene000000.json").write_text("{")
    with pytest.raises(DatasetError, match=r"scene000000\.json is broken"):
        OverheadScenes(tmp_path)


def test_weights_trained_on_them_say_what_they_look_at(root):
    dataset = OverheadScenes(root)

    def request(view_m):
        config = TrainingConfig(modality="d")
        return TrainingRequest(
            "fast", "overhead", root, Path("split"), config, AugmentConfig(), view_m=view_m
        )

    assert view_of(request(0.0), dataset) == {"view_m": 0.584, "view": "overhead"}
    with pytest.raises(ConfigError, match="leave it out"):
        view_of(request(0.5), dataset)
