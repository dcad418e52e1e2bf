"""Settings of every test session: reproducible examples, and ROS kept to this machine."""

from __future__ import annotations

import os

from hypothesis import settings

from grasp_bringup import environment

settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")

# Nodes of a test session talk among themselves alone. UDP instead of shared memory, because
# tests kill processes, and a killed one leaves stale segments behind.
os.environ.setdefault("ROS_DOMAIN_ID", str(20 + os.getpid() % 80))
os.environ.setdefault("FASTDDS_BUILTIN_TRANSPORTS", "UDPv4")
environment.prepare()
