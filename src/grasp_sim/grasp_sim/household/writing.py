"""Writes household objects as files: a URDF, and an OBJ mesh for each of its colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from grasp_core.errors import ConfigError
from grasp_sim.convex_mass import Points, mass_properties
from grasp_sim.household.kinds import KINDS, draw_solids
from grasp_sim.household.solids import Solid

Color = tuple[float, float, float]


def write_objects(folder: Path, count: int, seed: int) -> list[str]:
    """Write objects of all kinds in turn, one per subfolder, as an object set has them.

    Args:
        folder: Made where it is missing; objects of the same names are replaced.
        count: How many.
        seed: Of sizes, masses and colours; a larger count adds to a smaller one.

    Returns:
        Their names.

    Raises:
        ConfigError: The count is below 1, or something cannot be written.
    """
    if count < 1:
        raise ConfigError(f"the number of objects is {count}, must be at least 1")
    names: list[str] = []
    for index in range(count):
        rng = np.random.default_rng([abs(seed), index])
        kind = KINDS[index % len(KINDS)]
        name = f"{kind}_{index:04d}"
        solids = draw_solids(kind, rng)
        try:
            _write(folder / name, name, solids, rng)
        except OSError as error:
            raise ConfigError(f"cannot write {folder / name}: {error.strerror}") from error
        names.append(name)
    return names


def _write(folder: Path, name: str, solids: Sequence[Solid], rng: np.random.Generator) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    paints = sorted({solid.paint for solid in solids})
    colors: dict[str, Color] = {}
    for paint in paints:
        red, green, blue = rng.uniform(0.1, 0.95, 3).tolist()
        colors[paint] = (red, green, blue)
        parts = [solid.corners for solid in solids if solid.paint == paint]
        (folder / f"{paint}.obj").write_text(obj_of(parts), encoding="utf-8")
    (folder / "model.urdf").write_text(urdf_of(name, solids, colors), encoding="utf-8")


def urdf_of(name: str, solids: Sequence[Solid], colors: Mapping[str, Color]) -> str:
    """An object's description: one link whose inertia is that of its solids.

    Args:
        name: Of robot and link.
        solids: Convex; they may touch.
        colors: Of each paint, in [0, 1]; its mesh is the file ``PAINT.obj``.
    """
    body = mass_properties([one.corners for one in solids], [one.density for one in solids])
    robot = ElementTree.Element("robot", name=name)
    link = ElementTree.SubElement(robot, "link", name=name)
    inertial = ElementTree.SubElement(link, "inertial")
    ElementTree.SubElement(inertial, "origin", xyz=_text(body.center_m))
    ElementTree.SubElement(inertial, "mass", value=f"{body.mass_kg:.6g}")
    moments = {
        f"i{'xyz'[row]}{'xyz'[column]}": f"{body.inertia[row, column]:.6g}"
        for row in range(3)
        for column in range(row, 3)
    }
    ElementTree.SubElement(inertial, "inertia", moments)
    for paint, color in colors.items():
        for role in ("visual", "collision"):
            element = ElementTree.SubElement(link, role)
            geometry = ElementTree.SubElement(element, "geometry")
            ElementTree.SubElement(geometry, "mesh", filename=f"{paint}.obj")
            if role == "visual":
                material = ElementTree.SubElement(element, "material", name=f"{name}_{paint}")
                ElementTree.SubElement(material, "color", rgba=_text([*color, 1.0]))
    ElementTree.indent(robot)
    return ElementTree.tostring(robot, encoding="unicode") + "\n"


def obj_of(parts: Sequence[Points]) -> str:
    """A mesh of convex parts, each an object of its own, with faces that look outwards."""
    lines: list[str] = []
    first = 1
    for number, points in enumerate(parts):
        hull = ConvexHull(points)
        middle = points.mean(axis=0)
        lines.append(f"o part_{number}")
        lines += [f"v {_text(point)}" for point in points]
        for face in hull.simplices:
            a, b, c = points[face]
            outwards = np.dot(np.cross(b - a, c - a), a - middle) > 0.0
            corners = face if outwards else face[::-1]
            lines.append("f " + " ".join(str(first + int(corner)) for corner in corners))
        first += len(points)
    return "\n".join(lines) + "\n"


def _text(values: Sequence[float] | NDArray[np.float64]) -> str:
    return " ".join(f"{value:.6g}" for value in values)
