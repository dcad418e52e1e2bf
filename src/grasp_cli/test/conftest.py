"""What the tests of this package share: a running stack, objects, parameter files."""

from running_stack import edit, objects, stack

__all__ = ["edit", "objects", "stack"]
