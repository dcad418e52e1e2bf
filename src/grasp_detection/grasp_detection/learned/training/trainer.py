"""The training loop: stages of learning, checkpoints, best weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from grasp_core.errors import ConfigError
from grasp_detection.datasets.dataset import Dataset, DatasetError
from grasp_detection.datasets.split import Split
from grasp_detection.learned.dense_net import DenseNet
from grasp_detection.learned.family import Family, Stage, TargetSettings
from grasp_detection.learned.inputs import channels_of
from grasp_detection.learned.training.averaging import RunningAverage
from grasp_detection.learned.training.checkpoint import load_checkpoint, save_checkpoint
from grasp_detection.learned.training.config import AugmentConfig, TrainingConfig
from grasp_detection.learned.training.distributed import TrainingProcess
from grasp_detection.learned.training.errors import TrainingError
from grasp_detection.learned.training.history import Epoch, draw_curves, write_csv
from grasp_detection.learned.training.initial import start_from
from grasp_detection.learned.training.optimiser import one_cycle
from grasp_detection.learned.training.pictures import SampleCache, TrainingPictures
from grasp_detection.learned.training.teacher import Teacher
from grasp_detection.learned.training.validation import validate
from grasp_detection.learned.trunk import ResNet
from grasp_detection.learned.trunk_files import Trunk
from grasp_detection.learned.weights import Weights
from grasp_detection.learned.window import FloatArray, Window

CHECKPOINT = "checkpoint.pt"
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
        state: Weights of the best epoch of the last stage, averaged, on the CPU.
        best: That epoch.
        history: All epochs.
        measured: What the network had to know of the training labels.
    """

    state: dict[str, Tensor]
    best: Epoch
    history: list[Epoch]
    measured: dict[str, Any]

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
        family: Family,
        dataset: Dataset,
        split: Split,
        config: TrainingConfig,
        augment: AugmentConfig,
        out: Path,
        process: TrainingProcess,
        *,
        taught: TargetSettings | None = None,
        workers: int = 0,
        initial: Weights | None = None,
        trunk: Trunk | None = None,
        teacher: Teacher | None = None,
    ) -> None:
        """Set everything up, from the checkpoint in ``out`` where there is one.

        Args:
            family: The network, what it is taught and how.
            dataset: Labelled views.
            split: Whose training part is learnt; the validation part picks the epoch.
            config: What to do.
            augment: How to vary the pictures.
            out: Folder for checkpoint, log and curves.
            process: This process among those that train together.
            taught: How targets are made; None for the family's defaults.
            workers: Processes that prepare pictures; 0 does it in this one.
            initial: Weights to start from instead of drawing them; see :func:`start_from`.
            trunk: Pretrained numbers for the network's trunk, of the family's layout.
            teacher: A network whose answers are learnt beside the labels.

        Raises:
            ConfigError: The batch cannot be dealt among the processes, or the network cannot take
                inputs of that size.
            DatasetError: The dataset lacks pictures or channels that are needed.
            TrainingError: The folder cannot be used, or holds another run.
            WeightsError: The initial weights are for another network.
        """
        config.check_stride(family.stride)
        self._config, self._process, self._out, self._workers = config, process, out, workers
        self._taught = taught or family.target_class()
        self._teacher = teacher
        self._stages = _checked(family.stages(config.epochs), config.epochs)
        self._cache = SampleCache(dataset, config.modality, masks=family.segments)
        self._validation = split.indices(dataset, "validation")
        indices = split.indices(dataset, "train")
        if not any(len(self._cache[index].grasps) for index in self._validation):
            raise DatasetError("no validation picture has a label: nothing could pick an epoch")
        self._cache[indices[0]]  # what is missing is said now, not by a worker later
        self._measured = family.measure(self._labels(indices), config.size)
        if family.segments:
            self._measured |= family.measure_classes(self._cache.class_names(indices))
        if family.trunk:
            self._measured["trunk"] = family.trunk
        self._family = family.knowing(self._measured)
        self._pictures = TrainingPictures(
            self._family, self._cache, indices, config, augment, self._taught
        )
        if self._pictures.batch % process.size:
            raise ConfigError(
                f"a batch of {self._pictures.batch} pictures cannot be dealt evenly among "
                f"{process.size} processes: give a --batch that is a multiple of {process.size}, "
                f"and no more than the {len(indices)} training views"
            )
        self._settings = {
            "network": family.network_name,
            "split": split.digest,
            "init": "" if initial is None else initial.metadata["sha256"],
            "trunk": "" if trunk is None else trunk.about["sha256"],
            "teacher": "" if teacher is None else teacher.weights.metadata["sha256"],
            **asdict(config),
            **asdict(augment),
            **asdict(self._taught),
        }
        self._pretrained = bool(family.trunk) and (trunk is not None or initial is not None)
        torch.manual_seed(config.seed)
        self._network = self._family.build(channels_of(config.modality), config.dropout)
        if trunk is not None:
            trunk.load_into(cast(ResNet | DenseNet, self._network.trunk), config.modality)
        if initial is not None:
            start_from(initial, self._network, config.modality)
        self._drawn_s = time.monotonic()
        self._history: list[Epoch] = []
        self._enter(0)
        self._resume()

    def _labels(self, indices: list[int]) -> Iterator[FloatArray]:
        """Labels of views, in pixels of the input; read as they are asked for."""
        for index in indices:
            sample = self._cache[index]
            yield Window.centred(*sample.size, self._config.size).to_input(sample.grasps)

    @property
    def finished_epochs(self) -> int:
        """Epochs done so far, also by an interrupted run before this one."""
        return len(self._history)

    @property
    def stage(self) -> Stage:
        """The part of the run that is going on."""
        return self._stages[self._stage]

    def run(self, report: Callable[[Progress], None] = lambda progress: None) -> Trained:
        """Train to the end of the last stage; a stage whose loss no longer falls ends early.

        Raises:
            TrainingError: The loss is no longer a number, or something cannot be written.
        """
        while True:
            while not self._is_over():
                self._run_epoch(report)
            if self.stage is self._stages[-1]:
                break
            self._advance()
        if self._process.leads:
            draw_curves(self._history, self._out / "curves.png")
        best = self._history[self._best["epoch"]]
        return Trained(self._best["state"], best, list(self._history), self._measured)

    # Stages

    def _enter(self, index: int) -> None:
        """Let a stage's parameters learn, from the weights that the network has now."""
        self._stage = index
        learns = self.stage.learns
        for name, parameter in self._network.named_parameters():
            parameter.requires_grad_(name.startswith(learns))
        if not any(parameter.requires_grad for parameter in self._network.parameters()):
            raise TrainingError(
                f"no parameter's name begins with one of {', '.join(learns)}: nothing learns in "
                f"stage {self.stage.name}"
            )
        # Statistics of what does not learn are not taken anew either.
        self._resting: list[nn.Module] = [
            module
            for name, module in self._network.named_modules()
            if isinstance(module, _NormBase) and not f"{name}.".startswith(learns)
        ]
        self._joined = self._process.wrap(self._network)
        self._average = RunningAverage(self._network, self._config.average)
        self._optimizer, self._schedule = one_cycle(
            self._network,
            self._config,
            self._pictures.steps() * self.stage.epochs,
            pretrained=self._pretrained,
        )
        self._best: dict[str, Any] = {"epoch": -1, "state": {}}

    def _advance(self) -> None:
        """Go on to the next stage."""
        following = self._stages[self._stage + 1]
        best = following.begins_with == "best"
        self._network.load_state_dict(self._best["state"] if best else self._average.state())
        self._enter(self._stage + 1)

    def _in_stage(self) -> list[Epoch]:
        """Epochs of the stage that is going on."""
        return [one for one in self._history if one.stage == self.stage.name]

    def _is_over(self) -> bool:
        """Whether the stage has had its epochs, or ``patience`` of them brought nothing better."""
        done = self._in_stage()
        full = [one.validation_loss for one in done if one.size == self._config.size]
        stalled = bool(full) and len(full) - 1 - full.index(min(full)) >= self._config.patience
        return stalled or len(done) >= self.stage.epochs

    # Epochs

    def _run_epoch(self, report: Callable[[Progress], None]) -> None:
        number, start, cpu_start = self.finished_epochs, time.monotonic(), time.process_time()
        losses = self._train_epoch(number, start, report)
        loss = sum(losses[name] for name in self.stage.losses or losses)
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss of epoch {number + 1} is {loss}: lower --learning-rate, or look "
                "for broken pictures with `grasp data check`"
            )
        done = self._conclude(number, loss, losses, start, cpu_start)
        report(self._progress(number, self._pictures.steps(), start, done))

    def _train_epoch(
        self, number: int, start: float, report: Callable[[Progress], None]
    ) -> dict[str, float]:
        """Mean of each loss over the steps of an epoch."""
        process, steps = self._process, self._pictures.steps()
        self._joined.train()
        for module in self._resting:
            module.eval()
        sums: dict[str, list[float]] = {}
        batches = self._pictures.batches(number, self._workers, process.rank, process.size)
        for step, (inputs, targets) in enumerate(batches):
            # One seed per step: what dropout drops does not depend on what ran before.
            torch.manual_seed(self._config.seed * 1_000_003 + number * steps + step)
            losses = self._losses(inputs, targets)
            total: Any = sum(losses[name] for name in self.stage.losses or losses)
            self._optimizer.zero_grad(set_to_none=True)
            total.backward()
            self._optimizer.step()
            self._schedule.step()
            self._average.update(self._network)
            for name, value in losses.items():
                sums.setdefault(name, []).append(float(value.detach()))
            report(self._progress(number, step + 1, start))
        return {name: process.mean(float(np.mean(values))) for name, values in sums.items()}

    def _losses(self, inputs: Tensor, targets: dict[str, Tensor]) -> dict[str, Tensor]:
        device = self._process.device
        inputs = inputs.to(device)
        targets = {name: tensor.to(device) for name, tensor in targets.items()}
        half = self._config.precision == "bf16"
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            outputs = self._family.forward(self._joined, inputs, targets)
            told = None if self._teacher is None else self._teacher.answers(inputs)
        whole = {name: tensor.float() for name, tensor in outputs.items()}
        losses = self._family.losses(whole, targets)
        if self._teacher is None or told is None:
            return losses
        return self._teacher.shared(losses, self._family.losses(whole, told))

    def _conclude(
        self,
        number: int,
        loss: float,
        losses: dict[str, float],
        start: float,
        cpu_start: float,
    ) -> Epoch:
        """Validate, remember the best, write everything down."""
        process, size = self._process, self._config.size_in(number)
        validation_loss, accuracy = self._validate(size) if process.leads else (0.0, 0.0)
        accuracy, validation_loss = process.share(accuracy), process.share(validation_loss)
        rate, seconds = float(self._schedule.get_last_lr()[0]), time.monotonic() - start
        cpu_s = process.share(time.process_time() - cpu_start)
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
            round(process.share(seconds), 2),
            round(cpu_s, 2),
            self.stage.name,
            losses,
        )
        best = done if self._best["epoch"] < 0 else self._history[self._best["epoch"]]
        self._history.append(done)
        # The loss is judged, not the accuracy: on a hundred views the luck of the best of many
        # epochs outweighs what they differ by. Epochs at the warm-up size do not compete with
        # those at full size.
        if size != best.size or validation_loss <= best.validation_loss:
            self._best = {"epoch": number, "state": self._average.state()}
        if process.leads:
            self._save()
        return done

    @property
    def labels_skipped(self) -> int:
        """Labels of the views loaded so far that could not be used: not finite, or no area."""
        return self._cache.labels_skipped

    def _validate(self, size: int) -> tuple[float, float]:
        """Loss and accuracy of the averaged weights on the validation part."""
        return validate(
            self._family,
            self._average.network,
            self._cache,
            self._validation,
            self._config.modality,
            size,
            self._taught,
            self.stage.losses,
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
            "stage": self._stage,
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
            if saved["stage"]:
                self._enter(saved["stage"])
            self._network.load_state_dict(saved["network"])
            self._average.network.load_state_dict(saved["average"])
            self._average.steps = len(self._in_stage()) * self._pictures.steps()
            self._optimizer.load_state_dict(saved["optimizer"])
            self._schedule.load_state_dict(saved["schedule"])
            self._best = saved["best"]
        if self._process.share(self.finished_epochs) != self.finished_epochs:
            raise TrainingError(
                f"{self._out} holds another state for process {self._process.rank} than for the "
                "first: all processes must see the same folder"
            )


def _checked(stages: tuple[Stage, ...], epochs: int) -> tuple[Stage, ...]:
    """The stages of a run, if they make sense.

    Raises:
        ConfigError: They do not share the epochs out, or two have one name.
    """
    shares = [stage.epochs for stage in stages]
    if sum(shares) != epochs or min(shares, default=0) < 1:
        raise ConfigError(
            f"{len(stages)} stage(s) of {shares} epochs do not make {epochs}: each needs one at "
            "least; give more --epochs"
        )
    if len({stage.name for stage in stages}) < len(stages):
        raise ConfigError("two stages of training have one name: the log could not tell them")
    return stages
