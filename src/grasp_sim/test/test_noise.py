from __future__ import annotations

import numpy as np
import pytest

from grasp_sim.noise import PRESETS

D435 = PRESETS["d435"]
FOCAL_PX = 615.0


def noisy(depth_m: np.ndarray, seed: int = 0) -> np.ndarray:
    return D435.apply(depth_m.astype(np.float32), FOCAL_PX, np.random.default_rng(seed))


def test_noise_is_seeded():
    plane = np.full((60, 80), 0.75)
    assert np.array_equal(noisy(plane, 3), noisy(plane, 3))
    assert not np.array_equal(noisy(plane, 3), noisy(plane, 4))


@pytest.mark.parametrize("depth_m", [0.4, 0.75, 1.2])
def test_noise_has_the_published_magnitude(depth_m: float):
    error = noisy(np.full((240, 320), depth_m)) - depth_m
    expected = depth_m**2 * 0.08 / (424.0 * 0.05)
    assert np.nanstd(error) == pytest.approx(expected, rel=0.1)
    assert abs(np.nanmean(error)) < 0.1 * expected


def test_depth_comes_in_steps_of_disparity():
    disparity = 424.0 * 0.05 / noisy(np.full((60, 80), 0.75)).astype(np.float64)
    assert np.allclose(disparity * 32, np.round(disparity * 32), atol=1e-3)


def test_the_second_imager_is_blocked_on_the_left_of_objects():
    depth = np.full((40, 100), 0.75)
    depth[:, 50:70] = 0.60
    invalid = np.isnan(noisy(depth))
    width = FOCAL_PX * 0.05 * (1 / 0.60 - 1 / 0.75)
    assert invalid[:, 50 - int(width) : 50].all()
    assert not invalid[:, : 50 - int(width) - 1].any()
    assert not invalid[:, 50:].any()


def test_invalid_stays_invalid():
    depth = np.full((40, 60), 0.75)
    depth[10, 20] = np.nan
    assert np.isnan(noisy(depth)[10, 20])
    assert np.isnan(noisy(np.full((8, 8), np.nan))).all()
