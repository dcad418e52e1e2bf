"""A launch that only notes what it is asked for: enough to see what a launch file starts."""

import importlib
import sys
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest


@dataclass
class Action:
    """An action or a substitution of launch: what it is and what it was built from."""

    kind: str
    args: tuple[Any, ...] = ()
    fields: dict[str, Any] = field(default_factory=dict)

    def perform(self, context):
        """The value of a launch argument."""
        return context.get(self.args[0], "")


@pytest.fixture
def launching(monkeypatch):
    """The module over a launch that only notes what it is asked for."""

    class Anything(ModuleType):
        __path__ = ()

        def __getattr__(self, kind):
            if kind.startswith("__"):
                raise AttributeError(kind)
            return lambda *args, **fields: Action(kind, args, fields)

    for name in (
        *("launch", "launch.actions", "launch.events", "launch.launch_description_sources"),
        "launch.conditions",
        *("launch.substitutions", "launch_ros", "launch_ros.actions", "launch_ros.event_handlers"),
        *("launch_ros.events", "launch_ros.events.lifecycle", "launch_ros.substitutions"),
    ):
        monkeypatch.setitem(sys.modules, name, Anything(name))
    monkeypatch.delitem(sys.modules, "grasp_bringup.launching", raising=False)
    yield importlib.import_module("grasp_bringup.launching")
    sys.modules.pop("grasp_bringup.launching", None)
