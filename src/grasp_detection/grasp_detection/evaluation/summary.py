"""The figures of an evaluation, flat: numbers, strings and short lists, ready for JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from grasp_detection.datasets.dataset import Dataset
from grasp_detection.evaluation.by_class import class_figures
from grasp_detection.evaluation.errors import EvaluationError
from grasp_detection.evaluation.evaluate import ViewResult
from grasp_detection.evaluation.intervals import (
    accuracy_interval,
    difference_interval,
    mcnemar,
)
from grasp_detection.evaluation.metric import (
    MULTI_GRASP_MOST,
    MULTI_GRASP_QUALITIES,
    angle_ladder,
    angles_rounded,
    declared_jaw_ratio,
    jaccard_ladder,
    jaw_sensitivity,
    multi_grasp,
)
from grasp_detection.evaluation.reliability import Reliability, reliability
from grasp_detection.predictions import Predictions
from grasp_detection.ranking import PictureDetector

Figures = dict[str, Any]

ROUNDED_NOTE = "labels' angles are rounded to 10 degrees: no angle ladder"
PICTURES_NOTE = "intervals are over pictures: too narrow where pictures show the same objects"
HEIGHT_NOTE = "the detector predicts the height of its rectangles: no jaw ratios to try"


def reliability_of(results: Sequence[ViewResult]) -> Reliability:
    """Reliability of the best candidates; views without a candidate have no quality."""
    answered = [one for one in results if len(one.ranking)]
    return reliability([one.quality for one in answered], [one.right for one in answered])


def summarise(
    results: Sequence[ViewResult],
    *,
    by_object: bool = False,
    rounded: bool | None = None,
    seed: int = 0,
) -> Figures:
    """Summarise the results of one detector, of one split or of several folds together.

    Args:
        results: Of :func:`grasp_detection.evaluation.evaluate.evaluate`.
        by_object: The interval is over objects instead of pictures, as
            :attr:`grasp_detection.evaluation.protocol.Protocol.by_object` says.
        rounded: Whether the labels' angles were rounded to 10 degrees; None looks at them.
        seed: Of the bootstrap.

    Returns:
        ``accuracy``, ``n`` (views), ``pictures``, ``ci95`` and so on; what cannot be said is left
        out, and ``notes`` says why.

    Raises:
        EvaluationError: There are no results, or a view names no object though ``by_object``.
    """
    if not results:
        raise EvaluationError("there are no results to summarise")
    judgements, labels = [one.judgement for one in results], [one.labels for one in results]
    right = [one.right for one in results]
    interval = accuracy_interval(right, clusters_of(results, by_object), seed=seed)
    notes: list[str] = [] if by_object else [PICTURES_NOTE]
    figures: Figures = {
        "accuracy": float(np.mean(right)),
        "n": len(results),
        "right": sum(right),
        "unanswered": sum(not len(one.ranking) for one in results),
        "labels_skipped": sum(one.labels_skipped for one in results),
        "pictures": len({one.record.picture for one in results}),
        "objects": len({one.record.object for one in results} - {""}),
        "ci95": [interval.low, interval.high],
        "ci95_over": "objects" if by_object else "pictures",
        "ci95_method": interval.method,
    }
    if figures["labels_skipped"]:
        notes.append(f"{figures['labels_skipped']} labels skipped: not finite, or no area")
    for jaccard, share in jaccard_ladder(judgements).items():
        figures[f"jaccard_{jaccard:.2f}"] = share
    figures["angles_rounded"] = bool(angles_rounded(labels) if rounded is None else rounded)
    if figures["angles_rounded"]:
        notes.append(ROUNDED_NOTE)
    else:
        figures |= {f"angle_{degrees}": x for degrees, x in angle_ladder(judgements).items()}
    figures |= class_figures([one.by_class for one in results])
    figures |= _multi_grasp_figures(results)
    ratio = declared_jaw_ratio([one.ranking.rows for one in results])
    if ratio is None:
        notes.append(HEIGHT_NOTE)
    else:
        figures["jaw_ratio"] = round(ratio, 6)
        tried = jaw_sensitivity([one.best for one in results], labels)
        figures |= {f"jaw_ratio_{jaw:.1f}": share for jaw, share in tried.items()}
    figures |= _reliability_figures(reliability_of(results))
    ms = [one.ms for one in results]
    figures["ms_per_image"] = float(np.mean(ms))
    figures["ms_median"] = float(np.median(ms))
    figures["ms_p95"] = float(np.percentile(ms, 95))
    figures["ms_reading"] = float(np.mean([one.read_ms for one in results]))
    figures["notes"] = notes
    return figures


def compare(
    first: Sequence[ViewResult],
    second: Sequence[ViewResult],
    *,
    by_object: bool = False,
    seed: int = 0,
) -> Figures:
    """Compare two detectors on the same views.

    Returns:
        ``difference`` of the accuracies, first less second, its ``difference_ci95``, and McNemar's
        test, which takes views as independent.

    Raises:
        EvaluationError: The views differ.
    """
    if [(a.index, a.fold) for a in first] != [(b.index, b.fold) for b in second]:
        raise EvaluationError("two detectors can be compared on the same views only")
    a, b = [one.right for one in first], [one.right for one in second]
    interval = difference_interval(a, b, clusters_of(first, by_object), seed=seed)
    test = mcnemar(a, b)
    return {
        "difference": float(np.mean(a) - np.mean(b)),
        "difference_ci95": [interval.low, interval.high],
        "difference_ci95_method": interval.method,
        "only_first_right": test.only_a,
        "only_second_right": test.only_b,
        "mcnemar_p": test.p_value,
    }


def clusters_of(results: Sequence[ViewResult], by_object: bool) -> list[str]:
    """The picture, or the object, of each view.

    Raises:
        EvaluationError: A view names no object.
    """
    if not by_object:
        return [one.record.picture for one in results]
    unknown = next((one.record.view for one in results if not one.record.object), None)
    if unknown is not None:
        raise EvaluationError(
            f"view {unknown} names no object, so the interval cannot be over objects"
        )
    return [one.record.object for one in results]


def seen_in_training(
    detector: PictureDetector | Predictions, dataset: Dataset, results: Sequence[ViewResult]
) -> int | None:
    """How many of the evaluated pictures a detector's weights were trained on or chosen by.

    Args:
        detector: Whose training counts.
        dataset: Picture names mean nothing in the weights of another one.
        results: Of the detector.

    Returns:
        Number of pictures; None where the weights do not say what they were trained on.
    """
    known = detector.pictures_seen(dataset.name)
    return None if known is None else len({one.record.picture for one in results} & known)


def about(detector: PictureDetector | Predictions) -> Figures:
    """What a detector says of itself and its weights, as far as it does."""
    said = detector.about()
    return {key: value for key, value in said.items() if isinstance(value, str | int | float)}


def _multi_grasp_figures(results: Sequence[ViewResult]) -> Figures:
    figures: Figures = {}
    judgements = [one.judgement for one in results]
    calibrated = [one.ranking.quality for one in results]
    own = [one.ranking.raw_score for one in results]
    for kind, scores in (("multi_grasp", calibrated), ("multi_grasp_raw", own)):
        for least in MULTI_GRASP_QUALITIES:
            counted, name = multi_grasp(judgements, scores, least), f"{kind}_{least:.1f}"
            for most in range(1, MULTI_GRASP_MOST + 1):
                if not math.isnan(share := counted.share(most)):
                    figures[f"{name}_top{most}"] = share
            figures[f"{name}_generated"] = list(counted.generated)
    return figures


def _reliability_figures(table: Reliability) -> Figures:
    filled = table.count > 0
    figures: Figures = {
        "reliability_count": table.count[filled].tolist(),
        "reliability_quality": table.quality[filled].round(4).tolist(),
        "reliability_right": table.right[filled].round(4).tolist(),
    }
    if filled.any():
        figures["calibration_error"] = table.expected_calibration_error
    return figures
