"""How narrow an object is at its narrowest: whether jaws could hold it in any pose.

What counts are the convex parts of its collision shapes, for that is what the simulated jaws
touch: each shape, and each object or group of an OBJ file, is one.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.transform import Rotation

Points = NDArray[np.float64]

_DIRECTIONS = 2000
_CIRCLE = 64


def narrowest_m(urdf: Path) -> float:
    """Least distance of two parallel planes with some part of the object between them, metres.

    Jaws that open less hold it in no pose. Measured along the normals of a part's faces and 2000
    directions spread evenly: exact where a face bounds it, slightly too much where only edges do.
    NaN where the shapes cannot be read.

    Args:
        urdf: Description of an object with one link.
    """
    try:
        return min(map(_width_m, convex_parts(urdf)))
    except (ValueError, QhullError):
        return math.nan


def narrowest_lying_m(urdf: Path, rotation: Points) -> float:
    """The same between upright planes, for jaws from above, as the object lies.

    Args:
        urdf: Description of an object with one link.
        rotation: Of the link's inertial frame in a frame with z up, shape (3, 3).
    """
    try:
        return min(_flat_width_m((part @ rotation.T)[:, :2]) for part in convex_parts(urdf))
    except (ValueError, QhullError):
        return math.nan


def _width_m(points: Points) -> float:
    hull = ConvexHull(points)
    directions = np.concatenate([hull.equations[:, :3], _spread_evenly(_DIRECTIONS)])
    return _least_extent(points[hull.vertices], directions)


def _flat_width_m(points: Points) -> float:
    """Of a polygon, an edge bounds the narrowest strip that holds it."""
    # Corners above one another coincide but for rounding: edges between these point anywhere.
    points = np.unique(np.round(points, 6), axis=0)
    hull = ConvexHull(points)
    return _least_extent(points[hull.vertices], hull.equations[:, :2])


def _least_extent(points: Points, directions: Points) -> float:
    along = points @ directions.T
    return float((along.max(axis=0) - along.min(axis=0)).min())


@functools.lru_cache(maxsize=64)
def convex_parts(urdf: Path) -> tuple[Points, ...]:
    """Corners of the convex parts, shape (N, 3) each, metres; where a part lies does not matter.

    Args:
        urdf: Description of an object with one link.

    Returns:
        In axes of the link's inertial frame, which is the one whose pose PyBullet tells.

    Raises:
        ValueError: There are none, or they cannot be read.
    """
    try:
        root = ElementTree.parse(urdf).getroot()
        turn = _turn(root.find("link/inertial")).inv()
        found = [
            (turn * _turn(shape)).apply(part)
            for shape in root.iter("collision")
            for part in _parts(shape, urdf.parent)
        ]
    except (OSError, KeyError, IndexError, ElementTree.ParseError) as error:
        raise ValueError(f"cannot read the shapes of {urdf}: {error}") from error
    if not found:
        raise ValueError(f"{urdf} has no collision shape")
    return tuple(found)


def _turn(element: ElementTree.Element | None) -> Rotation:
    origin = None if element is None else element.find("origin")
    text = "0 0 0" if origin is None else origin.get("rpy", "0 0 0")
    return Rotation.from_euler("xyz", _numbers(text))


def _parts(collision: ElementTree.Element, folder: Path) -> list[Points]:
    """Convex parts of a collision shape, in its own axes."""
    geometry = collision.find("geometry")
    shape = next(iter(geometry), None) if geometry is not None else None
    if shape is None:
        raise ValueError("a collision shape without geometry")
    about = shape.attrib
    if shape.tag == "box":
        signs = np.array(np.meshgrid([-0.5, 0.5], [-0.5, 0.5], [-0.5, 0.5])).reshape(3, -1).T
        return [signs * _numbers(about["size"])]
    if shape.tag == "sphere":
        return [float(about["radius"]) * _spread_evenly(_DIRECTIONS)]
    if shape.tag == "cylinder":
        turn = np.linspace(0.0, 2.0 * math.pi, _CIRCLE, endpoint=False)
        rim = float(about["radius"]) * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        half = float(about["length"]) / 2.0
        ends = [np.column_stack([rim, np.full(_CIRCLE, z)]) for z in (-half, half)]
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


def _spread_evenly(count: int) -> Points:
    """Unit vectors over the sphere by the golden spiral, shape (count, 3)."""
    index = np.arange(count) + 0.5
    z = 1.0 - 2.0 * index / count
    turn = math.pi * (1.0 + math.sqrt(5.0)) * index
    radius = np.sqrt(1.0 - z**2)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), z], axis=1)
