"""Weights: a safetensors file with a JSON file of the same name that says what it is.

Shipped weights are found by name under ``shipped_weights/DETECTOR`` beside this module.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from grasp_core.errors import GraspStackError
from grasp_core.optional import needed_by

if TYPE_CHECKING:
    from torch import Tensor, nn

DEFAULT = "default"
VIEWS = ("picture", "overhead")
PICTURE, OVERHEAD = VIEWS
SHIPPED = Path(__file__).parent / "shipped_weights"
_NEEDED = ("detector", "modality", "size", "sha256", "calibration")


class WeightsError(GraspStackError, ValueError):
    """Weights are missing, broken or made for something else; names the file and the way out."""


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights that have been read and checked.

    Attributes:
        name: Shipped name, or the file's path.
        state: Tensors by name.
        metadata: What they are: ``detector``, ``modality``, ``size`` (side of the input, px),
            ``calibration``, and how they came about. ``view_m``, where it is there, is how much
            of the scene the side of the input shows, m: at another scale objects look strange.
            ``view`` is what the network looks at: a part of the camera's ``picture``, which is
            meant where nothing is said, or the scene from straight above, ``overhead``.
    """

    name: str
    state: dict[str, Tensor]
    metadata: Mapping[str, Any]

    def view(self, asked: str = "") -> str:
        """What the network looks at, one of :data:`VIEWS`.

        Args:
            asked: Instead of what the weights are for; empty for that.

        Raises:
            WeightsError: There is no such view, or the network cannot look at it.
        """
        view = asked or str(self.metadata.get("view", PICTURE))
        if view not in VIEWS:
            raise WeightsError(
                f"weights {self.name}: view is {view!r}, must be {' or '.join(VIEWS)}"
            )
        if view == OVERHEAD and (
            self.metadata["modality"] != "d" or "view_m" not in self.metadata
        ):
            raise WeightsError(
                f"weights {self.name}: view overhead needs modality d and view_m, the metres that "
                "the side of the input shows"
            )
        return view

    def load_into(self, network: nn.Module) -> None:
        """Give a network these weights.

        Raises:
            WeightsError: The network has other tensors.
        """
        try:
            network.load_state_dict(self.state)
        except RuntimeError as error:
            what = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
            raise WeightsError(f"weights {self.name} do not fit this network: {what}") from error


def shipped_names(detector: str) -> list[str]:
    """Names of the weights that ship for a detector, sorted."""
    return sorted(path.stem for path in (SHIPPED / detector).glob("*.safetensors"))


def default_weights(detector: str, *, depth: bool = True) -> str:
    """Name of the shipped weights to take first; ``default`` where none ship.

    Those that see depth come before those that judge by colour, then names in order.

    Args:
        detector: Name of the detector.
        depth: Whether there will be depth to look at, not colour alone.

    Raises:
        WeightsError: The metadata of shipped weights are broken.
    """
    seen = {
        name: read_metadata(SHIPPED / detector / f"{name}.safetensors")["modality"]
        for name in shipped_names(detector)
    }
    usable = [name for name, modality in seen.items() if depth or modality == "rgb"]
    return min(usable, key=lambda name: (seen[name] == "rgb", name), default=DEFAULT)


def find_weights(detector: str, weights: str) -> Path:
    """The safetensors file of shipped weights, or of a path.

    Args:
        detector: Name of the detector.
        weights: Shipped name, ``default`` for the best shipped ones, or a path.

    Raises:
        WeightsError: Neither a shipped name nor a file; lists the valid names.
    """
    name = default_weights(detector) if weights == DEFAULT else weights
    shipped = SHIPPED / detector / f"{name}.safetensors"
    if "/" not in name and shipped.exists():
        return shipped
    path = Path(weights).expanduser()
    if path.suffix == ".safetensors" and path.exists():
        return path
    if not shipped_names(detector):
        raise WeightsError(
            f"no weights {weights!r} for detector {detector}, and none ship: make them with "
            f"`grasp train --detector {detector}`, and give the path of its .safetensors file"
        )
    names = ", ".join([DEFAULT, *shipped_names(detector)])
    raise WeightsError(
        f"no weights {weights!r} for detector {detector}; valid are {names}, or the path of a "
        ".safetensors file"
    )


