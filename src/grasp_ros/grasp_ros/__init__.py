"""The one place where ROS types meet the core: conversions, parameters, QoS, TF, lifecycle."""
