"""MoveIt's move_group as the planner sees it: a port without messages.

``ros_moveit.py`` implements it over services; the tests have a move_group in memory. All poses are
in the frame that move_group plans in, its model frame, unless said otherwise. Every call takes the
``wait`` of the planner, calls it in every pause, and ends by what it raises.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grasp_core.transform import Transform
from grasp_executor.interfaces import Wait

UNNAMED_PAIR = ("the arm", "something")
"""What touches where a state is invalid and no contact is told: it is invalid all the same."""


@dataclass(frozen=True, eq=False)
class Solid:
    """A box of move_group's planning scene.

    Attributes:
        name: Identifier of the object.
        size_m: Full extents along its own x, y, z, metres.
        pose: Pose of its centre, in the model frame or the frame of the link that carries it.
    """

    name: str
    size_m: tuple[float, float, float]
    pose: Transform


@dataclass(frozen=True)
class AllowedContacts:
    """Which links and objects may touch, as move_group's allowed collision matrix holds it.

    Attributes:
        names: What the matrix knows.
        pairs: Pairs of these that may touch; its other pairs may not.
        defaults: What holds for pairs that are not in the matrix, by name.
    """

    names: frozenset[str] = frozenset()
    pairs: frozenset[frozenset[str]] = frozenset()
    defaults: Mapping[str, bool] = field(default_factory=dict)

    def allows(self, first: str, second: str) -> bool:
        """Whether two links or objects may touch."""
        if {first, second} <= self.names:
            return frozenset((first, second)) in self.pairs
        told = [self.defaults[name] for name in (first, second) if name in self.defaults]
        return bool(told) and all(told)


@dataclass(frozen=True, eq=False)
class SceneContents:
    """What move_group's planning scene holds.

    Attributes:
        solids: Boxes by name.
        others: Names of objects that are no single box.
        contacts: What may touch.
    """

    solids: Mapping[str, Solid]
    others: Collection[str]
    contacts: AllowedContacts


@dataclass(frozen=True, eq=False)
class Carried:
    """A box that moves with a link.

    Attributes:
        solid: The box, its pose in the link's frame.
        link: Name of the link.
        touch_links: Links that it may touch.
    """

    solid: Solid
    link: str
    touch_links: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class RobotState:
    """A state of the robot: positions by joint, rad or metres, and what it carries."""

    positions: Mapping[str, float]
    carried: Carried | None = None


@dataclass(frozen=True, eq=False)
class TimedPath:
    """A path as move_group sends it, unchecked.

    Attributes:
        joints: Names in the order of the columns.
        times_s: Shape (N,).
        positions: Shape (N, len(joints)), rad.
    """

    joints: tuple[str, ...]
    times_s: NDArray[np.float64]
    positions: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Answer:
    """What came of planning; a path means nothing unless the code is SUCCESS.

    Attributes:
        code: Value of ``MoveItErrorCodes``.
        path: What was planned; may be empty, and there in spite of a failure.
        details: move_group's own words, if any.
        fraction: Share of a straight line that was followed.
    """

    code: int
    path: TimedPath
    details: str = ""
    fraction: float = 1.0


@dataclass(frozen=True)
class Scaling:
    """Shares of the joints' limits at which a path is timed, each in (0, 1]."""

    velocity: float
    acceleration: float


class MoveGroup(Protocol):
    """A running move_group, which only plans.

    Every call raises HardwareLost where it does not answer in time.
    """

    def read_scene(self, wait: Wait) -> SceneContents:
        """The planning scene as it is."""

    def change_scene(
        self,
        put: Sequence[Solid],
        remove: Collection[str],
        contacts: AllowedContacts,
        wait: Wait,
    ) -> bool:
        """Put or replace boxes, remove others by name, and set what may touch.

        Returns:
            Whether move_group says that it has done so.
        """

    def poses(
        self, state: RobotState, links: Sequence[str], wait: Wait
    ) -> tuple[int, list[Transform]]:
        """Error code, and the pose of each link."""

    def configurations(
        self, states: Sequence[RobotState], group: str, link: str, pose: Transform, wait: Wait
    ) -> list[tuple[int, Mapping[str, float]]]:
        """For each state to begin from, an error code and the positions that bring a link there.

        Collisions are not looked at.
        """

    def touching(
        self, states: Sequence[RobotState], group: str, wait: Wait
    ) -> list[list[tuple[str, str]]]:
        """For each state, the pairs that touch and may not; empty where it is valid."""

    def plan(
        self,
        start: RobotState,
        goal: Mapping[str, float],
        group: str,
        scaling: Scaling,
        time_s: float,
        wait: Wait,
    ) -> Answer:
        """Path to joint positions, timed, within so many seconds of planning."""

    def line(
        self,
        start: RobotState,
        group: str,
        link: str,
        pose: Transform,
        step_m: float,
        scaling: Scaling,
        avoid_collisions: bool,
        wait: Wait,
    ) -> Answer:
        """Straight line of a link to a pose, timed; as much of it as can be followed."""
