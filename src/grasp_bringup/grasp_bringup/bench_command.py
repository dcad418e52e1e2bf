"""Measure the stack on this machine: rendering, physics, detection, planning, pose error."""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from grasp_bringup.in_process import sequence_in
from grasp_bringup.pose_error import measure_pose_errors
from grasp_bringup.sim_command import scene_seed
from grasp_bringup.stack import detector_values, simulated_view
from grasp_core.errors import GraspStackError
from grasp_core.robot import RobotModel, load_robot
from grasp_detection.detector import Detector
from grasp_detection.registry import DEFAULT, create_detector, detector_names, has_weights, resolve
from grasp_detection.weights import shipped_names
from grasp_executor.outcome import Progress, Stage
from grasp_executor.planning.config import PlannerConfig
from grasp_executor.planning.embedded import EmbeddedPlanner
from grasp_executor.selection import PickGoal
from grasp_sim.config import STEPS_PER_S, SimConfig
from grasp_sim.simulation import Simulation

_TILTS_DEG = (0.0, 20.0, 40.0)
_CLUTTERS = (1, 10)
_PHYSICS_STEPS = 480


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--picks", type=int, default=20, help="dev objects picked in process (20)")
    parser.add_argument("--grasps", type=int, default=200, help="grasps per camera tilt (200)")
    parser.add_argument("--seed", type=int, default=0, help="seed of everything (0)")
    parser.add_argument("--json", type=Path, help="file for the figures")


def main(options: argparse.Namespace) -> int:
    """Print the figures; exit 1 when the stack failed."""
    if options.picks < 1 or options.grasps < 1:
        print("error: --picks and --grasps must be at least 1", file=sys.stderr)
        return 2
    with _quiet_graphics() as console:
        try:
            figures = _measure(options, console)
        except GraspStackError as error:
            console.print(f"error: {error}")
            return 1
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


@contextlib.contextmanager
def _quiet_graphics() -> Iterator[Console]:
    """A console of its own: the graphics driver writes into the process's streams."""
    streams = [os.dup(1), os.dup(2)]
    silence = os.open(os.devnull, os.O_WRONLY)
    try:
        with os.fdopen(os.dup(1), "w") as out:
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            yield Console(file=out)
    finally:
        sys.stdout.flush()
        for number, stream in zip((1, 2), streams, strict=True):
            os.dup2(stream, number)
            os.close(stream)
        os.close(silence)


def _measure(options: argparse.Namespace, console: Console) -> dict[str, object]:
    robot = load_robot("panda")
    speeds = _speeds(robot, options.seed)
    table = Table("what", "median ms", "p95 ms", title="time on this machine")
    for name, values in speeds["ms"].items():
        table.add_row(name, f"{values['median']:.1f}", f"{values['p95']:.1f}")
    console.print(table)
    for name, factor in speeds["real_time_factor"].items():
        console.print(f"physics alone, {name}: {factor:.0f} times real time")
    console.print(f"renderer: {speeds['renderer']}\n")
    picks = _picks(robot, options.picks, options.seed)
    console.print(
        f"{picks['success']} of {picks['picks']} picks of dev objects in one process "
        f"with detector {picks['detector']}, {picks['picks_per_hour']:.0f} picks an hour; "
        f"planning {picks['plan_ms_median']:.0f} ms median, {picks['plan_ms_p95']:.0f} ms p95\n"
    )
    errors = _pose_errors(robot, options.grasps, options.seed)
    table = Table(
        "camera tilt", "grasps", "point error p95 mm", "worst mm", "angle p95 deg", "width p95 mm",
        title="grasp pose against the simulator's truth, noise-free depth",
    )  # fmt: skip
    for tilt, row in errors.items():
        table.add_row(
            f"{tilt} deg",
            str(options.grasps),
            f"{row['point_mm_p95']:.3f}",
            f"{row['point_mm_max']:.3f}",
            f"{row['angle_deg_p95']:.3f}",
            f"{row['width_mm_p95']:.3f}",
        )
    console.print(table)
    return {"speed": speeds, "picks": picks, "pose_error": errors}


def _timed(call: Callable[[], object], count: int) -> dict[str, float]:
    times = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000.0)
    return {"median": float(np.median(times)), "p95": float(np.percentile(times, 95))}


def _speeds(robot: RobotModel, seed: int) -> dict[str, Any]:
    """Rendering, detection and physics with few and many objects."""
    figures: dict[str, dict[str, float]] = {}
    factors: dict[str, float] = {}
    renderer = "unknown"
    for clutter in _CLUTTERS:
        simulation = Simulation(SimConfig(), robot)
        try:
            names = simulation.objects.draw(clutter, seed)
            simulation.new_scene(names, seed)
            renderer = simulation.renderer
            frame = simulation.render()
            label = f"{clutter} object{'s' if clutter > 1 else ''}"
            figures[f"rendering 640x480, {label}"] = _timed(simulation.render, 10)
            for name in detector_names():
                if has_weights(name) and not shipped_names(name):
                    continue
                detector = _detector(name, robot, simulation.config)
                detector.detect(frame)
                figures[f"detector {name}, {label}"] = _timed(
                    functools.partial(detector.detect, frame), 10
                )
            start = time.perf_counter()
            for _ in range(_PHYSICS_STEPS):
                simulation.step()
            seconds = time.perf_counter() - start
            factors[label] = _PHYSICS_STEPS / STEPS_PER_S / seconds
        finally:
            simulation.close()
    return {"ms": figures, "real_time_factor": factors, "renderer": renderer}


def _detector(name: str, robot: RobotModel, config: SimConfig) -> Detector:
    """A detector as the simulated stack sets it up."""
    values = detector_values(name, DEFAULT, simulated_view(config))
    return create_detector(name, robot.gripper, values)


def _picks(robot: RobotModel, count: int, seed: int) -> dict[str, Any]:
    """Picks of dev objects, in this process; the planning stage on the wall clock."""
    simulation = Simulation(SimConfig(), robot)
    detector = _detector(DEFAULT, robot, simulation.config)
    planner = EmbeddedPlanner(robot, PlannerConfig())
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
        "plan_ms_median": float(np.median(planning_ms)) if planning_ms else float("nan"),
        "plan_ms_p95": float(np.percentile(planning_ms, 95)) if planning_ms else float("nan"),
    }


def _pose_errors(robot: RobotModel, count: int, seed: int) -> dict[str, dict[str, float]]:
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
