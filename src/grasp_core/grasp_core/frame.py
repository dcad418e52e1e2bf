"""One RGB-D observation as detectors receive it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.errors import BadImage
from grasp_core.support import Plane
from grasp_core.transform import Transform


@dataclass(frozen=True, eq=False)
class RgbdFrame:
    """Colour and aligned depth of one instant.

    Attributes:
        color: Shape (H, W, 3), uint8, RGB.
        depth_m: Shape (H, W), float32, metres along the optical axis, NaN invalid.
        camera: Intrinsics of the colour image, to which depth is aligned.
        stamp_ns: Time of exposure, nanoseconds of node time.
        frame_id: Camera optical frame.
        T_base_camera: Pose of the optical frame in the robot's base frame at that time; None
            where it is not known.
        support: Plane that things stand on, optical frame, its normal towards the camera; None
            where it is to be found.
    """

    color: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    camera: PinholeCamera
    stamp_ns: int = 0
    frame_id: str = ""
    T_base_camera: Transform | None = None
    support: Plane | None = None

    def __post_init__(self) -> None:
        """Check the shapes against each other and the calibration.

        Raises:
            BadImage: Shapes or types differ from what the attributes say.
        """
        size = (self.camera.height, self.camera.width)
        if self.color.shape != (*size, 3) or self.color.dtype != np.uint8:
            raise BadImage(
                f"the colour image is {self.color.shape} of {self.color.dtype}, camera_info says "
                f"{size[1]}x{size[0]} px: subscribe to matching topics"
            )
        if self.depth_m.shape != size:
            raise BadImage(
                f"the depth image is {self.depth_m.shape[1]}x{self.depth_m.shape[0]} px, the "
                f"colour image {size[1]}x{size[0]}: use the aligned depth topic"
            )

    @property
    def stamp_s(self) -> float:
        """Time of exposure, seconds of node time."""
        return self.stamp_ns * 1e-9
