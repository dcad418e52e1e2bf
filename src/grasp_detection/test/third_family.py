"""A family unlike the stack's own, in a file of its own: two outputs, two stages of training.

It answers with one rectangle a picture: where, by the middle of a heat map; how, by one vector for
the whole picture. First the trunk learns with the heat map, then the vector's head alone.
"""

import dataclasses
from typing import ClassVar

import numpy as np
from torch import nn
from torch.nn import functional

from grasp_core.config import setting
from grasp_core.grasp import Level
from grasp_detection.learned.config import LearnedConfig
from grasp_detection.learned.family import Candidates, Family, Stage, TargetSettings


class WhereAndHow(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(channels, 8, 5, 2, 2), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.ReLU(),
        )  # fmt: skip
        self.where = nn.Conv2d(8, 1, 1)
        self.how = nn.Linear(8, 4)

    def forward(self, x):
        features = self.trunk(x)
        return self.where(features)[:, 0], self.how(features.mean(dim=(2, 3)))


@dataclasses.dataclass(frozen=True)
class ToyConfig(LearnedConfig):
    sharpness: float = setting(1.0, "of the score, power", minimum=0.1, maximum=10.0)


@dataclasses.dataclass(frozen=True)
class ToyTargets(TargetSettings):
    spread: float = setting(0.1, "of the heat, sides of the input", minimum=0.01, maximum=1.0)


@dataclasses.dataclass(frozen=True)
class Toy(Family):
    mean_width: float = 0.0  # of the labels, sides of the input

    name: ClassVar[str] = "toy"
    outputs: ClassVar[tuple[str, ...]] = ("where", "how")
    stride: ClassVar[int] = 4
    level: ClassVar[Level] = Level.GLOBAL
    config_class: ClassVar[type[LearnedConfig]] = ToyConfig
    target_class: ClassVar[type[TargetSettings]] = ToyTargets

    def build(self, channels, dropout):
        return WhereAndHow(channels)

    def measure(self, labels, size):
        widths = np.concatenate([rows[:, 2] for rows in labels])
        return {"mean_width": float(widths.mean() / size)}

    def targets(self, rows, size, whole, settings, quality=None):
        cells = size // 4
        heat, how = np.zeros((cells, cells), np.float32), np.zeros(4, np.float32)
        if len(rows):
            u, v, width, height, angle = rows[0]
            middle = np.arange(cells) * 4 + 1.5
            off = (middle - u) ** 2 + (middle[:, None] - v) ** 2
            heat = np.exp(-0.5 * off / (settings.spread * whole) ** 2).astype(np.float32)
            how[:] = np.cos(2 * angle), np.sin(2 * angle), width / whole, height / whole
        return {"where": heat, "how": how}

    def losses(self, outputs, targets):
        return {name: functional.mse_loss(outputs[name], targets[name]) for name in self.outputs}

    def stages(self, epochs):
        first = epochs // 2
        return (
            Stage("where", first, ("trunk", "where"), losses=("where",)),
            Stage("how", epochs - first, ("how",), losses=("how",), begins_with="last"),
        )

    def read(self, outputs, size, config, *, limit=1, min_score=0.0):
        heat, how = outputs["where"], outputs["how"]
        row, column = np.unravel_index(int(heat.argmax()), heat.shape)
        score = float(np.clip(heat[row, column], 0.0, 1.0)) ** config.sharpness
        if score <= min_score:
            return Candidates(np.empty((0, 5)), np.empty(0), np.empty(0))
        angle = 0.5 * np.arctan2(how[1], how[0])
        width = max(float(how[2]), 0.3 * self.mean_width) * size
        rows = [[column * 4 + 1.5, row * 4 + 1.5, width, max(float(how[3]) * size, 1.0), angle]]
        return Candidates(np.array(rows), np.array([score]), np.array([float(heat[row, column])]))


class Fixed:
    """A detector that learns nothing."""

    def __init__(self, gripper, config, cell):
        self.name = "fixed"

    def detect(self, frame):
        return []


class NoDetector:
    pass
