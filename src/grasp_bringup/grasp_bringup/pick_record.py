"""Records of a series of picks, and the files that keep them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_core.errors import Code

_GREEN, _ORANGE, _GREY = (120, 230, 120), (255, 150, 110), (30, 30, 30)  # RGB
_HEADER = (
    "pick",
    "object",
    "code",
    "in_bin",
    "force_n",
    "grip_force_n",
    "held_s",
    "seconds",
    "message",
)


@dataclass(frozen=True)
class PickRecord:
    """One pick as reported and as it really was.

    Attributes:
        object: Object on the table; several are joined by "+".
        code: Name of the result code.
        success: Code OK and the object in the drop bin by the simulator's truth.
        force_n: Lowest force during the hold, newtons; None unknown.
        grip_force_n: Asked of the hand at the last closing, newtons per finger; None without.
        held_s: Verified hold, seconds.
        seconds: Node time of the pick.
        message: The executor's sentence.
        stages: Seconds of node time per stage.
        released: An operator had to have the hand opened afterwards.
        acknowledged: An operator had to acknowledge a contact or a stop afterwards.
    """

    object: str
    code: str
    success: bool
    force_n: float | None
    grip_force_n: float | None
    held_s: float
    seconds: float
    message: str
    stages: dict[str, float] = field(default_factory=dict)
    released: bool = False
    acknowledged: bool = False

    @property
    def false_success(self) -> bool:
        """Reported as OK, but the object is not in the bin."""
        return self.code == Code.OK.name and not self.success

    @property
    def sentence(self) -> str:
        """First line of the message; empty where there is none."""
        return self.message.splitlines()[0] if self.message else ""


def content_of(records: Sequence[PickRecord], about: Mapping[str, Any]) -> dict[str, Any]:
    """The records and what they were made with, for JSON."""
    return {
        "picks": len(records),
        "distinct_objects": len({record.object for record in records}),
        "success": sum(record.success for record in records),
        "false_success": sum(record.false_success for record in records),
        "stack_faults": sum(Code[record.code].is_stack_fault for record in records),
        "released": sum(record.released for record in records),
        "acknowledged": sum(record.acknowledged for record in records),
        **about,
        "results": [asdict(record) for record in records],
    }


class PickReport:
    """A folder with a CSV line and a picture for each pick, written as they come."""

    def __init__(self, folder: Path) -> None:
        """Begin.

        Args:
            folder: Made where it is missing.

        Raises:
            OSError: It cannot be written.
        """
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._csv = folder / "picks.csv"
        with self._csv.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(_HEADER)

    def add(self, number: int, record: PickRecord, image: NDArray[np.uint8] | None) -> None:
        """Write one pick.

        Args:
            number: Of the pick, from 1.
            record: What came of it.
            image: What the detector showed last, shape (H, W, 3), RGB; None for no picture.
        """
        row = (
            *(number, record.object, record.code, record.success),
            *(record.force_n, record.grip_force_n),
            *(record.held_s, record.seconds, record.sentence),
        )
        with self._csv.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(row)
        if image is not None:
            name = f"{number:03d}_{record.object[:40]}_{record.code}.png"
            picture = _captioned(image, f"{number}: {record.object}  {record.code}", record)
            cv2.imwrite(str(self._folder / name), picture[..., ::-1])


def _captioned(image: NDArray[np.uint8], text: str, record: PickRecord) -> NDArray[np.uint8]:
    """A copy of the picture with a line below that is green for a success."""
    picture = image.copy()
    height, width = picture.shape[:2]
    color = _GREEN if record.success else _ORANGE
    cv2.rectangle(picture, (0, height - 36), (width, height), _GREY, -1)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(picture, text, (12, height - 14), font, 0.6, color, 2, cv2.LINE_AA)
    return picture
