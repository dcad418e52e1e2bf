"""The verbs of `grasp`, one file each."""
