"""The calibration routine in the simulator, judged by the truth."""
