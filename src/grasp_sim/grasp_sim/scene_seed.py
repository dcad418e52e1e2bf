"""Seeds of the scenes of a series. No engine here, for whoever plans scenes elsewhere."""

from __future__ import annotations

import numpy as np


def scene_seed(seed: int, index: int, redraw: int = 0) -> int:
    """Seed of a scene of a series, the same for `grasp sim` and the benchmark.

    Args:
        seed: Of the series.
        index: Number of the scene, from 0.
        redraw: Another draw for the same scene, where the one before cannot be built.
    """
    entropy = [seed, index, redraw] if redraw else [seed, index]
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])
