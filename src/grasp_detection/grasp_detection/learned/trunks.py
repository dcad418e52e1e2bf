"""Trunks of every kind by name."""

from __future__ import annotations

from grasp_core.errors import ConfigError
from grasp_detection.learned.dense_net import BLOCKS, DENSE_LAYOUTS, DenseNet
from grasp_detection.learned.trunk import STAGES, ResNet, find_layout, layout_names

STRIDES = (4, 8, 16)  # of the features of all of them


def trunk_names() -> list[str]:
    """Names of all layouts, sorted."""
    return sorted([*layout_names(), *DENSE_LAYOUTS])


def build_trunk(name: str, channels: int, stages: int = STAGES) -> ResNet | DenseNet:
    """A trunk with numbers drawn at random, as far as stride 16.

    Args:
        name: Of its layout.
        channels: Input channels.
        stages: Of a residual network; a fourth one has stride 32.

    Raises:
        ConfigError: There is none of that name.
    """
    check_trunk(name)
    if name in DENSE_LAYOUTS:
        return DenseNet(channels, DENSE_LAYOUTS[name])
    return ResNet(channels, find_layout(name), stages)


def trunk_channels(name: str) -> list[int]:
    """Channels of the features at strides 4, 8 and 16.

    Raises:
        ConfigError: There is no layout of that name.
    """
    check_trunk(name)
    if name in DENSE_LAYOUTS:
        return [DENSE_LAYOUTS[name].channels(block) for block in range(BLOCKS)]
    return [find_layout(name).channels(stage) for stage in range(STAGES)]


def check_trunk(name: str) -> None:
    """Refuse what is no layout's name.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in trunk_names():
        raise ConfigError(f"no trunk {name!r}; valid are {', '.join(trunk_names())}")
