"""Pinocchio and roboplan, and the message when one of them is not installed."""

from __future__ import annotations

from grasp_core.optional import needed_by

with needed_by("the embedded planner", "pin roboplan-core roboplan-rrt roboplan-simple-ik"):
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
