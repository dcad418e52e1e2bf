"""Weights that others have published, for the networks that know how to take them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from grasp_core.errors import ConfigError
from grasp_detection.learned.family import Family, PublishedWeights
from grasp_detection.learned.inputs import channels_of
from grasp_detection.learned.picture_means import PICTURE_MEANS
from grasp_detection.learned.torch_files import read_published
from grasp_detection.learned.weights import Weights
from grasp_detection.registry import detector_names, find_detector, find_learned


def find_published(detector: str) -> tuple[str, Family, PublishedWeights]:
    """A detector's name, its network, and how to take published weights.

    Raises:
        ConfigError: No such detector, or nothing is known of weights for it.
    """
    entry = find_learned(detector)
    family = entry.family() if entry.family else None
    if family is None or family.published is None:
        raise ConfigError(
            f"no published weights are known for detector {detector!r}; valid are "
            f"{', '.join(_importable())}"
        )
    return entry.name, family, family.published


def import_state(
    family: Family, published: PublishedWeights, path: Path, modality: str
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read a published file.

    Args:
        family: The network.
        published: How to take its weights.
        path: A file of torch.
        modality: Input channels it was trained with.

    Returns:
        Tensors by name as this stack's network has them, and what the metadata have to say of
        them, ``parameters`` among it.

    Raises:
        WeightsError: It cannot be read, or holds another network or other channels.
    """
    published_state = read_published(path)
    measured = published.measure(published_state)
    network = family.knowing(measured).build(channels_of(modality), 0.0)
    adapted, wanted = published.adapt(published_state, modality), network.state_dict()
    # Tools that count operations leave tensors of their own behind.
    state = {name: tensor for name, tensor in adapted.items() if name in wanted}
    Weights("the published file", state, {}).load_into(network)
    told: dict[str, Any] = {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "means": PICTURE_MEANS,
    }
    return state, {**told, **({"measured": measured} if measured else {})}


def _importable() -> list[str]:
    entries = [find_detector(name) for name in detector_names()]
    return [one.name for one in entries if one.family and one.family().published is not None]
