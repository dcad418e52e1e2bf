"""Geometry, images, errors and configuration shared by every part of the stack; no ROS."""
