"""The simulated cell's part of the bench: rendering, physics, picks, and where grasps end up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from grasp_benchmark.in_process import sequence_in
from grasp_benchmark.speed.pose_error import measure_pose_errors
from grasp_core.cell import load_cell
from grasp_core.frame import RgbdFrame
from grasp_core.robot import RobotModel
from grasp_detection.registry import DEFAULT, create_detector, resolve
from grasp_executor.outcome import Progress, Stage
from grasp_executor.planning.registry import DEFAULT_PLANNER, create_planner
from grasp_executor.selection import PickGoal
from grasp_sim.config import STEPS_PER_S, SimConfig
from grasp_sim.scene_seed import scene_seed
from grasp_sim.simulation import Simulation

_TILTS_DEG = (0.0, 20.0, 40.0)
_CLUTTERS = (1, 10)
_PHYSICS_STEPS = 480
_RENDERINGS = 10


def measure_simulator(robot: RobotModel, seed: int) -> tuple[dict[str, Any], list[RgbdFrame]]:
    """Rendering and physics with few and many objects.

    Returns:
        ``ms`` and ``real_time_factor`` by number of objects, and the ``renderer``; and the frames
        seen, with the noise of a D435 and the camera's pose.
    """
    figures: dict[str, Any] = {"ms": {}, "real_time_factor": {}, "renderer": "unknown"}
    frames: list[RgbdFrame] = []
    for clutter in _CLUTTERS:
        simulation = Simulation(SimConfig(noise="d435"), robot)
        try:
            simulation.new_scene(simulation.objects.draw(clutter, seed), seed)
            frames.append(replace(simulation.render(), T_base_camera=simulation.T_base_camera))
            figures["renderer"] = simulation.renderer
            label = f"{clutter} object{'s' if clutter > 1 else ''}"
            figures["ms"][f"rendering 640x480 with noise, {label}"] = _timed(
                simulation.render, _RENDERINGS
            )
            start = time.perf_counter()
            for _ in range(_PHYSICS_STEPS):
                simulation.step()
            seconds = time.perf_counter() - start
            figures["real_time_factor"][label] = _PHYSICS_STEPS / STEPS_PER_S / seconds
        finally:
            simulation.close()
    return figures, frames


def _timed(call: Callable[[], object], count: int) -> dict[str, float]:
    times = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000.0)
    return {"median": float(np.median(times)), "p95": float(np.percentile(times, 95))}


def measure_picks(robot: RobotModel, count: int, seed: int) -> dict[str, Any]:
    """Picks of dev objects, in this process; the planning stage on the wall clock."""
    simulation = Simulation(SimConfig(), robot)
    detector = create_detector(DEFAULT, robot.gripper, cell=load_cell(simulation.config.cell))
    planner = create_planner(DEFAULT_PLANNER, robot)
    sequence = sequence_in(simulation, detector, robot, planner=planner)
    marks: dict[Stage, float] = {}
    planning_ms: list[float] = []
    success = 0

    def note(progress: Progress) -> None:
        marks.setdefault(progress.stage, time.perf_counter())

    try:
        start = time.perf_counter()
        for index, name in enumerate(simulation.objects.draw(count, seed)):
            simulation.new_scene([name], scene_seed(seed, index))
            marks.clear()
            outcome = sequence.run(PickGoal(), report=note)
            success += outcome.success and any(thing.in_bin for thing in simulation.truth())
            if Stage.PLAN in marks and Stage.PREGRASP in marks:
                planning_ms.append((marks[Stage.PREGRASP] - marks[Stage.PLAN]) * 1000.0)
        seconds = time.perf_counter() - start
    finally:
        simulation.close()
    return {
        "picks": count,
        "detector": resolve(DEFAULT),
        "success": success,
        "picks_per_hour": 3600.0 * count / seconds,
        "plan_ms_median": float(np.median(planning_ms)) if planning_ms else None,
        "plan_ms_p95": float(np.percentile(planning_ms, 95)) if planning_ms else None,
    }


def measure_poses(robot: RobotModel, count: int, seed: int) -> dict[str, dict[str, float]]:
    """Errors of grasp poses against the simulator's truth, by tilt of the camera in degrees."""
    rows: dict[str, dict[str, float]] = {}
    for tilt in _TILTS_DEG:
        errors = measure_pose_errors(robot, tilt, count, seed)
        rows[f"{tilt:.0f}"] = {
            "point_mm_p95": float(np.percentile(errors.point_mm, 95)),
            "point_mm_max": float(errors.point_mm.max()),
            "angle_deg_p95": float(np.percentile(errors.angle_deg, 95)),
            "width_mm_p95": float(np.percentile(errors.width_mm, 95)),
        }
    return rows
