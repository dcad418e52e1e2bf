"""Results of a series of picks for the terminal: a table and a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.table import Table

from grasp_benchmark.closed_loop.intervals import rate_interval
from grasp_bringup.pick_record import PickRecord


def table_of(records: Sequence[PickRecord]) -> Table:
    """The picks as a table for the terminal."""
    table = Table(title=None, header_style="bold")
    for name, justify in (("pick", "right"), ("object", "left"), ("code", "left"),
                          ("in bin", "left"), ("force N", "right"), ("grip N", "right"),
                          ("held s", "right"), ("seconds", "right")):  # fmt: skip
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for number, record in enumerate(records, 1):
        style = "green" if record.success else "red" if record.false_success else "yellow"
        force = "-" if record.force_n is None else f"{record.force_n:.1f}"
        grip = "-" if record.grip_force_n is None else f"{record.grip_force_n:.0f}"
        table.add_row(
            str(number),
            record.object,
            f"[{style}]{record.code}[/]",
            "yes" if record.success else "no",
            force,
            grip,
            f"{record.held_s:.1f}",
            f"{record.seconds:.1f}",
        )
    return table


def summary_of(records: Sequence[PickRecord]) -> str:
    """One line: rate with its interval, false successes, failures, and calls of an operator.

    The interval is over objects where they repeat.
    """
    picks, successes = len(records), sum(record.success for record in records)
    false = sum(record.false_success for record in records)
    objects = [record.object for record in records]
    interval = rate_interval([record.success for record in records], objects)
    failures = Counter(record.code for record in records if not record.success)
    codes = ", ".join(f"{count} {code}" for code, count in failures.most_common()) or "none"
    released = sum(record.released for record in records)
    acknowledged = sum(record.acknowledged for record in records)
    return (
        f"{successes} of {picks} picked ({100 * successes / picks:.0f} %, 95 % interval "
        f"{100 * interval.low:.0f}-{100 * interval.high:.0f} %, {interval.method}; "
        f"{len(set(objects))} distinct objects); false successes: {false}; failures: {codes}; "
        f"operator: {released} release(s), {acknowledged} acknowledge(s)"
    )
