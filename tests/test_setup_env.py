"""Set-up refuses what cannot work before it begins, in a sentence."""

import os
import re
import shutil
import subprocess
import sys
import time

import pytest
from source_tree import ROOT

NEEDED = ("Makefile", "requirements.txt", "requirements-ros.txt", "constraints.txt")


def checkout(folder):
    """As much of a checkout as set-up reads before it begins."""
    (folder / "tools").mkdir(parents=True)
    for name in (*NEEDED, "pyproject.toml", "tools/setup_env.py"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def set_up(folder):
    environment = {key: value for key, value in os.environ.items() if key != "ROS_DISTRO"}
    started = time.monotonic()
    done = subprocess.run(
        ["make", "setup", f"PYTHON={sys.executable}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60.0,
        check=False,
    )
    return done, time.monotonic() - started


@pytest.mark.parametrize(("name", "told"), [("grüße", "ß ü"), ("a;b c", ";"), ("a:b", ":")])
def test_a_path_that_messages_cannot_be_built_in_is_refused_at_once(tmp_path, name, told):
    folder = checkout(tmp_path / name)
    done, seconds = set_up(folder)
    assert done.returncode != 0
    assert f"cannot be built in a path with {told}: move it" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / ".venv").exists()
    assert seconds < 10.0


def test_a_checkout_that_cannot_be_written_is_refused_at_once(tmp_path):
    folder = checkout(tmp_path / "some where")
    (folder / ".venv").symlink_to("/proc")  # not even the superuser writes there
    done, _ = set_up(folder)
    assert done.returncode != 0
    assert re.search(r"cannot write .*some where/\.venv: .*everything is built there", done.stderr)
    assert "Traceback" not in done.stderr


def test_messages_of_moveit_come_from_ros_where_it_is(tmp_path):
    done = subprocess.run(
        [sys.executable, "tools/setup_env.py", "moveit-messages"],
        cwd=checkout(tmp_path / "stack"),
        env={**os.environ, "ROS_DISTRO": "jazzy"},
        capture_output=True,
        text=True,
        timeout=60.0,
        check=False,
    )
    assert done.returncode == 1
    assert "apt-get install ros-jazzy-moveit-msgs" in done.stderr
    assert "Traceback" not in done.stderr
