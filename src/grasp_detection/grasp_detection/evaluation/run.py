"""One detector measured on all folds of a protocol, from its name to its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grasp_core.errors import ConfigError
from grasp_detection.evaluation.evaluate import ViewResult, evaluate
from grasp_detection.evaluation.protocol import Protocol
from grasp_detection.evaluation.summary import Figures, about, seen_in_training, summarise
from grasp_detection.learned.weights import DEFAULT
from grasp_detection.predictions import Predictions, read_predictions
from grasp_detection.ranking import PictureDetector
from grasp_detection.registry import create_picture_detector, find_detector, resolve, weights_of

FOLD = "{fold}"


@dataclass
class DetectorRun:
    """One detector on all folds.

    Attributes:
        name: Of the detector.
        weights: As asked for, possibly with ``{fold}``; empty for one without.
        settings: Further settings of the detector.
        results: Views of all folds, in order.
        about: What the detector of the first fold says of itself.
        seen: Evaluated pictures that the weights were trained on, of all folds together; None
            where they do not say.
        trained_splits: Digest of the split of each fold's weights; empty where they do not say.
        predictions: Answers from a file, which stand for the detector's; None to run it.
    """

    name: str
    weights: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    results: list[ViewResult] = field(default_factory=list)
    about: Figures = field(default_factory=dict)
    seen: int | None = 0
    trained_splits: list[str] = field(default_factory=list)
    predictions: Predictions | None = None

    @classmethod
    def of(
        cls, detector: str, weights: str, protocol: Protocol, settings: Mapping[str, Any]
    ) -> DetectorRun:
        """Prepare; everything is loaded once, so that a wrong name is told before the first fold.

        Args:
            detector: Name of the detector.
            weights: Shipped name, ``default`` or empty for those that suit the pictures, or a
                path; ``{fold}`` in it becomes the fold's number.
            protocol: What will be measured.
            settings: Further settings of the detector.

        Raises:
            ConfigError: No such detector, or it cannot be measured so.
            MissingDependency: A library that it needs is not installed.
            WeightsError: The weights are missing, broken or made for another network.
        """
        if FOLD in weights and protocol.folds < 2:
            raise ConfigError(f"weights {weights!r} ask for a fold, but there are no folds")
        if find_detector(detector).is_learned and weights in ("", DEFAULT):
            weights = weights_of(detector, weights, depth=protocol.has_depth())
        run = cls(resolve(detector), weights, settings)
        for told in sorted({run.weights_in(fold) for fold in range(protocol.folds)}):
            run._load(told)
        return run

    @classmethod
    def of_predictions(cls, path: Path, protocol: Protocol) -> DetectorRun:
        """Take answers from a file instead of running a detector.

        Args:
            path: See :mod:`grasp_detection.predictions`.
            protocol: What will be measured.

        Raises:
            DatasetError: The file cannot be read, or holds no view of the dataset.
        """
        predictions = read_predictions(path)
        predictions.require_views([record.view for record in protocol.dataset.records])
        return cls(path.stem, "", predictions=predictions)

    def weights_in(self, fold: int) -> str:
        """Weights of one fold, counted from 0."""
        return self.weights.replace(FOLD, str(fold))

    def _load(self, weights: str) -> PictureDetector | Predictions:
        if self.predictions is not None:
            return self.predictions
        values = {**self.settings, "weights": weights} if weights else dict(self.settings)
        return create_picture_detector(self.name, values)

    def measure(self, protocol: Protocol, advance: Callable[[int], None]) -> None:
        """Evaluate the detector on the views of every fold.

        Args:
            protocol: What to measure.
            advance: Told how many views are done, of all folds together.
        """
        seen: list[int | None] = []
        before = 0
        for fold in range(protocol.folds):
            detector, views = self._load(self.weights_in(fold)), protocol.views(fold)

            def progress(done: int, total: int, before: int = before) -> None:
                advance(before + done)

            results = evaluate(detector, protocol.dataset, views, fold=fold, progress=progress)
            self.results += results
            said = about(detector)
            self.about = self.about or said
            self.trained_splits.append(str(said.get("weights_split", "")))
            seen.append(seen_in_training(detector, protocol.dataset, results))
            before += len(views)
        known = [one for one in seen if one is not None]
        self.seen = sum(known) if len(known) == len(seen) else None
        self.about["unlabelled"] = before - len(self.results)

    def figures(self, protocol: Protocol) -> Figures:
        """What was found on all folds together."""
        figures = {
            "detector": self.name,
            "weights": self.weights,
            **self.about,
            **summarise(self.results, by_object=protocol.by_object, seed=protocol.seed),
        }
        if protocol.folds > 1:
            folds = [
                [one.right for one in self.results if one.fold == fold]
                for fold in range(protocol.folds)
            ]
            figures["fold_accuracy"] = [sum(right) / len(right) for right in folds]
            figures["fold_n"] = [len(right) for right in folds]
        if self.seen is None:
            figures["notes"].append("the weights do not say which pictures they were trained on")
        else:
            figures["seen_in_training"] = self.seen
        measured = [split.digest if split else "" for split in protocol.splits]
        if any(
            told not in ("", own) for told, own in zip(self.trained_splits, measured, strict=True)
        ):
            figures["notes"].append(
                "the weights were trained on another split than the measured one"
            )
        return figures
