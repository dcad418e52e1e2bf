"""Training of learned detectors."""
