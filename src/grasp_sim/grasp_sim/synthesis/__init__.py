"""Synthetic scenes: drawn by chance, seen by a camera, and grasps in them tried by a free hand."""
