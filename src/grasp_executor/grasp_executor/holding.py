"""The grip of one pick: verified on the support and in the air, proved, watched, and held."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from grasp_core.errors import EmptyGrip, Slipped, StaleJointStates
from grasp_executor.grasp_pose import GraspTarget
from grasp_executor.grip import COMMANDED, MEASURED, NONE, PAYLOAD, Grip
from grasp_executor.hand import Held
from grasp_executor.motion import Mover
from grasp_executor.outcome import PickOutcome
from grasp_executor.payload import PayloadWatch
from grasp_executor.station import Station

_PATIENCE = 5.0


class Holding:
    """Watches what is between the jaws while a pick goes on, and writes it into its outcome."""

    def __init__(
        self,
        station: Station,
        mover: Mover,
        outcome: PickOutcome,
        tell: Callable[[float], None],
    ) -> None:
        """Prepare.

        Args:
            station: Robot and hand.
            mover: Lets time pass.
            outcome: Of the pick.
            tell: Told of every measured force, newtons; may raise Cancelled.
        """
        self._station = station
        self._robot = station.robot
        self._config = station.config
        self._mover = mover
        self._outcome = outcome
        self._tell = tell
        self._watched_from_s = 0.0
        self._concluded = False  # the result tells of the hold, not of what came after
        self._asked_n = math.nan
        self._payload = PayloadWatch(station.robot.arm, station.config)

    def begin(self) -> None:
        """A new attempt: nothing is known of a payload."""
        self._concluded = False
        self._payload = PayloadWatch(self._robot.arm, self._config)

    def closes(self, force_n: float) -> None:
        """The jaws are about to close with a force, newtons per finger."""
        self._asked_n = force_n
        if self._station.model.gripper.driver.sets_force:
            self._outcome.grip_force_n = force_n

    def weigh_empty(self) -> None:
        """Rest before the approach, where the hand touches nothing: the arm feels no weight here.

        Jaws that close press on what they grasp and on what it stands on, which the arm feels too.
        """
        if self._robot.arm.external_force_n() is not None:
            self._payload.forget()
            self._mover.settle(self._config.payload_s, self._payload.take)
            deadline = self._robot.clock.now_s() + _PATIENCE
            while self._payload.lacks and self._robot.clock.now_s() < deadline:
                self._mover.tick(self._payload.take)
            self._payload.tare()

    @property
    def _feels_force(self) -> bool:
        return self._station.model.gripper.reports_force

    def verify(self, target: GraspTarget, *, lifted: bool) -> None:
        """Gather a window of samples, judge the grip, and watch it from now on.

        Args:
            target: The grasp.
            lifted: Whether the object hangs in the air: until then it may settle.

        Raises:
            EmptyGrip: They do not prove an object, nor does its weight where nothing else could.
            StaleJointStates: They do not come without gaps.
        """
        self._payload.forget()
        weighs = lifted and not self._feels_force and self._payload.is_tared
        grip = self._verified(target.opening_m, weighs=weighs)
        weight_n = self._payload.weigh() if weighs else None
        if lifted and weight_n is None and not self._station.model.gripper.driver.shows_parts:
            raise EmptyGrip(
                f"nothing shows a part: the hand has no input for it, and the arm feels less than "
                f"{self._config.min_payload_n:.1f} N more than before the grasp"
            )
        if weight_n is not None:
            grip = replace(grip, force_n=weight_n / 2.0, force_source=PAYLOAD)
        self._outcome.force_n, self._outcome.force_source = grip.force_n, grip.force_source
        self._outcome.opening_m = grip.gap_m
        self._take(target, grip, self._config.max_drift_m if lifted else math.inf)

    def prove(self, target: GraspTarget) -> float:
        """Judge the grip after the test lift, by its opening before and now, and by its rest.

        Returns:
            Force that the object's weight needs, newtons per finger, where the arm weighs; 0 where
            no weight stands out.

        Raises:
            Slipped: The opening has changed, or goes on changing.
            EmptyGrip, Dropped, StaleJointStates: See :meth:`verify` and :meth:`watch`.
        """
        before = self._station.hand.held_now().monitor.grip
        self._payload.forget()
        grip = self._verified(target.opening_m, weighs=self._payload.is_tared)
        moved_m = abs(grip.gap_m - before.gap_m)
        if moved_m > self._config.max_settle_m:
            raise Slipped(
                f"the opening was {before.gap_m * 1000:.1f} mm and is {grip.gap_m * 1000:.1f} mm "
                f"after the test lift; {self._config.max_settle_m * 1000:.1f} mm are allowed"
            )
        self._take(target, grip, self._config.max_creep_m)
        self._mover.settle(self._config.test_s, self.watch)
        self.until_sure()
        self._take(target, grip, math.inf)
        weight_n = self._payload.weigh() or 0.0
        return weight_n / (2.0 * self._config.relied_friction)

    def _take(self, target: GraspTarget, grip: Grip, max_drift_m: float) -> None:
        """From now on, watch this grip."""
        self._watched_from_s = self._robot.gripper.state().stamp_s
        hand = self._station.hand
        hand.takes(Held(target, hand.monitor(grip, max_drift_m)))

    def take_as_it_is(self) -> None:
        """Watch what an earlier pick has left in the hand: all that counts is that it is there."""
        held = self._station.hand.held_now()
        gap_m = self._robot.gripper.state().gap_m
        told = self._station.model.gripper.reports_opening
        source = COMMANDED if told else NONE
        grip = replace(held.monitor.grip, gap_m=gap_m, force_source=source)
        self._take(held.target, grip, math.inf)

    def _verified(self, opening_m: float, *, weighs: bool) -> Grip:
        verifier = self._station.hand.verifier(opening_m, self._asked_n)
        # Samples and clock travel separately: count from the later of the two.
        started = max(self._robot.clock.now_s(), self._robot.gripper.state().stamp_s)
        deadline = started + _PATIENCE
        while not verifier.complete() or (weighs and self._payload.lacks):
            if self._robot.clock.now_s() > deadline:
                if verifier.complete():
                    break  # judged without its weight
                raise StaleJointStates(
                    f"no {self._config.verify_s} s of the gripper's states came without a gap of "
                    f"more than {self._config.max_state_gap_s} s"
                )
            self._mover.tick(self._payload.take)
            for state in self._robot.gripper.states_since(max(started, verifier.seen_until_s)):
                verifier.add(state)
                self._tell(float(np.min(state.effort_n)))
        return verifier.grip()

    def watch(self) -> None:
        """Take the new gripper samples while something is held.

        Raises:
            Dropped, Slipped, StaleJointStates, InvalidStates, Cancelled.
        """
        monitor = self._station.hand.held_now().monitor
        for state in self._robot.gripper.states_since(
            max(self._watched_from_s, monitor.seen_until_s)
        ):
            monitor.add(state)
            if not self._concluded:
                self._outcome.opening_m = monitor.gap_m
                if monitor.grip.force_source == MEASURED:
                    self._outcome.force_n = monitor.lowest_force_n
            self._tell(float(np.min(state.effort_n)))

    def until_sure(self) -> None:
        """Wait until no loss is suspected: nothing starts with a grip that may be gone.

        Raises:
            See :meth:`watch`.
        """
        self.watch()
        while self._station.hand.held_now().monitor.suspected:
            self._mover.tick(self.watch)

    def hold(self) -> None:
        """Hold the object in the air; a gap in the data or a moving arm restarts the clock.

        Raises:
            StaleJointStates: No undisturbed hold was seen in time; see :meth:`watch`, too.
        """
        monitor, clock = self._station.hand.held_now().monitor, self._robot.clock
        monitor.restart()
        started_s = math.inf  # time of samples, not of the clock: a hold is what was seen
        patience_s = _PATIENCE * (1.0 + self._config.hold_s)
        deadline = clock.now_s() + patience_s
        while (
            self._outcome.held_s < self._config.hold_s
            or monitor.suspected
            or self._payload.suspected
        ):
            self._mover.tick(self._watch_at_rest)
            seen_s = monitor.seen_until_s
            undisturbed = math.isfinite(started_s) and not monitor.interrupted
            if not (undisturbed and self._mover.at_rest()):
                monitor.restart()
                started_s = seen_s
            if clock.now_s() > deadline:
                raise StaleJointStates(
                    f"no undisturbed {self._config.hold_s:.1f} s of gripper data within "
                    f"{patience_s:.0f} s"
                )
            self._outcome.held_s = seen_s - started_s if math.isfinite(started_s) else 0.0
        if monitor.grip.force_source == PAYLOAD:
            self._outcome.force_n = self._payload.lowest_n / 2.0
        self._concluded = True

    def _watch_at_rest(self) -> None:
        self.watch()
        if not self._feels_force:
            self._payload.watch()
