"""Where the camera was when it took an image: from TF at the stamp, or from a hand-eye file."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path

from rclpy.node import Node

from grasp_core.errors import NoTransform
from grasp_core.frame import RgbdFrame
from grasp_core.hand_eye import HandEye, load_hand_eye
from grasp_core.transform import Transform
from grasp_ros.stamps import DEFAULT_MAX_LEAD_S
from grasp_ros.tf import TransformSource, TransformTree, transform_source

_POLL_S = 0.01
_PAUSE_S = 1.0  # without waiting, after a wait in vain


class CameraPose:
    """``T_base_camera`` at the stamp of an image."""

    def __init__(
        self, base_frame: str, transforms: TransformSource, hand_eye: HandEye | None = None
    ) -> None:
        """Put together.

        Args:
            base_frame: The robot's base frame.
            transforms: Knows the optical frame; with a hand-eye file, that file's parent frame.
            hand_eye: The calibration; None where it is published on TF.
        """
        self._base_frame = base_frame
        self._transforms = transforms
        self._hand_eye = hand_eye

    def at(
        self,
        frame_id: str,
        stamp_ns: int,
        wait: Callable[[], None] = lambda: None,
        patience: int = 0,
    ) -> Transform:
        """Look the pose up; transforms of a stamp may arrive a moment after the image.

        Args:
            frame_id: Optical frame of the image.
            stamp_ns: Its stamp, nanoseconds of node time.
            wait: Lets a moment pass; what it raises ends the look-up.
            patience: How often that is done at most.

        Raises:
            NoTransform: The pose is not known, or not at that time.
        """
        for _ in range(patience):
            try:
                return self._look_up(frame_id, stamp_ns)
            except NoTransform:
                wait()
        return self._look_up(frame_id, stamp_ns)

    def _look_up(self, frame_id: str, stamp_ns: int) -> Transform:
        calibration = self._hand_eye
        if calibration is None:
            return self._transforms.lookup(self._base_frame, frame_id, stamp_ns)
        if calibration.camera_frame.lstrip("/") != frame_id.lstrip("/"):
            raise NoTransform(
                f"the hand-eye file calibrates {calibration.camera_frame!r}, the image is in "
                f"{frame_id!r}: name that frame in the file, or calibrate this camera"
            )
        if calibration.parent_frame.lstrip("/") == self._base_frame:
            return calibration.T_parent_camera
        T_base_parent = self._transforms.lookup(
            self._base_frame, calibration.parent_frame, stamp_ns
        )
        return T_base_parent @ calibration.T_parent_camera


def camera_pose(
    node: Node, base_frame: str, hand_eye: str, max_lead_s: float = DEFAULT_MAX_LEAD_S
) -> CameraPose:
    """The camera's pose for a node.

    Args:
        node: Subscribes to TF, unless a hand-eye file already says all.
        base_frame: The robot's base frame.
        hand_eye: Path of the hand-eye file; empty where TF says it.
        max_lead_s: By which stamps of transforms may lead node time, seconds.

    Raises:
        ConfigError: The file cannot be read.
        BadCalibration: A key is missing or a value impossible.
    """
    calibration = load_hand_eye(Path(hand_eye)) if hand_eye else None
    needs_tf = calibration is None or calibration.parent_frame.lstrip("/") != base_frame
    transforms = transform_source(node, max_lead_s) if needs_tf else TransformTree()
    return CameraPose(base_frame, transforms, calibration)


class FramePoser:
    """Gives frames the camera's pose where it is known, and never holds one up for long.

    A wait in vain is followed by a while of look-ups without waiting, so that a transform that
    never comes does not cost its timeout for every frame.

    Attributes:
        complaint: Why the last frame got no pose; empty where it got one.
    """

    def __init__(self, pose: CameraPose, timeout_s: float) -> None:
        """Put together; ``timeout_s`` is the longest wait for one frame's transform, wall time."""
        self._pose = pose
        self._patience = math.ceil(timeout_s / _POLL_S)
        self._wait_again_s = -math.inf
        self.complaint = ""

    def posed(self, frame: RgbdFrame) -> RgbdFrame:
        """The frame with its camera's pose, or as it is where that is not known."""
        patience = self._patience if time.monotonic() >= self._wait_again_s else 0
        try:
            pose = self._pose.at(
                frame.frame_id, frame.stamp_ns, lambda: time.sleep(_POLL_S), patience
            )
        except NoTransform as error:
            self.complaint = str(error)
            if patience:
                self._wait_again_s = time.monotonic() + _PAUSE_S
            return frame
        self.complaint = ""
        return dataclasses.replace(frame, T_base_camera=pose)
