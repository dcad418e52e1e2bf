"""The training loop: interruptible after any step, resumable from the last whole epoch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel

from grasp_core.errors import ConfigError
from grasp_core.rectangle import matches
from grasp_detection.datasets.dataset import Dataset
from grasp_detection.datasets.split import Split
from grasp_detection.generative.inputs import channels_of
from grasp_detection.generative.loss import p_huber
from grasp_detection.generative.maps import BLUR, WIDTH_UNIT, paint, read
from grasp_detection.training.config import AugmentConfig, TrainingConfig
from grasp_detection.training.distributed import Team
from grasp_detection.training.history import Epoch, draw_curves, write_csv
from grasp_detection.training.pictures import SampleCache, TrainingPictures, validation_inputs

CHECKPOINT = "checkpoint.pt"
_WARM_SHARE = 0.15  # of all steps, in which the learning rate rises
_VALIDATION_BATCH = 16
_DRAWING_PERIOD_S = 20.0


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        epoch: The epoch being worked on, from 1.
        epochs: Epochs planned.
        step: Steps done in this epoch.
        steps: Steps of an epoch.
        left_s: Estimated wall time to the end, seconds.
        done: The epoch just finished, if this is its end.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    left_s: float
    done: Epoch | None = None


@dataclass(frozen=True)
class Trained:
    """Outcome of a run: weights of the best epoch, and what led to them."""

    state: dict[str, Tensor]
    best: Epoch
    history: list[Epoch]
    wall_s: float


class Trainer:
    """Trains one network on one split."""

    def __init__(
        self,
        build: Callable[[int, float], nn.Module],
        dataset: Dataset,
        split: Split,
        config: TrainingConfig,
        augment: AugmentConfig,
        out: Path,
        team: Team,
        workers: int = 0,
    ) -> None:
        """Set everything up, from the checkpoint in ``out`` where there is one.

        Args:
            build: Makes the network from its number of input channels and its dropout.
            dataset: Labelled views.
            split: Whose training part is learnt; the validation part picks the epoch.
            config: What to do.
            augment: How to vary the pictures.
            out: Folder for checkpoint, log and curves.
            team: The processes that train together.
            workers: Processes that prepare pictures; 0 does it in this one.

        Raises:
            ConfigError: The folder holds a run with other settings or data, or the batch cannot
                be dealt among the processes.
            DatasetError: The dataset lacks pictures of the split.
        """
        if config.batch % team.size:
            raise ConfigError(
                f"batch is {config.batch}, must be a multiple of the {team.size} processes"
            )
        self._config, self._team, self._out, self._workers = config, team, out, workers
        cache = SampleCache(dataset, config.modality)
        self._pictures = TrainingPictures(cache, split.indices(dataset, "train"), config, augment)
        self._cache, self._validation = cache, split.indices(dataset, "validation")
        self._about = json.dumps(
            [asdict(config), asdict(augment), split.digest, build.__name__], sort_keys=True
        )
        torch.manual_seed(config.seed)
        self._network = build(channels_of(config.modality), config.dropout)
        self._joined = team.wrap(self._network)
        self._averaged = AveragedModel(
            self._network, avg_fn=_running_average(config.average), use_buffers=True
        )
        self._optimizer = AdamW(
            self._network.parameters(), config.learning_rate, weight_decay=config.weight_decay
        )
        self._schedule = OneCycleLR(
            self._optimizer,
            config.learning_rate,
            total_steps=max(2, self._pictures.steps() * config.epochs),
            pct_start=_WARM_SHARE,
        )
        self._drawn_s = time.monotonic()
        self._history: list[Epoch] = []
        self._best: dict[str, Any] = {"epoch": -1, "state": None}
        self._resume()

    @property
    def finished_epochs(self) -> int:
        """Epochs done so far, also by an interrupted run before this one."""
        return len(self._history)

    def run(self, report: Callable[[Progress], None] = lambda progress: None) -> Trained:
        """Train to the end, or until validation has not improved for long enough."""
        config = self._config
        while self.finished_epochs < config.epochs and not self._has_stalled():
            number, start = self.finished_epochs, time.monotonic()
            loss = self._train_epoch(number, start, report)
            done = self._conclude(number, loss, start)
            report(self._progress(number, self._pictures.steps(), start, done))
        if self._team.leads:
            draw_curves(self._history, self._out / "curves.png")
        best = self._history[self._best["epoch"]]
        wall_s = sum(one.seconds for one in self._history)
        return Trained(self._best["state"], best, list(self._history), wall_s)

    def _has_stalled(self) -> bool:
        return self.finished_epochs - 1 - int(self._best["epoch"]) >= self._config.patience

    def _train_epoch(self, number: int, start: float, report: Callable[[Progress], None]) -> float:
        team, steps = self._team, self._pictures.steps()
        self._joined.train()
        losses: list[float] = []
        batches = self._pictures.batches(number, self._workers, team.rank, team.size)
        for step, (inputs, targets) in enumerate(batches):
            # One seed per step: what dropout drops does not depend on what ran before.
            torch.manual_seed(self._config.seed * 1_000_003 + number * steps + step)
            predicted = self._joined(inputs.to(team.device))
            loss = p_huber(predicted, targets.to(team.device))
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            self._schedule.step()
            self._averaged.update_parameters(self._network)
            losses.append(float(loss.detach()))
            report(self._progress(number, step + 1, start))
        return team.mean(float(np.mean(losses)))

    def _conclude(self, number: int, loss: float, start: float) -> Epoch:
        """Validate, remember the best, write everything down."""
        team, size = self._team, self._config.size_in(number)
        validation_loss, accuracy = self._validate(size) if team.leads else (0.0, 0.0)
        accuracy, validation_loss = team.share(accuracy), team.share(validation_loss)
        rate, seconds = float(self._schedule.get_last_lr()[0]), time.monotonic() - start
        done = Epoch(
            number + 1, size, rate, loss, validation_loss, accuracy, round(team.share(seconds), 2)
        )
        self._history.append(done)
        # Epochs at the warm-up size are no candidates while a full-size one is to come.
        best = self._best["epoch"]
        reset = best >= 0 and self._history[best].size != size
        if best < 0 or reset or accuracy >= self._history[best].validation_accuracy:
            state = {k: v.detach().cpu().clone() for k, v in self._averaged_state().items()}
            self._best = {"epoch": number, "state": state}
        if team.leads:
            self._save()
            write_csv(self._history, self._out / "log.csv")
            # Drawing takes a second, which short epochs would spend on nothing else.
            if time.monotonic() - self._drawn_s > _DRAWING_PERIOD_S:
                draw_curves(self._history, self._out / "curves.png")
                self._drawn_s = time.monotonic()
        return done

    def _averaged_state(self) -> dict[str, Tensor]:
        return dict(self._averaged.module.state_dict())

    @torch.no_grad()
    def _validate(self, size: int) -> tuple[float, float]:
        """Loss and accuracy of the averaged weights on whole validation pictures."""
        self._averaged.eval()
        right: list[bool] = []
        losses: list[float] = []
        stream = validation_inputs(
            self._cache, self._validation, self._config.modality, size, _VALIDATION_BATCH
        )
        for inputs, windows, labels in stream:
            predicted = self._averaged(inputs.to(self._team.device)).cpu()
            inside = [w.to_input(rows) for w, rows in zip(windows, labels, strict=True)]
            target = np.stack([paint(rows, size, bell=self._config.bell) for rows in inside])
            losses += [float(p_huber(predicted, torch.from_numpy(target)))] * len(inputs)
            right += [
                is_right(maps.numpy(), rows, size)
                for maps, rows in zip(predicted, inside, strict=True)
            ]
        return float(np.mean(losses)), float(np.mean(right))

    def _progress(
        self, number: int, step: int, start: float, done: Epoch | None = None
    ) -> Progress:
        config, steps = self._config, self._pictures.steps()
        per_pixel = (time.monotonic() - start) / max(1, step) / config.size_in(number) ** 2
        todo = (steps - step) * config.size_in(number) ** 2
        later = range(number + 1, config.epochs)
        todo += sum(steps * config.size_in(epoch) ** 2 for epoch in later)
        return Progress(number + 1, config.epochs, step, steps, per_pixel * todo, done)

    def _save(self) -> None:
        partial = self._out / f"{CHECKPOINT}.partial"
        torch.save(
            {
                "about": self._about,
                "history": [asdict(one) for one in self._history],
                "network": self._network.state_dict(),
                "averaged": self._averaged.state_dict(),
                "optimizer": self._optimizer.state_dict(),
                "schedule": self._schedule.state_dict(),
                "best": self._best,
            },
            partial,
        )
        partial.replace(self._out / CHECKPOINT)

    def _resume(self) -> None:
        path = self._out / CHECKPOINT
        if not path.exists():
            self._out.mkdir(parents=True, exist_ok=True)
            return
        saved = torch.load(path, map_location="cpu", weights_only=True)
        if saved["about"] != self._about:
            raise ConfigError(
                f"{path} belongs to a run with other settings or data: give another folder, or "
                "delete this one"
            )
        self._history = [Epoch(**one) for one in saved["history"]]
        self._network.load_state_dict(saved["network"])
        self._averaged.load_state_dict(saved["averaged"])
        self._optimizer.load_state_dict(saved["optimizer"])
        self._schedule.load_state_dict(saved["schedule"])
        self._best = saved["best"]


def _running_average(decay: float) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """An exponential average that forgets its first values fast; statistics are averaged, too."""

    def average(kept: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
        if not kept.is_floating_point():
            return new
        seen = int(count)
        return torch.lerp(kept, new, 1.0 - min(decay, (1 + seen) / (10 + seen)))

    return average


def is_right(maps: np.ndarray, labels: np.ndarray, size: int) -> bool:
    """Whether the best rectangle read from maps meets the rectangle metric."""
    rows, _ = read(maps, unit_px=WIDTH_UNIT * size, blur_px=BLUR * size)
    return bool(len(rows) and matches(rows, labels).all())


def epochs_table(history: Sequence[Epoch]) -> list[dict[str, Any]]:
    """The history as plain values, for metadata."""
    return [asdict(one) for one in history]
