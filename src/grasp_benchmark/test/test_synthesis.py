"""Synthetic pictures: labelled, written, read back, and made again bit for bit."""

from __future__ import annotations

import filecmp
import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from grasp_benchmark.synthesis.files import begin, read_scene, scene_file, stem_of
from grasp_benchmark.synthesis.labels import Labeller
from grasp_benchmark.synthesis.scene_job import SceneJob, attempt_scene
from grasp_benchmark.synthesis.scene_maker import make_scene
from grasp_benchmark.synthesis.statistics import statistics_of
from grasp_core.camera import PinholeCamera
from grasp_core.errors import ConfigError
from grasp_core.projection import PlanarGrasp, plane_to_rectangle
from grasp_core.rectangle import angle_difference, rectangles_to_array
from grasp_core.robot import load_robot
from grasp_core.transform import Transform
from grasp_detection.datasets.jacquard import JacquardDataset
from grasp_detection.datasets.labels import read_center_rows
from grasp_sim.config import SimConfig
from grasp_sim.synthesis.classes import CLASSES
from grasp_sim.synthesis.scene_builder import SceneBuilder

_SEED = 5
_SCENES = (2, 5)  # one object, and four
_ROBOT = "panda"
_VIEWS = 2
_CONFIG = SimConfig(
    renderer="tiny",
    image_width=320,
    image_height=240,
    camera_fx=307.0,
    camera_fy=307.0,
    camera_cx=159.5,
    camera_cy=119.5,
)


def _job(root: Path, index: int) -> SceneJob:
    return SceneJob(root, _CONFIG, "dev", _SEED, index, _VIEWS)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    for index in _SCENES:
        make_scene(_job(folder, index))
    return folder


def test_scenes_are_read_by_the_loader_of_the_layout(root: Path) -> None:
    dataset = JacquardDataset(root)
    assert len(dataset.records) == _VIEWS * len(_SCENES)
    assert len({record.object for record in dataset.records}) == len(_SCENES)
    for index in range(len(dataset.records)):
        sample = dataset.load(index)
        assert sample.color is not None
        assert sample.depth_m is not None
        assert sample.instances is not None
        assert sample.classes is not None
        assert set(np.unique(sample.instances)) - {0} == set(sample.classes)
        assert len(sample.grasps) > 5
        assert sample.grasp_quality is not None
        assert sample.grasp_quality.min() >= 0.5
        assert sample.grasp_instances is not None
        assert (sample.grasp_instances > 0).all()


def test_class_masks_and_instances_tell_the_same(root: Path) -> None:
    dataset = JacquardDataset(root)
    for index, record in enumerate(dataset.records):
        sample = dataset.load(index)
        path = root / f"{record.view}_class_mask.png"
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert sample.instances is not None
        assert sample.classes is not None
        numbers = {0: 0, **{n: CLASSES.index(name) + 1 for n, name in sample.classes.items()}}
        expected = np.vectorize(numbers.get)(sample.instances)
        np.testing.assert_array_equal(mask, expected)


def test_rectangles_and_places_are_the_same_grasps(root: Path) -> None:
    for scene in _SCENES:
        about = read_scene(root, scene)
        assert about is not None
        for number, view in enumerate(about["views"]):
            stem = stem_of(root, scene, number)
            rows, _ = read_center_rows(stem.with_name(f"{stem.name}_grasps.txt"))
            places = np.loadtxt(stem.with_name(f"{stem.name}_places.txt"), delimiter=";", ndmin=2)
            assert len(rows) == len(places) == view["grasps"]
            camera = PinholeCamera(**view["camera"])
            pose = np.array(view["T_base_camera"])
            T_camera_base = Transform.from_rotation(pose[:3, :3], pose[:3, 3]).inverse()
            for row, (x, y, z, opening, jaw, angle) in zip(rows, places, strict=True):
                closing = (math.cos(angle), math.sin(angle), 0.0)
                planar = PlanarGrasp(
                    T_camera_base.apply((x, y, z)),
                    T_camera_base.rotate(closing),
                    T_camera_base.rotate((0.0, 0.0, -1.0)),
                    opening,
                )
                rectangle, _ = plane_to_rectangle(planar, camera, jaw)
                expected = rectangles_to_array([rectangle])[0]
                np.testing.assert_allclose(row[:4], expected[:4], atol=0.1)
                assert abs(angle_difference(row[4], expected[4])) < 0.01


