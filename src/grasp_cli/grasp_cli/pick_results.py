"""Results of a series of picks: records, table, files."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from grasp_benchmark.closed_loop.intervals import success_interval
from grasp_core.errors import Code


@dataclass(frozen=True)
class PickRecord:
    """One pick as reported and as it really was.

    Attributes:
        object: Object on the table; several are joined by "+".
        code: Name of the result code.
        success: Code OK and the object in the drop bin by the simulator's truth.
        force_n: Lowest force during the hold, newtons; None unknown.
        held_s: Verified hold, seconds.
        seconds: Node time of the pick.
        message: The executor's sentence.
        stages: Seconds of node time per stage.
    """

    object: str
    code: str
    success: bool
    force_n: float | None
    held_s: float
    seconds: float
    message: str
    stages: dict[str, float] = field(default_factory=dict)

    @property
    def false_success(self) -> bool:
        """Reported as OK, but the object is not in the bin."""
        return self.code == Code.OK.name and not self.success


def table_of(records: list[PickRecord]) -> Table:
    """The picks as a table for the terminal."""
    table = Table(title=None, header_style="bold")
    for name, justify in (("pick", "right"), ("object", "left"), ("code", "left"),
                          ("in bin", "left"), ("force N", "right"), ("held s", "right"),
                          ("seconds", "right")):  # fmt: skip
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for number, record in enumerate(records, 1):
        style = "green" if record.success else "red" if record.false_success else "yellow"
        force = "-" if record.force_n is None else f"{record.force_n:.1f}"
        table.add_row(
            str(number),
            record.object,
            f"[{style}]{record.code}[/]",
            "yes" if record.success else "no",
            force,
            f"{record.held_s:.1f}",
            f"{record.seconds:.1f}",
        )
    return table


def summary_of(records: list[PickRecord]) -> str:
    """One line: success rate with its interval, false successes, failures by code."""
    picks, successes = len(records), sum(record.success for record in records)
    false = sum(record.false_success for record in records)
    low, high = success_interval(successes, picks)
    failures = Counter(record.code for record in records if not record.success)
    codes = ", ".join(f"{count} {code}" for code, count in failures.most_common()) or "none"
    return (
        f"{successes} of {picks} picked ({100 * successes / picks:.0f} %, 95 % interval "
        f"{100 * low:.0f}-{100 * high:.0f} %); false successes: {false}; failures: {codes}"
    )


def content_of(records: list[PickRecord], about: dict[str, object]) -> dict[str, object]:
    """The records and what they were made with, for JSON."""
    return {
        "picks": len(records),
        "success": sum(record.success for record in records),
        "false_success": sum(record.false_success for record in records),
        **about,
        "results": [asdict(record) for record in records],
    }


class Report:
    """A folder with a CSV line and a picture for each pick, written as they come."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._csv = folder / "picks.csv"
        with self._csv.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(
                ["pick", "object", "code", "in_bin", "force_n", "held_s", "seconds", "message"]
            )

    def add(self, number: int, record: PickRecord, image: NDArray[np.uint8] | None) -> None:
        """Write one pick."""
        with self._csv.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(
                [
                    number,
                    record.object,
                    record.code,
                    record.success,
                    record.force_n,
                    record.held_s,
                    record.seconds,
                    record.message.splitlines()[0] if record.message else "",
                ]
            )
        if image is not None:
            picture = image.copy()
            color = (120, 230, 120) if record.success else (255, 150, 110)
            cv2.rectangle(
                picture, (0, picture.shape[0] - 36), picture.shape[1::-1], (30, 30, 30), -1
            )
            cv2.putText(
                picture,
                f"{number}: {record.object}  {record.code}",
                (12, picture.shape[0] - 14),
                cv2.FONT_HERSHEY_SIMPLEX,
                0.6,
                color,
                2,
                cv2.LINE_AA,
            )
            name = f"{number:03d}_{record.object[:40]}_{record.code}.png"
            cv2.imwrite(str(self._folder / name), picture[..., ::-1])
