"""DSGD: grasps from the whole picture, its regions and its pixels, and which of them count.

Source: Asif, Tang, Harrer, "Densely supervised grasp detector (DSGD)", AAAI 2019.
"""
