"""What can go wrong in an evaluation, besides the dataset and the detector."""

from grasp_core.errors import GraspStackError


class EvaluationError(GraspStackError, ValueError):
    """There is nothing to evaluate, or what a detector answered cannot be judged."""
