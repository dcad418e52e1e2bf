"""Synthetic pictures: scenes of the simulator with grasps labelled by geometry and trial."""
