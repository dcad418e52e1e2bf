"""Fully convolutional detectors: one map each for quality, angle and width."""
