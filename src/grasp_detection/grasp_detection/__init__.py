"""Grasp detectors: from one RGB-D frame to ranked candidates; the ROS node is ``node.py``."""
