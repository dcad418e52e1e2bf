"""Libraries that only some commands need, imported when they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from grasp_core.errors import MissingDependency


@contextmanager
def needed_by(what: str, packages: str, otherwise: str = "") -> Iterator[None]:
    """Turn a failed import in the block into one sentence.

    Args:
        what: Whatever needs the libraries, the sentence's subject.
        packages: Their names for pip.
        otherwise: What to do without them.

    Raises:
        MissingDependency: One of them is not installed.
    """
    try:
        yield
    except MissingDependency:
        raise
    except ImportError as error:
        raise MissingDependency(
            f"{what} needs {error.name}, which {lacking(error)}: run make setup, or pip install "
            f"{packages}{f', or {otherwise}' if otherwise else ''}"
        ) from error


def lacking(error: ImportError) -> str:
    """What is the matter with a library that cannot be imported: not there, or broken, and how."""
    if isinstance(error, ModuleNotFoundError):
        return "is not installed"
    return f"is installed, but cannot be loaded ({error})"
