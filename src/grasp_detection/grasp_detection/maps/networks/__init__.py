"""Network architectures; each file is one published network."""
