"""The grasp scorer: oriented anchors, deformed and scored, then scored again as they have become.

Source: Depierre, Dellandrea, Chen, "Scoring graspability based on grasp regression for better
grasp prediction", ICRA 2021. Its first half, the primary grasp predictor, is the detector of Zhou
et al., "Fully convolutional grasp detection network with oriented anchor box", IROS 2018.
"""
