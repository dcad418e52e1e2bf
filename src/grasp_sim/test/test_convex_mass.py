"""Mass properties of convex parts against closed forms and against sampling."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from grasp_sim.convex_mass import mass_properties


def box(sides: tuple[float, ...], center: tuple[float, ...] = (0.0, 0.0, 0.0)) -> np.ndarray:
    return np.array(list(itertools.product((-0.5, 0.5), repeat=3))) * sides + center


def test_a_box_has_the_inertia_of_the_formula() -> None:
    sides, center = (0.1, 0.2, 0.3), (0.5, -0.4, 0.2)
    found = mass_properties([box(sides, center)], [500.0])
    assert found.mass_kg == pytest.approx(3.0)
    assert np.allclose(found.center_m, center)
    x, y, z = np.square(sides)
    assert np.allclose(found.inertia, np.diag([y + z, x + z, x + y]) * 3.0 / 12.0)


def test_parts_of_different_density_against_sampling() -> None:
    parts = [box((0.2, 0.02, 0.02)), box((0.04, 0.1, 0.04), (0.12, 0.01, 0.0))]
    densities = [700.0, 7800.0]
    rng = np.random.default_rng(1)
    points, weights = [], []
    for part, density in zip(parts, densities, strict=True):
        low, high = part.min(axis=0), part.max(axis=0)
        points.append(rng.uniform(low, high, (200_000, 3)))
        weights.append(np.full(200_000, density * np.prod(high - low) / 200_000))
    place, weight = np.concatenate(points), np.concatenate(weights)
    center = weight @ place / weight.sum()
    away = place - center
    inertia = np.einsum("n,nij->ij", weight, np.eye(3) * (away**2).sum(1)[:, None, None])
    inertia -= np.einsum("n,ni,nj->ij", weight, away, away)
    found = mass_properties(parts, densities)
    assert found.mass_kg == pytest.approx(weight.sum())
    assert np.allclose(found.center_m, center, atol=1e-4)
    assert np.allclose(found.inertia, inertia, rtol=0.01, atol=1e-5)


def test_flat_parts_weigh_nothing() -> None:
    flat = np.array([(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 1.0, 0.0)])
    assert mass_properties([flat], [1000.0]).mass_kg == 0.0
    assert mass_properties([], []).mass_kg == 0.0
