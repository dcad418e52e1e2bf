"""What an object's URDF says: mass, middle of mass, inertia, and the convex parts of its body.

What counts as the body are its collision shapes, for that is what jaws and table touch. Bullet
takes the convex hull of each shape, and of each object or group of an OBJ file.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import ConfigError
from grasp_core.transform import Transform
from grasp_sim.convex_mass import Points

_SPHERE_POINTS = 2000
_CIRCLE_POINTS = 64


@dataclass(frozen=True, eq=False)
class ObjectFile:
    """An object with one link, as its URDF describes it; nothing is checked.

    Attributes:
        path: The URDF.
        mass_kg: Kilograms; 0 where the file names none.
        T_link_mass: Where the middle of mass is, and the axes of the inertia.
        moments: Diagonal of the inertia about these axes, shape (3,), kg m^2.
        parts: Corners of the convex parts of the body, shape (N, 3) each, metres, in the frame of
            ``T_link_mass``; empty where the shapes cannot be read.
    """

    path: Path
    mass_kg: float
    T_link_mass: Transform
    moments: NDArray[np.float64]
    parts: tuple[Points, ...]

    @property
    def corners(self) -> Points:
        """All corners of the body, shape (N, 3), in the frame of ``T_link_mass``."""
        return np.concatenate(self.parts) if self.parts else np.empty((0, 3))


def read_object(path: Path) -> ObjectFile:
    """Read an object's URDF and the meshes of its body.

    Raises:
        ConfigError: The file is no URDF with a link.
    """
    root = _root(path)
    inertial = root.find("link/inertial")
    try:
        T_link_mass = _pose(inertial)
        mass_kg = _value(inertial, "mass", "value")
        moments = np.array([_value(inertial, "inertia", f"i{axis}{axis}") for axis in "xyz"])
    except ValueError as error:
        raise ConfigError(f"{path}: its <inertial> cannot be read: {error}") from error
    try:
        parts = tuple(T_link_mass.inverse().apply(part) for part in _body(root, path.parent))
    except (OSError, ValueError, KeyError, IndexError):
        parts = ()
    return ObjectFile(path, mass_kg, T_link_mass, moments, parts)


def mass_in(path: Path) -> float:
    """The mass that a URDF names, kg; 0 where it names none that can be read.

    A file that is none is told of by whoever puts its object into a scene: the others can be used.
    """
    try:
        return _value(_root(path).find("link/inertial"), "mass", "value")
    except (ConfigError, ValueError):
        return 0.0


def _root(path: Path) -> ElementTree.Element:
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except ElementTree.ParseError as error:
        raise ConfigError(f"{path} is no URDF: {error}") from error
    if root.find("link") is None:
        raise ConfigError(f"{path} is no URDF of an object: it has no <link>")
    return root


def _value(parent: ElementTree.Element | None, child: str, attribute: str) -> float:
    element = None if parent is None else parent.find(child)
    return 0.0 if element is None else float(element.get(attribute, "0"))


def _pose(element: ElementTree.Element | None) -> Transform:
    """Of the ``origin`` of an element, in its link."""
    origin = None if element is None else element.find("origin")
    values = {} if origin is None else origin.attrib
    return Transform.from_rpy(
        _numbers(values.get("rpy", "0 0 0")), _numbers(values.get("xyz", "0 0 0"))
    )


def _body(root: ElementTree.Element, folder: Path) -> list[Points]:
    return [
        _pose(shape).apply(part)
        for shape in root.findall("link/collision")
        for part in _parts(shape, folder)
    ]


def _parts(collision: ElementTree.Element, folder: Path) -> list[Points]:
    """Convex parts of a collision shape, in its own frame."""
    geometry = collision.find("geometry")
    shape = next(iter(geometry), None) if geometry is not None else None
    if shape is None:
        raise ValueError("a collision shape without geometry")
    about = shape.attrib
    if shape.tag == "box":
        signs = np.array(np.meshgrid([-0.5, 0.5], [-0.5, 0.5], [-0.5, 0.5])).reshape(3, -1).T
        return [signs * _numbers(about["size"])]
    if shape.tag == "sphere":
        return [float(about["radius"]) * spread_evenly(_SPHERE_POINTS)]
    if shape.tag == "cylinder":
        turn = np.linspace(0.0, 2.0 * math.pi, _CIRCLE_POINTS, endpoint=False)
        rim = float(about["radius"]) * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        half = float(about["length"]) / 2.0
        ends = [np.column_stack([rim, np.full(_CIRCLE_POINTS, z)]) for z in (-half, half)]
        return [np.concatenate(ends)]
    if shape.tag == "mesh" and about["filename"].lower().endswith(".obj"):
        scale = _numbers(about.get("scale", "1 1 1"))
        return [part * scale for part in _parts_of_obj(folder / about["filename"])]
    raise ValueError(f"a shape that is not read: {shape.tag}")


def _parts_of_obj(path: Path) -> list[Points]:
    """Corners of each object or group that has faces, shape (N, 3) each, in the file's unit."""
    corners: list[list[float]] = []
    parts: list[set[int]] = [set()]
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        kind, *values = line.split() or [""]
        if kind == "v":
            corners.append([float(value) for value in values[:3]])
        elif kind in ("o", "g"):
            parts.append(set())
        elif kind == "f":
            numbers = [int(value.partition("/")[0]) for value in values]
            # Counted from 1, or from the end where negative.
            parts[-1] |= {n - 1 if n > 0 else len(corners) + n for n in numbers}
    points = np.array(corners)
    return [points[sorted(part)] for part in parts if part]


def _numbers(text: str) -> Points:
    return np.array(text.split(), np.float64)


def spread_evenly(count: int) -> Points:
    """Unit vectors over the sphere by the golden spiral, shape (count, 3)."""
    index = np.arange(count) + 0.5
    z = 1.0 - 2.0 * index / count
    turn = math.pi * (1.0 + math.sqrt(5.0)) * index
    radius = np.sqrt(1.0 - z**2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), z], axis=1)
