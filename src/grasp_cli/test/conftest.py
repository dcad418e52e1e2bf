"""One running stack for the tests of a module."""

from running_stack import objects, stack

__all__ = ["objects", "stack"]
