"""Synthetic pictures: labelled, written, read back, and made again bit for bit."""

from __future__ import annotations

import filecmp
import json
from pathlib import Path

import numpy as np
import pytest

from grasp_benchmark.synthesis.files import begin, read_scene, scene_file, stem_of
from grasp_benchmark.synthesis.scene_job import SceneJob, attempt_scene
from grasp_benchmark.synthesis.scene_maker import make_scene
from grasp_benchmark.synthesis.statistics import statistics_of
from grasp_core.errors import ConfigError
from grasp_detection.datasets.jacquard import JacquardDataset
from grasp_sim.config import SimConfig

_SEED = 5
_SCENES = (2, 5)  # one object, and four
_ROBOT = "panda"
_CONFIG = SimConfig(objects="dev", renderer="tiny")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    for index in _SCENES:
        make_scene(SceneJob(folder, _CONFIG, _SEED, index))
    return folder


def test_scenes_are_read_by_the_loader_of_the_layout(root: Path) -> None:
    dataset = JacquardDataset(root)
    assert len(dataset.records) == len(_SCENES)
    for index in range(len(_SCENES)):
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


def test_jaws_of_labels_have_room_beside_what_they_hold(root: Path) -> None:
    """Both jaws come down where the surface is lower than between them."""
    for sample in (JacquardDataset(root, "perfect").load(i) for i in range(len(_SCENES))):
        assert sample.depth_m is not None
        lower = 0
        for row in sample.grasps:
            axis = np.array([np.cos(row[4]), np.sin(row[4])])
            reach = row[2] / 2 + 4
            steps = np.linspace(-reach, reach, 21)
            u, v = np.rint(row[:2] + steps[:, None] * axis).astype(int).T
            depth = sample.depth_m[v, u]
            # The mean of both sides, for the camera may lean.
            lower += 0.5 * (depth[0] + depth[-1]) - depth.min() > 0.003
        assert lower > 0.95 * len(sample.grasps)


def test_a_scene_is_the_same_in_another_order(root: Path, tmp_path: Path) -> None:
    make_scene(SceneJob(tmp_path, _CONFIG, _SEED, _SCENES[1]))
    stem = stem_of(root, _SCENES[1])
    names = sorted(path.name for path in stem.parent.glob(f"{stem.name}_*"))
    assert len(names) == 9
    same, different, missing = filecmp.cmpfiles(
        stem.parent, stem_of(tmp_path, _SCENES[1]).parent, names, shallow=False
    )
    assert (sorted(same), different, missing) == (names, [], [])


def test_statistics_count_what_is_there(root: Path) -> None:
    found = statistics_of(root, range(10))
    assert found.scenes == len(_SCENES)
    labels = [len(JacquardDataset(root).load(index).grasps) for index in range(len(_SCENES))]
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
    said = attempt_scene(SceneJob(tmp_path, _CONFIG, _SEED, _SCENES[0]))
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
