"""One simulation in which trials are carried out, each independent of the ones before."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from grasp_benchmark.closed_loop.contestants import Contestant, build_detector
from grasp_benchmark.closed_loop.oracle import TRIES, Rehearsal
from grasp_benchmark.closed_loop.plan import Trial
from grasp_benchmark.closed_loop.record import TrialRecord
from grasp_benchmark.closed_loop.scene_run import SceneRun
from grasp_benchmark.closed_loop.settings import CLEAR, BenchmarkSettings
from grasp_core.cell import load_cell
from grasp_core.errors import ConfigError
from grasp_core.frame import RgbdFrame
from grasp_core.robot import load_robot
from grasp_detection.detector import Detector
from grasp_executor.selection import PickGoal, Policy
from grasp_sim.config import SimConfig
from grasp_sim.posts import place_posts
from grasp_sim.simulation import Simulation

_BLANK_DEPTH_M = 0.75


class Bench:
    """A simulation with the contestants' detectors; nothing else in its process may use PyBullet.

    A trial's record depends on the settings, the contestant and the trial alone: scene, clock,
    noise, sequence and planner begin anew each time.
    """

    def __init__(self, settings: BenchmarkSettings, contestants: Sequence[Contestant]) -> None:
        """Build everything, so that what is missing is told before the first trial.

        Raises:
            ConfigError, WeightsError, MissingDependency: Something cannot be built.
        """
        self._settings = settings
        self._goal = PickGoal(
            policy=Policy[settings.policy.upper()], max_attempts=settings.attempts
        )
        config = SimConfig(
            robot=settings.robot,
            gripper=settings.gripper,
            cell=settings.cell,
            objects=settings.objects,
            noise=settings.noise,
            renderer=settings.renderer,
            spread=settings.spread,
            camera_mount=settings.camera_mount,
        )
        self._robot = load_robot(config.robot, config.gripper).for_camera(config.camera_mount)
        cell = load_cell(config.cell)
        # One network serves all tilts of the camera.
        level = {
            one: one if one.is_oracle else replace(one, label="", camera_tilt_deg=0.0)
            for one in contestants
        }
        built = {
            plain: build_detector(plain, self._robot.gripper, cell)
            for plain in dict.fromkeys(level.values())
        }
        self._detectors = {one.label: built[plain] for one, plain in level.items()}
        self._simulation = Simulation(config, self._robot)
        for plain, detector in built.items():
            if plain.is_learned:
                self._warm_up(detector)

    def close(self) -> None:
        """Release PyBullet."""
        self._simulation.close()

    def run(self, contestant: Contestant, trial: Trial) -> tuple[TrialRecord, bytes | None]:
        """Carry out a trial.

        Returns:
            Its record, and the picture of its last failure.

        Raises:
            ConfigError: The objects do not come to rest, whatever the seed.
        """
        start = time.perf_counter()
        self._simulation.use_noise("none" if contestant.is_oracle else self._settings.noise)
        self._simulation.tilt_camera(contestant.camera_tilt_deg)
        detector = self._detectors[contestant.label]
        tries = 1
        if self._settings.protocol == CLEAR:
            run = self._begin(detector, trial)
            run.clear_table()
        elif contestant.is_oracle:
            run, tries = self._rehearse(detector, trial)
        else:
            run = self._begin(detector, trial)
            run.pick()
        record = TrialRecord(
            contestant.label,
            trial.index,
            trial.objects,
            tuple(run.picks),
            tuple(run.cleared),
            tuple(run.widths_m),
            tries,
            detect_s=run.detector.seconds,
            wall_s=time.perf_counter() - start,
        )
        return record, run.picture

    def _rehearse(self, detector: Detector, trial: Trial) -> tuple[SceneRun, int]:
        """The first try that succeeds or else the very first; and how many there were."""
        rehearsal = Rehearsal(detector)
        runs: list[SceneRun] = []
        while len(runs) < TRIES:
            runs.append(self._begin(rehearsal, trial))
            outcome = runs[-1].pick()
            if runs[-1].picks[-1].success:
                return runs[-1], len(runs)
            if outcome.grasp is None or outcome.T_base_grasp is None:
                break  # no candidate can be executed: leaving one out does not change that
            rehearsal.leave_out(outcome.grasp)
        return runs[0], len(runs)

    def _begin(self, detector: Detector, trial: Trial) -> SceneRun:
        """Build the scene."""
        failure = ConfigError(f"trial {trial.index} has no scene")
        for seed in trial.scene_seeds():
            self._simulation.restart_clock(noise_seed=seed)
            try:
                unique = self._simulation.new_scene(trial.objects, seed)
                place_posts(
                    self._simulation.world,
                    self._simulation.camera,
                    self._simulation.T_base_camera,
                    self._settings.posts,
                    seed,
                )
            except ConfigError as error:
                failure = error
                continue
            names = dict(zip(unique, trial.objects, strict=True))
            return SceneRun(
                self._simulation,
                detector,
                self._robot,
                names,
                self._goal,
                self._settings.believed_pose(),
            )
        raise failure

    def _warm_up(self, detector: Detector) -> None:
        """Let a network see something: its first picture takes longer."""
        camera = self._simulation.camera
        color = np.zeros((camera.height, camera.width, 3), np.uint8)
        depth = np.full((camera.height, camera.width), _BLANK_DEPTH_M, np.float32)
        detector.detect(RgbdFrame(color, depth, camera))
