"""The training loop: interruptible after any step, resumable from the last whole epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR

from grasp_core.errors import ConfigError
from grasp_detection.datasets.dataset import Dataset, DatasetError
from grasp_detection.datasets.split import Split
from grasp_detection.learned.inputs import channels_of
from grasp_detection.learned.training.averaging import RunningAverage
from grasp_detection.learned.training.checkpoint import load_checkpoint, save_checkpoint
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig
from grasp_detection.learned.training.distributed import Team
from grasp_detection.learned.training.errors import TrainingError
from grasp_detection.learned.training.history import Epoch, draw_curves, write_csv
from grasp_detection.learned.training.initial import start_from
from grasp_detection.learned.training.pictures import SampleCache, TrainingPictures
from grasp_detection.learned.training.validation import validate
from grasp_detection.learned.weights import Weights
from grasp_detection.maps.networks.registry import Architecture

CHECKPOINT = "checkpoint.pt"
_WARM_SHARE = 0.15  # of all steps, in which the learning rate rises
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


@dataclass(frozen=True, eq=False)
class Trained:
    """Outcome of a run.

    Attributes:
        state: Weights of the best epoch, averaged, on the CPU.
        best: That epoch.
        history: All epochs.
    """

    state: dict[str, Tensor]
    best: Epoch
    history: list[Epoch]

    @property
    def wall_s(self) -> float:
        """Wall time of all epochs, interruptions left out, seconds."""
        return sum(one.seconds for one in self.history)

    @property
    def cpu_s(self) -> float:
        """CPU time of all epochs in the leading process, seconds."""
        return sum(one.cpu_seconds for one in self.history)


class Trainer:
    """Trains one network on one split."""

    def __init__(
        self,
        architecture: Architecture,
        dataset: Dataset,
        split: Split,
        config: TrainingConfig,
        augment: AugmentConfig,
        out: Path,
        team: Team,
        workers: int = 0,
        initial: Weights | None = None,
    ) -> None:
        """Set everything up, from the checkpoint in ``out`` where there is one.

        Args:
            architecture: The network and its loss.
            dataset: Labelled views.
            split: Whose training part is learnt; the validation part picks the epoch.
            config: What to do.
            augment: How to vary the pictures.
            out: Folder for checkpoint, log and curves.
            team: The processes that train together.
            workers: Processes that prepare pictures; 0 does it in this one.
            initial: Weights to start from instead of drawing them; see :func:`start_from`.

        Raises:
            ConfigError: The batch cannot be dealt among the processes.
            DatasetError: The dataset lacks pictures or channels that are needed.
            TrainingError: The folder cannot be used, or holds another run.
            WeightsError: The initial weights are for another network.
        """
        self._config, self._team, self._out, self._workers = config, team, out, workers
        self._cache = SampleCache(dataset, config.modality)
        self._validation = split.indices(dataset, "validation")
        indices = split.indices(dataset, "train")
        if not any(len(self._cache[index].grasps) for index in self._validation):
            raise DatasetError("no validation picture has a label: nothing could pick an epoch")
        self._cache[indices[0]]  # what is missing is said now, not by a worker later
        self._pictures = TrainingPictures(self._cache, indices, config, augment)
        if self._pictures.batch % team.size:
            raise ConfigError(
                f"a batch of {self._pictures.batch} pictures cannot be dealt evenly among "
                f"{team.size} processes: give a --batch that is a multiple of {team.size}, and no "
                f"more than the {len(indices)} training views"
            )
        self._settings = {
            "network": architecture.build.__name__,
            "split": split.digest,
            "init": "" if initial is None else initial.metadata["sha256"],
            **asdict(config),
            **asdict(augment),
        }
        torch.manual_seed(config.seed)
        self._loss = architecture.loss
        self._network = architecture.build(channels_of(config.modality), config.dropout)
        if initial is not None:
            start_from(initial, self._network, config.modality)
        self._joined = team.wrap(self._network)
        self._average = RunningAverage(self._network, config.average)
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
        self._best: dict[str, Any] = {"epoch": -1, "state": {}}
        self._resume()

    @property
    def finished_epochs(self) -> int:
        """Epochs done so far, also by an interrupted run before this one."""
        return len(self._history)

    def run(self, report: Callable[[Progress], None] = lambda progress: None) -> Trained:
        """Train to the end, or until the validation loss has not fallen for long enough.

        Raises:
            TrainingError: The loss is no longer a number, or something cannot be written.
        """
        while self.finished_epochs < self._config.epochs and not self._has_stalled():
            number, start, cpu_start = self.finished_epochs, time.monotonic(), time.process_time()
            loss = self._train_epoch(number, start, report)
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the loss of epoch {number + 1} is {loss}: lower --learning-rate, or look "
                    "for broken pictures with `grasp data check`"
                )
            done = self._conclude(number, loss, start, cpu_start)
            report(self._progress(number, self._pictures.steps(), start, done))
        if self._team.leads:
            draw_curves(self._history, self._out / "curves.png")
        best = self._history[self._best["epoch"]]
        return Trained(self._best["state"], best, list(self._history))

    def _has_stalled(self) -> bool:
        """Whether the last ``patience`` epochs of full size brought nothing better."""
        full = [one.validation_loss for one in self._history if one.size == self._config.size]
        return bool(full) and len(full) - 1 - full.index(min(full)) >= self._config.patience

    def _train_epoch(self, number: int, start: float, report: Callable[[Progress], None]) -> float:
        team, steps = self._team, self._pictures.steps()
        half = self._config.precision == "bf16"
        self._joined.train()
        losses: list[float] = []
        batches = self._pictures.batches(number, self._workers, team.rank, team.size)
        for step, (inputs, targets) in enumerate(batches):
            # One seed per step: what dropout drops does not depend on what ran before.
            torch.manual_seed(self._config.seed * 1_000_003 + number * steps + step)
            with torch.autocast(team.device.type, torch.bfloat16, enabled=half):
                predicted = self._joined(inputs.to(team.device))
            loss = self._loss(predicted.float(), targets.to(team.device))
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            self._schedule.step()
            self._average.update(self._network)
            losses.append(float(loss.detach()))
            report(self._progress(number, step + 1, start))
        return team.mean(float(np.mean(losses)))

    def _conclude(self, number: int, loss: float, start: float, cpu_start: float) -> Epoch:
        """Validate, remember the best, write everything down."""
        team, size = self._team, self._config.size_in(number)
        validation_loss, accuracy = self._validate(size) if team.leads else (0.0, 0.0)
        accuracy, validation_loss = team.share(accuracy), team.share(validation_loss)
        rate, seconds = float(self._schedule.get_last_lr()[0]), time.monotonic() - start
        cpu_s = team.share(time.process_time() - cpu_start)
        if not math.isfinite(validation_loss):
            raise TrainingError(
                f"the validation loss is {validation_loss} after epoch {number + 1}: the network "
                "diverged; train with a lower --learning-rate, into another --out"
            )
        done = Epoch(
            number + 1,
            size,
            rate,
            loss,
            validation_loss,
            accuracy,
            round(team.share(seconds), 2),
            round(cpu_s, 2),
        )
        best = self._history[self._best["epoch"]] if self._history else done
        self._history.append(done)
        # The loss is judged, not the accuracy: on a hundred views the luck of the best of many
        # epochs outweighs what they differ by. Epochs at the warm-up size do not compete with
        # those at full size.
        if size != best.size or validation_loss <= best.validation_loss:
            self._best = {"epoch": number, "state": self._average.state()}
        if team.leads:
            self._save()
        return done

    @property
    def labels_skipped(self) -> int:
        """Labels of the views loaded so far that could not be used: not finite, or no area."""
        return self._cache.labels_skipped

    def _validate(self, size: int) -> tuple[float, float]:
        """Loss and accuracy of the averaged weights on the validation part."""
        network, device = self._average.network, self._team.device
        return validate(
            network, self._loss, self._cache, self._validation, self._config, size, device
        )

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
        state = {
            "history": [asdict(one) for one in self._history],
            "network": self._network.state_dict(),
            "average": self._average.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "best": self._best,
        }
        save_checkpoint(self._out / CHECKPOINT, self._settings, state)
        write_csv(self._history, self._out / "log.csv")
        # Drawing takes a second, which short epochs would spend on nothing else.
        if time.monotonic() - self._drawn_s > _DRAWING_PERIOD_S:
            draw_curves(self._history, self._out / "curves.png")
            self._drawn_s = time.monotonic()

    def _resume(self) -> None:
        saved = load_checkpoint(self._out / CHECKPOINT, self._settings)
        if saved is not None:
            self._history = [Epoch(**one) for one in saved["history"]]
            self._network.load_state_dict(saved["network"])
            self._average.network.load_state_dict(saved["average"])
            self._average.steps = self.finished_epochs * self._pictures.steps()
            self._optimizer.load_state_dict(saved["optimizer"])
            self._schedule.load_state_dict(saved["schedule"])
            self._best = saved["best"]
        if self._team.share(self.finished_epochs) != self.finished_epochs:
            raise TrainingError(
                f"{self._out} holds another state for process {self._team.rank} than for the "
                "first: all processes must see the same folder"
            )
