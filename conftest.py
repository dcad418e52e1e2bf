"""Settings of every test session: reproducible examples, and ROS kept to this machine."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import settings

from grasp_bringup import environment

settings.register_profile("reproducible", derandomize=True, deadline=None)
settings.load_profile("reproducible")

# Nodes of a test session talk among themselves alone, as tests/fastdds.xml says. Domains up to 101
# only: the ports of higher ones may be taken by any process for an outgoing connection. A session
# has eight in a row, see other_domain.
os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 12 * 8))
os.environ.setdefault(
    "FASTRTPS_DEFAULT_PROFILES_FILE", str(Path(__file__).parent / "tests" / "fastdds.xml")
)
environment.prepare()
