"""Bring in published weights; no code in the file is run."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from grasp_core.errors import ConfigError
from grasp_core.optional import needed_by
from grasp_detection.learned.inputs import CHANNELS, ONE_MEAN

EXAMPLES = (
    "grasp import ggcnn2.pt --detector gg_cnn2 --modality d --out ggcnn2.safetensors",
    "grasp import grconvnet.pt --detector gr_convnet --modality rgbd --out gr.safetensors",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, help="the published file, of torch")
    parser.add_argument("--detector", required=True, help="whose network it holds, as gg_cnn2")
    parser.add_argument(
        "--modality", required=True, choices=tuple(CHANNELS), help="channels it was trained with"
    )
    parser.add_argument(
        "--size",
        type=int,
        help="side of the pictures it was trained with, px (as its authors trained)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="file to write, ending in .safetensors"
    )


def run(options: argparse.Namespace) -> int:
    """Write the weights."""
    _import(options)
    return 0


def _import(options: argparse.Namespace) -> None:
    with needed_by("grasp import", "torch safetensors"):
        from grasp_detection.learned.published import find_published, import_state
        from grasp_detection.learned.weights import save_weights
    if options.out.suffix != ".safetensors":
        raise ConfigError(f"--out is {options.out}, must end in .safetensors")
    name, family, published = find_published(options.detector)
    size = published.size if options.size is None else options.size
    if size < family.stride or size % family.stride:
        raise ConfigError(f"--size is {size}, must be a positive multiple of {family.stride}")
    state, parameters = import_state(family, published, options.file, options.modality)
    metadata = {
        "detector": name,
        "modality": options.modality,
        "size": size,
        "color_mean": ONE_MEAN,
        # Nobody has asked it about pictures with labels yet: its score stands as it is.
        "calibration": {"score": [0.0, 1.0], "quality": [0.0, 1.0]},
        "parameters": parameters,
        "imported_from": options.file.name,
        "imported_sha256": hashlib.sha256(options.file.read_bytes()).hexdigest(),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_weights(state, metadata, options.out)
    print(
        f"{parameters:,} parameters of {name} in {options.out}. Its scores are not "
        "calibrated; see what it is worth with\n"
        f"grasp evaluate --detector {name} --weights {options.out} ..."
    )
