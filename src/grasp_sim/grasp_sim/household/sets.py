"""The household sets: made from reserved seeds where they are wanted, and kept in the cache.

What is trained and chosen on, what is validated on, and what is only opened at the end never share
an object.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from grasp_core.errors import ConfigError
from grasp_sim.household.writing import write_objects


@dataclass(frozen=True)
class SetPart:
    """Which objects a set has: so many of a seed."""

    seed: int
    count: int


PARTS: dict[str, SetPart] = {
    "household": SetPart(seed=17_001, count=80),
    "household-validation": SetPart(seed=17_002, count=40),
    "household-test": SetPart(seed=17_003, count=40),
}

HOUSEHOLD_SETS = HOUSEHOLD, HOUSEHOLD_VALIDATION, HOUSEHOLD_TEST = tuple(PARTS)
"""For development, for validation, and for final figures alone."""

_NOT_FOR_TRAINING = {part.seed: name for name, part in PARTS.items() if name != HOUSEHOLD}


def household_folder(name: str) -> Path:
    """The folder of a household set; made the first time, the same on every machine.

    Args:
        name: One of :data:`HOUSEHOLD_SETS`.

    Raises:
        ConfigError: The folder cannot be written.
    """
    part = PARTS[name]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "grasp" / f"{name}-{_digest()}"
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Whoever is done first wins: others may be making the same.
        with tempfile.TemporaryDirectory(dir=folder.parent) as made:
            write_objects(Path(made) / name, part.count, part.seed)
            try:
                (Path(made) / name).rename(folder)
            except OSError:
                if not folder.is_dir():
                    raise
    except OSError as error:
        raise ConfigError(
            f"the objects of {name} cannot be kept in {folder}: {error.strerror}; set "
            "XDG_CACHE_HOME to a folder that can be written"
        ) from error
    return folder


def require_free_seed(seed: int) -> None:
    """Check that a seed gives no objects that are kept for validation or test.

    Raises:
        ConfigError: It does.
    """
    if name := _NOT_FOR_TRAINING.get(abs(seed)):
        raise ConfigError(f"the seed {seed} is reserved for the set {name}: take another")


def _digest() -> str:
    """Of the sources that make the objects: other sources make other objects."""
    sources = [*Path(__file__).parent.glob("*.py"), Path(__file__).parents[1] / "convex_mass.py"]
    text = b"".join(path.read_bytes() for path in sorted(sources))
    return hashlib.sha256(text).hexdigest()[:10]
