"""How images travel between the stack's processes."""

from __future__ import annotations

import os
from xml.etree import ElementTree

import pytest

from grasp_bringup.environment import prepare

INSTANT_BYTES = 640 * 480 * (3 + 2)  # colour and depth of a realsense


@pytest.fixture
def bare(monkeypatch):
    """The environment without a choice of transports, restored afterwards."""
    for name in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_BUILTIN_TRANSPORTS"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    return monkeypatch


def test_shared_memory_holds_several_instants_of_the_camera(bare):
    prepare()
    root = ElementTree.parse(os.environ["FASTRTPS_DEFAULT_PROFILES_FILE"]).getroot()
    sizes = [int(size.text) for size in root.findall(".//{*}segment_size")]
    assert sizes
    assert min(sizes) >= 8 * INSTANT_BYTES


@pytest.mark.parametrize("name", ["FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_BUILTIN_TRANSPORTS"])
def test_transports_that_somebody_chose_stay(bare, name):
    bare.setenv(name, "mine")
    prepare()
    assert os.environ[name] == "mine"
    assert os.environ.get("FASTRTPS_DEFAULT_PROFILES_FILE", "mine") == "mine"
