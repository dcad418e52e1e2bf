"""The report on synthetic scenes: counts, plots, and pictures with their labels."""

from __future__ import annotations

from pathlib import Path

import cv2

from grasp_benchmark.html_page import picture, svg, table, write_page
from grasp_benchmark.synthesis.statistics import Statistics
from grasp_detection.datasets.jacquard import JacquardDataset
from grasp_detection.datasets.sheet import draw_sheet, sample_views

_PICTURES = 24


def write_report(root: Path, statistics: Statistics) -> Path:
    """Write ``report/index.html`` in the dataset's folder.

    Raises:
        ConfigError: It cannot be written.
        DatasetError: The scenes cannot be read.
    """
    dataset = JacquardDataset(root)
    indices = range(len(dataset.records))
    sheet = draw_sheet(sample_views(dataset, indices, _PICTURES))
    _, data = cv2.imencode(".jpg", sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    sections = [
        table(("what", "count"), statistics.rows()),
        picture("What the scenes are like", _plots(statistics).encode(), "image/svg+xml"),
        picture("Some scenes with some of their labels", data.tobytes(), "image/jpeg"),
    ]
    return write_page(root / "report", "Synthetic scenes", sections)


def _plots(statistics: Statistics) -> str:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 3.0), layout="constrained")
    objects, outcomes, tilts, measured = figure.subplots(1, 4)
    for axes, counts, label in (
        (objects, sorted(statistics.by_objects.items()), "objects in a scene"),
        (outcomes, sorted(statistics.trials.items()), "outcome of tried grasps"),
    ):
        axes.bar([str(name) for name, _ in counts], [count for _, count in counts])
        axes.set_xlabel(label)
    tilts.hist(statistics.tilts_deg, bins=15)
    tilts.set_xlabel("tilt of the camera, degrees")
    measured.hist(statistics.measured, bins=15)
    measured.set_xlabel("share of pixels with depth")
    objects.set_ylabel("scenes")
    return svg(figure)
