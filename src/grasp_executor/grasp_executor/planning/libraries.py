"""Pinocchio and roboplan, and the message when one of them is not installed."""

from __future__ import annotations

from grasp_core.errors import MissingDependency

try:
    import pinocchio as pin
    from roboplan.core import (
        CartesianConfiguration,
        JointConfiguration,
        JointPath,
        PathShortcutter,
        PathShortcuttingOptions,
        Scene,
        hasCollisionsAlongPath,
        loadUrdfSceneDescriptionFromXml,
    )
    from roboplan.rrt import RRT, RRTOptions
    from roboplan.simple_ik import SimpleIk, SimpleIkOptions
except ImportError as error:
    raise MissingDependency(
        f"the embedded planner lacks {error.name}: pip install pin roboplan-core roboplan-rrt "
        "roboplan-simple-ik (see requirements.txt)"
    ) from error

__all__ = [
    "RRT",
    "CartesianConfiguration",
    "JointConfiguration",
    "JointPath",
    "PathShortcutter",
    "PathShortcuttingOptions",
    "RRTOptions",
    "Scene",
    "SimpleIk",
    "SimpleIkOptions",
    "hasCollisionsAlongPath",
    "loadUrdfSceneDescriptionFromXml",
    "pin",
]
