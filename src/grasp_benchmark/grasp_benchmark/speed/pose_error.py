"""How far a grasp lies from where it should: rectangle to pose, against the simulator's truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grasp_core.cell import load_cell
from grasp_core.grasp import Grasp
from grasp_core.projection import PlanarGrasp, plane_to_rectangle
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.config import PickConfig
from grasp_executor.grasp_pose import target_from
from grasp_executor.interfaces import Observation
from grasp_sim.camera import camera_pose
from grasp_sim.config import SimConfig
from grasp_sim.simulation import Simulation

_DOWN = np.array([0.0, 0.0, -1.0])
_BOXES_PER_IMAGE = 4
_REACH_M = (0.14, 0.18)  # of the boxes' places around the middle of the workspace


@dataclass(frozen=True, eq=False)
class PoseErrors:
    """Errors of many grasps.

    Attributes:
        point_mm: Largest distance of centre and jaw ends from the truth, shape (N,), millimetres.
        angle_deg: Angle between closing axes, shape (N,), degrees.
        width_mm: Absolute error of the opening, shape (N,), millimetres.
    """

    point_mm: NDArray[np.float64]
    angle_deg: NDArray[np.float64]
    width_mm: NDArray[np.float64]


def measure_pose_errors(robot: RobotModel, tilt_deg: float, count: int, seed: int) -> PoseErrors:
    """Grasp boxes of known pose through the camera and compare.

    The true grasp of each box is projected to its rectangle; depth is read from the rendered
    image, and the executor makes a pose of both. So rendering, intrinsics, depth, the camera's
    pose and the geometry all take part; the detector does not.

    Args:
        robot: Gripper and frames.
        tilt_deg: Camera from straight down, degrees.
        count: Number of grasps, at least 1.
        seed: Of sizes and places.
    """
    config = SimConfig(camera_tilt_deg=tilt_deg)
    simulation, cell = Simulation(config, robot), load_cell(config.cell)
    rng = np.random.default_rng([seed, round(tilt_deg)])
    errors: list[tuple[float, float, float]] = []
    try:
        while len(errors) < count:
            simulation.clear()
            grasps = [_add_box(simulation, rng, index) for index in range(_BOXES_PER_IMAGE)]
            frame = simulation.render()
            T_camera_base = camera_pose(config).inverse()
            for truth in grasps:
                seen = replace(
                    truth,
                    centre=T_camera_base.apply(truth.centre),
                    closing=T_camera_base.rotate(truth.closing),
                    approach=T_camera_base.rotate(truth.approach),
                )
                rectangle, _ = plane_to_rectangle(seen, frame.camera, robot.gripper.pad_width_m)
                grasp = Grasp(rectangle, 1.0)
                observation = Observation(
                    [grasp], frame.depth_m, frame.camera, simulation.T_base_camera, frame.stamp_s
                )
                target = target_from(grasp, observation, robot.gripper, cell, PickConfig())
                errors.append(_compare(truth, target.T_base_grasp, target.top_z_m, target.width_m))
    finally:
        simulation.close()
    point, angle, width = np.array(errors[:count]).T
    return PoseErrors(point * 1000.0, np.degrees(angle), width * 1000.0)


def _add_box(simulation: Simulation, rng: np.random.Generator, index: int) -> PlanarGrasp:
    """Put a box into one quarter of the workspace; returns its true grasp in the base frame."""
    size = rng.uniform((0.02, 0.03, 0.02), (0.06, 0.09, 0.09))
    quarter = np.array([1 if index & 1 else -1, 1 if index & 2 else -1])
    x, y = np.array([0.5, 0.0]) + quarter * rng.uniform(0.45, 1.0, 2) * _REACH_M
    yaw = rng.uniform(0.0, np.pi)
    pose = Transform.from_rpy((0.0, 0.0, yaw), (x, y, size[2] / 2))
    simulation.world.add_box(f"box{index}", size, pose)
    return PlanarGrasp(np.array([x, y, size[2]]), pose.rotation[:, 0], _DOWN, float(size[0]))


def _compare(
    truth: PlanarGrasp, T_base_grasp: Transform, top_z_m: float, width_m: float
) -> tuple[float, float, float]:
    """Point error of centre and jaw ends, m; angle error, rad; width error, m."""
    closing = T_base_grasp.rotation[:, 1]
    closing = closing * np.sign(closing @ truth.closing)
    centre = np.array([*T_base_grasp.translation[:2], top_z_m])
    found = [centre + side * 0.5 * width_m * closing for side in (-1, 0, 1)]
    true = [truth.centre + side * 0.5 * truth.width_m * truth.closing for side in (-1, 0, 1)]
    point = float(np.linalg.norm(np.subtract(found, true), axis=1).max())
    angle = float(np.arccos(np.clip(closing @ truth.closing, -1.0, 1.0)))
    return point, angle, abs(width_m - truth.width_m)
