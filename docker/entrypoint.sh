#!/bin/bash
# Run a command with ROS, the environment and the workspace in place.
set -e
source /opt/ros/jazzy/setup.bash
source /opt/venv/bin/activate
source /opt/grasp/setup.bash
exec "$@"
