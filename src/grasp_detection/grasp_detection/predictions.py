"""Ranked rectangles of pictures as a table: written by `grasp detect`, scored by `grasp evaluate`.

A CSV file with a header. Needed are ``picture`` (the name of the view in its dataset), ``u``,
``v``, ``width``, ``height`` (pixels), ``angle_rad`` and ``score``; a rectangle is as in
:class:`grasp_core.rectangle.GraspRectangle`, and what scores more comes first. Other columns are
left alone. A picture without a line has no answer.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from grasp_core.errors import ConfigError
from grasp_core.grasp import Grasp
from grasp_core.rectangle import GraspRectangle
from grasp_detection.datasets.dataset import DatasetError
from grasp_detection.ranking import Ranking

_GEOMETRY = ("u", "v", "width", "height", "angle_rad")
NEEDED = ("picture", *_GEOMETRY, "score")
_MORE = ("raw_score", "depth_m", "width_m", "detector", "label")
# Endings of colour pictures that are no part of a view's name: Cornell's and Jacquard's.
_ENDING = re.compile(r"(?:(?<=pcd\d{4})r|_RGB)?\.(?:png|jpe?g|tiff?)$", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a detector answered, wherever it ran.

    Attributes:
        name: Of the file.
        rankings: Answer to each picture, by its name.
    """

    name: str
    rankings: Mapping[str, Ranking]

    def of(self, view: str, limit: int | None = None) -> Ranking:
        """The best answers to a view; none where there is no line of it."""
        found = self.rankings.get(view)
        if found is None:
            return Ranking(np.empty((0, 5)), np.empty(0), np.empty(0), np.empty(0))
        return Ranking(
            found.rows[:limit],
            found.quality[:limit],
            found.raw_score[:limit],
            found.score[:limit],
        )

    def require_views(self, views: Sequence[str]) -> None:
        """Check that something here belongs to a dataset.

        Raises:
            DatasetError: No picture is one of its views.
        """
        if self.rankings and not set(views) & set(self.rankings):
            raise DatasetError(
                f"none of the {len(self.rankings)} pictures in {self.name}, such as "
                f"{next(iter(self.rankings))!r}, is a view of the dataset, such as {views[0]!r}"
            )

    def about(self) -> dict[str, Any]:
        """See :class:`grasp_detection.ranking.PictureDetector`: a table says nothing of itself."""
        return {}

    def pictures_seen(self, dataset: str) -> set[str] | None:
        """See :class:`grasp_detection.ranking.PictureDetector`: not known."""
        return None


def read_predictions(path: Path) -> Predictions:
    """Read a table; see the module's description.

    Raises:
        DatasetError: Missing, without a needed column, or a line is no rectangle with a score.
    """
    found: dict[str, list[tuple[float, ...]]] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            lines = csv.DictReader(file)
            missing = [name for name in NEEDED if name not in (lines.fieldnames or ())]
            if missing:
                raise DatasetError(
                    f"{path} lacks the columns {', '.join(missing)}; needed are "
                    f"{', '.join(NEEDED)}"
                )
            for line in lines:
                values = _values_of(line, f"{path}:{lines.line_num}")
                found.setdefault(_view_of(line["picture"]), []).append(values)
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is no text file: {error}") from error
    return Predictions(str(path), {view: _ranking(rows) for view, rows in found.items()})


def write_predictions(path: Path, answers: Mapping[str, Sequence[Grasp]]) -> None:
    """Write the answers to pictures as a table; ``score`` is the grasps' quality.

    Args:
        path: File to write; its folder must be there.
        answers: Grasps of each picture, by its name, best first.

    Raises:
        ConfigError: It cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow((*NEEDED, *_MORE))
            for picture, grasps in answers.items():
                table.writerows(_line_of(picture, grasp) for grasp in grasps)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror}") from error


def _values_of(line: Mapping[str, str], where: str) -> tuple[float, ...]:
    """u, v, width, height, angle and score of a line."""
    try:
        values = tuple(float(line[name]) for name in NEEDED[1:])
        if not math.isfinite(values[-1]):
            raise ValueError(f"score is {values[-1]}")
        rectangle = GraspRectangle(*values[:5])
    except (TypeError, ValueError) as error:
        raise DatasetError(f"{where} holds no rectangle with a score: {error}") from error
    return (*values[:4], rectangle.angle, values[5])


def _view_of(picture: str) -> str:
    """The view that a picture's file name stands for."""
    return _ENDING.sub("", picture)


def _ranking(rows: Sequence[tuple[float, ...]]) -> Ranking:
    table = np.array(rows, np.float64)
    table = table[np.argsort(-table[:, 5], kind="stable")]
    score = table[:, 5]
    return Ranking(table[:, :5], score, score, score)


def _line_of(picture: str, grasp: Grasp) -> list[object]:
    box = grasp.rectangle
    return [
        picture,
        *(f"{value:.2f}" for value in (box.u, box.v, box.width, box.height)),
        f"{box.angle:.4f}",
        f"{grasp.quality:.4f}",
        *(_number(value) for value in (grasp.raw_score, grasp.depth_m, grasp.width_m)),
        grasp.model,
        grasp.label,
    ]


def _number(value: float) -> str:
    """Four digits, or nothing where it is not known."""
    return f"{value:.4f}" if math.isfinite(value) else ""
