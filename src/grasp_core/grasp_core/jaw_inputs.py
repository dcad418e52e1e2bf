"""What the digital inputs of a hand say of its jaws."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class JawInputs:
    """Inputs that are on or off; None for an input that the hand does not have.

    Attributes:
        part_present: Something is between the jaws.
        closed: The jaws are at the closed end of their way.
        opened: They are at its open end.
    """

    part_present: bool | None = None
    closed: bool | None = None
    opened: bool | None = None

    @property
    def hold_a_part(self) -> bool | None:
        """Whether jaws that were told to close have closed on a part; None: no input tells."""
        if self.part_present is None and self.closed is None:
            return None
        if self.closed or self.part_present is False:
            return False
        return self.opened is not True

    def __str__(self) -> str:
        """The inputs that there are, in words."""
        told = {"part present": self.part_present, "closed": self.closed, "opened": self.opened}
        words = [f"{name} {'on' if on else 'off'}" for name, on in told.items() if on is not None]
        return ", ".join(words) or "no inputs"


NO_INPUTS = JawInputs()
