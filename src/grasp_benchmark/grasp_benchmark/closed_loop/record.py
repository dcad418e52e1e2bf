"""What is kept of a trial, and its JSON form."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from grasp_core.errors import Code, ConfigError


@dataclass(frozen=True)
class PickResult:
    """One pick as reported and as it really was.

    Attributes:
        object: Object picked, or the one nearest to the last candidate; empty if unknown.
        code: Name of the result code.
        message: The sequence's sentence.
        success: Code OK and the object in the drop bin by the simulator's truth.
        not_fallen: An object was lifted and still in the hand, off the table, at the end of the
            hold (or of the pick, where it ended before): what DSC-GraspNet's authors count.
        attempts: Grasps tried.
        force_n: Lowest force during the hold, newtons; None unknown.
        grip_force_n: Asked of the hand at the last closing, newtons per finger; None without.
        held_s: Verified hold, seconds.
        seconds: Simulated time.
        contact_n: Hardest contact of arm, hand and carried object with what was known or seen, the
            target and what it stood on excepted: mean over 20 ms, newtons.
        contact: What touched what in it; empty without.
        unseen_contact_n: The same with what no image had shown.
        unseen_contact: What touched what in that.
        released: An operator had to have the hand opened afterwards.
        acknowledged: An operator had to acknowledge a contact or a stop afterwards.
    """

    object: str
    code: str
    message: str = ""
    success: bool = False
    not_fallen: bool = False
    attempts: int = 0
    force_n: float | None = None
    grip_force_n: float | None = None
    held_s: float = 0.0
    seconds: float = 0.0
    contact_n: float = 0.0
    contact: str = ""
    unseen_contact_n: float = 0.0
    unseen_contact: str = ""
    released: bool = False
    acknowledged: bool = False

    @property
    def false_success(self) -> bool:
        """Reported as OK, but the object is not in the bin."""
        return self.code == Code.OK.name and not self.success


@dataclass(frozen=True)
class TrialRecord:
    """One scene with one detector.

    Attributes:
        detector: Label of the contestant.
        trial: Index of the scene.
        objects: What lay in the scene.
        picks: In order; a single one, except in protocol clear.
        cleared: Objects that ended in the bin.
        widths_m: How narrow each object is between upright planes, as it lay; None unknown.
        tries: Times that the scene was tried; more than 1 for the oracle alone.
        detect_s: Wall seconds of detection.
        wall_s: Wall seconds of the trial, building the scene included.
        workers: Processes that shared the machine.
        picture: File of the picture of a failure; empty without.
    """

    detector: str
    trial: int
    objects: tuple[str, ...]
    picks: tuple[PickResult, ...]
    cleared: tuple[str, ...] = ()
    widths_m: tuple[float | None, ...] = ()
    tries: int = 1
    detect_s: float = 0.0
    wall_s: float = 0.0
    workers: int = 1
    picture: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """What no two records have in common."""
        return self.detector, self.trial

    @property
    def failure(self) -> PickResult | None:
        """The last pick that failed."""
        return next((pick for pick in reversed(self.picks) if not pick.success), None)

    @property
    def succeeded(self) -> bool:
        """Whether the first pick succeeded: the only one, except in protocol clear."""
        return self.picks[0].success

    @property
    def object_meant(self) -> str:
        """The object of the first pick: the only one there, or picked, or nearest; or empty."""
        return self.objects[0] if len(self.objects) == 1 else self.picks[0].object

    @property
    def cluster(self) -> str | int:
        """What makes trials alike: their object; the scene, where nobody knows which it was."""
        return self.object_meant or self.trial

    @property
    def cleared_share(self) -> float:
        """Share of the objects of the scene that ended in the bin."""
        return len(self.cleared) / len(self.objects)

    def outcome(self) -> TrialRecord:
        """The record without what depends on machine and circumstances."""
        return replace(self, detect_s=0.0, wall_s=0.0, workers=1, picture="")

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def from_line(cls, line: str) -> TrialRecord:
        """Read what :meth:`to_line` wrote.

        Raises:
            ConfigError: It is no such line.
        """
        try:
            values: dict[str, Any] = json.loads(line)
            picks = tuple(PickResult(**pick) for pick in values.pop("picks"))
            for name in ("objects", "cleared", "widths_m"):
                values[name] = tuple(values[name])
            return cls(**values, picks=picks)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f"no record of a trial: {line.strip()[:80]!r}") from error


def broken(detector: str, trial: int, objects: tuple[str, ...], message: str) -> TrialRecord:
    """The record of a trial that could not be carried out."""
    name = objects[0] if len(objects) == 1 else ""
    return TrialRecord(detector, trial, objects, (PickResult(name, Code.INTERNAL.name, message),))
