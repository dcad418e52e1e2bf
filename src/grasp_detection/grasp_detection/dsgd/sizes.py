"""Sizes: of the small networks that ship, and of the paper's configurations (table 3)."""

from __future__ import annotations

from dataclasses import dataclass

from grasp_core.errors import ConfigError
from grasp_detection.learned.dense_net import DENSE_LAYOUTS


@dataclass(frozen=True)
class Sizes:
    """Of the layers behind the trunk.

    Attributes:
        pyramid: Channels of a pyramid of the trunk's features; 0 for the paper's way, its coarsest
            features as they are.
        growth: Channels that each layer of a dense block adds.
        region: Layers of dense block 4, of the region network.
        global_: Layers of dense blocks 5 and 6, of the global network's two halves.
        pixel: Layers of dense block 7, of the pixel network.
        mask: Channels of the layer ahead of the regions' masks.
        proposed: k, regions of a picture.
    """

    pyramid: int = 64
    growth: int = 24
    region: int = 6
    global_: int = 6
    pixel: int = 4
    mask: int = 32
    proposed: int = 50


SMALL = Sizes()


@dataclass(frozen=True)
class Configuration:
    """Which DenseNet each of the paper's networks is.

    The numbers of dense layers in table 3 are those of published DenseNets. The table heads the
    region network's column with block 5 and the global one's with block 4, the other way round
    than figure 1; its columns' own titles hold, since only so regions have the 1,664 channels of
    figure 3.
    """

    region: str
    pixel: str
    global_: str


CONFIGURATIONS = {
    "lite": Configuration("densenet121", "densenet121", "densenet121"),
    "a": Configuration("densenet169", "densenet169", "densenet121"),
    "b": Configuration("densenet161", "densenet169", "densenet121"),
    "c": Configuration("densenet161", "densenet201", "densenet121"),
    "d": Configuration("densenet161", "densenet121", "densenet121"),
    "e": Configuration("densenet161", "densenet161", "densenet121"),
}


def paper_sizes(trunk: str) -> Sizes:
    """Sizes of the paper's layers on a DenseNet: its fourth block is the network's own.

    Raises:
        ConfigError: The trunk is no DenseNet.
    """
    if trunk not in DENSE_LAYOUTS:
        raise ConfigError(
            f"the paper's sizes go with {', '.join(DENSE_LAYOUTS)}, not with trunk {trunk}: take "
            "the detector without _full for it"
        )
    layout = DENSE_LAYOUTS[trunk]
    own = layout.layers[3]
    return Sizes(0, layout.growth, own, own, own, mask=256)
