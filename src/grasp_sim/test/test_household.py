"""Objects of household sizes: sound descriptions that rest on a table."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from grasp_core.errors import ConfigError
from grasp_core.robot import load_robot
from grasp_sim.config import SimConfig
from grasp_sim.objects import object_set
from grasp_sim.simulation import Simulation
from grasp_sim.synthesis.household import KINDS, Part, draw_parts, urdf_of, write_objects


def test_a_seed_gives_the_same_objects_and_more_of_them_add(tmp_path: Path) -> None:
    few = write_objects(tmp_path / "few", 3, seed=4)
    many = write_objects(tmp_path / "many", 7, seed=4)
    other = write_objects(tmp_path / "other", 3, seed=5)
    assert few == many[:3]
    assert list(object_set(str(tmp_path / "many")).paths) == sorted(many)

    def text(folder: str, name: str) -> str:
        return (tmp_path / folder / name / "model.urdf").read_text()

    assert all(text("few", name) == text("many", name) for name in few)
    assert all(text("few", name) != text("other", name) for name in other)


@pytest.mark.parametrize("kind", KINDS)
def test_sizes_and_masses_are_those_of_a_household(kind: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        parts = draw_parts(kind, rng)
        assert 0.05 <= sum(part.mass_kg for part in parts) <= 0.6
        assert all(0.01 < size < 0.3 for part in parts for size in part.size_m)


def test_the_inertia_is_that_of_the_parts_about_their_common_centre() -> None:
    parts = [
        Part((0.2, 0.02, 0.02), (0.0, 0.0, 0.0), 0.1),
        Part((0.04, 0.1, 0.04), (0.12, 0.01, 0.0), 0.3),
    ]
    rng = np.random.default_rng(1)
    points, weights = [], []
    for part in parts:
        drawn = rng.uniform(-0.5, 0.5, (200_000, 3)) * part.size_m + part.center_m
        points.append(drawn)
        weights.append(np.full(len(drawn), part.mass_kg / len(drawn)))
    place, weight = np.concatenate(points), np.concatenate(weights)
    center = weight @ place / weight.sum()
    away = place - center
    expected = np.einsum("n,nij->ij", weight, np.eye(3) * (away**2).sum(1)[:, None, None])
    expected -= np.einsum("n,ni,nj->ij", weight, away, away)
    inertial = ElementTree.fromstring(urdf_of("tool", parts, (1, 0, 0))).find("link/inertial")
    assert inertial is not None
    origin, inertia = inertial.find("origin"), inertial.find("inertia")
    assert origin is not None
    assert inertia is not None
    assert np.allclose([float(v) for v in origin.attrib["xyz"].split()], center, atol=1e-4)
    for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)):
        told = float(inertia.attrib[f"i{'xyz'[i]}{'xyz'[j]}"])
        assert told == pytest.approx(expected[i, j], abs=5e-6)


def test_objects_of_all_kinds_come_to_rest(tmp_path: Path) -> None:
    names = write_objects(tmp_path, 3, seed=2)
    simulation = Simulation(SimConfig(objects=str(tmp_path), renderer="tiny"), load_robot("panda"))
    try:
        simulation.new_scene(names, seed=1)
        truth = {thing.name: thing for thing in simulation.truth()}
        assert set(truth) == set(names)
        assert all(thing.on_support for thing in truth.values())
    finally:
        simulation.close()


def test_wrong_values_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="number of objects is 0"):
        write_objects(tmp_path, 0, seed=0)
    with pytest.raises(ConfigError, match="valid are box, can, tool"):
        draw_parts("sofa", np.random.default_rng(0))
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write"):
        write_objects(tmp_path / "file", 1, seed=0)
