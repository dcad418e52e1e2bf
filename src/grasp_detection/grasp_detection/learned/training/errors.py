"""What can go wrong with a training run."""

from __future__ import annotations

from grasp_core.errors import GraspStackError


class TrainingError(GraspStackError, ValueError):
    """A training run diverged, or its folder cannot be used; says what to do."""
