"""Reads weight files of torch as others publish them, without running code in them.

Such files are pickles of torch: of a dictionary of tensors, or, which torch itself will only read
by running whatever the file says, of a whole network object. Here tensors and containers are
rebuilt; every other class or function that a file names is replaced by a class that does nothing
but keep its attributes.
"""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from grasp_detection.learned.weights import WeightsError

_STORAGES = {
    "BFloat16Storage": torch.bfloat16,
    "BoolStorage": torch.bool,
    "ByteStorage": torch.uint8,
    "CharStorage": torch.int8,
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "IntStorage": torch.int32,
    "LongStorage": torch.int64,
    "ShortStorage": torch.int16,
}
_HEADERS = 3  # pickles before the object in files of torch before 1.6: magic, protocol, system
_COUNT_BYTES = 8
_PARALLEL = "module."  # what DataParallel puts before every name
_DEPTH = 3  # how far containers are searched for the network


def read_published(path: Path) -> dict[str, Tensor]:
    """Tensors of a published weight file by name, as its network has them.

    Args:
        path: Dictionary of tensors or whole network, saved by any version of torch.

    Raises:
        WeightsError: Not there, no such file, or no network in it.
    """
    try:
        content = _read_archive(path) if zipfile.is_zipfile(path) else _read_stream(path)
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:
        raise WeightsError(f"{path} is no weight file of torch: {error}") from error
    state = _without_prefix(max(_states(content, _DEPTH), key=len, default={}))
    if not state:
        raise WeightsError(
            f"{path} holds a {type(content).__name__} without a network's tensors: give the file "
            "of a state_dict or of a saved network"
        )
    return state


class _Inert:
    """Stands for any class: takes whatever a pickle gives and keeps its attributes."""

    def __init__(self, *arguments: object, **named: object) -> None:
        pass


class _Unpickler(pickle.Unpickler):
    """Rebuilds tensors and containers; looks up nothing else.

    Attributes:
        storages: Flat tensors by the key under which the file keeps their numbers; zeros at first.
    """

    def __init__(self, file: IO[bytes], file_bytes: int) -> None:
        super().__init__(file, encoding="utf-8")
        self.storages: dict[str, Tensor] = {}
        self._file_bytes = file_bytes

    def find_class(self, module: str, name: str) -> Any:
        """What a pickle may call: see pickle.Unpickler."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in _STORAGES:
            return type(name, (_Inert,), {"dtype": _STORAGES[name]})
        if module == "torch._utils" and name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _rebuild_parameter
        return type(name, (_Inert,), {})

    def persistent_load(self, pid: Any) -> Any:
        """What a pickle keeps elsewhere: see pickle.Unpickler."""
        kind, what, *rest = pid
        if kind == "module":
            return what
        if kind != "storage":
            raise pickle.UnpicklingError(f"it refers to a {kind!r}")
        key, _, count = rest[:3]
        if not 0 <= count <= self._file_bytes:
            raise pickle.UnpicklingError(f"it has a tensor of {count} numbers")
        return self.storages.setdefault(str(key), torch.zeros(count, dtype=what.dtype))


def _rebuild_tensor(
    storage: Tensor, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> Tensor:
    return torch.as_strided(storage, size, stride, offset)


def _rebuild_parameter(tensor: Tensor, *_: object) -> Tensor:
    return tensor


def _read_archive(path: Path) -> object:
    """A file of torch since 1.6: an archive with the pickle, and a member for each storage."""
    with zipfile.ZipFile(path) as archive:
        member = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        if member is None:
            raise pickle.UnpicklingError("the archive has no data.pkl")
        with archive.open(member) as file:
            unpickler = _Unpickler(file, path.stat().st_size)
            content = unpickler.load()
        folder = member.rpartition("/")[0]
        for key, storage in unpickler.storages.items():
            _fill(storage, archive.read(f"{folder}/data/{key}"))
    return content


def _read_stream(path: Path) -> object:
    """A file of torch before 1.6: pickles, then the numbers of each storage."""
    size = path.stat().st_size
    with path.open("rb") as file:
        for _ in range(_HEADERS):
            _Unpickler(file, size).load()
        unpickler = _Unpickler(file, size)
        content = unpickler.load()
        for key in _Unpickler(file, size).load():
            storage = unpickler.storages[str(key)]
            file.read(_COUNT_BYTES)
            _fill(storage, file.read(storage.numel() * storage.element_size()))
    return content


def _fill(storage: Tensor, data: bytes) -> None:
    """Give a storage its numbers."""
    if len(data) != storage.numel() * storage.element_size():
        raise pickle.UnpicklingError("it ends in the middle of a tensor")
    if data:
        storage.copy_(torch.frombuffer(bytearray(data), dtype=storage.dtype))


def _states(content: object, depth: int) -> Iterator[dict[str, Tensor]]:
    """The tensors of every state_dict and network object in a container, by name.

    What lies beside a network, a loss or a counter, is a smaller dictionary of tensors.
    """
    if isinstance(content, _Inert):
        yield dict(_tensors_of(content, ""))
    elif isinstance(content, Mapping) and depth:
        yield {str(key): x.detach() for key, x in content.items() if isinstance(x, Tensor)}
        for value in content.values():
            yield from _states(value, depth - 1)


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Tensors by the names that their network has without torch's DataParallel round it."""
    inside = {
        name.removeprefix(_PARALLEL): tensor
        for name, tensor in state.items()
        if name.startswith(_PARALLEL)
    }
    return inside or state


def _tensors_of(module: object, prefix: str) -> Iterator[tuple[str, Tensor]]:
    """Parameters and buffers of an unpickled network, as its state_dict would name them."""
    parts = vars(module)
    for kind in ("_parameters", "_buffers"):
        for name, tensor in (parts.get(kind) or {}).items():
            if isinstance(tensor, Tensor):
                yield f"{prefix}{name}", tensor.detach()
    for name, child in (parts.get("_modules") or {}).items():
        if isinstance(child, _Inert):
            yield from _tensors_of(child, f"{prefix}{name}.")
