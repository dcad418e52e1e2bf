"""How the jaws would close at the places that a network proposes, by the height map.

A network sees where an object can be held and about how the jaws must be turned; where exactly its
sides are, whether the fingers find room beside it, and whether it was seen there, the height map
says better. Each rectangle is tried in a few directions close to its own and at a few depths of
the fingertips; the best of them replaces it, and tells how much of its quality is left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.height_map import HeightMap
from grasp_core.robot import GripperProfile
from grasp_core.unseen import Sight

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_TURNS = np.radians((0.0, -15.0, 15.0, -30.0, 30.0, -50.0, 50.0, 90.0))
"""Tried from the direction that was proposed."""
_COSTS = 1.0 - 0.3 * np.abs(np.sin(_TURNS))  # the network knows better than the sides alone
_STRAIGHT = np.zeros(len(_TURNS))
_CLOSER_TURNS = np.radians((0.0, -7.0, 7.0, 0.0, 0.0))
_ASIDE_M = np.array((0.0, 0.0, 0.0, -0.008, 0.008))  # across the closing line
_DEPTHS = (1.0, 0.65, 0.4, 0.23)  # shares of the finger depth that are tried, deepest first
_STEP_M = 0.002  # between samples along the closing line
_STRIPS = 5  # across it, over the pad's width, and one more beside it on either side
_BESIDE_M = 0.002  # free space beyond the pad's rims
_BEYOND_M = 0.014  # looked at beyond the widest opening: the section may lie off the middle
_OPENING_M = 0.01  # the jaws open so much wider than the object on either side, if they can
_SPARE_M = 0.004  # spare opening at the least
_ROOM_M = 0.002  # beyond a finger's thickness
_NOISE_M = 0.002  # by which something may stand into a finger's way
_TOP_PERCENTILE = 90.0  # of the heights between the jaws
_FULL_GRIP_M = 0.015  # depth beyond which more does not help
_LEAST_GRIP_M = 0.004
_SLANT = 0.75  # tangent between pad and side at which friction holds nothing any more
_LEAST_HELD = 3  # strips that must meet something
_LEAST_FACTOR = 0.02
_PALM_M = 0.004  # free space below the palm
_PALM_STEP_M = 0.008  # between samples below it
_STRAYS = 2  # samples that may stick into it
_FINGER_SAMPLES = 4  # along either side of a finger's cross-section
_TIP_M = 0.02  # below the top, where it matters what was seen
_OWN_M = 0.01  # beyond the object between the jaws
_OWN_ACROSS_M = 0.04  # from the closing line: what casts a shadow there is that object, too
_OWN_SHADOW = 0.9  # against a place that was seen


@dataclass(frozen=True, eq=False)
class Closings:
    """What became of N rectangles.

    Attributes:
        rows: Shape (N, 5): x, y, width, height, metres, and angle of the support frame: moved
            onto the cross-section that they grasp, and as wide; unchanged where there is none.
        top_m: Shape (N,), local top between the jaws, metres above the support.
        factor: Shape (N,), in [0, 1], what is left of the quality.
        reason: Shape (N,), index into :data:`REASONS` of what is wrong; 0 for nothing.
    """

    rows: FloatArray
    top_m: FloatArray
    factor: FloatArray
    reason: NDArray[np.intp]


REASONS = (
    "",
    "nothing stands between the jaws",
    "what stands there is wider than the jaws open",
    "a finger would come down on something",
    "the palm would come down on something",
)
CLOSES, EMPTY, WIDE, BLOCKED, PALM = range(5)
"""Indices of :data:`REASONS`."""


def close_on(
    rows: FloatArray,
    scene: HeightMap,
    gripper: GripperProfile,
    *,
    finger_depth_m: float,
    support_clearance_m: float,
    sight: Sight,
) -> Closings:
    """Try rectangles on a height map.

    Args:
        rows: Shape (N, 5): x, y, width, height, metres, angle, radians; support frame.
        scene: What the hand comes down into.
        gripper: Whose jaws close.
        finger_depth_m: How far the fingertips go below the local top.
        support_clearance_m: Lowest fingertip above the support.
        sight: What the camera saw of the space above the support.
    """
    if not len(rows):
        return Closings(rows, np.zeros(0), np.zeros(0), np.zeros(0, np.intp))
    depths = finger_depth_m, support_clearance_m
    found = _best_of(_varied(rows, _TURNS, _STRAIGHT), _COSTS, scene, gripper, depths)
    closer = _varied(found.rows, _CLOSER_TURNS, _ASIDE_M)
    found = _best_of(closer, np.ones(len(_ASIDE_M)), scene, gripper, depths)
    seen = _seen_share(found.rows, found.top_m, scene, sight, gripper)
    return replace(found, factor=found.factor * seen)


def too_wide_sections(
    rows: FloatArray,
    scene: HeightMap,
    gripper: GripperProfile,
    *,
    finger_depth_m: float,
    support_clearance_m: float,
) -> FloatArray:
    """What the jaws would have to open round, at places where it is wider than they do.

    Args:
        rows: Shape (N, 5), as :func:`close_on` takes them.
        scene: What the hand comes down into.
        gripper: Whose jaws do not close there.
        finger_depth_m: How far the fingertips go below the local top.
        support_clearance_m: Lowest fingertip above the support.

    Returns:
        Shape (N, 5): moved onto what stands there and as wide as far as that was looked at, at the
        least as wide as the jaws open.
    """
    tries = _Tries(rows, scene, gripper)
    moved = tries.section_rows(finger_depth_m, support_clearance_m)
    moved[:, 2] = np.maximum(moved[:, 2], gripper.max_gap_m)
    return moved


def _varied(rows: FloatArray, turns: FloatArray, aside_m: FloatArray) -> FloatArray:
    """Each rectangle turned and moved aside, shape (N, V, 5)."""
    varied = np.repeat(rows[:, None], len(turns), axis=1)
    varied[:, :, 0] -= aside_m * np.sin(varied[:, :, 4])
    varied[:, :, 1] += aside_m * np.cos(varied[:, :, 4])
    varied[:, :, 4] += turns
    return varied


def _best_of(
    varied: FloatArray,
    costs: FloatArray,
    scene: HeightMap,
    gripper: GripperProfile,
    depths_m: tuple[float, float],
) -> Closings:
    """Of the variants of each rectangle, shape (N, V, 5), the one that closes best."""
    count, variants = varied.shape[:2]
    factor, moved, top_m, reason = _Tries(varied.reshape(-1, 5), scene, gripper).best(*depths_m)
    chosen = (factor.reshape(count, variants) * costs).argmax(axis=1)
    chosen += np.arange(count) * variants
    return Closings(moved[chosen], top_m[chosen], factor[chosen], reason[chosen])


def _seen_share(
    rows: FloatArray,
    top_m: FloatArray,
    scene: HeightMap,
    sight: Sight,
    gripper: GripperProfile,
) -> FloatArray:
    """Share of the way of the worse finger that was seen, shape (N,).

    At the fingertips' level, a place was seen when its cell was, or when the camera looked through
    it. What lies in the shadow of the object between the jaws counts nearly as much: there stands
    nothing else, for the most part.
    """
    inner = np.minimum(0.5 * rows[:, 2] + _OPENING_M, 0.5 * gripper.max_gap_m)
    depth_m = np.linspace(0.0, 1.0, _FINGER_SAMPLES) * gripper.finger_thickness_m
    along = inner[:, None] + depth_m
    along = np.stack([-along, along], axis=1)[..., None]  # (N, 2, F, 1)
    across = np.linspace(-0.5, 0.5, _FINGER_SAMPLES) * gripper.pad_width_m
    cos, sin = (f(rows[:, 4])[:, None, None, None] for f in (np.cos, np.sin))
    x = rows[:, 0, None, None, None] + cos * along - sin * across
    y = rows[:, 1, None, None, None] + sin * along + cos * across
    cells, on_map = scene.grid.cells_of(np.stack([x.ravel(), y.ravel()], axis=1))
    credit = np.zeros(x.size)
    credit[on_map] = scene.seen.ravel()[cells[on_map]]
    look = np.flatnonzero(credit == 0.0)
    if len(look):
        level = np.broadcast_to((top_m - _TIP_M)[:, None, None, None], x.shape).ravel()[look]
        points = np.stack([x.ravel()[look], y.ravel()[look], np.maximum(level, 0.0)], axis=1)
        surface, known = sight.surface(points)
        passed = sight.passes(points)
        which = look // (x.size // len(rows))
        offset = surface[:, :2] - rows[which, :2]
        cos, sin = np.cos(rows[which, 4]), np.sin(rows[which, 4])
        near = np.abs(offset @ [1, 0] * cos + offset @ [0, 1] * sin)
        own = known & (near <= 0.5 * rows[which, 2] + _OWN_M)
        own &= np.abs(-offset[:, 0] * sin + offset[:, 1] * cos) <= _OWN_ACROSS_M
        credit[look] = np.where(passed, 1.0, np.where(own, _OWN_SHADOW, 0.0))
    return np.asarray(credit.reshape(len(rows), 2, -1).mean(axis=2).min(axis=1))


class _Tries:
    """M rectangles and the heights about them."""

    def __init__(self, rows: FloatArray, scene: HeightMap, gripper: GripperProfile) -> None:
        self._rows, self._scene, self._gripper = rows, scene, gripper
        reach_m = 0.5 * gripper.max_gap_m + _BEYOND_M + gripper.finger_thickness_m + _ROOM_M
        steps = math.ceil(reach_m / _STEP_M)
        self._along_m = np.arange(-steps, steps + 1, dtype=np.float64) * _STEP_M
        strip_m = gripper.pad_width_m / _STRIPS
        self._strips_m = (np.arange(_STRIPS) - (_STRIPS - 1) / 2) * strip_m
        rim_m = 0.5 * gripper.pad_width_m + _BESIDE_M
        across_m = np.concatenate([[-rim_m], self._strips_m, [rim_m]])
        self._heights = self._sampled(rows, self._along_m, across_m)
        self._pad = self._heights[:, 1:-1].max(axis=1)
        self._finger = self._heights.max(axis=1)

    def best(
        self, finger_depth_m: float, clearance_m: float
    ) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.intp]]:
        """Factor, moved rectangle, top and reason of each at the deepest level that does."""
        count = len(self._rows)
        top = self._top()
        factor, moved = np.full(count, _LEAST_FACTOR), self._rows.copy()
        reason = np.full(count, EMPTY)
        open_ = np.ones(count, bool)
        for share in _DEPTHS:
            level = np.maximum(top - share * finger_depth_m, clearance_m)
            start, stop, why = self._section(level)
            why[top - level < _LEAST_GRIP_M] = EMPTY
            self._check_palm(why, level)
            here = open_ & (why == CLOSES)
            reason = np.where(open_, why, reason)
            if not here.any():
                continue
            open_ &= ~here
            held = self._held(start, stop, level)
            grip = np.clip((top - level) / _FULL_GRIP_M, 0.0, 1.0)
            factor[here] = (held * grip**0.3)[here]
            moved[here] = self._moved(start, stop)[here]
            if not open_.any():
                break
        return factor, moved, top, reason

    def section_rows(self, finger_depth_m: float, clearance_m: float) -> FloatArray:
        """Each rectangle on what stands between its jaws at the deepest level."""
        level = np.maximum(self._top() - finger_depth_m, clearance_m)
        start, stop, _ = self._section(level)
        return self._moved(start, stop)

    def _check_palm(self, why: NDArray[np.intp], level: FloatArray) -> None:
        """Mark those that close, but whose palm would come down on something."""
        limit = level + self._gripper.finger_length_m - _PALM_M
        look = np.flatnonzero((why == CLOSES) & (limit < self._scene.height_m.max()))
        if not len(look):
            return
        along, across = (
            length_m * np.linspace(-0.5, 0.5, math.ceil(length_m / _PALM_STEP_M), dtype=np.float64)
            for length_m in (self._gripper.hand_width_m, self._gripper.hand_depth_m)
        )
        under = self._sampled(self._rows[look], along, across)
        # The highest few samples may be flying pixels.
        high = np.partition(under.reshape(len(look), -1), -_STRAYS, axis=1)[:, -_STRAYS]
        why[look[high > limit[look]]] = PALM

    def _top(self) -> FloatArray:
        """The percentile of each try's heights between its jaws, shape (M,)."""
        half = np.maximum(0.5 * self._rows[:, 2:3], 2.0 * _STEP_M)
        inside = np.abs(self._along_m) <= half
        ordered = np.sort(np.where(inside, self._pad, np.inf), axis=1)
        place = np.round(0.01 * _TOP_PERCENTILE * (inside.sum(axis=1) - 1)).astype(int)
        return np.asarray(ordered[np.arange(len(place)), place], np.float64)

    def _section(self, level: FloatArray) -> tuple[NDArray, NDArray, NDArray[np.intp]]:
        """First sample of what stands between the jaws, one past its last, and what is wrong."""
        gripper, along = self._gripper, self._along_m
        half = np.maximum(0.5 * self._rows[:, 2:3], 2.0 * _STEP_M)
        solid = self._pad > level[:, None]
        index = np.arange(len(along))
        away = np.where(solid & (np.abs(along) <= half), np.abs(along), np.inf)
        seed = away.argmin(axis=1)[:, None]
        start = np.where(~solid & (index < seed), index, -1).max(axis=1) + 1
        stop = np.where(~solid & (index > seed), index, len(along)).min(axis=1)
        width = (stop - start) * _STEP_M
        middle = (0.5 * (start + stop - 1) - (len(along) - 1) / 2) * _STEP_M
        widest = gripper.max_gap_m - _SPARE_M
        inner = np.minimum(0.5 * width + _OPENING_M, 0.5 * gripper.max_gap_m)
        outer = inner + gripper.finger_thickness_m + _ROOM_M
        offset = np.abs(along - middle[:, None])
        beside = (offset <= outer[:, None]) & ((index < start[:, None]) | (index >= stop[:, None]))
        blocked = (beside & (self._finger > level[:, None] + _NOISE_M)).any(axis=1)
        why = np.where(blocked, BLOCKED, CLOSES)
        why[(width > widest) | (start == 0) | (stop == len(along))] = WIDE
        why[~np.isfinite(away.min(axis=1))] = EMPTY
        return start, stop, why

    def _held(self, start: NDArray, stop: NDArray, level: FloatArray) -> FloatArray:
        """How well the sides face the pads, shape (M,): 1 for flat ones across the jaws."""
        index = np.arange(len(self._along_m))
        between = (index >= start[:, None]) & (index < stop[:, None])
        solid = (self._heights[:, 1:-1] > level[:, None, None]) & between[:, None]
        met = np.asarray(solid.any(axis=2))
        first = solid.argmax(axis=2)
        last = len(index) - 1 - solid[:, :, ::-1].argmax(axis=2)
        slants = np.stack([self._slope(edge, met) for edge in (first, last)])
        slant = np.abs(slants).max(axis=0)
        face = np.clip(1.0 - (slant / _SLANT) ** 2, _LEAST_FACTOR, 1.0)
        return np.where(met.sum(axis=1) >= _LEAST_HELD, face, _LEAST_FACTOR)

    def _slope(self, edge: NDArray, met: BoolArray) -> FloatArray:
        """Slope of a side over the strips that meet something, shape (M,)."""
        count = np.maximum(met.sum(axis=1), 1)
        place = self._strips_m
        mean_place = (met * place).sum(axis=1) / count
        spread = met * (place - mean_place[:, None])
        total = np.maximum((spread**2).sum(axis=1), 1e-8)
        return np.asarray((spread * edge * _STEP_M).sum(axis=1) / total)

    def _moved(self, start: NDArray, stop: NDArray) -> FloatArray:
        rows = self._rows.copy()
        shift = (0.5 * (start + stop - 1) - (len(self._along_m) - 1) / 2) * _STEP_M
        rows[:, 0] += shift * np.cos(rows[:, 4])
        rows[:, 1] += shift * np.sin(rows[:, 4])
        rows[:, 2] = (stop - start) * _STEP_M
        rows[:, 3] = self._gripper.pad_width_m
        return rows

    def _sampled(
        self, rows: FloatArray, along_m: FloatArray, across_m: FloatArray
    ) -> NDArray[np.float32]:
        """Heights at offsets along and across the closing line of each row, shape (M, A, L)."""
        grid = self._scene.grid
        x, y, angle = (rows[:, index, None, None] for index in (0, 1, 4))
        across = across_m[:, None]
        at_x = x + np.cos(angle) * along_m - np.sin(angle) * across
        at_y = y + np.sin(angle) * along_m + np.cos(angle) * across
        column = ((at_x - grid.x0_m) / grid.cell_m - 0.5).astype(np.float32)
        row = ((at_y - grid.y0_m) / grid.cell_m - 0.5).astype(np.float32)
        flat = (-1, len(along_m))
        found = cv2.remap(
            self._scene.height_m,
            column.reshape(flat),
            row.reshape(flat),
            cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=0.0,
        )
        return np.asarray(found, np.float32).reshape(column.shape)