def test_jaws_of_labels_have_room_beside_what_they_hold(root: Path) -> None:
    """From above, both jaws come down where the surface is lower than between them."""
    builder = SceneBuilder(_CONFIG, "dev", load_robot(_ROBOT))
    try:
        recipe = builder.recipe(_SEED, _SCENES[1], views=_VIEWS)
        trials = builder.build(recipe)
        above = builder.look_from_above(recipe)
        labeller = Labeller(load_robot(_ROBOT).gripper)
        labels = labeller.label(above, recipe.surroundings.cell, trials, 0)
    finally:
        builder.close()
    lower = 0
    T_camera_base = above.T_base_camera.inverse()
    for x, y, z, opening, _, angle in labels.places:
        reach = (opening / 2 + 0.006) * np.array([np.cos(angle), np.sin(angle), 0.0])
        beside = np.array([x, y, z]) + np.array([[-1.0], [1.0]]) * reach
        u, v = np.rint(above.camera.project(T_camera_base.apply(beside))).astype(int).T
        height_m = above.T_base_camera.translation[2] - above.depth_m[v, u]
        lower += height_m.max() < z - 0.003
    assert len(labels.places) > 15
    assert lower >= 0.95 * len(labels.places)


def test_a_scene_is_the_same_in_another_order(root: Path, tmp_path: Path) -> None:
    make_scene(_job(tmp_path, _SCENES[1]))
    stem = stem_of(root, _SCENES[1])
    names = sorted(path.name for path in stem.parent.glob(f"*scene{_SCENES[1]:06d}*"))
    assert len(names) == 10 * _VIEWS + 1
    same, different, missing = filecmp.cmpfiles(
        stem.parent, stem_of(tmp_path, _SCENES[1]).parent, names, shallow=False
    )
    assert (sorted(same), different, missing) == (names, [], [])


def test_statistics_count_what_is_there(root: Path) -> None:
    found = statistics_of(root, range(10))
    assert found.scenes == len(_SCENES)
    dataset = JacquardDataset(root)
    assert found.pictures == len(dataset.records)
    labels = [len(dataset.load(index).grasps) for index in range(len(dataset.records))]
    assert found.grasps == sum(labels)
    assert sum(found.trials.values()) >= 8
    assert found.trials["held"] > 0


def test_a_folder_of_other_scenes_is_refused(tmp_path: Path) -> None:
    begin(tmp_path, {"seed": 1, "objects": "dev"})
    begin(tmp_path, {"seed": 1, "objects": "dev"})
    with pytest.raises(ConfigError, match="seed was 1, is 2; give another --out"):
        begin(tmp_path, {"seed": 2, "objects": "dev"})


def test_what_cannot_be_written_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "000").write_text("in the way", encoding="utf-8")
    said = attempt_scene(_job(tmp_path, _SCENES[0]))
    assert "cannot write" in said
    assert not scene_file(tmp_path, _SCENES[0]).exists()


def test_an_unfinished_or_broken_scene_is_noticed(root: Path, tmp_path: Path) -> None:
    assert read_scene(tmp_path, 0) is None
    path = scene_file(tmp_path, 0)
    path.parent.mkdir(parents=True)
    path.write_text('{"index": 0', encoding="utf-8")
    with pytest.raises(ConfigError, match="delete it, and the scene is made again"):
        read_scene(tmp_path, 0)
    about = json.loads(scene_file(root, _SCENES[0]).read_text(encoding="utf-8"))
    assert about["objects"]
