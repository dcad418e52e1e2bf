"""Object sets: which URDFs may lie on the table."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grasp_core.errors import ConfigError, MissingDependency
from grasp_sim.household.sets import (
    HOUSEHOLD_SETS,
    HOUSEHOLD_TEST,
    HOUSEHOLD_VALIDATION,
    household_folder,
)
from grasp_sim.object_check import CheckedObject, check_object, findings, never_weighed
from grasp_sim.object_file import mass_in, read_object

# Objects 000-899 may be trained and tuned on, 900-999 only evaluated: a fixed split.
_SPLITS = {"dev": range(0, 900), "test": range(900, 1000)}

NAMED_SETS = (*_SPLITS, *HOUSEHOLD_SETS)

NOT_FOR_TRAINING = ("test", HOUSEHOLD_VALIDATION, HOUSEHOLD_TEST)


@dataclass(frozen=True)
class ObjectSet:
    """Named URDFs.

    Attributes:
        name: ``dev``, ``test``, a household set or the folder.
        paths: URDF by object name, in order.
        painted: Whether the simulator gives the objects colours; else they keep their textures.
        weighed: Whether the files' masses are meant, or placeholders; None to judge each.
    """

    name: str
    paths: Mapping[str, Path]
    painted: bool
    weighed: bool | None = None

    @property
    def members(self) -> tuple[ObjectSet, ...]:
        """The sets of which this one is put together; itself for one alone."""
        return (self,)

    def paints(self, name: str) -> bool:
        """Whether the simulator gives an object its colour."""
        return self.painted

    def path(self, name: str) -> Path:
        """URDF of an object.

        Raises:
            ConfigError: The set holds no such object.
        """
        if name not in self.paths:
            some = ", ".join(list(self.paths)[:5])
            raise ConfigError(
                f"object set {self.name} has no {name!r}; it holds {len(self.paths)}: {some}, ..."
            )
        return self.paths[name]

    def checked(self, name: str) -> CheckedObject:
        """An object as it is simulated: what its file has wrong is replaced.

        Raises:
            ConfigError: The set holds no such object, or its file cannot be used.
        """
        return _checked(self.path(name), self.weighed)

    def usable(self, names: Iterable[str]) -> dict[str, CheckedObject]:
        """Objects by name, without those whose files cannot be used.

        These end the scenes that draw them; of the set nothing else depends on them.
        """
        found: dict[str, CheckedObject] = {}
        for name in names:
            with contextlib.suppress(ConfigError):
                found[name] = self.checked(name)
        return found

    def findings(self, names: Iterable[str] | None = None) -> list[str]:
        """What was replaced in the files of a folder, in sentences.

        Of sets with a name nothing is said. The inertias of ``dev`` and ``test`` are all made up,
        their masses the 0.1 kg that every figure measured on them is for. A file that cannot be
        used is told of by the scene that needs it.

        Args:
            names: Of the objects that are used; None for all.
        """
        if self.name in NAMED_SETS:
            return []
        return findings(self.usable(self.paths if names is None else sorted(set(names))))

    def draw(self, count: int, seed: int) -> list[str]:
        """Draw object names without repetition (with it once the set is used up).

        Args:
            count: Number of objects, at least 1.
            seed: Of the draw.
        """
        rng = np.random.default_rng([abs(seed), 0])
        names = list(self.paths)
        picked: list[str] = []
        while len(picked) < count:
            order = rng.permutation(len(names))[: count - len(picked)]
            picked.extend(names[i] for i in order)
        return picked


@dataclass(frozen=True)
class JoinedSets(ObjectSet):
    """Several sets as one; each keeps its own ways with colours and masses."""

    parts: tuple[ObjectSet, ...] = ()

    @property
    def members(self) -> tuple[ObjectSet, ...]:
        """See :class:`ObjectSet`."""
        return self.parts

    def paints(self, name: str) -> bool:
        """See :class:`ObjectSet`."""
        return self._part_of(name).painted

    def checked(self, name: str) -> CheckedObject:
        """See :class:`ObjectSet`."""
        return self._part_of(name).checked(name)

    def _part_of(self, name: str) -> ObjectSet:
        self.path(name)
        return next(part for part in self.parts if name in part.paths)


def joined_sets(names: str) -> ObjectSet:
    """Find an object set, or several with commas between them, see :func:`object_set`.

    Raises:
        ConfigError: No such set, two of them hold an object of one name, or the cache cannot be
            written.
        MissingDependency: pybullet_data is not installed.
    """
    parts = tuple(object_set(name) for name in names.split(","))
    if len(parts) == 1:
        return parts[0]
    paths: dict[str, Path] = {}
    for part in parts:
        if both := sorted(paths.keys() & part.paths.keys()):
            raise ConfigError(f"object sets {names}: more than one holds an object {both[0]!r}")
        paths.update(part.paths)
    return JoinedSets(names, paths, painted=False, parts=parts)


def object_set(name: str) -> ObjectSet:
    """Find an object set.

    Args:
        name: ``dev`` or ``test`` (pybullet_data's random_urdfs, a fixed 900/100 split),
            ``household``, ``household-validation`` or ``household-test`` (drawn, and kept in the
            user's cache), or a folder that holds one object per subfolder, each with a .urdf.

    Raises:
        ConfigError: No such set, the folder holds no object, or the cache cannot be written.
        MissingDependency: pybullet_data is not installed.
    """
    if name in _SPLITS:
        root = _random_urdfs()
        paths = {f"{i:03d}": root / f"{i:03d}" / f"{i:03d}.urdf" for i in _SPLITS[name]}
        return ObjectSet(name, paths, painted=True, weighed=True)
    folder = household_folder(name) if name in HOUSEHOLD_SETS else Path(name).expanduser()
    if not name or not folder.is_dir():
        raise ConfigError(
            f"no object set {name!r}; valid are {', '.join(NAMED_SETS)} or a folder with one "
            "object per subfolder"
        )
    found: Sequence[Path] = [
        urdfs[0] for sub in sorted(folder.iterdir()) if (urdfs := sorted(sub.glob("*.urdf")))
    ]
    if not found:
        raise ConfigError(f"folder {name} holds no subfolder with a .urdf file")
    weighed = None
    if name not in NAMED_SETS and never_weighed([mass_in(path) for path in found]):
        weighed = False
    return ObjectSet(name, {path.parent.name: path for path in found}, False, weighed)


@functools.lru_cache(maxsize=2048)
def _checked(path: Path, weighed: bool | None) -> CheckedObject:
    return check_object(read_object(path), weighed=weighed)


def _random_urdfs() -> Path:
    found = importlib.util.find_spec("pybullet_data")
    if found is None or not found.submodule_search_locations:
        raise MissingDependency(
            "the object sets come with the package pybullet: pip install pybullet"
        )
    return Path(found.submodule_search_locations[0]) / "random_urdfs"
