"""The command `grasp`: one file a verb, arguments and printing only."""
