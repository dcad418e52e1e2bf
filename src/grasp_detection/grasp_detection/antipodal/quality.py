"""How likely a cross-section is to hold as a grasp.

Each feature becomes a factor in (0, 1], 1 where it does no harm; the log-odds of success are a
bias and the weighted sum of the factors' logarithms. The weights were fitted by logistic
regression to grasps closed, lifted and held in simulation (`_WEIGHTS`), so the quality is an
estimate of the probability of success for single objects in good view; in clutter, and on a real
table, it is a ranking.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.height_map import FloatArray, HeightMap
from grasp_core.robot import GripperProfile
from grasp_detection.antipodal.config import AntipodalConfig
from grasp_detection.antipodal.search import Sections, TurnedMap

_CONTACT_TOLERANCE_M = 0.0015  # how far pad and object give way
_WALL_PROBE_M = 0.012  # height over which a wall's slope is read
_BALANCE_M = 0.03  # centroid offset that costs 1 - exp(-1/2)
_FULL_GRIP_M = 0.015  # grip depth beyond which more does not help
_FULL_SPARE_M = 0.024  # spare opening beyond which more does not help
_UNSEEN_COST = 0.5  # factor lost where no finger space was seen
_RIM_FROM = 0.3  # contact from there on, in half pads, counts more and more as one at the rim
_LEAST_SHARE = 0.12  # of the pad: less is a corner that happens to be in the way
_CONE_SHARE = 0.75  # of the friction cone: a slope read off few cells is off by a quarter of it
_LEAST_ROWS = 3  # of an outline that has a slope
_LEAST_FACTOR = 0.02

# From 2,000 grasps on 200 objects (random_urdfs 001, 010, ... and 004, 013, ...), 50-400 g,
# friction 0.4-0.6, tilts 0, 20 and 40 degrees: a logistic regression, its weights rounded and
# raised to at least 0.2, so that what single objects hardly show still counts. Of the grasps that
# can_hold() allows, 94 in 100 held, of those that it rules out 35; of the ones rated above 0.9,
# 0.7-0.9 and 0.5-0.7, 98, 88 and 51 in 100.
_LAPSES = 0.02
_BIAS = 6.3
_WEIGHTS = {
    "facing": 0.2,
    "outline": 0.2,
    "squeeze": 0.3,
    "wall": 0.5,
    "share": 2.0,
    "eccentric": 0.2,
    "across": 0.3,
    "along": 0.4,
    "grip": 0.2,
    "spare": 0.4,
    "sight": 0.2,
}


@dataclass(frozen=True, eq=False)
class Objects:
    """What stands on the support.

    Attributes:
        label: Shape (R, C), int32, connected patches from 1; 0 support.
        centroid: Shape (L, 2), x and y of each patch's volume centroid, metres, support frame.
    """

    label: NDArray[np.int32]
    centroid: NDArray[np.float64]


def find_objects(source: HeightMap, config: AntipodalConfig) -> Objects | None:
    """Connected patches of object height; None where there is none of the least area."""
    solid = (source.height_m > config.min_object_height_m).astype(np.uint8)
    count, label, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    least = config.min_object_area_m2 / source.grid.cell_m**2
    small = stats[:, cv2.CC_STAT_AREA] < least
    if np.all(small[1:]):
        return None
    label[small[label]] = 0
    weight = np.where(label > 0, source.height_m, 0.0).ravel()
    rows, columns = np.indices(label.shape)
    x, y = source.grid.metric(1.0 * columns.ravel(), 1.0 * rows.ravel())
    volume = np.maximum(np.bincount(label.ravel(), weight, count), 1e-9)
    centroid = np.stack(
        [np.bincount(label.ravel(), weight * axis, count) / volume for axis in (x, y)], axis=1
    )
    return Objects(label.astype(np.int32), centroid)


@dataclass(frozen=True, eq=False)
class Features:
    """What decides about a grasp; float arrays of shape (N,), angles in radians.

    Attributes:
        facing: Between the closing direction and the line through both contacts.
        outline: Between pad and outline, the worse side.
        squeeze: Between the surfaces that the pads touch; a wedge is squeezed out.
        wall: Between the visible walls at the fingertips and the vertical, the worse side.
        share: Share of the pad's width that touches, the worse side.
        eccentric: Middle of the contact from the middle of the pad, in half pads, the worse side.
        across_m: Centroid of the object from the closing line.
        along_m: Centroid of the object from the middle between the jaws, along the line.
        grip_m: Overlap of finger and object in height.
        spare_m: Largest gap less the object's width.
        hidden: Share of the fingers' space that the camera did not see.
    """

    facing: FloatArray
    outline: FloatArray
    squeeze: FloatArray
    wall: FloatArray
    share: FloatArray
    eccentric: FloatArray
    across_m: FloatArray
    along_m: FloatArray
    grip_m: FloatArray
    spare_m: FloatArray
    hidden: FloatArray


def measure(
    turned: TurnedMap,
    sections: Sections,
    objects: Objects,
    gripper: GripperProfile,
    config: AntipodalConfig,
) -> Features:
    """Measure the cross-sections of one turned map."""
    cell = turned.source.grid.cell_m
    width = (sections.stop - sections.start) * cell
    half_pad = max(1, round(0.5 * gripper.pad_width_m / cell))
    left = _side(turned, sections, half_pad, mirrored=False)
    right = _side(turned, sections, half_pad, mirrored=True)
    across, along = _imbalance(turned, sections, objects)
    return Features(
        facing=np.arctan2(np.abs(right.offset - left.offset) * cell, width),
        outline=np.maximum(np.abs(left.outline), np.abs(right.outline)),
        squeeze=np.abs(left.surface + right.surface),
        wall=np.maximum(left.wall, right.wall),
        share=np.minimum(left.share, right.share),
        eccentric=np.maximum(np.abs(left.offset), np.abs(right.offset)) / half_pad,
        across_m=across,
        along_m=along,
        grip_m=(sections.top_m - sections.tip_m).astype(np.float64),
        spare_m=gripper.max_gap_m - width,
        hidden=_hidden_share(turned, sections, half_pad, config, gripper),
    )


def log_odds(features: Features, friction: float) -> FloatArray:
    """Log-odds of success, shape (N,); see the top of this file."""
    f, cone = features, math.atan(friction)
    factors = {
        "facing": _within(f.facing, cone),
        "outline": _within(f.outline, 2.0 * cone),
        "squeeze": _within(f.squeeze, 2.0 * cone),
        "wall": _within(f.wall, cone),
        "share": f.share,
        "eccentric": 1.0 - 0.5 * np.clip(f.eccentric, 0.0, 1.0) ** 2,
        # Along the closing line the jaws carry the weight between them; across, friction must.
        "across": np.exp(-0.5 * np.minimum(f.across_m / _BALANCE_M, 3.0) ** 2),
        "along": np.exp(-0.5 * np.minimum(0.5 * f.along_m / _BALANCE_M, 3.0) ** 2),
        "grip": f.grip_m / _FULL_GRIP_M,
        "spare": 0.5 + 0.5 * f.spare_m / _FULL_SPARE_M,
        "sight": 1.0 - _UNSEEN_COST * f.hidden,
    }
    total = np.full(f.facing.shape, _BIAS)
    for name, factor in factors.items():
        floor = 0.0 if name in ("across", "along") else _LEAST_FACTOR
        total += _WEIGHTS[name] * np.log(np.clip(factor, max(floor, 1e-9), 1.0))
    return total


def can_hold(features: Features, friction: float) -> NDArray[np.bool_]:
    """Whether both pads grip something that friction keeps from being squeezed out."""
    steepest = _CONE_SHARE * 2.0 * math.atan(friction)
    return (features.squeeze <= steepest) & (features.share >= _LEAST_SHARE)


def probability(log_odds: FloatArray) -> FloatArray:
    """Log-odds to the probability of success, short of the failures that nothing foretells."""
    return (1.0 - _LAPSES) / (1.0 + np.exp(-log_odds))


@dataclass(frozen=True, eq=False)
class _Side:
    """What one pad meets, arrays of shape (N,): offsets in rows, angles in radians."""

    offset: NDArray[np.float64]  # middle of the contact, rows from the pad's middle
    share: NDArray[np.float64]  # touching share of the pad's width
    outline: NDArray[np.float64]  # angle of the outline against the pad
    surface: NDArray[np.float64]  # that of the surface touched: 0 unless by the pad's rim
    wall: NDArray[np.float64]  # angle of the wall against the vertical


def _side(turned: TurnedMap, sections: Sections, half_pad: int, *, mirrored: bool) -> _Side:
    height = turned.height_m
    cell = turned.source.grid.cell_m
    depth = max(2, math.ceil(0.5 * float((sections.stop - sections.start).max())))
    rows = np.arange(-half_pad, half_pad + 1)
    steps = np.arange(depth)
    columns = sections.stop[:, None] - 1 - steps if mirrored else sections.start[:, None] + steps
    patch = height[
        np.clip(sections.row[:, None] + rows, 0, height.shape[0] - 1)[:, :, None],
        np.clip(columns, 0, height.shape[1] - 1)[:, None, :],
    ]
    level = sections.tip_m[:, None, None]
    probe = np.minimum(_WALL_PROBE_M, 0.5 * (sections.top_m - sections.tip_m))
    met, edge = _edges(patch > level)
    first = np.where(met, edge, depth).min(axis=1)
    met_above, edge_above = _edges(patch > level + probe[:, None, None])
    first_above = np.where(met_above, edge_above, depth).min(axis=1)
    slack = max(1.0, _CONTACT_TOLERANCE_M / cell)
    touching = met & (edge - first[:, None] <= slack)
    count = np.maximum(touching.sum(axis=1), 1)
    offset = (touching * rows).sum(axis=1) / count
    # Least-squares slope of the outline over the rows near the pad.
    near = met & (edge - first[:, None] <= half_pad)
    weight = np.maximum(near.sum(axis=1), 1)
    mean_row = (near * rows).sum(axis=1) / weight
    mean_edge = (near * edge).sum(axis=1) / weight
    spread = near * (rows - mean_row[:, None])
    slope = (spread * (edge - mean_edge[:, None])).sum(axis=1) / np.maximum(
        (spread**2).sum(axis=1), 0.5
    )
    # One cell of shift is rounding, and how much of a steep wall the camera sees beside the top.
    shift = np.maximum(first_above - first - 1, 0) * cell
    wall = np.arctan2(shift, np.maximum(probe, 1e-4))
    outline = np.arctan(slope)
    steep = np.where(weight < _LEAST_ROWS, -np.sign(offset) * math.pi / 4.0, outline)
    # A contact inside the pad is where the outline is parallel to it; at the pad's rim the
    # outline runs on and its slope decides; too few rows to read it are taken as a corner.
    rim = np.clip((np.abs(offset) / half_pad - _RIM_FROM) / (1.0 - 2.0 * _RIM_FROM), 0.0, 1.0)
    return _Side(offset, touching.sum(axis=1) / len(rows), outline, rim * steep, wall)


def _edges(solid: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Whether and where each line of shape (..., D) first becomes solid."""
    edge = np.asarray(solid.argmax(axis=-1), np.intp)
    return np.take_along_axis(solid, edge[..., None], axis=-1)[..., 0], edge


