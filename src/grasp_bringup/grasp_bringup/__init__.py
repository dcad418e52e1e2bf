"""Puts the rooms together: the stack description, launch, the `grasp` command, the bench."""
