"""Files of objects: what cannot be true is replaced by what follows from the body."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from grasp_core.errors import ConfigError
from grasp_core.transform import Transform
from grasp_sim.object_body import corrected_urdf
from grasp_sim.object_check import (
    INERTIA,
    MASS,
    MIDDLE,
    CheckedObject,
    check_object,
    inertia_can_be,
    is_inside,
    mass_can_be,
    never_weighed,
)
from grasp_sim.object_file import mass_in, read_object
from grasp_sim.objects import object_set
from grasp_sim.scenes import settle
from grasp_sim.simulation import Simulation

# A box of 0.1 x 0.04 x 0.06 m beside the link's origin; 0.24 kg are 1000 kg/m^3.
BOX = '<origin xyz="0.2 0 0"/><geometry><box size="0.1 0.04 0.06"/></geometry>'
MOMENTS = (1.04e-4, 2.72e-4, 2.32e-4)  # of that box


def write(
    folder: Path,
    mass: float = 0.24,
    middle: str = "0.2 0 0",
    moments: tuple[float, ...] = MOMENTS,
    shape: str = BOX,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    inertia = " ".join(f'i{a}{a}="{m}"' for a, m in zip("xyz", moments, strict=True))
    (folder / "model.urdf").write_text(
        f'<robot name="x"><link name="x"><inertial><origin xyz="{middle}"/><mass value="{mass}"/>'
        f'<inertia {inertia} ixy="0" ixz="0" iyz="0"/></inertial><visual>{shape}</visual>'
        f"<collision>{shape}</collision></link></robot>"
    )
    return folder / "model.urdf"


def checked(path: Path, *, weighed: bool | None = None) -> CheckedObject:
    return check_object(read_object(path), weighed=weighed)


def test_a_sound_file_is_believed(tmp_path: Path) -> None:
    found = checked(write(tmp_path, middle="0.21 0.01 0"))  # off its middle, and inside
    assert found.replaced == ()
    assert found.mass_kg == 0.24
    assert found.moments is not None
    assert np.allclose(found.moments, MOMENTS)
    assert np.allclose(found.T_link_mass.translation, (0.21, 0.01, 0.0))
    assert np.allclose(found.corners.mean(axis=0), (-0.01, -0.01, 0.0))


def test_a_middle_of_mass_outside_the_body_becomes_that_of_the_body(tmp_path: Path) -> None:
    found = checked(write(tmp_path, middle="0.2 0 0.038"))  # 8 mm above the top
    assert MIDDLE in found.replaced
    assert np.allclose(found.T_link_mass.translation, (0.2, 0.0, 0.0), atol=1e-6)
    assert np.allclose(found.corners.mean(axis=0), 0.0, atol=1e-9)
    assert found.mass_kg == 0.24


@pytest.mark.parametrize(
    ("moments", "fits"),
    [
        (MOMENTS, True),
        ((1.0e-4, 3.0e-4, 2.1e-4), True),
        ((0.0, 2.72e-4, 2.72e-4), False),  # not above 0
        ((1.04e-4, 4.0e-4, 2.32e-4), False),  # more than the sum of the others
        ((1.0, 1.0, 1.0), False),  # of something else
        ((1e-6, 1e-6, 1e-6), False),
        ((float("nan"),) * 3, False),
    ],
)
def test_moments_of_inertia(tmp_path: Path, moments: tuple[float, ...], fits: bool) -> None:
    path = write(tmp_path, moments=moments)
    assert inertia_can_be(0.24, moments, read_object(path).corners) is fits
    assert (checked(path).moments is not None) is fits
    assert (INERTIA in checked(path).replaced) is not fits


@pytest.mark.parametrize(
    ("mass", "moments", "mass_kg"),
    [
        (0.24, MOMENTS, 0.24),
        (0.0, MOMENTS, 0.12),
        (0.002, MOMENTS, 0.12),  # lighter than foam
        (9.0, MOMENTS, 0.12),  # heavier than gold
        (0.1, (1.0, 1.0, 0.0), 0.12),  # the default of a collection, with the inertia of nothing
        (0.1, tuple(0.1 / 0.24 * m for m in MOMENTS), 0.1),  # somebody has worked it out
        (0.13, (1.0, 1.0, 0.0), 0.13),  # weighed, whatever its inertia
    ],
)
def test_placeholders_of_mass(
    tmp_path: Path, mass: float, moments: tuple[float, ...], mass_kg: float
) -> None:
    found = checked(write(tmp_path, mass, "0.21 0 0", moments))
    assert found.mass_kg == pytest.approx(mass_kg)
    replaced = mass_kg != mass
    assert (MASS in found.replaced) is replaced
    # A made-up mass takes the middle with it.
    assert found.T_link_mass.translation[0] == pytest.approx(0.2 if replaced else 0.21)


def test_density_bounds() -> None:
    assert mass_can_be(0.02, 1e-3)  # packing foam
    assert mass_can_be(19.3, 1e-3)
    assert not mass_can_be(0.005, 1e-3)
    assert not mass_can_be(25.0, 1e-3)


def test_many_of_one_round_mass_were_never_weighed() -> None:
    assert never_weighed([0.1] * 5)
    assert never_weighed([1.0] * 26)
    assert not never_weighed([0.1] * 4)
    assert not never_weighed([0.1] * 5 + [0.2])
    assert not never_weighed([0.137] * 5)


def test_the_hollow_of_a_bowl_is_inside() -> None:
    ring = np.array([(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, -1)]) * 0.1
    assert is_inside((0.0, 0.0, -0.02), ring)
    assert is_inside((0.0, 0.0, 0.0005), ring)  # files round
    assert not is_inside((0.0, 0.0, 0.008), ring)


def test_a_set_says_once_what_was_replaced(tmp_path: Path) -> None:
    for name in "abcde":
        write(tmp_path / name, mass=0.1)
    objects = object_set(str(tmp_path))
    assert objects.weighed is False
    (mass,) = objects.findings()
    assert mass == (
        "the mass in the files of 5 of 5 objects cannot be true and is replaced by their volume "
        "at 500 kg/m^3: a, b, c, d, e"
    )
    assert "2 of 2 objects" in objects.findings(["d", "b", "d"])[0]
    write(tmp_path / "f", mass=0.24)
    assert object_set(str(tmp_path)).weighed is None
    assert object_set("dev").findings() == []
    assert object_set("dev").checked("012").mass_kg == 0.1


def test_shapes_that_cannot_be_read_leave_the_file_as_it_is(tmp_path: Path) -> None:
    shape = '<geometry><mesh filename="body.dae"/></geometry>'
    found = checked(write(tmp_path, shape=shape))
    assert (found.mass_kg, found.replaced, found.parts) == (0.24, (), ())
    with pytest.raises(ConfigError, match=r"mass is 0.0 kg.*give it a mass above 0"):
        checked(write(tmp_path, mass=0.0, shape=shape))


def test_what_is_no_object_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.urdf"
    for text, words in (("<robot", "is no URDF"), ("<robot name='x'/>", "has no <link>")):
        path.write_text(text)
        with pytest.raises(ConfigError, match=words):
            read_object(path)
        assert mass_in(path) == 0.0  # of a set, the other objects can be used
    with pytest.raises(ConfigError, match="cannot read"):
        read_object(tmp_path / "missing.urdf")
    with pytest.raises(ConfigError, match="inertial"):
        read_object(write(tmp_path, middle="0 0 none"))


def test_the_description_that_is_loaded_names_its_meshes_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "m.obj").write_text("v 0 0 0\nv .1 0 0\nv 0 .1 0\nv 0 0 .1\nf 1 2 3\nf 1 2 4")
    path = write(
        tmp_path, middle="1 0 0", shape='<geometry><mesh filename="m.obj"/></geometry>', mass=0.05
    )
    found = checked(path)
    text = corrected_urdf(found)
    assert text.count(f'filename="{tmp_path}/m.obj"') == 2
    moved = tmp_path / "elsewhere.urdf"
    moved.write_text(text)
    assert np.allclose(read_object(moved).T_link_mass.translation, (0.025,) * 3)


def test_a_body_with_its_middle_outside_stands_and_counts_where_it_is(
    simulation: Simulation, tmp_path: Path
) -> None:
    """Truth goes by the body: the middle of mass in the file lies 8 mm below the table."""
    path = write(tmp_path, middle="0.2 0 -0.038", moments=(1.0, 1.0, 1.0))
    world = simulation.world
    thing = world.add_object("box", checked(path), None)
    x, y = world.cell.bin_center
    world.place(thing, Transform.from_translation(x, y, 0.04))
    settle(world, simulation.step, [thing])
    (truth,) = simulation.truth()
    assert truth.in_bin
    assert truth.pose.translation[2] == pytest.approx(0.035, abs=0.002)  # on the floor of the bin
    assert np.allclose(truth.size_m, (0.1, 0.04, 0.06), atol=0.002)


def test_what_lies_across_the_walls_of_the_bin_is_not_in_it(simulation: Simulation) -> None:
    world = simulation.world
    x, y = world.cell.bin_center
    top, across = world.cell.bin_height_m, 1.2 * world.cell.bin_size_m
    places = {
        "across": ((across, 0.02, 0.02), (x, y + 0.08, top + 0.0105)),
        "leaning over": ((0.03, 0.03, 0.3), (x, y - 0.05, 0.1501)),
    }
    for name, (size, place) in places.items():
        world.add_box(name, size, Transform.from_translation(*place))
    assert {t.name: t.in_bin for t in simulation.truth()} == {
        "across": False,
        "leaning over": True,
    }


def test_what_the_arm_may_not_carry_is_refused(simulation: Simulation, tmp_path: Path) -> None:
    heavy = checked(write(tmp_path, mass=3.2))
    with pytest.raises(ConfigError, match=r"crate weighs 3.20 kg, above the payload_kg 3.0"):
        simulation.world.add_object("crate", heavy, None)
    light = simulation.world.add_object("brick", checked(write(tmp_path, mass=2.9)), None)
    assert simulation.world.client.getDynamicsInfo(light.body, -1)[0] == pytest.approx(2.9)


def test_the_picture_beside_a_mesh_without_material_is_shown(
    simulation: Simulation, tmp_path: Path
) -> None:
    corners = [(x, y, z) for x in (0, 0.1) for y in (0, 0.1) for z in (0, 0.1)]
    faces = ("1 3 4", "1 4 2", "5 6 8", "5 8 7", "1 2 6", "1 6 5", "3 7 8", "3 8 4", "1 5 7")
    lines = [f"v {x} {y} {z}" for x, y, z in corners] + ["vt 0.5 0.5"]
    for face in (*faces, "1 7 3", "2 4 8", "2 8 6"):
        lines.append("f " + " ".join(f"{corner}/1" for corner in face.split()))
    (tmp_path / "m.obj").write_text("\n".join(lines))
    path = write(
        tmp_path, 0.6, "0.05 0.05 0.05", shape='<geometry><mesh filename="m.obj"/></geometry>'
    )
    cv2.imwrite(str(tmp_path / "picture.png"), np.full((8, 8, 3), (255, 0, 0), np.uint8))
    thing = simulation.world.add_object("cube", checked(path), None)
    simulation.world.place(thing, Transform.from_translation(0.5, 0.0, 0.05))
    red, _, blue = simulation.render().color[240, 320].astype(int)
    assert blue > red + 100
