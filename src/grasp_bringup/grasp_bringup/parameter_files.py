"""The parameters of every node, and the YAML files under ``config`` that hold their defaults."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Mapping
from typing import Any

import yaml

from grasp_core.config import settings_of
from grasp_detection.config import DetectorConfig
from grasp_detection.registry import find_detector, own_detectors
from grasp_executor.config import ExecutorConfig
from grasp_executor.planning.registry import find_planner, planner_names
from grasp_ros.calibration_node import CalibrationPublisherConfig
from grasp_ros.parameters import describe
from grasp_sim.node_config import SimNodeConfig

_WIDTH = 99


def node_configs() -> dict[str, dict[str, type]]:
    """Configuration classes of every node, by node name and parameter prefix ("" for none)."""
    detectors = [find_detector(name) for name in own_detectors()]
    return {
        # Detectors of one family share a group: only one of them runs.
        "detector": {"": DetectorConfig, **{one.group: one.config_class for one in detectors}},
        "executor": {
            "": ExecutorConfig,
            **{name: find_planner(name).config_class for name in planner_names()},
        },
        "simulator": {"": SimNodeConfig},
        "calibration_publisher": {"": CalibrationPublisherConfig},
    }


def parameter_file(node: str, classes: Mapping[str, type]) -> str:
    """Defaults of a node as the text of a ROS parameter file, with a comment for each.

    Args:
        node: Name of the node.
        classes: Its configuration classes by parameter prefix, as :func:`node_configs` has them.
    """
    lines = [
        f"# Parameters of the node {node}, with their defaults; written by `grasp config {node}`.",
        f"/**/{node}:",  # in whatever namespace it runs
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
