"""Print a node's parameters with their descriptions, in the layout of config/*.yaml."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from grasp_core.config import settings_of
from grasp_ros.parameters import describe

_WIDTH = 99


def node_configs() -> dict[str, dict[str, type]]:
    """Configuration classes of every node, by node name and parameter prefix ("" for none)."""
    from grasp_detection.config import DetectorConfig
    from grasp_detection.registry import detector_names, find_detector
    from grasp_executor.config import ExecutorConfig
    from grasp_executor.planning.registry import find_planner, planner_names
    from grasp_sim.node_config import SimNodeConfig

    return {
        "detector": {
            "": DetectorConfig,
            **{name: find_detector(name).config_class for name in detector_names()},
        },
        "executor": {
            "": ExecutorConfig,
            **{name: find_planner(name).config_class for name in planner_names()},
        },
        "simulator": {"": SimNodeConfig},
    }


def parameter_file(node: str, classes: Mapping[str, type]) -> str:
    """Defaults of a node as the text of a ROS parameter file, with a comment for each."""
    lines = [
        f"# Parameters of the node {node}, with their defaults; written by `grasp config {node}`.",
        f"{node}:",
        "  ros__parameters:",
    ]
    for prefix, config_class in classes.items():
        indent = "    "
        if prefix:
            lines.append(f"{indent}{prefix}:")
            indent += "  "
        for name, (field, about) in settings_of(config_class).items():
            lines += textwrap.wrap(
                describe(about),
                _WIDTH,
                initial_indent=f"{indent}# ",
                subsequent_indent=f"{indent}# ",
            )
            lines.append(f"{indent}{name}: {_scalar(field)}")
    return "\n".join(lines) + "\n"


def _scalar(field: dataclasses.Field[Any]) -> str:
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    text = yaml.safe_dump(value, default_flow_style=True, width=1000).strip()
    return text.removesuffix("...").strip()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("node", nargs="?", help="only this node")
    parser.add_argument("--write", type=Path, help="write NODE.yaml files into this folder")


def main(options: argparse.Namespace) -> int:
    """Print or write the parameter files; exit 2 on wrong input."""
    configs = node_configs()
    if options.node is not None and options.node not in configs:
        print(f"error: no node {options.node!r}; valid are {', '.join(configs)}", file=sys.stderr)
        return 2
    for node, classes in configs.items():
        if options.node not in (None, node):
            continue
        text = parameter_file(node, classes)
        if options.write:
            options.write.mkdir(parents=True, exist_ok=True)
            (options.write / f"{node}.yaml").write_text(text, encoding="utf-8")
        else:
            print(text)
    return 0
