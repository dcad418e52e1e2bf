"""Reading picture files, with errors that name path and reason."""

from __future__ import annotations

import zlib
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_detection.datasets.dataset import DatasetError

_PNG = b"\x89PNG\r\n\x1a\n"


def require_folder(root: Path) -> Path:
    """The folder as an absolute path.

    Raises:
        DatasetError: It is not there or no folder.
    """
    path = Path(root).expanduser().resolve()
    if not path.is_dir():
        raise DatasetError(f"{root} is no folder: give the dataset's root")
    return path


def read_color(path: Path) -> NDArray[np.uint8]:
    """Read a colour picture.

    Returns:
        Shape (H, W, 3), uint8, RGB.

    Raises:
        DatasetError: Missing, truncated, or not three channels of 8 bits.
    """
    image = _decode(path)
    if image.ndim != 3 or image.shape[2] not in (3, 4) or image.dtype != np.uint8:
        raise DatasetError(
            f"{path} holds {_kind(image)}, needed are 3 channels of 8 bits: is it a depth file?"
        )
    code = cv2.COLOR_BGR2RGB if image.shape[2] == 3 else cv2.COLOR_BGRA2RGB
    return np.asarray(cv2.cvtColor(image, code), np.uint8)


def read_depth_m(path: Path, unit_m: float | None = None) -> NDArray[np.float32]:
    """Read a depth picture: float metres, or 16-bit millimetres, unless told otherwise.

    Args:
        path: A picture of one channel.
        unit_m: What a value of 1 stands for, metres; None goes by the type.

    Returns:
        Shape (H, W), float32, metres; zero and negative values become NaN.

    Raises:
        DatasetError: Missing, truncated, or not one channel.
    """
    image = _decode(path)
    if image.ndim != 2 or image.dtype not in (np.uint16, np.float32, np.float64):
        raise DatasetError(
            f"{path} holds {_kind(image)}, needed is one channel of floats (metres) or 16 bits "
            "(millimetres)"
        )
    if unit_m is None:
        unit_m = 0.001 if image.dtype == np.uint16 else 1.0
    depth = image.astype(np.float32) * np.float32(unit_m)
    return np.where(np.isfinite(depth) & (depth > 0.0), depth, np.nan).astype(np.float32)


def read_mask(path: Path) -> NDArray[np.int32]:
    """Read a mask of labels, one channel of integers.

    Raises:
        DatasetError: Missing, truncated, or not one channel.
    """
    image = _decode(path)
    if image.ndim == 3 and (image[:, :, :3] == image[:, :, :1]).all():
        image = image[:, :, 0]  # some tools save grey masks with equal channels
    if image.ndim != 2 or image.dtype not in (np.uint8, np.uint16, np.int32):
        raise DatasetError(f"{path} holds {_kind(image)}, needed is one channel of integers")
    return image.astype(np.int32)


def require_size(path: Path, image: NDArray, size: tuple[int, int]) -> None:
    """Check that a picture of a view has the view's size.

    Args:
        path: Where the picture comes from.
        image: Shape (H, W) or (H, W, C).
        size: Height and width of the view's main picture, pixels.

    Raises:
        DatasetError: It has another.
    """
    if image.shape[:2] != size:
        raise DatasetError(
            f"{path} is {image.shape[1]}x{image.shape[0]} px, its view {size[1]}x{size[0]}"
        )


def _decode(path: Path) -> NDArray:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    fault = _png_fault(data) if data.startswith(_PNG) else None
    if fault is not None:
        raise DatasetError(f"{path} is {fault} ({len(data)} bytes): copy it again")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    except cv2.error:
        image = None
    if image is None:
        raise DatasetError(f"{path} is no readable picture ({len(data)} bytes): copy it again")
    return np.asarray(image)


def _png_fault(data: bytes) -> str | None:
    """What is wrong with the chunks of a PNG; OpenCV fills a cut one with grey, and stays silent.

    Source: PNG specification, third edition, section 5.3.
    """
    start = len(_PNG)
    while start + 12 <= len(data):
        stop = start + 12 + int.from_bytes(data[start : start + 4], "big")
        if stop > len(data):
            break
        kind_and_content, checksum = data[start + 4 : stop - 4], data[stop - 4 : stop]
        if zlib.crc32(kind_and_content) != int.from_bytes(checksum, "big"):
            return "damaged"
        if kind_and_content.startswith(b"IEND"):
            return None
        start = stop
    return "truncated"


def _kind(image: NDArray) -> str:
    channels = 1 if image.ndim == 2 else image.shape[2]
    return f"{channels} channel(s) of {image.dtype}"
