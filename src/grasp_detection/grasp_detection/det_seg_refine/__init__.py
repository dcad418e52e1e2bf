"""Det_Seg_Refine: proposals, grasps with an orientation class, segmentation, refined grasps.

Source: Ainetter, Fraundorfer, "End-to-end trainable deep neural network for robotic grasp
detection and semantic segmentation from RGB", ICRA 2021.
"""
