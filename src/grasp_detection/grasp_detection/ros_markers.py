"""Grasps as RViz markers: jaws coloured by quality, with class, quality and opening as text."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from geometry_msgs.msg import Vector3
from numpy.typing import NDArray
from rclpy.duration import Duration
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from grasp_core.errors import BadCalibration
from grasp_core.frame import RgbdFrame
from grasp_core.grasp import Grasp
from grasp_core.projection import rectangle_to_plane
from grasp_core.robot import GripperProfile
from grasp_core.support import NoSupport, find_support
from grasp_core.transform import Transform
from grasp_ros.conversions import ns_to_stamp, pose_from_transform

_TIP_BELOW_TOP_M = 0.02
_BAR_M = 0.008
_LETTER_M = 0.015
_WHITE = ColorRGBA(r=1.0, g=1.0, b=1.0, a=0.9)


def approach_of(frame: RgbdFrame) -> NDArray[np.float64]:
    """Approach direction in the optical frame.

    Along gravity where the camera's pose is known, else into the support that is found, else along
    the optical axis.
    """
    if frame.T_base_camera is not None:
        return np.asarray(-frame.T_base_camera.rotation[2])
    try:
        T_camera_support = find_support(frame.depth_m, frame.camera)
    except NoSupport:
        return np.array([0.0, 0.0, 1.0])
    return T_camera_support.rotate((0.0, 0.0, -1.0))


def grasp_markers(
    grasps: Sequence[Grasp], frame: RgbdFrame, gripper: GripperProfile, lifetime_s: float
) -> MarkerArray:
    """Markers of the given candidates, after one that deletes the previous ones.

    Args:
        grasps: Candidates, best first.
        frame: The frame they were found in.
        gripper: Finger dimensions.
        lifetime_s: How long they stay; 0 until the next.
    """
    header = Header(stamp=ns_to_stamp(frame.stamp_ns), frame_id=frame.frame_id)
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    approach = approach_of(frame) if grasps else None
    lifetime = Duration(seconds=lifetime_s).to_msg()
    for rank, grasp in enumerate(grasps):
        placed = _pose_and_width(grasp, frame, approach)
        if placed is None:
            continue
        color = _color(grasp.quality, best=rank == 0)
        for T_camera_part, size in _parts(*placed, gripper):
            box = Marker(
                ns="jaws",
                type=Marker.CUBE,
                pose=pose_from_transform(T_camera_part),
                scale=Vector3(x=size[0], y=size[1], z=size[2]),
                color=color,
            )
            markers.append(box)
        markers.append(_text(rank, grasp, *placed, gripper))
    for index, marker in enumerate(markers[1:], start=1):
        marker.header, marker.id, marker.lifetime = header, index, lifetime
    return MarkerArray(markers=markers)


def _text(
    rank: int, grasp: Grasp, T_camera_grasp: Transform, width_m: float, gripper: GripperProfile
) -> Marker:
    """Rank, class where it is known, quality and opening, above the bar."""
    named = f"{grasp.label} " if grasp.label else ""
    above_m = -gripper.finger_length_m - _BAR_M - _LETTER_M
    return Marker(
        ns="text",
        type=Marker.TEXT_VIEW_FACING,
        pose=pose_from_transform(T_camera_grasp @ Transform.from_translation(0.0, 0.0, above_m)),
        scale=Vector3(z=_LETTER_M),
        color=_WHITE,
        text=f"{rank + 1}: {named}{grasp.quality:.2f}, {1000.0 * width_m:.0f} mm",
    )


def _pose_and_width(
    grasp: Grasp, frame: RgbdFrame, approach: NDArray[np.float64] | None
) -> tuple[Transform, float] | None:
    if grasp.T_camera_grasp is not None and math.isfinite(grasp.width_m):
        return grasp.T_camera_grasp, grasp.width_m
    if approach is None or not math.isfinite(grasp.depth_m):
        return None
    try:
        plane = rectangle_to_plane(grasp.rectangle, grasp.depth_m, frame.camera, approach)
    except BadCalibration:  # seen edge-on: nothing sensible to draw
        return None
    return plane.pose(_TIP_BELOW_TOP_M), plane.width_m


def _parts(
    T_camera_grasp: Transform, width_m: float, gripper: GripperProfile
) -> list[tuple[Transform, tuple[float, float, float]]]:
    """Boxes of both fingers and the bar: pose and size along the grasp frame's axes."""
    thickness, length = gripper.finger_thickness_m, gripper.finger_length_m
    offset = 0.5 * (width_m + thickness)
    finger = (gripper.pad_width_m, thickness, length)
    bar = (gripper.pad_width_m, width_m + 2.0 * thickness, _BAR_M)
    places = (
        ((0.0, -offset, -0.5 * length), finger),
        ((0.0, offset, -0.5 * length), finger),
        ((0.0, 0.0, -length - 0.5 * _BAR_M), bar),
    )
    return [(T_camera_grasp @ Transform.from_translation(*at), size) for at, size in places]


def _color(quality: float, *, best: bool) -> ColorRGBA:
    """Red at quality 0 through yellow to green at 1."""
    return ColorRGBA(
        r=float(min(1.0, 2.0 - 2.0 * quality)),
        g=float(min(1.0, 2.0 * quality)),
        b=0.15,
        a=0.9 if best else 0.35,
    )
