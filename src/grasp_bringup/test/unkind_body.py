"""What the stand-in's arm, jaws and block do: kinematics alone, no ROS.

Joints follow their trajectory exactly, jaws stop on the block between them, and a held block goes
where the hand goes. A misbehaviour sets one of the attributes that say so.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from overhead_view import render

from grasp_core.camera import PinholeCamera
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.planning.kinematics import Kinematics

BLOCK_SIZE_M = (0.04, 0.06, 0.05)
BLOCK_AT_M = (0.5, 0.0, 0.0)
GRAVITY_M_S2 = 9.81
_JAW_SPEED_M_S = 0.1
_REACH_M = 0.02  # of the jaws beside the middle of the block
_OPENED_M = 1e-4
_LIFTED_M = 1e-3


@dataclass(eq=False)
class ArmPath:
    """A trajectory under way: its own time runs at the rate that the controller is scaled to."""

    times_s: NDArray[np.float64]
    positions: NDArray[np.float64]
    since_s: float = 0.0
    stopped: bool = False

    def desired(self) -> NDArray[np.float64]:
        """Where the joints should be now, shape (J,), rad."""
        return np.array([np.interp(self.since_s, self.times_s, row) for row in self.positions.T])

    @property
    def ended(self) -> bool:
        """Whether its last point is reached."""
        return self.stopped or self.since_s >= self.times_s[-1]


@dataclass(eq=False)
class Opening:
    """Jaws that went apart with the block between them: where the block was let go, metres."""

    foot_m: NDArray[np.float64]


@dataclass(eq=False)
class Body:
    """The robot and the block; every call is safe from any thread.

    Attributes:
        speed_scale: Share of their speed at which trajectories are followed.
        is_blocked: The arm stays where it is, whatever is asked.
        is_stuck: The jaws do, too.
        jaw_speed_m_s: How fast they change their gap.
        let_go: Where the block was let go by opening jaws.
    """

    robot: RobotModel
    size_m: tuple[float, float, float] = BLOCK_SIZE_M
    mass_kg: float = 0.3
    speed_scale: float = 1.0
    is_blocked: bool = False
    is_stuck: bool = False
    let_go: list[Opening] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Stand at the place to look from, jaws open, the block on the table."""
        self.lock = threading.RLock()
        self._kinematics = Kinematics(self.robot)
        self.reset()

    def reset(self) -> None:
        """As at the beginning, and well-behaved."""
        with self.lock:
            self.joints = np.array(self.robot.arm.observe)
            self.velocities = np.zeros_like(self.joints)
            self.path: ArmPath | None = None
            self.gap_m = self.target_m = self.robot.gripper.max_gap_m
            self.force_n = 0.0
            self.presses = False
            self.block_m: NDArray[np.float64] | None = np.array(BLOCK_AT_M)
            self._carried: NDArray[np.float64] | None = None
            self._held_width_m = 0.0
            self.speed_scale, self.is_blocked, self.is_stuck = 1.0, False, False
            self.jaw_speed_m_s = _JAW_SPEED_M_S
            self.let_go = []

    @property
    def holds(self) -> bool:
        """Whether the block is really between the jaws."""
        return self._carried is not None

    def take_block_away(self) -> None:
        """The block vanishes, from the hand or from the table."""
        with self.lock:
            self.block_m, self._carried = None, None

    def tip(self) -> Transform:
        """``T_base_tcp`` now."""
        return self._kinematics.forward(self.joints)

    def follow(self, path: ArmPath) -> None:
        """Begin a trajectory, in place of the one that runs."""
        with self.lock:
            if self.path is not None:
                self.path.stopped = True
            self.path = path

    def stop(self, path: ArmPath) -> None:
        """End a trajectory where it is."""
        with self.lock:
            path.stopped = True

    def grip(self, gap_m: float, force_n: float) -> None:
        """Send the jaws to a gap."""
        with self.lock:
            self.target_m = float(np.clip(gap_m, 0.0, self.robot.gripper.max_gap_m))
            self.force_n = force_n

    @property
    def jaws_rest(self) -> bool:
        """Whether the jaws have come to where they stop."""
        return self.is_stuck or abs(self.gap_m - self._stop_m()) < 1e-6

    @property
    def breaks_beam(self) -> bool:
        """Whether something stands in a light barrier between the fingertips."""
        with self.lock:
            return self._width_between_m() is not None

    def step(self, dt_s: float) -> None:
        """Let time pass, seconds."""
        with self.lock:
            self._move_arm(dt_s)
            self._move_jaws(dt_s)
            if self._carried is not None:
                self.block_m = self.tip().translation + self._carried

    def _move_arm(self, dt_s: float) -> None:
        path, before = self.path, self.joints
        if path is not None and not path.ended:
            path.since_s += dt_s * self.speed_scale
            if not self.is_blocked:
                self.joints = path.desired()
        self.velocities = (self.joints - before) / dt_s

    def _stop_m(self) -> float:
        width = self._width_between_m()
        if width is not None and self.target_m < width <= self.gap_m + 1e-6:
            return width
        return self.target_m

    def _move_jaws(self, dt_s: float) -> None:
        if not self.is_stuck:
            stop, reach = self._stop_m(), self.jaw_speed_m_s * dt_s
            before, self.gap_m = (
                self.gap_m,
                float(np.clip(stop, self.gap_m - reach, self.gap_m + reach)),
            )
            self.presses = stop != self.target_m and self.gap_m == stop
            opens = self.gap_m > before + _OPENED_M
            if self._carried is not None and opens and self.block_m is not None:
                self.let_go.append(Opening(self.block_m.copy()))
                self.block_m[2], self._carried = 0.0, None
        if self.presses and self._carried is None and self.block_m is not None:
            self._held_width_m = self.gap_m
            self._carried = self.block_m - self.tip().translation

    def _width_between_m(self) -> float | None:
        """Width of the block along the closing direction; None if it is not between the jaws."""
        if self._carried is not None:
            return self._held_width_m
        if self.block_m is None:
            return None
        T_base_tcp, (x, y, height) = self.tip(), self.size_m
        off = T_base_tcp.translation - self.block_m
        if max(abs(off[0]), abs(off[1])) > _REACH_M or not 0.0 <= off[2] <= height:
            return None
        closing = np.abs(T_base_tcp.rotation[:2, 1])
        return x if closing[0] >= closing[1] else y

    def payload_n(self) -> float:
        """Weight that hangs in the hand, newtons; nothing while it stands on the table."""
        block = self.block_m
        hangs = self.holds and block is not None and block[2] > _LIFTED_M
        return self.mass_kg * GRAVITY_M_S2 if hangs else 0.0

    def depth(self, camera: PinholeCamera, T_base_camera: Transform) -> NDArray[np.float32]:
        """What a camera sees of table and block, metres; the arm is out of its view."""
        with self.lock:
            boxes = []
            if self.block_m is not None:
                half = np.array(self.size_m[:2]) / 2
                (x0, y0), (x1, y1) = self.block_m[:2] - half, self.block_m[:2] + half
                boxes.append((x0, x1, y0, y1, self.block_m[2] + self.size_m[2]))
        return render(boxes, T_base_camera, camera=camera)
