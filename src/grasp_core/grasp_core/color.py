"""Colour encodings of images: where red, green and blue are among the channels."""

from __future__ import annotations

# encoding -> (channels, indices of R, G, B among them)
COLOR_LAYOUTS: dict[str, tuple[int, tuple[int, int, int]]] = {
    "rgb8": (3, (0, 1, 2)),
    "bgr8": (3, (2, 1, 0)),
    "rgba8": (4, (0, 1, 2)),
    "bgra8": (4, (2, 1, 0)),
    "mono8": (1, (0, 0, 0)),
}
COLOR_ENCODINGS = tuple(COLOR_LAYOUTS)
