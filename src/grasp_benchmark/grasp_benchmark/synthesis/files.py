"""Synthetic scenes on disk: Jacquard's layout, with what else is known of each scene.

Beside the files that :mod:`grasp_detection.datasets.jacquard` lists, every scene has a file
``_scene.json``, written last: a scene without it is not finished. ``synthesis.json`` in the root
says what the scenes were made with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.config import differences
from grasp_core.errors import ConfigError
from grasp_core.json_file import write_json

if TYPE_CHECKING:
    from grasp_benchmark.synthesis.labels import Labels
    from grasp_sim.synthesis.recipe import SceneRecipe
    from grasp_sim.synthesis.scene_builder import SyntheticView

ABOUT = "synthesis.json"
_SCENES_PER_FOLDER = 500
_DEFLATE = [cv2.IMWRITE_TIFF_COMPRESSION, 8]


def stem_of(root: Path, index: int) -> Path:
    """What the names of a scene's files begin with."""
    return root / f"{index // _SCENES_PER_FOLDER:03d}" / f"0_scene{index:06d}"


def scene_file(root: Path, index: int) -> Path:
    """The file that says that a scene is finished."""
    stem = stem_of(root, index)
    return stem.with_name(f"{stem.name}_scene.json")


def write_scene(root: Path, recipe: SceneRecipe, view: SyntheticView, labels: Labels) -> None:
    """Write all files of a scene.

    Raises:
        ConfigError: A file cannot be written.
    """
    stem = stem_of(root, recipe.index)
    path = stem
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        for ending, image, options in (
            ("RGB.png", view.color[..., ::-1], []),
            ("perfect_depth.tiff", view.depth_m, _DEFLATE),
            ("stereo_depth.tiff", view.noisy_depth_m, _DEFLATE),
            ("mask.png", (view.instances > 0).astype(np.uint8) * 255, []),
            ("instances.png", view.instances, []),
        ):
            path = stem.with_name(f"{stem.name}_{ending}")
            _write_image(path, np.asarray(image), options)
        path = stem.with_name(f"{stem.name}_grasps.txt")
        path.write_text(_lines(labels.rows), encoding="utf-8")
        path = stem.with_name(f"{stem.name}_quality.txt")
        path.write_text("".join(f"{value:.4f}\n" for value in labels.quality), encoding="utf-8")
        path = stem.with_name(f"{stem.name}_classes.json")
        path.write_text(json.dumps(view.classes) + "\n", encoding="utf-8")
        path = scene_file(root, recipe.index)
        write_json(path, _about_scene(recipe, view, labels))
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error


def read_scene(root: Path, index: int) -> dict[str, Any] | None:
    """What ``_scene.json`` says; None while the scene is not finished.

    Raises:
        ConfigError: The file is broken.
    """
    path = scene_file(root, index)
    if not path.exists():
        return None
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{path} is broken: delete it, and the scene is made again") from error


def begin(root: Path, settings: Mapping[str, Any]) -> None:
    """Claim a folder for scenes made with these settings.

    Raises:
        ConfigError: It holds scenes made with others, or cannot be written.
    """
    path = root / ABOUT
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write_json(path, settings)
        before = dict(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{path} is broken: give another --out") from error
    changed = differences(before, settings)
    if changed:
        raise ConfigError(
            f"{root} holds scenes made otherwise: {'; '.join(changed)}; give another --out"
        )


def _about_scene(recipe: SceneRecipe, view: SyntheticView, labels: Labels) -> dict[str, Any]:
    camera = view.camera
    return {
        "index": recipe.index,
        "objects": list(recipe.objects),
        "seen": view.names,
        "classes": view.classes,
        "camera": {name: getattr(camera, name) for name in ("fx", "fy", "cx", "cy")},
        "T_base_camera": view.T_base_camera.matrix.tolist(),
        "camera_tilt_deg": recipe.config.camera_tilt_deg,
        "camera_distance_m": recipe.config.camera_distance_m,
        "noise": asdict(recipe.noise),
        "candidates": labels.candidates,
        "grasps": len(labels.rows),
        "trials": [[trial.estimate, trial.hold.value] for trial in labels.trials],
    }


def _lines(rows: NDArray[np.float64]) -> str:
    degrees = np.degrees(rows[:, 4])
    return "".join(
        f"{u:.3f};{v:.3f};{angle:.3f};{opening:.3f};{jaw:.3f}\n"
        for (u, v, opening, jaw, _), angle in zip(rows, degrees, strict=True)
    )


def _write_image(path: Path, image: NDArray[Any], options: list[int]) -> None:
    done, data = cv2.imencode(path.suffix, image, options)
    if not done:
        raise OSError(0, "the picture cannot be encoded")
    path.write_bytes(data.tobytes())
