"""The verbs of `grasp`: modules of the package ``verbs``, imported when they are wanted.

The first word of a file's name is the verb, and the first line of its docstring its summary, so
that neither needs a list. A verb's module has

- ``add_arguments(parser)``,
- ``run(options)``, which returns an exit status or raises,
- ``EXAMPLES``, commands that work, each perhaps with a comment,
- and perhaps ``INTERRUPTED``, a sentence about what an interruption leaves behind.
"""

from __future__ import annotations

import argparse
import ast
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "verbs"


@dataclass(frozen=True)
class Verb:
    """One verb.

    Attributes:
        name: What is typed.
        path: Its file.
    """

    name: str
    path: Path

    @property
    def summary(self) -> str:
        """What it does, in a line; read without importing anything."""
        text = ast.get_docstring(ast.parse(self.path.read_text(encoding="utf-8"))) or ""
        return text.partition("\n")[0].rstrip(".")

    def module(self) -> Any:
        """Its module, imported now."""
        return importlib.import_module(f"grasp_cli.verbs.{self.path.stem}")


def verbs() -> list[Verb]:
    """All verbs, by name."""
    files = sorted(path for path in _FOLDER.glob("*.py") if path.stem != "__init__")
    return [Verb(path.stem.partition("_")[0], path) for path in files]


class VerbParser(argparse.ArgumentParser):
    """A verb's parser, which imports the verb when it is about to parse.

    Parsers of what a verb itself distinguishes are of this class, too; they have no verb.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)
        self._verb: Verb | None = None

    def fill_from(self, verb: Verb) -> None:
        """Take arguments and help from a verb, later."""
        self._verb = verb

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse, with the verb's arguments; see :class:`argparse.ArgumentParser`."""
        if self._verb is not None:
            self._fill(self._verb.module())
            self._verb = None
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:  # told here, where the usage is the verb's
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return options, unknown

    def _fill(self, module: Any) -> None:
        self.description = module.__doc__
        self.epilog = indented("examples:", module.EXAMPLES)
        module.add_arguments(self)
        self.set_defaults(verb_module=module)


def indented(title: str, lines: Sequence[str]) -> str:
    """A paragraph of a help text that keeps its lines."""
    return "\n".join([title, *(f"  {line}" for line in lines)])
