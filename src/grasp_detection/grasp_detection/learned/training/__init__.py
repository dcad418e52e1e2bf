"""Training of generative networks."""
