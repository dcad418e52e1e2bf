"""Whether a parallel hand can close as a rectangle says, by what the depth image shows.

All is looked at in the frame of the jaws: x across them, y along their closing line, z up along
the support's normal, the origin at the rectangle's local top. The jaws come down as far as they
can without touching what was seen, between the executor's finger depth and a least hold; at that
height, what stands between them must be narrower than they open, and the sides that the pads meet
must face them: a pad that meets a corner or a slanting side slips off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import theilslopes

from grasp_core.camera import PinholeCamera, ray_map
from grasp_core.config import Checked, setting
from grasp_core.depth import plane_depth
from grasp_core.errors import BadCalibration, InvalidDepth
from grasp_core.gripper_profile import GripperProfile
from grasp_core.projection import PlanarGrasp, rectangle_to_plane
from grasp_core.rectangle import GraspRectangle
from grasp_core.support import Plane

FloatArray = NDArray[np.float64]

_CAMERA_AXIS = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class JawRules(Checked):
    """What counts; the lengths of a hand's parts come from its profile."""

    finger_depth_m: float = setting(
        0.03, "how far the fingertips go below the local top at most, m", minimum=0.001
    )
    least_hold_m: float = setting(
        0.005, "how far the fingertips must get below the local top, m", minimum=0.001
    )
    depth_step_m: float = setting(0.002, "step between the depths tried, m", minimum=0.0005)
    support_clearance_m: float = setting(
        0.004, "lowest fingertip above the support, m", minimum=0.0
    )
    opening_margin_m: float = setting(
        0.02, "by which the jaws open wider than the rectangle, if they can, m", minimum=0.0
    )
    tolerance_m: float = setting(
        0.003, "by which a point may stick into the hand: depth noise, m", minimum=0.0
    )
    stray_points: int = setting(
        5, "points inside a finger or the palm that still count as strays", minimum=0
    )
    strips: int = setting(5, "strips across the pads in which sides are looked for", minimum=2)
    least_held_share: float = setting(0.6, "share of them that must hold something", minimum=0.0)
    side_percentile: float = setting(
        5.0, "share of a strip's points that may lie beyond its side, %", minimum=0.0, maximum=49.0
    )
    max_slant: float = setting(
        0.75, "largest tangent between a pad and the side that it meets: friction", minimum=0.0
    )
    bin_m: float = setting(0.002, "step along the closing line, m", minimum=0.0005)
    least_seen_share: float = setting(
        0.5, "share of a finger's footprint that must be seen to call it seen", minimum=0.0
    )


@dataclass(frozen=True)
class JawFit:
    """How a hand fits a place.

    Attributes:
        closes: Something stands between the jaws, and it is narrower than they open.
        free: The hand comes down without touching what was seen.
        seen: Most of what both fingers come down on was seen.
        width_m: Width of what they close on, metres; NaN where there is nothing.
        why_not: Empty where it closes and is free, else what is wrong.
        middle: Middle of what they close on at its top, camera's optical frame, shape (3,),
            metres; the middle between the jaws where there is nothing. None without depth.
        footprints: Corners of the places that the two fingers come down on, at the top's height,
            camera's optical frame, shape (2, 4, 3), metres; None without depth.
    """

    closes: bool
    free: bool
    seen: bool
    width_m: float
    why_not: str
    middle: FloatArray | None = None
    footprints: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class SeenScene:
    """What a depth image shows.

    Attributes:
        depth_m: Shape (H, W), metres, NaN invalid.
        camera: Its intrinsics.
        support: Plane that things stand on, optical frame, its normal towards the camera; None
            where there is none: the approach is then along the optical axis.
    """

    depth_m: NDArray[np.float32]
    camera: PinholeCamera
    support: Plane | None

    @property
    def approach(self) -> FloatArray:
        """Unit direction in which the hand comes down, optical frame."""
        return _CAMERA_AXIS if self.support is None else -self.support.normal

    def points(self) -> FloatArray:
        """All that was measured, optical frame, shape (N, 3), metres."""
        valid = np.isfinite(self.depth_m)
        rays = ray_map(self.camera)[valid]
        return np.asarray(rays * self.depth_m[valid][:, None], np.float64)


