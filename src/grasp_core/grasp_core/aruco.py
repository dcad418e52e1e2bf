"""OpenCV's aruco module, before and after its change of interface in 4.7.

Ubuntu 24.04, and so ROS 2 Jazzy, brings 4.6. From 4.5.4 to 4.12 its ChArUco corners are half a
pixel off (opencv/opencv issue 25539), so corners are refined again here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import MissingDependency

_PREFIX = "DICT_"
_WINDOW_SHARE = 0.17
"""Half a side of the window of refinement, share of a square: markers begin beyond it."""
_MOST_WINDOW_PX = 5
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 40, 1e-3)

Corners = tuple[NDArray[np.float64], NDArray[np.int64]]
"""Pixels of corners, shape (N, 2), and their ids, shape (N,)."""


def _module() -> Any:
    if not hasattr(cv2, "aruco"):
        raise MissingDependency(
            f"OpenCV {cv2.__version__} has no aruco module: install python3-opencv of the "
            "distribution, or opencv-python-headless 4.7 or later"
        )
    return cv2.aruco


def dictionary_names() -> list[str]:
    """Names of the dictionaries, as in ``4X4_50``."""
    names = (name for name in dir(_module()) if name.startswith(_PREFIX))
    return sorted(name[len(_PREFIX) :] for name in names)


@functools.cache
def _dictionary(name: str) -> Any:
    module = _module()
    number = getattr(module, _PREFIX + name)
    if hasattr(module, "getPredefinedDictionary"):
        return module.getPredefinedDictionary(number)
    return module.Dictionary_get(number)


def marker_count(dictionary: str) -> int:
    """How many markers a dictionary has."""
    return len(_dictionary(dictionary).bytesList)


@functools.cache
def marker_cells(dictionary: str, number: int) -> NDArray[np.bool_]:
    """Cells of a marker with its border, True where black, shape (S, S)."""
    module, found = _module(), _dictionary(dictionary)
    side = int(found.markerSize) + 2
    draw = getattr(module, "generateImageMarker", None) or module.drawMarker
    return np.asarray(draw(found, number, side)) < 128


def corner_finder(
    columns: int, rows: int, square_m: float, marker_m: float, dictionary: str
) -> Callable[[NDArray[np.uint8]], Corners]:
    """A function that finds a board's inner corners in a grey image, none where it is not seen."""
    module, markers = _module(), _dictionary(dictionary)
    if hasattr(module, "CharucoDetector"):
        board = module.CharucoBoard((columns, rows), square_m, marker_m, markers)
        detector = module.CharucoDetector(board)
        return lambda grey: _corners(grey, *detector.detectBoard(grey)[:2])
    board = module.CharucoBoard_create(columns, rows, square_m, marker_m, markers)

    def find(grey: NDArray[np.uint8]) -> Corners:
        found, ids, _ = module.detectMarkers(grey, markers)
        if ids is None:
            return _corners(grey, None, None)
        return _corners(grey, *module.interpolateCornersCharuco(found, ids, grey, board)[1:3])

    return find


def _corners(grey: NDArray[np.uint8], pixels: Any, ids: Any) -> Corners:
    if pixels is None or ids is None:
        return np.empty((0, 2)), np.empty(0, np.int64)
    found = np.asarray(pixels, np.float32).reshape(-1, 1, 2)
    window = int(np.clip(_WINDOW_SHARE * _square_px(found[:, 0]), 2, _MOST_WINDOW_PX))
    refined = cv2.cornerSubPix(grey, found.copy(), (window, window), (-1, -1), _STOP)
    return np.asarray(refined, np.float64).reshape(-1, 2), np.asarray(ids, np.int64).ravel()


def _square_px(pixels: NDArray[np.float32]) -> float:
    """Side of a square in the image: the median distance of a corner to its nearest one."""
    if len(pixels) < 2:
        return 0.0
    distances = np.linalg.norm(pixels[:, None] - pixels[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return float(np.median(distances.min(axis=1)))
