"""Varying a labelled picture: one resampling for turn, zoom, shift and mirror, then noise."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.rectangle import wrap_angle
from grasp_detection.learned.training.config import AugmentConfig
from grasp_detection.learned.window import FloatArray, Window, move_rectangles, warp

_ON_LABEL = 0.75  # share of crops that are drawn round a label


def draw_matrix(window: Window, config: AugmentConfig, rng: np.random.Generator) -> FloatArray:
    """Draw a similarity from picture to input pixels, shape (2, 3), round the window's centre."""
    # Every number is drawn whatever the settings, so that one setting does not shift the others.
    turn, log_zoom, shift, mirror = (
        rng.uniform(-np.pi, np.pi),
        rng.uniform(-1.0, 1.0) * np.log(config.zoom),
        rng.uniform(-config.shift, config.shift, 2) * window.size,
        rng.random() < 0.5,
    )
    turn = turn if config.rotate else 0.0
    zoom = np.exp(log_zoom)
    cos, sin = zoom * np.cos(turn), zoom * np.sin(turn)
    linear = np.array([[cos, -sin], [sin, cos]])
    if mirror and config.flip:
        linear = linear @ np.diag([-1.0, 1.0])
    centre = np.full(2, (window.size - 1) / 2.0)
    offset = centre - linear @ centre + shift
    to_input = window.matrix
    return np.concatenate(
        [linear @ to_input[:, :2], (linear @ to_input[:, 2] + offset)[:, None]], axis=1
    )


def draw_crop(
    matrix: FloatArray, size: int, crop: int, rows: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Restrict an input to a square part of it, mostly one that holds a label.

    The others teach what else there is to see: without them the rest of a picture is strange to
    the network.

    Args:
        matrix: Picture to input pixels, shape (2, 3).
        size: Side of the input, pixels.
        crop: Side of the part, pixels, at most ``size``.
        rows: Shape (N, 5), labels of the picture.
        rng: Source of chance.

    Returns:
        Picture to pixels of the part, shape (2, 3).
    """
    places = rows[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    places = places[((places >= 0.0) & (places <= size - 1.0)).all(axis=1)]
    choice, inside, anywhere = rng.random(), rng.uniform(0.1, 0.9, 2), rng.random(2)
    corner = anywhere * (size - crop)
    if len(places) and choice < _ON_LABEL:
        place = places[int(choice / _ON_LABEL * len(places))]
        corner = np.clip(place - inside * (crop - 1.0), 0.0, size - crop)
    return np.concatenate([matrix[:, :2], (matrix[:, 2] - corner)[:, None]], axis=1)


def apply(
    matrix: FloatArray,
    size: int,
    color: NDArray[np.uint8] | None,
    depth_m: NDArray[np.float32] | None,
    rows: FloatArray,
) -> tuple[NDArray[np.uint8] | None, NDArray[np.float32] | None, FloatArray, NDArray[np.bool_]]:
    """Resample a picture and move its labels; labels whose centre leaves the input are dropped.

    Returns:
        Colour, depth, the labels that are left, and which of the N labels they are, shape (N,).
    """
    moved = move_rectangles(rows, matrix)
    inside = np.all((moved[:, :2] >= 0.0) & (moved[:, :2] <= size - 1.0), axis=1)
    color = None if color is None else warp(color, matrix, size)
    depth_m = None if depth_m is None else warp(depth_m, matrix, size)
    return color, depth_m, moved[inside], np.asarray(inside)


def disturb_color(
    color: NDArray[np.uint8], config: AugmentConfig, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Change contrast, brightness curve and tint, and add noise.

    What is only added to the whole picture would be lost: networks see it relative to its mean.
    """
    contrast = 1.0 + config.contrast * rng.uniform(-1.0, 1.0)
    gamma = 1.0 + config.gamma * rng.uniform(-1.0, 1.0)
    tint = 1.0 + config.tint * rng.uniform(-1.0, 1.0, 3)
    noise = rng.standard_normal(color.shape, np.float32) * np.float32(255.0 * config.color_noise)
    bent = (255.0 * np.linspace(0.0, 1.0, 256) ** gamma).astype(np.float32)[color]
    mean = bent.mean(axis=(0, 1))
    changed = (mean + contrast * (bent - mean)) * tint.astype(np.float32) + noise
    return np.clip(changed, 0.0, 255.0).astype(np.uint8)


def disturb_depth(
    depth_m: NDArray[np.float32], config: AugmentConfig, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Add noise."""
    noise = rng.standard_normal(depth_m.shape, np.float32) * np.float32(config.depth_noise_m)
    return depth_m + noise


def disturb_labels(
    rows: FloatArray, config: AugmentConfig, rng: np.random.Generator
) -> FloatArray:
    """Turn each label by a little, shape (N, 5)."""
    turn = np.radians(config.label_turn_deg) * rng.uniform(-1.0, 1.0, len(rows))
    return np.concatenate([rows[:, :4], wrap_angle(rows[:, 4] + turn)[:, None]], axis=1)


def move_areas(areas: NDArray[np.uint8], matrix: FloatArray, size: int) -> NDArray[np.uint8]:
    """The class of each pixel of a resampled picture, shape (size, size); 0 outside of it."""
    flags = cv2.INTER_NEAREST
    return np.asarray(cv2.warpAffine(areas, matrix, (size, size), flags=flags))
