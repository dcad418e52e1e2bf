"""Planning without MoveIt: inverse kinematics, paths, straight lines and obstacles; no ROS."""
