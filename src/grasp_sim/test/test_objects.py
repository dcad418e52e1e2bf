from __future__ import annotations

from pathlib import Path

import pytest

from grasp_core.errors import ConfigError
from grasp_sim.config import SimConfig
from grasp_sim.objects import object_set


def test_split_is_fixed_and_disjoint():
    dev, test = object_set("dev"), object_set("test")
    assert (len(dev.paths), len(test.paths)) == (900, 100)
    assert not set(dev.paths) & set(test.paths)
    assert not set(dev.paths.values()) & set(test.paths.values())
    assert next(iter(test.paths)) == "900"
    assert all(path.is_file() for path in test.paths.values())


def test_unknown_set_names_the_valid_ones():
    with pytest.raises(ConfigError, match=r"'nothing'.*dev, test, household.*or a folder"):
        object_set("nothing")


def test_unknown_object_is_named():
    with pytest.raises(ConfigError, match="'950'"):
        object_set("dev").path("950")


def test_folder_of_objects(tmp_path: Path):
    for name in ("mug", "can"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.urdf").write_text("<robot name='x'><link name='x'/></robot>")
    (tmp_path / "empty").mkdir()
    found = object_set(str(tmp_path))
    assert list(found.paths) == ["can", "mug"]
    assert not found.painted


def test_folder_without_objects_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="no subfolder"):
        object_set(str(tmp_path))


def test_draw_is_seeded_and_repeats_only_when_used_up():
    dev, test = object_set("dev"), object_set("test")
    assert dev.draw(10, 7) == dev.draw(10, 7)
    assert dev.draw(10, 7) != dev.draw(10, 8)
    assert len(set(test.draw(100, 1))) == 100
    assert len(test.draw(150, 1)) == 150


def test_config_refuses_contradictions():
    with pytest.raises(ConfigError, match="workspace_x"):
        SimConfig(workspace_x=(0.5, 0.4))
    with pytest.raises(ConfigError, match="auto, egl, tiny"):
        SimConfig(renderer="vulkan")
