"""How good a detector is on labelled pictures: metrics, intervals, reliability, pictures."""
