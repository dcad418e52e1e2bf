"""Household objects: sound descriptions with real masses, in parts that share nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from grasp_core.errors import ConfigError
from grasp_sim.convex_mass import mass_properties
from grasp_sim.household import sets
from grasp_sim.household.kinds import KINDS, draw_solids
from grasp_sim.household.sets import household_folder, require_free_seed
from grasp_sim.household.solids import block, bow, drum, wall
from grasp_sim.household.writing import obj_of, write_objects
from grasp_sim.object_check import check_object
from grasp_sim.object_file import read_object
from grasp_sim.objects import NAMED_SETS, NOT_FOR_TRAINING, object_set
from grasp_sim.simulation import Simulation


def test_a_seed_gives_the_same_objects_and_more_of_them_add(tmp_path: Path) -> None:
    few = write_objects(tmp_path / "few", 3, seed=4)
    many = write_objects(tmp_path / "many", 9, seed=4)
    other = write_objects(tmp_path / "other", 3, seed=5)
    assert few == many[:3]
    assert list(object_set(str(tmp_path / "many")).paths) == sorted(many)
    assert {name.partition("_")[0] for name in many} == set(KINDS)

    def text(folder: str, name: str) -> str:
        return "".join(path.read_text() for path in sorted((tmp_path / folder / name).glob("*.*")))

    assert all(text("few", name) == text("many", name) for name in few)
    assert all(text("few", name) != text("other", name) for name in other)


@pytest.mark.parametrize("kind", KINDS)
def test_sizes_and_masses_are_those_of_a_household(kind: str) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        solids = draw_solids(kind, rng)
        corners = [one.corners for one in solids]
        assert 0.003 <= mass_properties(corners, [s.density for s in solids]).mass_kg <= 2.0
        sides = np.sort(np.ptp(np.concatenate(corners), axis=0))
        assert sides[0] > 0.004
        assert sides[1] <= 0.2
        assert sides[2] < 0.45


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_is_read_as_it_was_drawn(tmp_path: Path, kind: str) -> None:
    name = next(one for one in write_objects(tmp_path, len(KINDS), seed=3) if kind in one)
    rng = np.random.default_rng([3, KINDS.index(kind)])
    solids = draw_solids(kind, rng)
    drawn = mass_properties([s.corners for s in solids], [s.density for s in solids])
    file = read_object(tmp_path / name / "model.urdf")
    assert file.mass_kg == pytest.approx(drawn.mass_kg, rel=1e-5)
    assert np.allclose(file.T_link_mass.translation, drawn.center_m, atol=1e-6)
    assert np.allclose(file.moments, np.diag(drawn.inertia), rtol=1e-4)
    assert len(file.parts) == len(solids)
    assert check_object(file).replaced == ()


def test_a_bottle_carries_its_weight_low_and_a_hammer_in_its_head() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        solids = draw_solids("bottle", rng)
        body = mass_properties([s.corners for s in solids], [s.density for s in solids])
        height = max(s.corners[:, 2].max() for s in solids)
        assert body.center_m[2] < 0.55 * height
    hammers = [found for found in (draw_solids("tool", rng) for _ in range(20)) if len(found) == 2]
    for handle, head in hammers:
        body = mass_properties([handle.corners, head.corners], [handle.density, head.density])
        assert body.center_m[0] > handle.corners[:, 0].max() - 0.1


def test_a_wall_holds_as_much_as_its_formula() -> None:
    staves = wall([(0.04, 0.0), (0.04, 0.1)], 0.004, 2000.0)
    found = mass_properties([s.corners for s in staves], [s.density for s in staves])
    # A regular polygon of 16 sides has 0.974 of the area of its circle.
    area = 0.9745 * np.pi * (0.04**2 - 0.036**2)
    assert found.mass_kg == pytest.approx(2000.0 * 0.1 * area, rel=0.001)
    assert np.allclose(found.center_m, (0.0, 0.0, 0.05), atol=1e-9)


def test_a_bow_is_as_thick_as_it_is_told() -> None:
    straight = bow([(0, 0, 0), (0, 0, 0.05), (0, 0, 0.1)], [0.01] * 3, 1000.0)
    corners = np.concatenate([solid.corners for solid in straight])
    assert np.allclose(np.ptp(corners, axis=0), (0.02, 0.02, 0.1))
    cone = drum((0.01, 0.02), (0.0, 0.1), 1000.0, oval=0.5)
    assert np.allclose(np.ptp(cone.corners, axis=0), (0.04, 0.02, 0.1))


def test_faces_of_a_mesh_look_outwards() -> None:
    parts = [block((0.1, 0.2, 0.3), (1.0, 0.0, 0.0), 1.0).corners]
    lines = [line.split() for line in obj_of(parts).splitlines()]
    points = np.array([line[1:] for line in lines if line[0] == "v"], float)
    faces = np.array([line[1:] for line in lines if line[0] == "f"], int) - 1
    a, b, c = (points[faces[:, i]] for i in range(3))
    # The volume by Gauss is positive where all faces look outwards.
    volume = np.einsum("ij,ij->", a - points.mean(axis=0), np.cross(b - a, c - a)) / 6.0
    assert volume == pytest.approx(0.006)


def test_the_parts_share_no_object_and_only_one_is_trained_on() -> None:
    seeds = [part.seed for part in sets.PARTS.values()]
    assert len(set(seeds)) == 3
    assert set(NOT_FOR_TRAINING) == {*NAMED_SETS} - {"dev", "household"}
    require_free_seed(0)
    require_free_seed(sets.PARTS["household"].seed)
    for name in ("household-validation", "household-test"):
        for sign in (1, -1):
            with pytest.raises(ConfigError, match=f"reserved for the set {name}: take another"):
                require_free_seed(sign * sets.PARTS[name].seed)


def test_a_set_is_made_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(sets.PARTS, "household", sets.SetPart(seed=17_001, count=2))
    objects = object_set("household")
    assert list(objects.paths) == ["bottle_0000", "bowl_0001"]
    (kept,) = (tmp_path / "grasp").iterdir()
    assert household_folder("household") == kept
    (kept / "bowl_0001" / "model.urdf").unlink()
    assert list(object_set("household").paths) == ["bottle_0000"]
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ConfigError, match="set XDG_CACHE_HOME to a folder"):
        object_set("household")


def test_objects_of_all_kinds_come_to_rest(simulation: Simulation, tmp_path: Path) -> None:
    names = write_objects(tmp_path, len(KINDS), seed=2)
    objects, before = object_set(str(tmp_path)), simulation.objects
    for name in names:
        simulation.new_scene([name], 1, objects)
        (thing,) = simulation.truth()
        assert thing.on_support
        assert thing.mass_kg == objects.checked(name).mass_kg
    simulation.new_scene(["012"], 1, before)


def test_wrong_values_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="number of objects is 0"):
        write_objects(tmp_path, 0, seed=0)
    with pytest.raises(ConfigError, match="valid are bottle, bowl, box"):
        draw_solids("sofa", np.random.default_rng(0))
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write"):
        write_objects(tmp_path / "file", 1, seed=0)
