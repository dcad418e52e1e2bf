"""Set-up refuses what cannot work before it begins, in a sentence."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from source_tree import ROOT

NEEDED = (
    *("Makefile", "pyproject.toml", "constraints.txt", "tools/setup_env.py"),
    *(f"requirements{which}.txt" for which in ("", "-ros", "-sourced", "-ubuntu")),
)
# Of the make that runs these tests; its settings are none of theirs.
MAKE = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "GRASP_VENV", "GRASP_MODE", "ROS_DISTRO")


def checkout(folder):
    """As much of a checkout as set-up reads before it begins."""
    (folder / "tools").mkdir(parents=True)
    for name in NEEDED:
        shutil.copy(ROOT / name, folder / name)
    return folder


def outside_make(**more):
    return {key: value for key, value in os.environ.items() if key not in MAKE} | more


def set_up(folder):
    started = time.monotonic()
    done = subprocess.run(
        ["make", "setup", f"PYTHON={sys.executable}"],
        cwd=folder,
        env=outside_make(),
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


@pytest.fixture
def steps(tmp_path, monkeypatch):
    """Loads the steps of a checkout for one kind of environment."""

    def load(mode):
        monkeypatch.setenv("GRASP_MODE", mode)
        monkeypatch.delenv("GRASP_VENV", raising=False)
        path = checkout(tmp_path / "checkout") / "tools" / "setup_env.py"
        spec = importlib.util.spec_from_file_location("setup_env", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.VENV.mkdir()
        return module

    return load


@pytest.mark.parametrize("mode", ["sourced", "ubuntu"])
def test_pip_is_held_to_the_distributions_numpy_where_there_is_one(steps, mode):
    made = steps(mode)
    made.write_constraints()
    lines = Path(made.environment_variables()["PIP_CONSTRAINT"]).read_text().splitlines()
    assert [line for line in lines if line.startswith("numpy==")] == ["numpy==1.26.4"]
    assert sum(line.startswith(("scipy==", "opencv-")) for line in lines) == 2
    ours = (ROOT / "constraints.txt").read_text().splitlines()
    replaced = {line.partition("==")[0] for line in set(ours) - set(lines)}
    assert replaced == {"numpy", "scipy", "opencv-python-headless"}


def test_without_a_distribution_pip_is_held_to_our_own(steps):
    made = steps("wheels")
    made.write_constraints()
    assert made.environment_variables()["PIP_CONSTRAINT"] == str(made.ROOT / "constraints.txt")


def test_a_distribution_without_its_libraries_is_told_what_to_install(steps, monkeypatch):
    made = steps("sourced")
    monkeypatch.setattr(made, "missing_build_tools", lambda version: [])
    monkeypatch.setattr(made.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("ROS_DISTRO", "jazzy")
    with pytest.raises(made.SetupError, match=r"apt-get install .*python3-numpy python3-scipy py"):
        made.check_prerequisites()
    monkeypatch.setenv("ROS_DISTRO", "humble")
    with pytest.raises(made.SetupError, match="ROS 2 humble is sourced"):
        made.check_prerequisites()


def test_messages_of_moveit_come_from_ros_where_it_is(tmp_path):
    done = subprocess.run(
        [sys.executable, "tools/setup_env.py", "moveit-messages"],
        cwd=checkout(tmp_path / "stack"),
        env=outside_make(ROS_DISTRO="jazzy"),
        capture_output=True,
        text=True,
        timeout=60.0,
        check=False,
    )
    assert done.returncode == 1
    assert "apt-get install ros-jazzy-moveit-msgs" in done.stderr
    assert "Traceback" not in done.stderr
