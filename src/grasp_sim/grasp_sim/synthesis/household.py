"""Objects of household sizes, drawn by chance: boxes, cans and tools.

The random objects that come with PyBullet are small, light and of one density. What stands in a
kitchen is often wider than the jaws in some direction, and what lies in a workshop has its mass at
one end; scenes with these teach a network where not to grasp.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import ConfigError

KINDS = ("box", "can", "tool")
_MASS_KG = (0.05, 0.6)
_BOX_M = (0.02, 0.22)  # of each side
_CAN_RADIUS_M, _CAN_LENGTH_M = (0.012, 0.055), (0.03, 0.22)
_HANDLE_M, _HANDLE_SIDE_M = (0.12, 0.28), (0.012, 0.035)
_HEAD_M, _HEAD_SIDE_M = (0.05, 0.12), (0.02, 0.04)
_HEAD_SHARE = (0.4, 0.85)  # of a tool's mass


@dataclass(frozen=True)
class Part:
    """One convex part: a box of three sides, or a cylinder of radius and length along z.

    Attributes:
        size_m: Three sides, or radius and length.
        center_m: Where it is in the object's frame.
        mass_kg: Kilograms.
    """

    size_m: tuple[float, ...]
    center_m: tuple[float, float, float]
    mass_kg: float

    @property
    def inertia(self) -> NDArray[np.float64]:
        """About its own centre, diagonal of the axes, shape (3,), kg m^2."""
        if len(self.size_m) == 3:
            squares = np.square(self.size_m)
            return np.asarray(self.mass_kg / 12.0 * (squares.sum() - squares))
        radius, length = self.size_m
        across = self.mass_kg * (3.0 * radius**2 + length**2) / 12.0
        return np.array([across, across, 0.5 * self.mass_kg * radius**2])


def draw_parts(kind: str, rng: np.random.Generator) -> list[Part]:
    """The parts of an object.

    Args:
        kind: One of :data:`KINDS`.
        rng: Decides sizes and masses.

    Raises:
        ConfigError: No such kind.
    """

    def between(low: float, high: float) -> float:
        """As many small things as large ones."""
        return float(math.exp(rng.uniform(math.log(low), math.log(high))))

    mass_kg, middle = between(*_MASS_KG), (0.0, 0.0, 0.0)
    if kind == "box":
        return [Part(tuple(between(*_BOX_M) for _ in range(3)), middle, mass_kg)]
    if kind == "can":
        return [Part((between(*_CAN_RADIUS_M), between(*_CAN_LENGTH_M)), middle, mass_kg)]
    if kind != "tool":
        raise ConfigError(f"no kind of object {kind!r}; valid are {', '.join(KINDS)}")
    length, side = between(*_HANDLE_M), between(*_HANDLE_SIDE_M)
    head, thick = between(*_HEAD_M), between(*_HEAD_SIDE_M)
    share = float(rng.uniform(*_HEAD_SHARE))
    place = (0.5 * (length + thick), float(rng.uniform(-0.25, 0.25)) * head, 0.0)
    return [
        Part((length, side, side), middle, (1.0 - share) * mass_kg),
        Part((thick, head, thick), place, share * mass_kg),
    ]


def urdf_of(name: str, parts: Sequence[Part], color: Sequence[float]) -> str:
    """An object's description: one link whose inertia is that of its parts.

    Args:
        name: Of robot and link.
        parts: Convex; they may touch.
        color: Red, green and blue in [0, 1].
    """
    mass_kg = sum(part.mass_kg for part in parts)
    center = np.sum([part.mass_kg * np.array(part.center_m) for part in parts], axis=0) / mass_kg
    inertia = np.zeros((3, 3))
    for part in parts:
        away = np.array(part.center_m) - center
        inertia += np.diag(part.inertia)
        inertia += part.mass_kg * (away @ away * np.eye(3) - np.outer(away, away))
    robot = ElementTree.Element("robot", name=name)
    link = ElementTree.SubElement(robot, "link", name=name)
    inertial = ElementTree.SubElement(link, "inertial")
    ElementTree.SubElement(inertial, "origin", xyz=_text(center))
    ElementTree.SubElement(inertial, "mass", value=f"{mass_kg:.6g}")
    moments = {
        f"i{'xyz'[i]}{'xyz'[j]}": f"{inertia[i, j]:.6g}" for i in range(3) for j in range(i, 3)
    }
    ElementTree.SubElement(inertial, "inertia", moments)
    for part in parts:
        for role in ("visual", "collision"):
            element = ElementTree.SubElement(link, role)
            ElementTree.SubElement(element, "origin", xyz=_text(part.center_m))
            geometry = ElementTree.SubElement(element, "geometry")
            if len(part.size_m) == 3:
                ElementTree.SubElement(geometry, "box", size=_text(part.size_m))
            else:
                radius, length = (f"{value:.5g}" for value in part.size_m)
                ElementTree.SubElement(geometry, "cylinder", radius=radius, length=length)
            if role == "visual":
                material = ElementTree.SubElement(element, "material", name=f"{name}_paint")
                ElementTree.SubElement(material, "color", rgba=_text([*color, 1.0]))
    ElementTree.indent(robot)
    return ElementTree.tostring(robot, encoding="unicode") + "\n"


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
        text = urdf_of(name, draw_parts(kind, rng), rng.uniform(0.1, 0.95, 3).tolist())
        try:
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / "model.urdf").write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"cannot write {folder / name}: {error.strerror}") from error
        names.append(name)
    return names


def _text(values: Sequence[float] | NDArray[np.float64]) -> str:
    return " ".join(f"{value:.5g}" for value in values)
