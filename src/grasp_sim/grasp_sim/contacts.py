"""What the robot and what it carries touch while they move, and how hard."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from grasp_sim.config import STEPS_PER_S
from grasp_sim.world import TOUCHING_M, World

WINDOW_S = 0.02
_WINDOW_STEPS = round(WINDOW_S * STEPS_PER_S)
_UPWARD = 0.5  # of a contact's normal: below it, something leans on its neighbour

Pair = tuple[str, str]


@dataclass(frozen=True)
class Touch:
    """A contact's largest force.

    Attributes:
        who: Link of the robot, or the object that it carried.
        what: Thing of the world.
        force_n: Sum of the normal forces, mean over 20 ms, newtons.
    """

    who: str
    what: str
    force_n: float


class ContactRecorder:
    """Remembers the largest force between robot or carried objects and everything else.

    Attributes:
        gripped: Names of the objects that were between both fingers.
    """

    def __init__(self, world: World) -> None:
        """Begin to record.

        Args:
            world: At the start; what its objects stand on now is remembered.
        """
        self._world = world
        self._names = {body: name for name, body in world.fixed.items()}
        self._names |= {thing.body: thing.name for thing in world.objects.values()}
        self._links = {index: name for name, index in world.links.items()}
        self._fingers = {world.links[name] for name in world.robot.gripper.finger_links}
        self._window: deque[Mapping[Pair, float]] = deque(maxlen=_WINDOW_STEPS)
        self._largest: dict[Pair, float] = {}
        self._supports = {name: self._support_of(name) for name in world.objects}
        self.gripped: set[str] = set()

    def step(self) -> None:
        """Look on after a step of physics."""
        forces = self._forces()
        self._window.append(forces)
        for pair in forces:
            mean = sum(one.get(pair, 0.0) for one in self._window) / _WINDOW_STEPS
            if mean > self._largest.get(pair, 0.0):
                self._largest[pair] = mean

    def touches(self, meant: str) -> list[Touch]:
        """All contacts but those that belong to a grasp, the hardest first.

        To the grasp belong the contacts with the target, with what the target stood on, and those
        between the target and what it stood on.

        Args:
            meant: Name of the target; what was gripped is one as well.
        """
        targets = self.gripped | ({meant} & self._supports.keys())
        expected = targets.union(*(self._supports[name] for name in targets))
        links = set(self._links.values())
        found = [
            Touch(who, what, force)
            for (who, what), force in self._largest.items()
            if what not in (expected if who in links else self._supports[who])
        ]
        return sorted(found, key=lambda touch: (-touch.force_n, touch.who, touch.what))

    def _forces(self) -> dict[Pair, float]:
        """Normal forces by pair of one step, newtons."""
        p, robot = self._world.client, self._world.robot_body
        forces: dict[Pair, float] = {}
        touched_by: dict[str, set[int]] = {}
        for contact in p.getContactPoints(bodyA=robot):
            link, what = contact[3], self._names.get(contact[2])
            if what is None or link < 0:  # itself, or the base, which does not move
                continue
            if contact[9] > 0.0:
                touched_by.setdefault(what, set()).add(link)
                pair = self._links[link], what
                forces[pair] = forces.get(pair, 0.0) + contact[9]
        for name, links in touched_by.items():
            if self._fingers <= links and name in self._world.objects:
                self.gripped.add(name)
                self._add_carried(name, forces)
        return forces

    def _add_carried(self, name: str, forces: dict[Pair, float]) -> None:
        """Add what an object in the hand touches."""
        p, body = self._world.client, self._world.objects[name].body
        for contact in p.getContactPoints(bodyA=body):
            what = self._names.get(contact[2])
            if what is not None and contact[9] > 0.0:
                pair = name, what
                forces[pair] = forces.get(pair, 0.0) + contact[9]

    def _support_of(self, name: str) -> set[str]:
        """Names of what an object stands on."""
        p, body = self._world.client, self._world.objects[name].body
        return {
            self._names[contact[2]]
            for contact in p.getContactPoints(bodyA=body)
            if contact[2] in self._names and contact[8] <= TOUCHING_M and contact[7][2] > _UPWARD
        }
