"""Print every node's parameters, described, as in config/*.yaml."""

from __future__ import annotations

import argparse
from pathlib import Path

from grasp_bringup.parameter_files import node_configs, parameter_file
from grasp_core.errors import ConfigError

EXAMPLES = (
    "grasp config detector",
    "grasp config --write config  # all of them, into config/",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("node", nargs="?", help="only this node")
    parser.add_argument("--write", type=Path, help="write NODE.yaml files into this folder")


def run(options: argparse.Namespace) -> int:
    """Print or write the parameter files.

    Raises:
        ConfigError: No such node.
    """
    configs = node_configs()
    if options.node is not None and options.node not in configs:
        raise ConfigError(f"no node {options.node!r}; valid are {', '.join(configs)}")
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
