"""What the tests of this package share: a running stack, objects, parameter files, launch."""

from noted_launch import launching
from running_stack import edit, objects, stack

__all__ = ["edit", "launching", "objects", "stack"]
