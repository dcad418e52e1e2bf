"""What of a picture counts: a part of it, a range of depths, and a support that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from grasp_core.config import Checked, setting
from grasp_core.errors import BadImage, ConfigError
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp
from grasp_core.support import Plane

_UNIT_TOLERANCE = 0.01


@dataclass(frozen=True)
class SceneLimits(Checked):
    """Limits of what a detector looks at; empty ones are none."""

    support_plane: tuple[float, ...] = setting(
        (),
        "plane that things stand on, where it is known: nx, ny, nz, offset_m such that n . p + "
        "offset_m = 0 in the camera's optical frame, n towards the camera; empty: from the "
        "camera's pose and the cell, else found",
    )
    region_px: tuple[float, ...] = setting(
        (),
        "part of the picture that is looked at: left, top, right, bottom, px; empty: all",
        minimum=0.0,
    )
    depth_limits_m: tuple[float, ...] = setting(
        (), "nearest and farthest depth that counts, m; empty: all", minimum=0.0
    )

    def __post_init__(self) -> None:
        """Check the fields, and each as a whole.

        Raises:
            ConfigError: One is neither empty nor what it should be.
        """
        super().__post_init__()
        plane, region, depths = self.support_plane, self.region_px, self.depth_limits_m
        if plane and (
            len(plane) != 4
            or abs(float(np.linalg.norm(plane[:3])) - 1.0) > _UNIT_TOLERANCE
            or plane[2] >= 0.0
        ):
            raise ConfigError(
                f"support_plane is {list(plane)}, must be nx, ny, nz, offset_m with a normal of "
                "length 1 towards the camera, nz below 0"
            )
        if region and (len(region) != 4 or region[0] >= region[2] or region[1] >= region[3]):
            raise ConfigError(
                f"region_px is {list(region)}, must be left, top, right, bottom with left below "
                "right and top below bottom"
            )
        if depths and (len(depths) != 2 or depths[0] >= depths[1]):
            raise ConfigError(
                f"depth_limits_m is {list(depths)}, must be nearest and farthest, the first less"
            )

    @property
    def support(self) -> Plane | None:
        """The known support; None where it is not known."""
        if not self.support_plane:
            return None
        normal = np.array(self.support_plane[:3])
        return Plane(normal / np.linalg.norm(normal), self.support_plane[3])

    def applied(self, frame: RgbdFrame) -> RgbdFrame:
        """The frame with depth only where it counts, and with the known support.

        Raises:
            BadImage: The region lies outside the picture.
        """
        support = self.support or frame.support
        if not self.region_px and not self.depth_limits_m:
            return replace(frame, support=support)
        depth_m = frame.depth_m
        height, width = depth_m.shape
        counts = np.isfinite(depth_m)
        if self.depth_limits_m:
            nearest_m, farthest_m = self.depth_limits_m
            with np.errstate(invalid="ignore"):
                counts &= (depth_m >= nearest_m) & (depth_m <= farthest_m)
        if self.region_px:
            left, top, right, bottom = self.region_px
            if left >= width or top >= height:
                raise BadImage(
                    f"region_px {list(self.region_px)} lies outside the picture of "
                    f"{width}x{height} px"
                )
            inside = np.zeros_like(counts)
            inside[round(top) : round(bottom), round(left) : round(right)] = True
            counts &= inside
        return replace(
            frame, depth_m=np.where(counts, depth_m, np.float32(np.nan)), support=support
        )

    def kept(self, grasps: Sequence[Grasp]) -> list[Grasp]:
        """The grasps whose centre lies in the region: detectors may look at colour alone."""
        if not self.region_px:
            return list(grasps)
        left, top, right, bottom = self.region_px
        return [
            grasp
            for grasp in grasps
            if left <= grasp.rectangle.u <= right and top <= grasp.rectangle.v <= bottom
        ]


NO_LIMITS = SceneLimits()
