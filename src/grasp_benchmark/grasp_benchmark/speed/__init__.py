"""What `grasp bench` measures on a machine."""
