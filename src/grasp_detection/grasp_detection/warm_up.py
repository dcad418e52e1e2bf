"""A first detection before any image is there. No ROS.

What a detector does only once, such as loading libraries, compiling kernels and filling caches,
takes seconds on a busy machine; the first request must not pay for it.
"""

from __future__ import annotations

import time

import numpy as np

from grasp_core.camera import PinholeCamera
from grasp_core.frame import RgbdFrame
from grasp_detection.detector import Detector

_WIDTH, _HEIGHT, _FOCAL_PX = 640, 480, 615.0
_TABLE_M, _TOP_M = 0.75, 0.70


def plain_frame() -> RgbdFrame:
    """A bright block of 5 x 9 x 5 cm on a table, seen from straight above."""
    color = np.full((_HEIGHT, _WIDTH, 3), 90, np.uint8)
    depth_m = np.full((_HEIGHT, _WIDTH), _TABLE_M, np.float32)
    block = (slice(218, 262), slice(281, 360))
    color[block], depth_m[block] = 220, _TOP_M
    centre = (_WIDTH - 1) / 2.0, (_HEIGHT - 1) / 2.0
    return RgbdFrame(color, depth_m, PinholeCamera(_WIDTH, _HEIGHT, _FOCAL_PX, _FOCAL_PX, *centre))


def warm_up(detector: Detector) -> float:
    """Let a detector work once.

    Returns:
        How long it took, seconds of wall time; an exception of the detector's passes.
    """
    began = time.perf_counter()
    detector.detect(plain_frame())
    return time.perf_counter() - began
