"""What a real depth camera gets wrong, beyond noise: holes, flying pixels, fattened edges.

Stereo and pattern cameras see nothing where the second imager or the projector is blocked, little
on dark and on shiny surfaces, less the flatter they look along a surface; where the surface jumps
they lose pixels, or put them between near and far.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_sim.noise import PRESETS, StereoNoise

Float = NDArray[np.float32]
_JUMP_M = 0.012  # neighbouring pixels further apart show two surfaces
_PATCH_PX = 16  # size of the patches in which pixels are lost
_FAR_M = 100.0


@dataclass(frozen=True)
class DepthFaults:
    """Faults of one camera in one view.

    Attributes:
        noise: Of disparity, with the width of the shadow.
        mirrored: Whether the shadow lies on the other side of things.
        fattening_px: Side of the window whose median the camera measures, odd; 1 for none.
        edge_px: Pixels about a jump that are lost or fly.
        lost_at_edges: Share of these that are lost.
        flying: Share of these that lie between near and far.
        poor_share: Share of things that are dark or shiny.
        grazing_deg: Surfaces seen at a flatter angle are lost in patches.
        lost_anywhere: Share of all pixels lost in patches.
    """

    noise: StereoNoise
    mirrored: bool
    fattening_px: int
    edge_px: int
    lost_at_edges: float
    flying: float
    poor_share: float
    grazing_deg: float
    lost_anywhere: float

    def apply(
        self,
        depth_m: Float,
        bodies: NDArray[np.int32],
        camera: PinholeCamera,
        rng: np.random.Generator,
    ) -> Float:
        """What the camera measures.

        Args:
            depth_m: Shape (H, W), metres, exact, NaN where there is nothing.
            bodies: Shape (H, W), which thing each pixel shows; -1 for none.
            camera: Intrinsics.
            rng: Source of chance.

        Returns:
            Shape (H, W), float32, metres, NaN where nothing is measured.
        """
        seen = depth_m
        if self.fattening_px > 1:
            whole = np.nan_to_num(depth_m, nan=_FAR_M)
            blurred = np.asarray(cv2.medianBlur(whole, self.fattening_px), np.float32)
            seen = np.where(blurred < _FAR_M, blurred, np.float32(np.nan))
        turned = (slice(None), slice(None, None, -1)) if self.mirrored else (slice(None),) * 2
        mirrored = np.ascontiguousarray(seen[turned])
        measured = self.noise.apply(mirrored, camera.fx, rng)[turned]
        measured = self._at_edges(seen, np.ascontiguousarray(measured), rng)
        measured[self._lost(seen, bodies, camera, rng)] = np.nan
        return measured

    def _at_edges(self, depth_m: Float, measured: Float, rng: np.random.Generator) -> Float:
        side = 2 * self.edge_px + 1
        window = np.ones((side, side), np.uint8)
        whole = np.nan_to_num(depth_m, nan=_FAR_M)
        near, far = cv2.erode(whole, window), cv2.dilate(whole, window)
        v, u = np.nonzero((far - near > _JUMP_M) & (far < _FAR_M))
        if not len(v):
            return measured
        chance = _patches(depth_m.shape, 4, rng)[v, u]
        share = rng.random(len(v), np.float32)
        between = near[v, u] * (1.0 - share) + far[v, u] * share
        flies = rng.random(len(v)) < self.flying
        measured[v[flies], u[flies]] = between[flies]
        lost = chance < self.lost_at_edges
        measured[v[lost], u[lost]] = np.nan
        return measured

    def _lost(
        self,
        depth_m: Float,
        bodies: NDArray[np.int32],
        camera: PinholeCamera,
        rng: np.random.Generator,
    ) -> NDArray[np.bool_]:
        """Pixels of poor things, of flat views, and patches anywhere."""
        known = bodies[bodies >= 0]
        count = int(known.max()) + 1 if known.size else 0
        poor = rng.random(count + 1) < self.poor_share
        lost_of = np.where(poor, rng.uniform(0.05, 0.8, count + 1), 0.0).astype(np.float32)
        lost_of[-1] = 0.0  # body -1: nothing
        share = np.maximum(lost_of[bodies], np.float32(self.lost_anywhere))
        slope = _slope(depth_m, camera)
        flat = slope > np.float32(np.tan(np.radians(self.grazing_deg)))
        share = np.where(flat, np.maximum(share, np.float32(0.6)), share)
        return np.asarray(_patches(depth_m.shape, _PATCH_PX, rng) < share)


def draw_faults(rng: np.random.Generator) -> DepthFaults:
    """Draw a camera: from one that hardly errs to one that misses half of what is there."""
    typical = PRESETS["d435"]
    noise = replace(
        typical,
        baseline_m=typical.baseline_m * float(rng.uniform(0.6, 2.0)),
        subpixel_rms_px=typical.subpixel_rms_px * float(rng.uniform(0.3, 1.8)),
        correlation_px=typical.correlation_px * float(rng.uniform(0.7, 2.0)),
    )
    bad = float(rng.random() ** 2)
    return DepthFaults(
        noise,
        mirrored=bool(rng.random() < 0.5),
        fattening_px=int(rng.choice([1, 3, 5])),
        edge_px=int(rng.integers(1, 4)),
        lost_at_edges=float(rng.uniform(0.0, 0.9)),
        flying=float(rng.uniform(0.0, 0.15)),
        poor_share=0.4 * bad,
        grazing_deg=float(rng.uniform(65.0, 89.0)),
        lost_anywhere=0.15 * bad,
    )


def _patches(shape: tuple[int, ...], patch_px: int, rng: np.random.Generator) -> Float:
    """Values spread evenly over [0, 1] that are alike within a patch, shape (H, W)."""
    coarse = (shape[0] // patch_px + 2, shape[1] // patch_px + 2)
    grid = rng.random(coarse, np.float32)
    smooth = cv2.resize(grid, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    # A little of every pixel's own chance frays the patches.
    mixed = np.asarray(smooth) + np.float32(0.2) * rng.random(shape, np.float32)
    return np.asarray(mixed - np.float32(0.1), np.float32)


def _slope(depth_m: Float, camera: PinholeCamera) -> Float:
    """Tangent of the angle between surface and image plane, shape (H, W); NaN counts as flat."""
    filled = np.nan_to_num(depth_m, nan=0.0)
    du = cv2.Sobel(filled, cv2.CV_32F, 1, 0, scale=camera.fx / 8.0)
    dv = cv2.Sobel(filled, cv2.CV_32F, 0, 1, scale=camera.fy / 8.0)
    return np.asarray(cv2.magnitude(du, dv) / np.maximum(filled, 0.1), np.float32)
