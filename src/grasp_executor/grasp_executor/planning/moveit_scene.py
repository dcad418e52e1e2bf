"""Our scenes in move_group's planning scene: what is put there, and whether it is there still."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass

from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.planning.move_group import AllowedContacts, SceneContents, Solid
from grasp_executor.scene import ATTACHED, CollisionScene

PREFIX = "grasp_stack/"
"""Begins the names of our objects; other objects of the scene are left alone, and avoided."""

CARRIED = PREFIX + ATTACHED
"""Name of what the hand carries."""

_SAME_M, _SAME_RAD = 1e-4, 1e-3
_THINNEST_M = 1e-4


@dataclass(frozen=True, eq=False)
class WantedScene:
    """What must be in the planning scene, by our names with the prefix.

    Attributes:
        solids: Boxes, padded, in the model frame.
        contacts: Pairs of a link or the carried box, and a box, that may touch.
        still_links: Links that never move: boxes may touch them.
    """

    solids: dict[str, Solid]
    contacts: frozenset[frozenset[str]]
    still_links: frozenset[str]

    def changes(self, there: SceneContents) -> tuple[list[Solid], list[str], AllowedContacts]:
        """What to put, what to remove, and what may touch, to come from a scene to this one."""
        put = [
            solid
            for solid in self.solids.values()
            if not _same(solid, there.solids.get(solid.name))
        ]
        known = [*there.solids, *there.others]
        remove = [name for name in known if _is_ours(name) and name not in self.solids]
        return put, remove, self._allowed(there.contacts)

    def difference(self, there: SceneContents) -> str:
        """The first thing in which a scene is not the wanted one, in words; empty if none."""
        for name, solid in self.solids.items():
            if not _same(solid, there.solids.get(name)):
                where = "elsewhere or of another size" if name in there.solids else "missing"
                return f"{plain(name)} is {where}"
        for name in (*there.solids, *there.others):
            if _is_ours(name) and name not in self.solids:
                return f"{plain(name)} should not be there"
        return self._other_contacts(there.contacts)

    def _other_contacts(self, there: AllowedContacts) -> str:
        """The first pair that may touch and should not, or the reverse, in words; empty if none.

        MoveIt leaves out what its defaults say already, so that names and pairs of the same matrix
        come back as others: what they mean is compared.
        """
        wanted = self._allowed(there)
        for first, second in itertools.combinations(sorted(wanted.names | there.names), 2):
            may = there.allows(first, second)
            if may is not wanted.allows(first, second):
                return f"{plain(first)} and {plain(second)} {'may' if may else 'may not'} touch"
        for name in wanted.defaults.keys() | there.defaults.keys():
            if wanted.defaults.get(name) is not there.defaults.get(name):
                return f"contacts of {name} have another default"
        return ""

    def _allowed(self, there: AllowedContacts) -> AllowedContacts:
        """What may touch in a scene, with our own pairs in place of those about our boxes.

        Links that stand still may touch any object by default, which keeps the matrix small. But
        a box that the matrix names needs the pair, and the carried box is named to be checked.
        """
        foreign = {pair for pair in there.pairs if not any(map(_is_ours, pair))}
        named = {name for pair in self.contacts for name in pair}
        beside_still = {
            frozenset((link, name))
            for link in self.still_links
            for name in named
            if _is_ours(name) and name != CARRIED
        }
        return AllowedContacts(
            names=frozenset({n for n in there.names if not _is_ours(n)} | named | {CARRIED}),
            pairs=frozenset(foreign | self.contacts | beside_still),
            defaults={**there.defaults, **dict.fromkeys(sorted(self.still_links), True)},
        )


def wanted_scene(
    scene: CollisionScene,
    T_model_base: Transform,
    still_links: Iterable[str],
    padding_m: float,
    carries: bool,
) -> WantedScene:
    """A scene of ours as it is put into the planning scene.

    Args:
        scene: Boxes in the base frame, and contacts.
        T_model_base: Base frame in move_group's model frame.
        still_links: Links that do not move against the base.
        padding_m: Added to each side of padded boxes; negative shrinks all boxes.
        carries: Whether there is a carried box, for contacts with it.
    """
    solids = {}
    for box in scene.boxes:
        padding = padding_m if box.padded else min(0.0, padding_m)
        x, y, z = (max(_THINNEST_M, side + 2.0 * padding) for side in box.size_m)
        name = PREFIX + box.name
        solids[name] = Solid(name, (x, y, z), T_model_base @ box.pose)
    contacts = frozenset(
        frozenset((CARRIED if link == ATTACHED else link, PREFIX + box))
        for link, box in scene.contacts
        if link != ATTACHED or carries
    )
    return WantedScene(solids, contacts, frozenset(still_links))


def links_of(robot: RobotModel) -> tuple[frozenset[str], frozenset[str]]:
    """All links of a robot's URDF, and those that do not move against its base frame."""
    root = ET.fromstring(robot.urdf)
    links = frozenset(str(link.get("name")) for link in root.iter("link"))
    fixed = [
        (joint.find("parent"), joint.find("child"))
        for joint in root.iter("joint")
        if joint.get("type") == "fixed"
    ]
    ends = [{str(end.get("link")) for end in pair if end is not None} for pair in fixed]
    still, found = {robot.arm.base_frame}, True
    while found:
        found = False
        for pair in ends:
            if pair & still and not pair <= still:
                still |= pair
                found = True
    return links, frozenset(still)


def plain(name: str) -> str:
    """The name of an object as the scene has it, without our prefix."""
    return name.removeprefix(PREFIX)


def _is_ours(name: str) -> bool:
    return name.startswith(PREFIX)


def _same(a: Solid, b: Solid | None) -> bool:
    if b is None or any(abs(x - y) > _SAME_M for x, y in zip(a.size_m, b.size_m, strict=True)):
        return False
    offset, angle = a.pose.distance_to(b.pose)
    return offset <= _SAME_M and angle <= _SAME_RAD