def load_weights(detector: str, weights: str) -> Weights:
    """Read and check weights; see :func:`find_weights` for the arguments.

    Raises:
        MissingDependency: safetensors or torch is not installed.
        WeightsError: Not found, broken, or made for another detector.
    """
    path = find_weights(detector, weights)
    metadata = read_metadata(path)
    if metadata["detector"] != detector:
        raise WeightsError(f"{path} holds weights of {metadata['detector']}, not of {detector}")
    return Weights(weights, read_tensors(path, metadata["sha256"]), metadata)


def read_tensors(path: Path, sha256: str) -> dict[str, Tensor]:
    """Tensors of a safetensors file by name.

    Args:
        path: The file.
        sha256: Its hash, as the JSON file beside it says.

    Raises:
        MissingDependency: safetensors or torch is not installed.
        WeightsError: It cannot be read, or has another hash.
    """
    safetensors = _safetensors()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WeightsError(
            f"{path} is corrupted ({len(data)} bytes): its hash is not the one in "
            f"{path.with_suffix('.json').name}; copy both files again"
        )
    try:
        return dict(safetensors.torch.load(data))
    except safetensors.SafetensorError as error:
        raise WeightsError(f"{path} is no safetensors file: {error}") from error


def read_metadata(path: Path) -> dict[str, Any]:
    """Metadata of a safetensors file, from the JSON file beside it.

    Raises:
        WeightsError: Missing or broken.
    """
    metadata = read_json_beside(path, _NEEDED, "grasp train")
    size = metadata["size"]
    if not isinstance(size, int) or size <= 0:
        beside = path.with_suffix(".json")
        raise WeightsError(f"{beside}: size is {size!r}, must be a whole number of pixels above 0")
    return metadata


def read_json_beside(path: Path, needed: Sequence[str], writer: str) -> dict[str, Any]:
    """What the JSON file beside a safetensors file says.

    Args:
        path: The safetensors file.
        needed: Keys that it must have.
        writer: Command that writes such files.

    Raises:
        WeightsError: Missing or broken.
    """
    beside = path.with_suffix(".json")
    try:
        metadata = json.loads(beside.read_text(encoding="utf-8"))
    except OSError as error:
        raise WeightsError(
            f"cannot read {beside}, which must lie beside {path.name}: {error.strerror}"
        ) from error
    except ValueError as error:
        raise WeightsError(f"{beside} is no valid JSON: {error}") from error
    missing = [key for key in needed if not isinstance(metadata, dict) or key not in metadata]
    if missing:
        raise WeightsError(f"{beside} lacks {', '.join(missing)}: write it with `{writer}`")
    return dict(metadata)


def save_weights(state: Mapping[str, Tensor], metadata: Mapping[str, Any], path: Path) -> None:
    """Write a safetensors file and, beside it, its metadata with the file's hash.

    Raises:
        MissingDependency: safetensors is not installed.
        WeightsError: A file cannot be written.
    """
    data = _safetensors().torch.save({name: tensor.contiguous() for name, tensor in state.items()})
    about = {**metadata, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    for target, content in (
        (path, data),
        (path.with_suffix(".json"), (json.dumps(about, indent=1) + "\n").encode()),
    ):
        partial = target.with_name(f"{target.name}.partial")
        try:
            partial.write_bytes(content)
            partial.replace(target)
        except OSError as error:
            raise WeightsError(f"cannot write {target}: {error.strerror}") from error


def _safetensors() -> ModuleType:
    """The library, with its part for torch; imported late, for few commands need it.

    Raises:
        MissingDependency: It, or torch, is not installed.
    """
    with needed_by("reading and writing weights", "torch safetensors"):
        import safetensors.torch
    return safetensors
