"""Synthetic scenes on disk: Jacquard's layout, with what else is known of each scene.

Beside the files that :mod:`grasp_detection.datasets.jacquard` lists, every picture has

- ``_perfect_depth.tiff``: the exact depth, ``_stereo_depth.tiff`` being what the camera measured;
- ``_class_mask.png``: number of the class of each pixel, 0 background, from 1 in the order of
  ``class_names`` of ``synthesis.json``;
- ``_places.txt``: for each line of ``_grasps.txt`` the same grasp in the base frame, "x;y;z;
  opening;jaw;angle", metres and radians, see
  :class:`grasp_benchmark.synthesis.labels.SceneLabels`.

Every scene has a file ``sceneNNNNNN.json``, written last, with its cameras: a scene without it is
not finished. ``synthesis.json`` in the root says what the scenes were made with.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.config import differences
from grasp_core.errors import ConfigError
from grasp_core.json_file import write_json
from grasp_sim.synthesis.classes import CLASSES

if TYPE_CHECKING:
    from grasp_benchmark.synthesis.labels import SceneLabels, ViewLabels
    from grasp_sim.synthesis.recipe import SceneRecipe, ViewRecipe
    from grasp_sim.synthesis.scene_builder import SyntheticView

ABOUT = "synthesis.json"
_SCENES_PER_FOLDER = 500
_LZW = [cv2.IMWRITE_TIFF_COMPRESSION, 5]  # three times as quick as deflate, and hardly larger
_QUICK = [cv2.IMWRITE_PNG_COMPRESSION, 1]


def stem_of(root: Path, index: int, view: int = 0) -> Path:
    """What the names of a picture's files begin with."""
    return root / f"{index // _SCENES_PER_FOLDER:03d}" / f"{view}_scene{index:06d}"


def scene_file(root: Path, index: int) -> Path:
    """The file that says that a scene is finished."""
    return root / f"{index // _SCENES_PER_FOLDER:03d}" / f"scene{index:06d}.json"


def write_view(
    root: Path, index: int, number: int, view: SyntheticView, labels: ViewLabels
) -> None:
    """Write all files of a picture.

    Args:
        root: The dataset's folder.
        index: Number of the scene.
        number: Of the picture in it.
        view: The picture.
        labels: What can be grasped in it.

    Raises:
        ConfigError: A file cannot be written.
    """
    stem = stem_of(root, index, number)
    path = stem
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        for ending, image, options in (
            ("RGB.png", view.color[..., ::-1], _QUICK),
            ("perfect_depth.tiff", view.depth_m, _LZW),
            ("stereo_depth.tiff", view.noisy_depth_m, _LZW),
            ("mask.png", (view.instances > 0).astype(np.uint8) * 255, []),
            ("instances.png", view.instances, []),
            ("class_mask.png", _class_mask(view), []),
        ):
            path = stem.with_name(f"{stem.name}_{ending}")
            _write_image(path, np.asarray(image), options)
        for ending, text in (
            ("grasps.txt", _lines(labels.rows)),
            ("quality.txt", "".join(f"{value:.4f}\n" for value in labels.quality)),
            ("places.txt", "".join(map(_place_line, labels.places))),
            ("classes.json", json.dumps(view.classes) + "\n"),
        ):
            path = stem.with_name(f"{stem.name}_{ending}")
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error


def write_scene(
    root: Path,
    recipe: SceneRecipe,
    labels: SceneLabels,
    views: Sequence[tuple[SyntheticView, ViewLabels]],
) -> None:
    """Write what is known of a scene, which says that it is finished.

    Raises:
        ConfigError: The file cannot be written.
    """
    around = recipe.surroundings
    about = {
        "index": recipe.index,
        "objects": list(recipe.objects),
        "surroundings": around.kind,
        "robot": bool(around.robot),
        "workspace_min": list(around.cell.workspace_min),
        "workspace_max": list(around.cell.workspace_max),
        "candidates": labels.candidates,
        "grasps": len(labels.quality),
        "trials": [[trial.estimate, trial.hold.value] for trial in labels.trials],
        "views": [
            _about_view(look, *pair) for look, pair in zip(recipe.views, views, strict=True)
        ],
    }
    path = scene_file(root, recipe.index)
    try:
        write_json(path, about)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error


def read_scene(root: Path, index: int) -> dict[str, Any] | None:
    """What the scene's file says; None while the scene is not finished.

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


def _about_view(look: ViewRecipe, view: SyntheticView, labels: ViewLabels) -> dict[str, Any]:
    camera = view.camera
    return {
        "seen": view.names,
        "classes": view.classes,
        "camera": {
            name: getattr(camera, name) for name in ("width", "height", "fx", "fy", "cx", "cy")
        },
        "T_base_camera": view.T_base_camera.matrix.tolist(),
        "camera_tilt_deg": look.config.camera_tilt_deg,
        "camera_height_m": look.camera_height_m,
        "faults": asdict(look.faults),
        "measured": float(np.isfinite(view.noisy_depth_m).mean()),
        "grasps": len(labels.rows),
    }


def _class_mask(view: SyntheticView) -> NDArray[np.uint8]:
    numbers = np.zeros(256, np.uint8)
    for instance, name in view.classes.items():
        numbers[instance] = CLASSES.index(name) + 1
    return np.asarray(numbers[view.instances])


def _lines(rows: NDArray[np.float64]) -> str:
    degrees = np.degrees(rows[:, 4])
    return "".join(
        f"{u:.3f};{v:.3f};{angle:.3f};{opening:.3f};{jaw:.3f}\n"
        for (u, v, opening, jaw, _), angle in zip(rows, degrees, strict=True)
    )


def _place_line(place: NDArray[np.float64]) -> str:
    return ";".join(f"{value:.5f}" for value in place) + "\n"


def _write_image(path: Path, image: NDArray[Any], options: list[int]) -> None:
    done, data = cv2.imencode(path.suffix, image, options)
    if not done:
        raise OSError(0, "the picture cannot be encoded")
    path.write_bytes(data.tobytes())