def fit_jaws(
    rectangle: GraspRectangle,
    scene: SeenScene,
    points: FloatArray,
    gripper: GripperProfile,
    rules: JawRules,
) -> JawFit:
    """Look whether the hand can close as a rectangle says.

    Args:
        rectangle: In the scene's picture.
        scene: What the hand comes down into.
        points: ``scene.points()``, which one picture's rectangles share.
        gripper: Opening and dimensions of the hand.
        rules: What counts.
    """
    depth_m = plane_depth(scene.depth_m, scene.camera, rectangle, scene.approach)
    try:
        plane = rectangle_to_plane(rectangle, depth_m, scene.camera, scene.approach)
    except InvalidDepth:
        return JawFit(False, False, False, math.nan, "no depth between the jaws")
    except BadCalibration:
        return JawFit(False, False, False, math.nan, "the camera looks along the support")
    return _Jaws(plane, points, scene, gripper, rules).fit()


class _Jaws:
    """A hand above one place, and what was seen about it."""

    def __init__(
        self,
        plane: PlanarGrasp,
        points: FloatArray,
        scene: SeenScene,
        gripper: GripperProfile,
        rules: JawRules,
    ) -> None:
        self._plane, self._gripper, self._rules = plane, gripper, rules
        self._T_camera_grasp = plane.pose()
        reach = 0.5 * math.hypot(gripper.hand_width_m, gripper.hand_depth_m)
        offset = points - plane.centre
        along = offset @ plane.approach
        near = np.einsum("ij,ij->i", offset, offset) - along**2 <= reach**2
        x, y, z = self._T_camera_grasp.inverse().apply(points[near]).T
        # Up is positive: the grasp frame's z is the approach.
        self._x, self._y, self._z = x, y, -z
        # The height of the support below the local top.
        self._floor_m = -math.inf
        if scene.support is not None:
            self._floor_m = -float(scene.support.distance(plane.centre[None])[0])
        wanted = plane.width_m + rules.opening_margin_m
        self._opening_m = min(wanted, gripper.max_gap_m)
        self._in_jaw = np.abs(x) <= 0.5 * gripper.pad_width_m

    def fit(self) -> JawFit:
        """The deepest way down that is free and closes, or why there is none."""
        why_not, width_m, free = "", math.nan, False
        for tip_m in self._tips():
            touched = self._touched(tip_m)
            if touched:
                why_not = why_not if free else touched
                continue
            start, stop, why_open = self._section(tip_m)
            width_m, free = stop - start, True
            if not why_open:
                return self._told(True, True, width_m, "", 0.5 * (start + stop))
            why_not = why_open
        return self._told(False, free, width_m, why_not or "nothing stands out there", 0.0)

    def _tips(self) -> list[float]:
        """Heights of the fingertips to try, deepest first, relative to the local top."""
        rules = self._rules
        lowest = -rules.finger_depth_m
        if self._floor_m < 0.0:
            lowest = max(lowest, self._floor_m + rules.support_clearance_m)
        tips = np.arange(lowest, -rules.least_hold_m + 1e-9, rules.depth_step_m)
        return [float(tip) for tip in tips]

    def _touched(self, tip_m: float) -> str:
        """What would be touched with the fingertips at a height; empty for nothing."""
        rules, gripper, y = self._rules, self._gripper, self._y
        inner = 0.5 * self._opening_m
        beside = self._in_jaw & (np.abs(y) > inner)
        beside &= np.abs(y) < inner + gripper.finger_thickness_m
        inside = beside & (self._z > tip_m + rules.tolerance_m)
        for side in (inside & (y > 0.0), inside & (y < 0.0)):
            if np.count_nonzero(side) > rules.stray_points:
                return "a finger comes down on something"
        under = np.abs(self._x) <= 0.5 * gripper.hand_depth_m
        under &= np.abs(y) <= 0.5 * gripper.hand_width_m
        under &= self._z > tip_m + gripper.finger_length_m + rules.tolerance_m
        if np.count_nonzero(under) > rules.stray_points:
            return "the palm comes down on something"
        return ""

    def _section(self, tip_m: float) -> tuple[float, float, str]:
        """Both ends along y of what the jaws close on at a height, metres, and what is wrong."""
        step = self._rules.bin_m
        half = 0.5 * self._opening_m
        count = 2 * math.ceil(half / step)
        edges = (np.arange(count + 1) - count / 2) * step
        solid = self._in_jaw & (self._z > tip_m) & (np.abs(self._y) < half)
        filled = np.histogram(self._y[solid], edges)[0] > 0
        middles = 0.5 * (edges[:-1] + edges[1:])
        between = filled & (np.abs(middles) <= 0.5 * self._plane.width_m)
        if not between.any():
            return math.nan, math.nan, "nothing stands between the jaws"
        found = np.flatnonzero(filled)
        start, stop = float(edges[found[0]]), float(edges[found[-1] + 1])
        if stop - start > self._gripper.max_gap_m - 2.0 * step:
            return start, stop, "what stands there is wider than the jaws open"
        return start, stop, self._slant(self._x[solid], self._y[solid])

    def _slant(self, x: FloatArray, y: FloatArray) -> str:
        """What is wrong with the sides that the pads meet; empty for nothing.

        Each side is a line through the outermost points of strips along the closing line.
        """
        rules, half_x = self._rules, 0.5 * self._gripper.pad_width_m
        strip = np.floor((x + half_x) / (2.0 * half_x) * rules.strips).astype(int)
        held = [
            (index, y[strip == index])
            for index in range(rules.strips)
            if np.count_nonzero(strip == index) > rules.stray_points
        ]
        if len(held) < max(2, rules.least_held_share * rules.strips):
            return "the pads would meet a corner"
        places = [(index + 0.5) * 2.0 * half_x / rules.strips for index, _ in held]
        for percentile in (rules.side_percentile, 100.0 - rules.side_percentile):
            ends = [float(np.percentile(ys, percentile)) for _, ys in held]
            if abs(theilslopes(ends, places).slope) > rules.max_slant:
                return "the pads would meet slanting sides"
        return ""

    def _told(
        self, closes: bool, free: bool, width_m: float, why_not: str, middle_y_m: float
    ) -> JawFit:
        rules, gripper = self._rules, self._gripper
        half_x, inner = 0.5 * gripper.pad_width_m, 0.5 * self._opening_m
        outer = inner + gripper.finger_thickness_m
        finger = [(-half_x, inner), (half_x, inner), (half_x, outer), (-half_x, outer)]
        corners = [[(x, y * sign, 0.0) for x, y in finger] for sign in (1.0, -1.0)]
        footprints = np.array(corners)
        shares = [self._seen_share(sign, inner, outer) for sign in (1.0, -1.0)]
        return JawFit(
            closes,
            free,
            min(shares) >= rules.least_seen_share,
            width_m,
            why_not,
            self._T_camera_grasp.apply((0.0, middle_y_m, 0.0)),
            self._T_camera_grasp.apply(footprints.reshape(-1, 3)).reshape(2, 4, 3),
        )

    def _seen_share(self, sign: float, inner: float, outer: float) -> float:
        """Share of the cells of a finger's footprint that points fall on."""
        cell, half_x = 2.0 * self._rules.bin_m, 0.5 * self._gripper.pad_width_m
        y = self._y * sign
        inside = self._in_jaw & (y > inner) & (y < outer)
        xs = np.arange(-half_x, half_x + 1e-9, cell)
        ys = np.arange(inner, outer + 1e-9, cell)
        counts = np.histogram2d(self._x[inside], y[inside], (xs, ys))[0]
        return float(np.mean(counts > 0)) if counts.size else 0.0
