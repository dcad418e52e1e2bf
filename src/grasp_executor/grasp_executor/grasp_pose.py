"""From a candidate and the camera's pose to the grasp in the base frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grasp_core.cell import Cell
from grasp_core.depth import plane_depth
from grasp_core.errors import BadCalibration, Collision, InvalidDepth, OutsideWorkspace, TooWide
from grasp_core.grasp import Grasp
from grasp_core.projection import rectangle_to_plane
from grasp_core.robot import GripperProfile
from grasp_core.transform import Transform
from grasp_executor.config import PickConfig
from grasp_executor.interfaces import Observation

_GRAVITY = np.array([0.0, 0.0, -1.0])
_CLEARANCE_M = 0.002
_PALM_CLEARANCE_M = 0.006  # what depth noise hides of something narrow
_ROUNDING_M = 1e-6


@dataclass(frozen=True)
class GraspTarget:
    """A candidate ready to be planned for.

    Attributes:
        grasp: The candidate.
        T_base_grasp: Grasp frame at closing: origin midway between the fingertips, +Z approach,
            +Y closing.
        width_m: Object width between the jaws, metres.
        opening_m: Gap of the jaws on the way down, metres.
        top_z_m: Height of the object's local top in the base frame, metres.
    """

    grasp: Grasp
    T_base_grasp: Transform
    width_m: float
    opening_m: float
    top_z_m: float

    def twin(self) -> GraspTarget:
        """The same grasp with the fingers exchanged: half a turn about the approach."""
        half_turn = Transform.from_rpy((0.0, 0.0, math.pi))
        return replace(self, T_base_grasp=self.T_base_grasp @ half_turn)


def check_camera_pose(T_base_camera: Transform, cell: Cell) -> None:
    """Refuse a camera pose that cannot be right.

    Raises:
        BadCalibration: The camera is below the support or does not look down at it.
    """
    height = float(T_base_camera.translation[2]) - cell.support_z_m
    looks_down = float(-T_base_camera.rotation[2, 2])
    if height <= 0.05 or looks_down <= 0.2:
        raise BadCalibration(
            f"the camera stands {height:.2f} m above the support and its axis points "
            f"{math.degrees(math.asin(max(-1.0, min(1.0, looks_down)))):.0f} degrees below the "
            "horizon; check the hand-eye calibration and the frame of the image"
        )


def target_from(
    grasp: Grasp,
    observation: Observation,
    gripper: GripperProfile,
    cell: Cell,
    config: PickConfig,
) -> GraspTarget:
    """Grasp pose and metric opening of a candidate in the base frame.

    Args:
        grasp: Candidate; its 6-DoF pose is used as it is where there is one.
        observation: Image geometry and camera pose of the candidate.
        gripper: Jaw limits.
        cell: Workspace and support.
        config: Finger depth, clearances, approach.

    Raises:
        Collision: A fingertip would end lower than the clearance above the support.
        InvalidDepth: The candidate has no depth and the image none at its place.
        OutsideWorkspace: The grasp point lies outside the workspace box.
        TooWide: The object is wider than the jaws open.
        BadCalibration: The camera looks along the grasp plane.
    """
    if grasp.T_camera_grasp is not None:
        T_base_grasp = observation.T_base_camera @ grasp.T_camera_grasp
        width = grasp.width_m if math.isfinite(grasp.width_m) else gripper.max_gap_m
        top_z = float(T_base_grasp.translation[2])
        opening = _opening_for(width, gripper)
    else:
        T_base_grasp, width, top_z = _from_rectangle(grasp, observation, gripper, cell, config)
        opening = _opening_for(width + config.opening_margin_m, gripper)
    if not cell.contains(T_base_grasp.translation):
        x, y, z = T_base_grasp.translation
        raise OutsideWorkspace(
            f"the grasp at ({x:.3f}, {y:.3f}, {z:.3f}) m is outside the workspace box "
            f"{cell.workspace_min} to {cell.workspace_max}"
        )
    margin = 0.0 if grasp.T_camera_grasp is not None else config.min_opening_margin_m
    if width + margin > gripper.max_gap_m + 1e-6:
        raise TooWide(
            f"the object is {width * 1000:.0f} mm wide; the jaws open "
            f"{gripper.max_gap_m * 1000:.0f} mm, of which {margin * 1000:.0f} mm are margin"
        )
    # What is lower than the clearance is still grasped at its top.
    clearance = min(config.support_clearance_m, max(top_z - cell.support_z_m, 0.0))
    _check_tips(T_base_grasp, opening, gripper, cell.support_z_m + clearance)
    return GraspTarget(grasp, T_base_grasp, width, opening, top_z)


def _opening_for(gap_m: float, gripper: GripperProfile) -> float:
    """Gap to which the jaws open where so much is asked for, metres."""
    return min(gap_m, gripper.max_gap_m) if gripper.driver.opens_partly else gripper.max_gap_m


def _check_tips(
    T_base_grasp: Transform, opening_m: float, gripper: GripperProfile, least_z_m: float
) -> None:
    """Refuse a pose whose fingertips would go too low.

    Raises:
        Collision: One would.
    """
    lowest = float(T_base_grasp.translation[2]) - _tip_drop(T_base_grasp, opening_m, gripper)
    if lowest < least_z_m - _ROUNDING_M:
        raise Collision(
            f"a fingertip would end at a height of {lowest * 1000:.1f} mm in the base frame; the "
            f"support and support_clearance_m allow {least_z_m * 1000:.1f} mm"
        )


def _tip_drop(T_base_grasp: Transform, opening_m: float, gripper: GripperProfile) -> float:
    """How far the lowest corner of the open fingertips lies below the grasp point, metres."""
    along_x, along_y = np.abs(T_base_grasp.rotation[2, :2])
    outer = opening_m / 2 + gripper.finger_thickness_m
    return float(along_x * gripper.pad_width_m / 2 + along_y * outer)


def _from_rectangle(
    grasp: Grasp,
    observation: Observation,
    gripper: GripperProfile,
    cell: Cell,
    config: PickConfig,
) -> tuple[Transform, float, float]:
    """Grasp pose in the base frame, metric width and height of the local top."""
    T_base_camera = observation.T_base_camera
    if config.approach == "gravity":
        approach = T_base_camera.inverse().rotate(_GRAVITY)
    else:
        approach = np.array([0.0, 0.0, 1.0])
    rectangle, depth = grasp.rectangle, grasp.depth_m
    if not math.isfinite(depth):
        depth = plane_depth(observation.depth_m, observation.camera, rectangle, approach)
    if not math.isfinite(depth):
        raise InvalidDepth(
            f"no depth at ({rectangle.u:.0f}, {rectangle.v:.0f}) px or around it: the camera "
            "measures nothing there"
        )
    plane = rectangle_to_plane(rectangle, depth, observation.camera, approach)
    top_z = float((T_base_camera @ plane.pose()).translation[2])
    # Along a tilted approach the support is reached later: its distance grows with 1 / cos.
    down = float(-T_base_camera.rotate(approach)[2])
    opening = _opening_for(plane.width_m + config.opening_margin_m, gripper)
    least_z = cell.support_z_m + config.support_clearance_m
    least_z += _tip_drop(T_base_camera @ plane.pose(), opening, gripper)
    available = (top_z - least_z) / max(down, 0.2)
    below = min(config.finger_depth_m, max(available, 0.0))
    return T_base_camera @ plane.pose(below), plane.width_m, top_z


def clear_of_palm(
    target: GraspTarget,
    points_base: NDArray[np.float64],
    gripper: GripperProfile,
    config: PickConfig,
) -> GraspTarget:
    """The grasp, or a shallower one where something beside it would touch the palm.

    Args:
        target: The grasp; one with a pose of its own stays as it is.
        points_base: Visible surface, shape (N, 3), metres, base frame; the target included.
        gripper: Hand dimensions.
        config: Least depth of the fingers, and number of points that count.
    """
    if target.grasp.T_camera_grasp is not None:
        return target
    z = _under_palm(target, points_base, gripper)
    if len(z) < config.clearance_points:
        return target
    # So many points may stick into the palm before they count.
    highest = float(np.partition(z, config.clearance_points - 1)[config.clearance_points - 1])
    if highest >= -gripper.finger_length_m:
        return target
    shallower = -gripper.finger_length_m - highest + _PALM_CLEARANCE_M
    down = float(-target.T_base_grasp.rotation[2, 2])
    depth = (target.top_z_m - float(target.T_base_grasp.translation[2])) / max(down, 0.2)
    if shallower > depth - config.min_finger_depth_m:
        return target
    back = Transform.from_translation(0.0, 0.0, -shallower)
    return replace(target, T_base_grasp=target.T_base_grasp @ back)


def _under_palm(
    target: GraspTarget, points_base: NDArray[np.float64], gripper: GripperProfile
) -> NDArray[np.float64]:
    """How far beyond the fingertips what the palm comes down on lies, negative towards it."""
    x, y, z = target.T_base_grasp.inverse().apply(points_base).T
    under = (np.abs(x) <= gripper.hand_depth_m / 2) & (np.abs(y) <= gripper.hand_width_m / 2)
    return np.asarray(z[under])


def check_hand_clearance(
    target: GraspTarget,
    points_base: NDArray[np.float64],
    gripper: GripperProfile,
    config: PickConfig,
) -> None:
    """Check that nothing visible stands in the way of the open hand on its way down.

    Args:
        target: The grasp.
        points_base: Visible surface, shape (N, 3), metres, base frame; the target included.
        gripper: Hand dimensions.
        config: Number of points that count.

    Raises:
        TooWide: A finger would come down on what the jaws were to close on, and that is wider
            than they open.
        Collision: Points lie where a finger or the palm would pass; says which.
    """
    x, y, z = target.T_base_grasp.inverse().apply(points_base).T
    inner = target.opening_m / 2
    outer = inner + gripper.finger_thickness_m
    in_jaw = np.abs(x) <= gripper.pad_width_m / 2 + _CLEARANCE_M
    above_tip = z < -_CLEARANCE_M
    ways = {
        "the left finger": in_jaw & (y > inner) & (y < outer + _CLEARANCE_M) & above_tip,
        "the right finger": in_jaw & (y < -inner) & (y > -outer - _CLEARANCE_M) & above_tip,
        "the palm": _under_palm(target, points_base, gripper) < -gripper.finger_length_m,
    }
    for part, inside in ways.items():
        count = int(np.count_nonzero(inside))
        if count >= config.clearance_points:
            _check_width(y[in_jaw & above_tip], target.opening_m, gripper, config)
            raise Collision(
                f"{part} would pass through {count} points of the depth image at "
                f"({target.T_base_grasp.translation[0]:.3f}, "
                f"{target.T_base_grasp.translation[1]:.3f}) m"
            )


def _check_width(
    y_m: NDArray[np.float64], opening_m: float, gripper: GripperProfile, config: PickConfig
) -> None:
    """Check that what stands between the jaws ends within their widest opening.

    What is seen without a gap into which a finger would fit is one thing for the jaws.

    Args:
        y_m: Places along the closing axis of what is seen above the fingertips, shape (N,), from
            the middle of the jaws.
        opening_m: Gap of the jaws on the way down.
        gripper: Its widest gap and its fingers.
        config: Margin that the jaws need.

    Raises:
        TooWide: It goes on beyond.
    """
    places = np.sort(y_m)
    middle = int(np.abs(places).argmin())
    if abs(places[middle]) > opening_m / 2:
        return
    breaks = np.flatnonzero(np.diff(places) >= gripper.finger_thickness_m)
    first = breaks[breaks < middle].max(initial=-1) + 1
    last = breaks[breaks >= middle].min(initial=len(places) - 1)
    width = float(places[last] - places[first])
    if width + config.min_opening_margin_m > gripper.max_gap_m:
        raise TooWide(
            f"what stands between the jaws is {width * 1000:.0f} mm wide there; they open "
            f"{gripper.max_gap_m * 1000:.0f} mm, of which {config.min_opening_margin_m * 1000:.0f}"
            " mm are margin"
        )
