"""Whether a grasp on a real picture would do: on an object, between the jaws, touching nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_core.errors import BadImage
from grasp_core.gripper_profile import GripperProfile
from grasp_core.rectangle import GraspRectangle
from grasp_detection.evaluation.frame_labels import FrameLabels
from grasp_detection.evaluation.jaw_fit import JawFit, JawRules, SeenScene, fit_jaws
from grasp_detection.frames import PictureFrame

_OUTLINE_PX = 3  # by which a hand-drawn outline may be off


@dataclass(frozen=True)
class GraspVerdict:
    """What becomes of one grasp.

    Attributes:
        on_object: What it closes on belongs to a graspable object.
        closes: Something narrower than the jaws stands between them.
        free: The hand touches nothing on its way, and keeps out of forbidden zones.
        seen: Most of what both fingers come down on was seen; told, not judged.
        width_m: Width of what it closes on, metres; NaN where there is nothing.
        why_not: Empty for a good grasp, else the first thing that is wrong.
    """

    on_object: bool
    closes: bool
    free: bool
    seen: bool
    width_m: float
    why_not: str

    @property
    def good(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.on_object and self.closes and self.free


class FrameJudge:
    """Judges the grasps of one labelled picture."""

    def __init__(
        self,
        frame: PictureFrame,
        labels: FrameLabels,
        gripper: GripperProfile,
        rules: JawRules | None = None,
    ) -> None:
        """Prepare.

        Args:
            frame: The picture, with depth and intrinsics.
            labels: What is what in it.
            gripper: The hand that would grasp.
            rules: What counts; None for the defaults.

        Raises:
            BadImage: The picture has no depth, or another size than its labels.
        """
        if frame.depth_m is None or frame.camera is None:
            raise BadImage(f"{frame.name} has no depth or no intrinsics to judge grasps by")
        height, width = frame.depth_m.shape
        if (width, height) != (labels.width, labels.height):
            raise BadImage(
                f"{frame.name} is {width}x{height} px, its labels are of a picture of "
                f"{labels.width}x{labels.height}"
            )
        self._scene = SeenScene(frame.depth_m, frame.camera, frame.support)
        self._points = self._scene.points()
        self._gripper, self._rules = gripper, rules or JawRules()
        side = 2 * _OUTLINE_PX + 1
        objects = labels.mask(labels.objects).astype(np.uint8)
        self._objects = cv2.dilate(objects, np.ones((side, side), np.uint8)) > 0
        self._forbidden = labels.mask(labels.forbidden)

    def verdicts(self, rows: ArrayLike) -> list[GraspVerdict]:
        """Judge rectangles, shape (N, 5): u, v, width, height in pixels, angle in radians."""
        return [self.verdict(GraspRectangle(*map(float, row))) for row in np.asarray(rows)]

    def verdict(self, rectangle: GraspRectangle) -> GraspVerdict:
        """Judge one rectangle."""
        fit = fit_jaws(rectangle, self._scene, self._points, self._gripper, self._rules)
        on_object = fit.middle is not None and self._is_on_object(fit.middle)
        allowed = fit.footprints is None or not self._enters_forbidden(fit)
        why_not = fit.why_not
        if not allowed:
            why_not = "a finger enters a forbidden zone"
        if not on_object:
            why_not = "it is not on a graspable object"
        return GraspVerdict(
            on_object, fit.closes, fit.free and allowed, fit.seen, fit.width_m, why_not
        )

    def _is_on_object(self, middle: NDArray[np.float64]) -> bool:
        u, v = np.rint(self._scene.camera.project(middle)).astype(int)
        height, width = self._objects.shape
        if not (0 <= u < width and 0 <= v < height):
            return False
        return bool(self._objects[v, u] and not self._forbidden[v, u])

    def _enters_forbidden(self, fit: JawFit) -> bool:
        fingers = np.zeros(self._forbidden.shape, np.uint8)
        for corners in np.asarray(fit.footprints):
            pixels = np.rint(self._scene.camera.project(corners)).astype(np.int32)
            cv2.fillPoly(fingers, [pixels], 1)
        return bool(np.any((fingers > 0) & self._forbidden))


def first_good(verdicts: Sequence[GraspVerdict], among: int) -> bool:
    """Whether one of the best ``among`` grasps is good."""
    return any(verdict.good for verdict in verdicts[:among])
