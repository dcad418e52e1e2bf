"""What somebody wants trained: everything that decides a run, and the command that says it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grasp_core.config import settings_of
from grasp_core.errors import ConfigError
from grasp_detection.datasets.split import Split, load_splits
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig
from grasp_detection.learned.training.provenance import portable
from grasp_detection.registry import split_label


@dataclass(frozen=True)
class TrainingRequest:
    """A training run as asked for.

    Attributes:
        detector: Name of a learned detector.
        dataset: Layout of the pictures.
        root: Their folder.
        split: File of splits.
        config: Of the run.
        augment: How pictures are varied.
        taught: Settings of the family's targets, ``NAME=VALUE``.
        fold: Which of the file's folds.
        init: Weights to start from; empty for none.
        trunk: Pretrained trunk: a shipped name, a file or ``random``; empty for the detector's
            own, or none where ``init`` brings one.
        teacher: Network whose answers are learnt beside the labels, ``DETECTOR[:WEIGHTS]``; empty
            for none.
        view_m: How much of the scene the side of the pictures' middle square shows, metres; 0
            unknown.
        out: Folder of the run; None for one named after detector, input, split and fold.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: Of the CPU; 0 for all.
        workers: Processes that prepare pictures.
    """

    detector: str
    dataset: str
    root: Path
    split: Path
    config: TrainingConfig
    augment: AugmentConfig
    taught: Sequence[str] = ()
    fold: int = 0
    init: str = ""
    trunk: str = ""
    teacher: str = ""
    view_m: float = 0.0
    out: Path | None = None
    device: str = "auto"
    threads: int = 0
    workers: int = 0

    def __post_init__(self) -> None:
        """Check what no configuration class checks.

        Raises:
            ConfigError: A value is out of its bounds.
        """
        for name in ("threads", "workers"):
            if getattr(self, name) < 0:
                raise ConfigError(f"--{name} is {getattr(self, name)}, must be at least 0")
        if self.init and self.trunk:
            raise ConfigError(f"--trunk {self.trunk} means nothing with --init, which brings one")
        if not 0.0 <= self.view_m <= 10.0:
            raise ConfigError(f"--view-m is {self.view_m}, must lie in [0, 10]")

    def read_split(self) -> Split:
        """The fold of the split file.

        Raises:
            ConfigError: The file has no such fold.
            DatasetError: It cannot be read.
        """
        splits = load_splits(self.split)
        if not 0 <= self.fold < len(splits):
            raise ConfigError(
                f"--fold is {self.fold}, but {self.split} holds folds 0 to {len(splits) - 1}"
            )
        return splits[self.fold]

    def folder(self, detector: str) -> Path:
        """The folder of the run, made if need be.

        Raises:
            ConfigError: It cannot be made.
        """
        name = f"{detector}-{self.config.modality}-{self.split.stem}"
        out = self.out or Path("runs") / (f"{name}-fold{self.fold}" if self.fold else name)
        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot make the folder {out}: {error.strerror}") from error
        return out

    def command(self) -> str:
        """What to type to train the same again, without what is by default or of this machine."""
        words = ["grasp", "train", "--detector", self._portable_detector()]
        words += ["--dataset", self.dataset]
        root = self.root.name if self.root.is_absolute() else str(self.root)
        words += ["--root", root, "--split", portable(self.split)]
        if self.init:
            words += ["--init", portable(Path(self.init)) if "/" in self.init else self.init]
        if self.trunk:
            path = Path(self.trunk)
            words += ["--trunk", portable(path) if "/" in self.trunk else self.trunk]
        if self.teacher:
            words += ["--teacher", self._portable_teacher()]
        values: dict[str, tuple[Any, Any]] = {
            name: (getattr(config, name), field.default)
            for config in (self.config, self.augment)
            for name, (field, _) in settings_of(type(config)).items()
        }
        values |= {"fold": (self.fold, 0), "view_m": (self.view_m, 0.0)}
        for name, (value, default) in values.items():
            flag = name.replace("_", "-")
            if value == default:
                continue
            if isinstance(value, bool):
                words.append(f"--{flag}" if value else f"--no-{flag}")
            else:
                words += [f"--{flag}", str(value)]
        for text in self.taught:
            words += ["--set", text]
        return shlex.join(words)

    def _portable_teacher(self) -> str:
        detector, weights = split_label(self.teacher)
        path = portable(Path(weights)) if "/" in weights else weights
        return f"{detector}:{path}" if path else detector

    def _portable_detector(self) -> str:
        """Somebody else's detector is named by its file, of which the folder is nobody's."""
        file, is_file, attribute = self.detector.rpartition(".py:")
        return f"{portable(Path(file + '.py'))}:{attribute}" if is_file else self.detector
