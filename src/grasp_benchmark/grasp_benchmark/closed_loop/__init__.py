"""The closed-loop benchmark: detectors compared by picks in simulation, on the same scenes."""
