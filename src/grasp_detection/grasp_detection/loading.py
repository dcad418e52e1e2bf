"""A detector by name, ready for pictures: three lines of Python, and what the node calls. No ROS.

.. code-block:: python

    detector = load_detector("default")
    grasps = detector.detect(color, depth_m, camera)
    picture = draw_grasps(color, grasps)  # grasp_core.drawing
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.cell import Cell
from grasp_core.config import build
from grasp_core.errors import BadCalibration, BadImage
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp
from grasp_core.gripper_profile import GripperProfile, load_gripper
from grasp_core.transform import Transform
from grasp_detection.detector import ColorDetector, Detector, remark_of, with_depth
from grasp_detection.registry import DEFAULT, find_detector
from grasp_detection.scene_limits import NO_LIMITS, SceneLimits
from grasp_detection.warm_up import warm_up

DEFAULT_GRIPPER = "franka_hand"
MOST_CANDIDATES = 50


class LoadedDetector:
    """A detector that takes pictures as they are and fills in depths.

    Attributes:
        name: Of the detector in the registry.
        needs_depth: Whether it cannot work on colour alone.
    """

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.name = detector.name
        self.needs_depth = not isinstance(detector, ColorDetector) or detector.needs_depth

    def detect(
        self,
        color: NDArray[np.uint8],
        depth_m: NDArray[np.float32] | None = None,
        camera: PinholeCamera | None = None,
        *,
        T_base_camera: Transform | None = None,
        limits: SceneLimits = NO_LIMITS,
        limit: int = MOST_CANDIDATES,
    ) -> list[Grasp]:
        """Rank the grasps of one picture.

        Args:
            color: Shape (H, W, 3), uint8, RGB.
            depth_m: Shape (H, W), float32, metres along the optical axis, NaN invalid; None for
                a detector that judges by colour alone.
            camera: Intrinsics of both; needed with depth.
            T_base_camera: Pose of the optical frame in the robot's base frame, where known.
            limits: What of the picture counts, and the support where it is known.
            limit: Most candidates returned.

        Returns:
            Candidates in descending order of quality; empty where there is nothing to grasp, and
            ``remark`` says why.

        Raises:
            BadCalibration: Depth without intrinsics, or intrinsics that cannot be used.
            BadImage: No depth for a detector that needs it, or sizes that differ.
        """
        frame = self._frame(color, depth_m, camera, T_base_camera)
        return self.detect_frame(frame, limit, limits)

    def detect_frame(
        self,
        frame: RgbdFrame,
        limit: int = MOST_CANDIDATES,
        limits: SceneLimits = NO_LIMITS,
    ) -> list[Grasp]:
        """Rank the grasps of a frame as a camera gives it; see :meth:`detect`."""
        found = limits.kept(self._detector.detect(limits.applied(frame)))
        return with_depth(found[:limit], frame)

    @property
    def remark(self) -> str:
        """What is to be known of the last answer, such as why it is empty; or nothing."""
        return remark_of(self._detector)

    def warm_up(self) -> float:
        """Let it work once; see :func:`grasp_detection.warm_up.warm_up`."""
        return warm_up(self._detector)

    def _frame(
        self,
        color: NDArray[np.uint8],
        depth_m: NDArray[np.float32] | None,
        camera: PinholeCamera | None,
        T_base_camera: Transform | None,
    ) -> RgbdFrame:
        if depth_m is None:
            if self.needs_depth:
                raise BadImage(
                    f"detector {self.name} needs depth, which is not there: give the depth image "
                    "and the camera's intrinsics, or load weights that judge by colour alone"
                )
            depth_m = np.full(color.shape[:2], np.nan, np.float32)
            camera = camera or _any_camera(*color.shape[:2])
        if camera is None:
            raise BadCalibration(
                "a depth image without the camera's intrinsics says nothing of lengths: give fx, "
                "fy, cx, cy"
            )
        return RgbdFrame(color, depth_m, camera, T_base_camera=T_base_camera)


def load_detector(
    name: str = DEFAULT,
    *,
    gripper: GripperProfile | str = DEFAULT_GRIPPER,
    settings: Mapping[str, Any] | object | None = None,
    cell: Cell | None = None,
) -> LoadedDetector:
    """Build a detector by name.

    Args:
        name: One of :func:`grasp_detection.registry.detector_names`, ``default``, or
            ``FILE.py:CLASS``.
        gripper: Hand that will execute the grasps, or its name under ``config/grippers``.
        settings: Of the detector: its configuration, or values by name such as
            ``{"weights": "cornell_rgb"}``; what is missing keeps its default.
        cell: Where it will be used, if known.

    Raises:
        ConfigError: No such detector or gripper, or a setting is wrong.
        MissingDependency: A library that it needs is not installed.
        WeightsError: Its weights are missing, broken or made for another network.
    """
    entry = find_detector(name)
    config = settings
    if settings is None or isinstance(settings, Mapping):
        config = build(entry.config_class, settings or {}, f"detector {entry.name}")
    hand = load_gripper(gripper) if isinstance(gripper, str) else gripper
    return LoadedDetector(entry.build(hand, config, cell))


def _any_camera(height: int, width: int) -> PinholeCamera:
    """Intrinsics for a picture without depth: nothing metric is worked out from them."""
    return PinholeCamera(width, height, width, width, 0.5 * (width - 1), 0.5 * (height - 1))
