"""Which code a benchmark was measured with, so that figures of two versions do not mix.

What counts is what a worker can run: the module that carries trials out, and whatever the stack's
modules import from there, at any depth, inside functions too. Where a registry imports late, it
writes the place as ``module:name``, and that counts as an import. What only shows figures, trains,
or speaks ROS is not reached, or left out.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from grasp_core.config_folder import config_dir

_CARRIES_OUT = "grasp_benchmark.closed_loop.trial_job"
_OWN = "grasp_"  # what the names of the stack's packages begin with
_PLACE = re.compile(r"([A-Za-z_]\w*(?:\.\w+)+):\w+")
_NOT_OF_A_TRIAL = "splits"  # of the folders under config
_LENGTH = 16


def code_digest() -> str:
    """Digest of everything that a trial runs: sources without ROS, and robots, cells, cameras."""
    files = list(trial_sources())
    for folder in sorted(path for path in config_dir().iterdir() if path.is_dir()):
        if folder.name != _NOT_OF_A_TRIAL:
            files += [path for path in folder.rglob("*") if path.is_file()]
    return digest_of(files)


def digest_of(files: Iterable[Path]) -> str:
    """Digest of the names and contents of files, whatever their order and wherever they lie."""
    parts = sorted(
        f"{path.parent.name}/{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in files
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_LENGTH]


def trial_sources(start: str = _CARRIES_OUT) -> set[Path]:
    """Sources that a trial runs.

    Args:
        start: Name of the module that a worker is told to run.
    """
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        for path in _files_of(waiting.pop()):
            if path not in found and not _is_ros(path):
                found.add(path)
                waiting += _imports(path)
    return found


def _is_ros(path: Path) -> bool:
    return path.name == "node.py" or path.name.startswith("ros_")


def _files_of(module: str) -> Iterator[Path]:
    """Files that run when a module of the stack is imported: its packages' and its own.

    ``module`` may end in the name of something inside a module.
    """
    top, *inner = module.split(".")
    spec = find_spec(top) if top.startswith(_OWN) else None
    if spec is None or not spec.submodule_search_locations:
        return
    folder = Path(spec.submodule_search_locations[0])
    yield folder / "__init__.py"
    for name in inner:
        if (path := folder / f"{name}.py").is_file():
            yield path
            return
        folder /= name
        if not (path := folder / "__init__.py").is_file():
            return
        yield path


def _imports(path: Path) -> Iterator[str]:
    """Names of what a file imports when it runs, or may import later."""
    for node in _running(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # What is named may be a module itself.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and (place := _PLACE.fullmatch(str(node.value))):
            yield place[1]


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below one, without those for type checkers alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        yield child
        yield from _running(child)
