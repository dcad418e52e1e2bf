"""Oriented anchors on a coarse feature map, after the grasp scorer of Depierre et al., 2021.

Source: Depierre, Dellandrea, Chen, "Scoring graspability based on grasp regression for better
grasp prediction", 2021. What is here is its primary grasp predictor (sections IV-A a and b, IV-C),
which is the detector of Zhou et al., "Fully convolutional grasp detection network with oriented
anchor box", IROS 2018.
"""
