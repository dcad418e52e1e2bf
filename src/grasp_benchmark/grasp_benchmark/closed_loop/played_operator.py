"""Playing the operator of a simulated cell: nobody stands beside it who could be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grasp_benchmark.closed_loop.record import PickResult
from grasp_core.errors import Code
from grasp_executor.outcome import PickOutcome
from grasp_executor.pick import PickSequence

_WAITS_FOR_ACKNOWLEDGE = (Code.UNEXPECTED_CONTACT, Code.PROTECTIVE_STOP, Code.NOT_ACKNOWLEDGED)


def attend_to(sequence: PickSequence, outcome: PickOutcome) -> tuple[bool, bool]:
    """Do what a pick leaves to an operator before the next one.

    Returns:
        Whether the hand was opened, and whether a fault was acknowledged.
    """
    acknowledged = outcome.code in _WAITS_FOR_ACKNOWLEDGE and sequence.acknowledge()[0]
    wanted = outcome.holding or outcome.code is Code.HAND_NOT_EMPTY
    return wanted and sequence.release().success, acknowledged


def operator_figures(picks: Sequence[PickResult]) -> dict[str, int]:
    """How often an operator was needed, for JSON."""
    return {
        "released": sum(pick.released for pick in picks),
        "acknowledged": sum(pick.acknowledged for pick in picks),
    }


def operator_lines(figures: Mapping[str, Any]) -> Iterator[str]:
    """The same in words, where one was needed."""
    for label, detector in figures["detectors"].items():
        released, acknowledged = (
            detector["operator"][key] for key in ("released", "acknowledged")
        )
        if released or acknowledged:
            yield (
                f"operator for {label}: {released} release(s) and {acknowledged} "
                f"acknowledge(s) in {detector['trials']} picks"
            )
