"""Trunk files: a safetensors file of filters and biases, and a JSON file that says whose they are.

A shipped one is found by the name of its layout under ``shipped_weights/trunks``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grasp_core.errors import ConfigError
from grasp_detection.learned.trunks import trunk_names
from grasp_detection.learned.weights import (
    SHIPPED,
    WeightsError,
    read_json_beside,
    read_tensors,
)

if TYPE_CHECKING:
    from torch import Tensor

    from grasp_detection.learned.dense_net import DenseNet
    from grasp_detection.learned.trunk import ResNet

RANDOM = "random"  # in place of a file: numbers drawn by chance
_FOLDER = SHIPPED / "trunks"
_NEEDED = ("trunk", "origin", "licence", "sha256")


@dataclass(frozen=True, eq=False)
class Trunk:
    """A trunk that has been read and checked.

    Attributes:
        layout: Name of its shape.
        state: Tensors by name, for pictures of three channels as
            :func:`grasp_detection.learned.inputs.to_channels` makes them.
        about: Whose it is: ``name``, ``origin``, ``licence``, ``imported_from``, ``sha256``; goes
            into the metadata of what is trained from it.
    """

    layout: str
    state: Mapping[str, Tensor]
    about: Mapping[str, Any]

    def load_into(self, network: ResNet | DenseNet, modality: str) -> None:
        """Give a network these numbers; filters for relief are made of those for colour.

        Beside colour they start at zero, in place of blue they are blue's, alone they are the
        mean over the colours.

        Raises:
            WeightsError: The network has another shape.
        """
        import torch

        state = dict(self.state)
        filters = state["conv1.weight"].float()
        if modality == "rgbd":
            state["conv1.weight"] = torch.cat([filters, torch.zeros_like(filters[:, :1])], dim=1)
        elif modality == "d":
            state["conv1.weight"] = filters.mean(dim=1, keepdim=True)
        wanted = network.state_dict().keys()
        try:
            # A file may hold a stage more than the network uses.
            network.load_state_dict({name: state[name] for name in state if name in wanted})
        except RuntimeError as error:
            raise WeightsError(
                f"the trunk's tensors do not make a {self.layout}: {error}; import it again"
            ) from error


def find_trunk(name: str) -> Path:
    """The file of a shipped trunk, or of a path.

    Raises:
        ConfigError: No such layout, or it does not ship.
        WeightsError: No such file.
    """
    if name.endswith(".safetensors"):
        path = Path(name).expanduser()
        if not path.exists():
            raise WeightsError(f"no trunk file {name}: make it with `grasp import`")
        return path
    if name not in trunk_names():
        raise ConfigError(
            f"no trunk {name!r}; valid are {', '.join(shipped_trunks())}, {RANDOM} or the path of "
            "a .safetensors file by `grasp import --trunk`"
        )
    shipped = _FOLDER / f"{name}.safetensors"
    if not shipped.exists():
        raise WeightsError(
            f"no trunk {name} ships: bring in torchvision's file with `grasp import FILE --trunk "
            f"{name} --out {name}.safetensors`, then give --trunk {name}.safetensors, or "
            f"--trunk {RANDOM}"
        )
    return shipped


def shipped_trunks() -> list[str]:
    """Names of the trunks that ship, sorted."""
    return sorted(path.stem for path in _FOLDER.glob("*.safetensors"))


def load_trunk(name: str) -> Trunk:
    """Read and check a trunk.

    Args:
        name: Of a shipped one, or the path of a .safetensors file.

    Raises:
        ConfigError: No such layout.
        WeightsError: It is not there, broken, or of no known layout.
    """
    path = find_trunk(name)
    about = read_json_beside(path, _NEEDED, "grasp import --trunk")
    layout = str(about["trunk"])
    if layout not in trunk_names():
        raise WeightsError(
            f"{path} holds a trunk {layout!r}; known are {', '.join(trunk_names())}"
        )
    kept = ("origin", "licence", "imported_from", "imported_sha256", "sha256")
    told = {"name": layout, **{key: about[key] for key in kept if key in about}}
    return Trunk(layout, read_tensors(path, str(about["sha256"])), told)
