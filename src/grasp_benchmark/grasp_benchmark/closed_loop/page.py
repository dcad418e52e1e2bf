"""The report: one HTML page that needs no other file, with plots and pictures of failures."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from pathlib import Path

from grasp_benchmark.closed_loop import plots
from grasp_benchmark.closed_loop.contestants import ORACLE
from grasp_benchmark.closed_loop.figures import Figures, has_parts, worst_objects
from grasp_benchmark.closed_loop.formatting import (
    difference_line,
    extent,
    notes_of,
    object_rows,
    part_rows,
    percent,
    picked,
    speed,
    title_of,
)
from grasp_benchmark.closed_loop.record import TrialRecord
from grasp_benchmark.closed_loop.settings import CLEAR
from grasp_benchmark.html_page import picture, table, write_page

_WORST = 40
_MESSAGE = 220  # characters of a failure's sentence


def write_report(
    folder: Path,
    figures: Figures,
    records: Mapping[tuple[str, int], TrialRecord],
    journal: Path,
) -> Path:
    """Write ``index.html``.

    Args:
        folder: Made where it is missing.
        figures: As :func:`grasp_benchmark.closed_loop.figures.summarise` returns them.
        records: The trials behind them.
        journal: Folder that the records' pictures lie in.

    Raises:
        ConfigError: The folder cannot be written.
    """
    sections = [
        f"<p>{escape(title_of(figures['settings']))}</p>",
        "" if figures["complete"] else "<p><b>Not all trials are finished.</b></p>",
        _rates(figures),
        _plot("Success of each detector", plots.rates(figures)),
        "<h2>Differences</h2>" if figures["differences"] else "",
        *(f"<p>{escape(difference_line(one))}</p>" for one in figures["differences"]),
        _plot("Failures by code", plots.failures(figures)),
        _objects(figures),
        _plot("Success by object", plots.objects(figures)),
        _cases(records, journal),
        *(f'<p class="dim">{escape(note)}</p>' for note in notes_of(figures)),
    ]
    return write_page(folder, "Grasp benchmark", sections)


def _plot(title: str, svg: str) -> str:
    """A plot as a picture: elements of one page must not share names."""
    return picture(title, svg.encode(), "image/svg+xml")


def _rates(figures: Figures) -> str:
    protocol = figures["settings"]["protocol"]
    header = ["detector", "picked", "distinct objects", "rate, %", "95 % interval"]
    header += ["not fallen, %", "of oracle, %"]
    header += ["cleared, %", "95 % interval"] if protocol == CLEAR else []
    header += ["picks/h", "ms to detect", "false successes"]
    rows = []
    for label, one in figures["detectors"].items():
        row = [label, picked(one), str(one["distinct_objects"])]
        row += [percent(one["rate"]), extent(one["ci95"])]
        row += [percent(one["not_fallen_rate"]), percent(one["share_of_oracle"])]
        if protocol == CLEAR:
            row += [percent(one["cleared_rate"]), extent(one["cleared_ci95"])]
        row += [speed(one["picks_per_hour"]), f"{one['detect_ms']:.0f}"]
        rows.append([*row, str(one["false_success"])])
    return table(header, rows) + (_parts(figures) if has_parts(figures) else "")


def _parts(figures: Figures) -> str:
    """What fits the jaws and what does not."""
    header = ["detector", "part", "picked", "distinct objects", "rate, %", "95 % interval"]
    header += ["not fallen, %"]
    return table(header, part_rows(figures))


def _objects(figures: Figures) -> str:
    names = worst_objects(figures, _WORST)
    if not names:
        return ""
    header = ["object", *figures["detectors"]]
    return "<h2>Objects with the lowest rates</h2>" + table(header, object_rows(figures, names))


def _cases(records: Mapping[tuple[str, int], TrialRecord], journal: Path) -> str:
    """Pictures of failures, by detector and code; the oracle's last."""
    groups: dict[tuple[bool, str, str], list[str]] = {}
    for record in sorted(records.values(), key=lambda one: one.trial):
        failure, path = record.failure, journal / record.picture
        if failure is None or not record.picture or not path.is_file():
            continue
        data = base64.b64encode(path.read_bytes()).decode()
        sentence = (failure.message.splitlines() or [""])[0][:_MESSAGE]
        caption = f"scene {record.trial}, {', '.join(record.objects)}: {sentence}"
        key = record.detector == ORACLE, record.detector, failure.code
        groups.setdefault(key, []).append(
            f'<figure><img alt="{escape(caption)}" src="data:image/jpeg;base64,{data}">'
            f"<figcaption>{escape(caption)}</figcaption></figure>"
        )
    if not groups:
        return ""
    about = "Orange is the candidate acted on last, blue are the others; a few of each code."
    parts = [f"<h2>Failures</h2><p>{about}</p>"]
    for (_, label, code), figures in sorted(groups.items()):
        parts.append(f"<h3>{escape(label)}: {escape(code)}</h3>")
        parts.append(f'<div class="cases">{"".join(figures)}</div>')
    return "".join(parts)
