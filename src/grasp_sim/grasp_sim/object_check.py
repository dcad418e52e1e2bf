"""Whether an object can be as its file says, and what stands in where it cannot.

Public object sets are made for pictures: masses are placeholders, inertias are made up, and the
middle of mass is left at the origin of the scan, which may lie outside the body. A simulation
believes all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull

from grasp_core.errors import ConfigError
from grasp_core.transform import Transform
from grasp_sim.convex_mass import Points, mass_properties
from grasp_sim.object_file import ObjectFile

STAND_IN_DENSITY = 500.0
"""kg/m^3, where a mass has to be made up: half full, as many things of a household are."""

MASS, MIDDLE, INERTIA = "mass", "middle of mass", "inertia"

_DENSITY_BOUNDS = (10.0, 20000.0)  # kg/m^3: lighter than foam, heavier than gold
_ROUND_KG = (0.1, 1.0)  # what people write who have not weighed
_LEAST_IN_A_SET = 5  # objects: so many of one round mass were not weighed
_OUTSIDE_M = 0.001  # a middle of mass may be so far out of the body: files round
# Of the moments of the bounding box: a body with all its mass in the corners has three times as
# much, one with most of it in its middle very little.
_INERTIA_BOUNDS = (0.1, 4.0)


@dataclass(frozen=True, eq=False)
class CheckedObject:
    """An object as it is simulated.

    Attributes:
        path: Its URDF.
        mass_kg: Kilograms.
        T_link_mass: Where the middle of mass is, and the axes of the inertia.
        moments: Diagonal of the inertia about these axes, shape (3,), kg m^2; None for that of
            the bounding box.
        parts: Convex parts of the body, shape (N, 3) each, metres, in the frame of
            ``T_link_mass``; none where the file's shapes cannot be read.
        replaced: What the file had wrong: MASS, MIDDLE, INERTIA.
    """

    path: Path
    mass_kg: float
    T_link_mass: Transform
    moments: NDArray[np.float64] | None
    parts: tuple[Points, ...]
    replaced: tuple[str, ...]

    @property
    def corners(self) -> Points:
        """Of the convex hull of the body, shape (N, 3), in the frame of ``T_link_mass``."""
        if not self.parts:
            return np.empty((0, 3))
        corners = np.concatenate(self.parts)
        return corners[ConvexHull(corners).vertices]


def check_object(file: ObjectFile, *, weighed: bool | None = None) -> CheckedObject:
    """Replace what cannot be by what follows from the body.

    A mass that nobody has weighed takes middle of mass and inertia with it: who makes up the one
    makes up the others.

    Args:
        file: As it was read.
        weighed: Whether the mass is known to be meant, or to be a placeholder; None to judge it.

    Raises:
        ConfigError: The file names no mass, and its shapes cannot be read either.
    """
    body = mass_properties(file.parts, [1.0] * len(file.parts))
    volume = body.mass_kg  # at 1 kg/m^3
    if volume == 0.0:
        if file.mass_kg > 0.0:
            return CheckedObject(file.path, file.mass_kg, file.T_link_mass, None, (), ())
        raise ConfigError(
            f"{file.path}: its mass is {file.mass_kg} kg, and its collision shapes are none that "
            "are read (box, sphere, cylinder, OBJ file): give it a mass above 0"
        )
    replaced = []
    if not inertia_can_be(file.mass_kg, file.moments, file.corners):
        replaced.append(INERTIA)
    if weighed is None:
        guessed = INERTIA in replaced and file.mass_kg in _ROUND_KG
        weighed = mass_can_be(file.mass_kg, volume) and not guessed
    if not weighed:
        replaced.append(MASS)
    shift = np.zeros(3)
    is_off = bool(np.linalg.norm(body.center_m) > _OUTSIDE_M)
    if is_off and not (weighed and is_inside(shift, file.corners)):
        shift = body.center_m
        replaced.append(MIDDLE)
    return CheckedObject(
        file.path,
        file.mass_kg if weighed else volume * STAND_IN_DENSITY,
        file.T_link_mass @ Transform.from_translation(*shift),
        None if replaced else file.moments,
        tuple(part - shift for part in file.parts),
        tuple(replaced),
    )


def mass_can_be(mass_kg: float, volume_m3: float) -> bool:
    """Whether something of this volume can weigh so much."""
    low, high = _DENSITY_BOUNDS
    return low * volume_m3 <= mass_kg <= high * volume_m3


def inertia_can_be(mass_kg: float, moments: ArrayLike, corners: Points) -> bool:
    """Whether a body of a mass within these corners can have these moments of inertia.

    Args:
        mass_kg: Kilograms.
        moments: Diagonal of the inertia, shape (3,), kg m^2.
        corners: Of the body, about its middle of mass, shape (N, 3), metres.
    """
    values = np.asarray(moments, np.float64)
    if not np.all(values > 0.0) or values.max() > 1.001 * (values.sum() - values.max()):
        return False
    squares = np.square(np.ptp(corners, axis=0))
    of_box = mass_kg / 12.0 * (squares.sum() - squares)
    low, high = _INERTIA_BOUNDS
    return bool(np.all((values >= low * of_box) & (values <= high * of_box)))


def is_inside(point: ArrayLike, corners: Points) -> bool:
    """Whether a point lies in the convex hull of a body, or a millimetre beside it.

    In the hull, not in the body: the middle of mass of a bowl lies in its hollow.
    """
    normals = ConvexHull(corners).equations
    return bool(np.all(normals[:, :3] @ np.asarray(point) + normals[:, 3] <= _OUTSIDE_M))


def never_weighed(masses_kg: Sequence[float]) -> bool:
    """Whether the masses of a set of objects are one and the same placeholder: a round number."""
    if len(masses_kg) < _LEAST_IN_A_SET or len(set(masses_kg)) > 1:
        return False
    return masses_kg[0] == float(f"{masses_kg[0]:.0e}")


def findings(checked: Mapping[str, CheckedObject]) -> list[str]:
    """What was replaced, a sentence for each kind of it.

    Args:
        checked: Objects by name.
    """
    stands_in = {
        MASS: f"by their volume at {STAND_IN_DENSITY:.0f} kg/m^3",
        MIDDLE: "by that of the body",
        INERTIA: "by that of the bounding box",
    }
    sentences = []
    for what, instead in stands_in.items():
        names = [name for name, one in checked.items() if what in one.replaced]
        count = f"{len(names)} of {len(checked)} objects"
        if names:
            sentences.append(
                f"the {what} in the files of {count} cannot be true and is replaced {instead}: "
                + ", ".join(names)
            )
    return sentences
