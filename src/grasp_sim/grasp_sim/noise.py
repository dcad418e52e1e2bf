"""Depth noise of a stereo camera, in the disparity domain where it arises.

Preset ``d435``: baseline 50 mm and a depth focal length of 424 px (848 px wide at 90 degrees);
disparity noise of 0.08 px RMS; disparities in steps of 1/32 px; no depth where the second imager
does not see the surface. Source: Grunnet-Jepsen, Sweetser, Woodfill, "Best-known-methods for
tuning Intel RealSense D400 depth cameras for best performance", Intel 2018 (RMS error =
z^2 * subpixel / (focal length * baseline), subpixel 0.08 typical); Keselman et al., "Intel
RealSense stereoscopic depth cameras", CVPR Workshops 2017 (5 subpixel bits).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class StereoNoise:
    """Noise of a stereo depth camera.

    Attributes:
        focal_px: Focal length of the depth imagers.
        baseline_m: Distance between them.
        subpixel_rms_px: RMS of the disparity error.
        step_px: Quantisation of disparity.
        correlation_px: Standard deviation of the smoothing that correlates neighbours, as block
            matching does; the RMS is kept.
    """

    focal_px: float
    baseline_m: float
    subpixel_rms_px: float
    step_px: float
    correlation_px: float

    def apply(
        self, depth_m: NDArray[np.float32], image_focal_px: float, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Add noise to an ideal depth image.

        Args:
            depth_m: Shape (H, W), metres, NaN invalid.
            image_focal_px: Focal length of this image, for the width of shadows.
            rng: Source of the noise.

        Returns:
            Shape (H, W), float32; NaN where the second imager is blocked as well.
        """
        scale = self.focal_px * self.baseline_m
        noise = rng.standard_normal(depth_m.shape).astype(np.float32)
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), self.correlation_px), np.float32)
        noise *= self.subpixel_rms_px / float(noise.std())
        disparity = scale / depth_m + noise
        disparity = np.round(disparity / self.step_px) * self.step_px
        noisy = np.where(disparity > self.step_px, scale / disparity, np.nan)
        noisy[self._shadow(depth_m, image_focal_px)] = np.nan
        return noisy.astype(np.float32)

    def _shadow(self, depth_m: NDArray[np.float32], image_focal_px: float) -> NDArray[np.bool_]:
        """Pixels behind something nearer as seen from the second imager, to the right.

        The first imager sees a surface at u, the second one at u - disparity. A pixel is blocked
        when a pixel ``shift`` columns to its right is nearer by at least that disparity.
        """
        disparity = image_focal_px * self.baseline_m / depth_m.astype(np.float64)
        # Where the second imager sees each pixel; what lies further right there and is seen at
        # the same place or further left is in front of it.
        seen_at = disparity - np.arange(depth_m.shape[1])
        ahead = np.nan_to_num(seen_at[:, ::-1], nan=-np.inf)
        most = np.maximum.accumulate(ahead, axis=1)[:, ::-1]
        shadow = np.zeros(depth_m.shape, dtype=bool)
        shadow[:, :-1] = most[:, 1:] >= seen_at[:, :-1]
        return shadow


PRESETS: dict[str, StereoNoise] = {
    "d435": StereoNoise(
        focal_px=424.0,
        baseline_m=0.05,
        subpixel_rms_px=0.08,
        step_px=1.0 / 32.0,
        correlation_px=1.0,
    )
}
