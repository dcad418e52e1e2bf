"""Pictures from files as detectors take them: colour, or colour with depth and intrinsics.

A recorded frame is a folder with ``color.png``, ``depth.png`` (16 bits, millimetres, 0 invalid)
and ``camera.json`` (``fx``, ``fy``, ``cx``, ``cy``, ``width``, ``height``, ``source``,
``camera``), and perhaps ``support.json`` with the plane that things stand on: ``normal`` and
``offset_m`` such that normal . p + offset_m = 0 in the optical frame, the normal towards the
camera; null where none is seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasp_core.camera import PinholeCamera
from grasp_core.config import load_yaml
from grasp_core.depth import check_depth_range
from grasp_core.errors import BadCalibration, BadImage, ConfigError
from grasp_core.support import Plane
from grasp_detection.datasets.dataset import DatasetError
from grasp_detection.datasets.files import read_color, read_depth_m, require_folder

DEPTH_UNITS_M: dict[str, float | None] = {"auto": None, "mm": 0.001, "m": 1.0}
COLOR, DEPTH, CAMERA, SUPPORT = "color.png", "depth.png", "camera.json", "support.json"
_RECORDED = (COLOR, DEPTH, CAMERA)
_NEAREST_M, _FARTHEST_M = 0.1, 10.0  # what any depth camera of a workbench measures
_UNIT_REMEDY = f"say --depth-unit {' or '.join(name for name in DEPTH_UNITS_M if name != 'auto')}"
_INTRINSICS = ("fx", "fy", "cx", "cy")


@dataclass(frozen=True, eq=False)
class PictureFrame:
    """One picture, from files.

    Attributes:
        name: What it is called in tables and predictions.
        color: Shape (H, W, 3), uint8, RGB.
        depth_m: Shape (H, W), float32, metres, NaN invalid; None for colour alone.
        camera: Intrinsics of both; None where they are not known.
        support: Plane that things stand on, optical frame; None where it is not known.
        source: Where it comes from and the camera, in words; empty unknown.
    """

    name: str
    color: NDArray[np.uint8]
    depth_m: NDArray[np.float32] | None = None
    camera: PinholeCamera | None = None
    support: Plane | None = None
    source: str = ""


def is_recorded(folder: Path) -> bool:
    """Whether a folder holds a recorded frame, or what is left of one."""
    return folder.is_dir() and (folder / CAMERA).exists()


def recorded_frames(root: Path) -> list[Path]:
    """The folders of the recorded frames directly below a folder, by name.

    Raises:
        DatasetError: No such folder, or no recorded frame in it.
    """
    found = sorted(path for path in require_folder(root).iterdir() if is_recorded(path))
    if not found:
        raise DatasetError(f"{root} holds no folder with {', '.join(_RECORDED)}")
    return found


def read_recorded(folder: Path) -> PictureFrame:
    """Read a recorded frame; see the module's description.

    Raises:
        BadCalibration: ``camera.json`` is of another picture, or no camera's.
        BadImage: The depth picture's size or unit cannot be right.
        ConfigError: A JSON file cannot be read.
        DatasetError: A file is missing or broken.
    """
    missing = [name for name in _RECORDED if not (folder / name).exists()]
    if missing:
        raise DatasetError(
            f"{folder} lacks {', '.join(missing)}: a recorded frame holds {', '.join(_RECORDED)}"
        )
    about = load_yaml(folder / CAMERA)
    color = read_color(folder / COLOR)
    camera = camera_from(about, color.shape[:2], str(folder / CAMERA))
    depth_m = read_checked_depth(folder / DEPTH, color.shape[:2])
    support = _support_from(folder / SUPPORT) if (folder / SUPPORT).exists() else None
    return PictureFrame(folder.name, color, depth_m, camera, support, _source_of(about))


def read_picture(
    color_path: Path,
    depth_path: Path | None = None,
    intrinsics: str = "",
    depth_unit: str = "auto",
    name: str = "",
) -> PictureFrame:
    """Read a picture, perhaps with depth.

    Args:
        color_path: Colour, 8 bits.
        depth_path: Depth that is aligned to it; None for colour alone.
        intrinsics: A file, or fx,fy,cx,cy; see :func:`read_intrinsics`.
        depth_unit: One of :data:`DEPTH_UNITS_M`; auto takes 16 bits for millimetres and floats
            for metres.
        name: Of the picture; empty for the file's.

    Raises:
        BadCalibration: Depth without intrinsics, or those of another picture.
        BadImage: The depth picture's size or unit cannot be right.
        DatasetError: A file is missing or broken.
    """
    name = name or color_path.stem
    color = read_color(color_path)
    size = color.shape[:2]
    camera = read_intrinsics(intrinsics, size) if intrinsics else None
    if depth_path is None:
        return PictureFrame(name, color, camera=camera)
    if camera is None:
        raise BadCalibration(
            f"{depth_path.name} says nothing of lengths without the camera's intrinsics: give "
            "--intrinsics FILE or fx,fy,cx,cy"
        )
    return PictureFrame(name, color, read_checked_depth(depth_path, size, depth_unit), camera)


def read_checked_depth(
    path: Path, size: Sequence[int], depth_unit: str = "auto"
) -> NDArray[np.float32]:
    """Read a depth picture that must be as large as its colour picture, and in a unit.

    Args:
        path: One channel.
        size: Height and width of the colour picture, pixels.
        depth_unit: One of :data:`DEPTH_UNITS_M`.

    Raises:
        BadImage: It has another size, holds no depth, or the unit cannot be right.
        ConfigError: No such unit.
        DatasetError: It is missing or broken.
    """
    if depth_unit not in DEPTH_UNITS_M:
        raise ConfigError(f"no depth unit {depth_unit!r}; valid are {', '.join(DEPTH_UNITS_M)}")
    depth_m = read_depth_m(path, DEPTH_UNITS_M[depth_unit])
    height, width = size[0], size[1]
    if depth_m.shape != (height, width):
        raise BadImage(
            f"{path} is {depth_m.shape[1]}x{depth_m.shape[0]} px, its colour picture "
            f"{width}x{height}: give depth that is aligned to colour"
        )
    try:
        check_depth_range(depth_m, _NEAREST_M, _FARTHEST_M, remedy=_UNIT_REMEDY)
    except BadImage as error:
        raise BadImage(f"{path}: {error}") from error
    return depth_m


def read_intrinsics(given: str, size: Sequence[int]) -> PinholeCamera:
    """Intrinsics from a command line.

    Args:
        given: ``fx,fy,cx,cy`` in pixels, or a JSON or YAML file that holds these names, or a
            ``camera_matrix`` as ROS's calibration tools write it, or ``k`` as ``camera_info`` has.
        size: Height and width of the picture, pixels.

    Raises:
        BadCalibration: Not four numbers, or not those of such a picture.
        ConfigError: The file cannot be read.
    """
    path = Path(given)
    if path.suffix.lower() in (".json", ".yaml", ".yml") or path.is_file():
        return camera_from(load_yaml(path), size, given)
    try:
        values = [float(part) for part in given.split(",")]
    except ValueError:
        values = []
    if len(values) != len(_INTRINSICS):
        raise BadCalibration(
            f"intrinsics {given!r} are neither a file nor four numbers fx,fy,cx,cy in pixels"
        )
    return camera_from(dict(zip(_INTRINSICS, values, strict=True)), size, "intrinsics")


def camera_from(values: Mapping[str, Any], size: Sequence[int], where: str) -> PinholeCamera:
    """Intrinsics of a picture from plain values.

    Args:
        values: See :func:`read_intrinsics`.
        size: Height and width of the picture, pixels.
        where: They come from, for messages.

    Raises:
        BadCalibration: They lack something, or belong to another picture.
    """
    height, width = int(size[0]), int(size[1])
    told = (
        values.get("width", values.get("image_width", width)),
        values.get("height", values.get("image_height", height)),
    )
    if told != (width, height):
        raise BadCalibration(
            f"{where} is of a picture of {told[0]}x{told[1]} px, this one is {width}x{height}: "
            "take the calibration of this resolution"
        )
    matrix = values.get("camera_matrix", {}).get("data", values.get("k", values.get("K")))
    distortion = values.get("distortion_coefficients", {}).get("data", values.get("d", ()))
    try:
        if matrix is not None:
            fx, _, cx, _, fy, cy, *_ = map(float, matrix)
        else:
            fx, fy, cx, cy = (float(values[key]) for key in _INTRINSICS)
        coefficients = tuple(map(float, distortion))
    except (KeyError, TypeError, ValueError) as error:
        raise BadCalibration(
            f"{where} holds no usable fx, fy, cx, cy, camera_matrix or k ({error})"
        ) from error
    camera = PinholeCamera(width, height, fx, fy, cx, cy, coefficients)
    camera.check_plausible()
    return camera


def _support_from(path: Path) -> Plane | None:
    values = load_yaml(path)
    if values.get("normal") is None:
        return None
    try:
        normal = np.array(values["normal"], np.float64).reshape(3)
        offset_m = float(values["offset_m"])
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path} holds no plane, normal and offset_m: {error}") from error
    length = float(np.linalg.norm(normal))
    if not 0.99 < length < 1.01 or normal[2] >= 0.0:
        raise DatasetError(
            f"{path}: normal is {normal.tolist()}, must be of length 1 and towards the camera, "
            "its third value below 0"
        )
    return Plane(normal / length, offset_m)


def _source_of(about: Mapping[str, Any]) -> str:
    """Repository and camera: the frames that were made alike."""
    repository = str(about.get("source", "")).partition("@")[0].rpartition("github.com/")[2]
    return ", ".join(part for part in (repository, str(about.get("camera", ""))) if part)
