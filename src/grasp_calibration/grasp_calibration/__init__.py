"""Hand-eye calibration: where the camera is, found with a board and the robot's own motion."""
