"""Model-free parallel-jaw grasps from depth alone, for a gripper that comes from above."""
