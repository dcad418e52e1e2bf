"""Find grasps in pictures: annotated picture, JSON and CSV."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from grasp_core.config import settings_from_texts
from grasp_core.drawing import draw_grasps
from grasp_core.errors import ConfigError
from grasp_core.grasp import Grasp
from grasp_core.json_file import finite_or_none, require_writable, write_json
from grasp_detection.frames import DEPTH_UNITS_M, PictureFrame
from grasp_detection.learned.weights import DEFAULT as DEFAULT_WEIGHTS
from grasp_detection.loading import DEFAULT_GRIPPER, MOST_CANDIDATES, load_detector
from grasp_detection.picture_sources import PictureSource, find_pictures
from grasp_detection.predictions import write_predictions
from grasp_detection.registry import DEFAULT, find_detector, weights_of
from grasp_detection.scene_limits import SceneLimits

EXAMPLES = (
    "grasp detect frames/mosd_learn10 --out found  # a folder: color.png, depth.png, camera.json",
    "grasp detect frames --detector antipodal --out found  # all such folders in a folder",
    "grasp detect color.png --depth depth.png --intrinsics 615,615,319.5,239.5 --out found",
    "grasp detect photo.jpg --out found  # colour alone: weights that judge by colour",
)
_LIMITS = (
    (
        "support-plane",
        "nx,ny,nz,offset",
        "plane that things stand on, where it is known: n . p + offset = 0 in the camera's "
        "optical frame, m, n towards the camera (found in the picture)",
    ),
    ("region", "left,top,right,bottom", "part of the pictures that is looked at, px (all)"),
    ("depth-limits", "nearest,farthest", "depths that count, m (all)"),
)
INTERRUPTED = "interrupted: no table was written"
_DRAWN = 8


@dataclass(frozen=True)
class _Found:
    """The grasps of a picture."""

    source: PictureSource
    grasps: Sequence[Grasp]
    ms: float
    remark: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "images",
        nargs="+",
        type=Path,
        metavar="IMAGE",
        help="colour picture, recorded frame (a folder with color.png, depth.png, camera.json), "
        "or a folder of either",
    )
    parser.add_argument("--detector", default=DEFAULT, help="detector to run (default)")
    parser.add_argument(
        "--weights",
        default=DEFAULT_WEIGHTS,
        help="shipped weights by name or a .safetensors file (default: what suits the pictures)",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the detector, as `grasp config detector` lists them; may come again",
    )
    parser.add_argument(
        "--depth",
        type=Path,
        help="depth picture aligned to colour; for a folder of pictures, a folder of depth "
        "pictures of the same names",
    )
    parser.add_argument(
        "--intrinsics",
        default="",
        metavar="FILE|fx,fy,cx,cy",
        help="of the picture, pixels: numbers, camera.json, or ROS's calibration YAML",
    )
    parser.add_argument(
        "--depth-unit",
        choices=tuple(DEPTH_UNITS_M),
        default="auto",
        help="of --depth; auto: 16 bits are millimetres, floats are metres",
    )
    for name, metavar, what in _LIMITS:
        parser.add_argument(f"--{name}", default="", metavar=metavar, help=what)
    parser.add_argument(
        "--gripper",
        default=DEFAULT_GRIPPER,
        help=f"hand that would grasp, a file under config/grippers ({DEFAULT_GRIPPER})",
    )
    parser.add_argument(
        "--most",
        type=int,
        default=MOST_CANDIDATES,
        help=f"grasps kept of a picture ({MOST_CANDIDATES})",
    )
    parser.add_argument(
        "--out",
        type=Path,
        help="folder for NAME.png, grasps.json and grasps.csv, the format of `grasp evaluate "
        "--predictions`",
    )


def run(options: argparse.Namespace) -> int:
    """Detect, show and write."""
    if options.most < 1:
        raise ConfigError(f"--most is {options.most}, must be at least 1")
    sources = find_pictures(options.images, options.depth, options.intrinsics, options.depth_unit)
    if options.out:
        require_writable(options.out / "grasps.json")
    settings = _settings(options, all(source.has_depth for source in sources))
    limits = SceneLimits(
        _numbers("--support-plane", options.support_plane),
        _numbers("--region", options.region),
        _numbers("--depth-limits", options.depth_limits),
    )
    detector = load_detector(options.detector, gripper=options.gripper, settings=settings)
    found = []
    for index, source in enumerate(sources):
        frame = source.read()
        if index == 0:
            detector.warm_up()
        start = time.perf_counter()
        grasps = detector.detect(
            frame.color, frame.depth_m, frame.camera, limits=limits, limit=options.most
        )
        ms = 1000.0 * (time.perf_counter() - start)
        found.append(_Found(source, grasps, ms, detector.remark))
        if options.out:
            _draw(frame, grasps, options.out / f"{source.name}.png")
    if options.out:
        _write(options, settings.get("weights", ""), found)
    _show(found, options, Console())
    return 0


def _numbers(name: str, text: str) -> tuple[float, ...]:
    """Numbers between commas.

    Raises:
        ConfigError: They are none.
    """
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError as error:
        raise ConfigError(f"{name} is {text!r}, must be numbers between commas") from error


def _settings(options: argparse.Namespace, has_depth: bool) -> dict[str, Any]:
    entry = find_detector(options.detector)
    settings = settings_from_texts(entry.config_class, options.set, "--set")
    weights = weights_of(options.detector, options.weights, depth=has_depth)
    return {**settings, "weights": weights} if weights else settings


def _draw(frame: PictureFrame, grasps: Sequence[Grasp], path: Path) -> None:
    drawn = draw_grasps(frame.color, grasps, _DRAWN)
    if not cv2.imwrite(str(path), cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR)):
        raise ConfigError(f"cannot write {path}: give another folder")


def _write(options: argparse.Namespace, weights: str, found: Sequence[_Found]) -> None:
    """Write both tables."""
    write_predictions(options.out / "grasps.csv", {one.source.name: one.grasps for one in found})
    pictures = [
        {
            "picture": one.source.name,
            "file": str(one.source.path),
            "detection_ms": round(one.ms, 1),
            "remark": one.remark,
            "grasps": [_plain(grasp) for grasp in one.grasps],
        }
        for one in found
    ]
    about = {"detector": options.detector, "weights": weights, "gripper": options.gripper}
    write_json(options.out / "grasps.json", {**about, "pictures": pictures})


def _plain(grasp: Grasp) -> dict[str, object]:
    box = grasp.rectangle
    return {
        **{"u": box.u, "v": box.v, "width_px": box.width, "height_px": box.height},
        "angle_rad": box.angle,
        "quality": grasp.quality,
        "raw_score": finite_or_none(grasp.raw_score),
        "depth_m": finite_or_none(grasp.depth_m),
        "width_m": finite_or_none(grasp.width_m),
        "label": grasp.label,
    }


def _show(found: Sequence[_Found], options: argparse.Namespace, console: Console) -> None:
    table = Table(title=escape(f"grasps of {options.detector}"))
    for column in ("picture", "grasps", "best quality", "object", "u, v px", "angle deg", "ms"):
        table.add_column(column, justify="left" if column in ("picture", "object") else "right")
    for one in found:
        cells = ("-",) * 4
        if one.grasps:
            best = one.grasps[0]
            box = best.rectangle
            turned = f"{math.degrees(box.angle):.0f}"
            place = f"{box.u:.0f}, {box.v:.0f}"
            cells = (f"{best.quality:.2f}", escape(best.label) or "-", place, turned)
        table.add_row(escape(one.source.name), str(len(one.grasps)), *cells, f"{one.ms:.0f}")
    console.print(table)
    for one in found:
        if one.remark:
            text = escape(f"{one.source.name}: {one.remark}")
            console.print(text, highlight=False, soft_wrap=True)
    if options.out:
        console.print(escape(f"written to {options.out}"), highlight=False, soft_wrap=True)