def _within(angle: FloatArray, limit: float) -> FloatArray:
    """1 at angle 0, falling to 0 at the limit."""
    return np.clip(1.0 - (angle / limit) ** 2, 0.0, 1.0)


def _imbalance(
    turned: TurnedMap, sections: Sections, objects: Objects
) -> tuple[FloatArray, FloatArray]:
    """Distance of the object's centroid from the grasp, across and along the closing line."""
    grid = turned.source.grid
    x, y = turned.metric(0.5 * (sections.start + sections.stop - 1.0), sections.row * 1.0)
    column = np.clip(((x - grid.x0_m) / grid.cell_m).astype(int), 0, grid.columns - 1)
    row = np.clip(((y - grid.y0_m) / grid.cell_m).astype(int), 0, grid.rows - 1)
    offset = objects.centroid[objects.label[row, column]] - np.stack([x, y], axis=1)
    along = offset @ (math.cos(turned.angle), math.sin(turned.angle))
    across = offset @ (-math.sin(turned.angle), math.cos(turned.angle))
    return np.abs(across), np.abs(along)


def _hidden_share(
    turned: TurnedMap,
    sections: Sections,
    half_pad: int,
    config: AntipodalConfig,
    gripper: GripperProfile,
) -> NDArray[np.float64]:
    """Share of hidden cells in the space that both fingers sweep."""
    cell = turned.source.grid.cell_m
    reach = math.ceil((gripper.finger_thickness_m + config.side_clearance_m) / cell)
    total = cv2.integral(turned.hidden)
    rows, columns = turned.hidden.shape
    low, high = (
        np.clip(sections.row - half_pad, 0, rows),
        np.clip(sections.row + half_pad + 1, 0, rows),
    )

    def share(start: NDArray[np.intp], stop: NDArray[np.intp]) -> NDArray[np.float64]:
        start, stop = np.clip(start, 0, columns), np.clip(stop, 0, columns)
        cells = total[high, stop] - total[low, stop] - total[high, start] + total[low, start]
        return cells / np.maximum((high - low) * (stop - start), 1)

    left = share(sections.start - reach, sections.start)
    right = share(sections.stop, sections.stop + reach)
    return 0.5 * (left + right)
