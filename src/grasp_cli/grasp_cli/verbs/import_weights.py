"""Bring in published weights or a trunk; no code in them is run."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

from grasp_core.errors import ConfigError
from grasp_core.optional import needed_by

_PUBLISHED = ("d", "rgb", "rgbd")  # what published networks see

EXAMPLES = (
    "grasp import ggcnn2.pt --detector gg_cnn2 --modality d --out ggcnn2.safetensors",
    "grasp import grconvnet.pt --detector gr_convnet --modality rgbd --out gr.safetensors",
    "grasp import resnet50.pth --trunk resnet50 --out resnet50.safetensors  # for grasp train",
    "grasp import open-nsfw.onnx --trunk thin_resnet50 --half --out trunk.safetensors",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", type=Path, help="the published file, of torch or ONNX")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--detector", help="whose network it holds, as gg_cnn2")
    what.add_argument(
        "--trunk",
        help="layout of the pretrained trunk that it holds: thin_resnet50, or resnet18, resnet50, "
        "resnet101, densenet121, densenet161, densenet169, densenet201 of torchvision",
    )
    parser.add_argument(
        "--modality", choices=_PUBLISHED, help="channels the detector was trained with"
    )
    parser.add_argument(
        "--size",
        type=int,
        help="side of the pictures the detector was trained with, px (as its authors trained)",
    )
    parser.add_argument("--origin", help="whose trunk it is (as its layout usually is)")
    parser.add_argument("--licence", help="of the trunk (as its layout usually is)")
    parser.add_argument(
        "--half", action="store_true", help="write the trunk's numbers in half precision"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="file to write, ending in .safetensors"
    )


def run(options: argparse.Namespace) -> int:
    """Write the weights."""
    if options.out.suffix != ".safetensors":
        raise ConfigError(f"--out is {options.out}, must end in .safetensors")
    if options.trunk:
        _refuse(options, "with --trunk", "modality", "size")
        _import_trunk(options)
    else:
        _refuse(options, "with --detector", "origin", "licence", "half")
        if options.modality is None:
            raise ConfigError(f"--modality is missing: one of {', '.join(_PUBLISHED)}")
        _import_detector(options)
    return 0


def _refuse(options: argparse.Namespace, where: str, *names: str) -> None:
    given = [f"--{name}" for name in names if getattr(options, name)]
    if given:
        raise ConfigError(f"{', '.join(given)} means nothing {where}")


def _import_detector(options: argparse.Namespace) -> None:
    with needed_by("grasp import", "torch safetensors"):
        from grasp_detection.learned.published import find_published, import_state
        from grasp_detection.learned.weights import save_weights
    name, family, published = find_published(options.detector)
    size = published.size if options.size is None else options.size
    if size < family.stride or size % family.stride:
        raise ConfigError(f"--size is {size}, must be a positive multiple of {family.stride}")
    state, told = import_state(family, published, options.file, options.modality)
    metadata = {
        "detector": name,
        "modality": options.modality,
        "size": size,
        **told,
        # Nobody has asked it about pictures with labels yet: its score stands as it is.
        "calibration": {"score": [0.0, 1.0], "quality": [0.0, 1.0]},
        **_source(options.file),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_weights(state, metadata, options.out)
    print(
        f"{told['parameters']:,} parameters of {name} in {options.out}. Its scores are not "
        "calibrated; see what it is worth with\n"
        f"grasp evaluate --detector {name} --weights {options.out} ..."
    )


def _import_trunk(options: argparse.Namespace) -> None:
    with needed_by("grasp import", "torch safetensors"):
        from grasp_detection.learned.trunk_import import import_trunk, origin_of
        from grasp_detection.learned.weights import save_weights
    layout = options.trunk.replace("-", "_")
    state = import_trunk(options.file, layout)
    if options.half:
        state = {name: tensor.half() for name, tensor in state.items()}
    origin, licence = origin_of(layout)
    metadata = {
        "trunk": layout,
        "origin": options.origin or origin,
        "licence": options.licence or licence,
        **_source(options.file),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_weights(state, metadata, options.out)
    count = sum(tensor.numel() for tensor in state.values())
    print(
        f"{count:,} parameters of {layout} in {options.out}: {metadata['origin']}; licence "
        f"{metadata['licence']}. Train on it with grasp train --trunk {options.out} ..."
    )


def _source(path: Path) -> dict[str, Any]:
    """Where weights come from."""
    return {
        "imported_from": path.name,
        "imported_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
