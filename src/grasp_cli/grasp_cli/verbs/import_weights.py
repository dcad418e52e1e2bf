"""Bring in published weights; no code in the file is run."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from grasp_core.errors import ConfigError
from grasp_core.optional import needed_by
from grasp_detection.learned.inputs import CHANNELS, ONE_MEAN, STRIDE, channels_of

EXAMPLES = (
    "grasp import ggcnn2.pt --detector gg_cnn2 --modality d --out ggcnn2.safetensors",
    "grasp import grconvnet.pt --detector gr_convnet --modality rgbd --out gr.safetensors",
)
# Sides of the pictures that the published files were trained with; GG-CNN's 300 is no multiple of
# the stride.
_SIZES = {"gg_cnn2": 304, "gr_convnet": 224}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, help="the published file, of torch")
    parser.add_argument("--detector", required=True, help="gg_cnn2 or gr_convnet")
    parser.add_argument(
        "--modality", required=True, choices=tuple(CHANNELS), help="channels it was trained with"
    )
    parser.add_argument(
        "--size",
        type=int,
        help="side of the pictures it was trained with, px "
        f"({', '.join(f'{name}: {size}' for name, size in _SIZES.items())})",
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
        from grasp_detection.learned.weights import save_weights
        from grasp_detection.maps.networks.registry import find_network
        from grasp_detection.maps.published_weights import adapt, read_published
        from grasp_detection.registry import resolve
    if options.out.suffix != ".safetensors":
        raise ConfigError(f"--out is {options.out}, must end in .safetensors")
    detector = resolve(options.detector)
    size = _SIZES.get(detector, STRIDE) if options.size is None else options.size
    if size < STRIDE or size % STRIDE:
        raise ConfigError(f"--size is {size}, must be a positive multiple of {STRIDE}")
    architecture = find_network(detector)  # a wrong name is told before the file is read
    state = adapt(detector, read_published(options.file), options.modality)
    network = architecture.build(channels_of(options.modality), 0.0)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    metadata = {
        "detector": detector,
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
        f"{parameters:,} parameters of {detector} in {options.out}. Its scores are not "
        "calibrated; see what it is worth with\n"
        f"grasp evaluate --detector {detector} --weights {options.out} ..."
    )
