"""Every version is pinned, so that a set-up next year builds the same environment."""

import re

import pytest
from source_tree import PIP_ONLY, ROOT

DIRECT = ("requirements.txt", "requirements-ros.txt")
SOURCED, UBUNTU = "requirements-sourced.txt", "requirements-ubuntu.txt"
PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.+!]+)")


def normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def lines(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    return [line for line in map(str.strip, text.splitlines()) if line and line[0] != "#"]


@pytest.mark.parametrize("file", [*DIRECT, SOURCED, UBUNTU, "constraints.txt"])
def test_every_line_is_pinned_once(file):
    assert not [line for line in lines(file) if not PIN.fullmatch(line)]
    assert len(lines(file)) == len(names(file))


@pytest.mark.parametrize("file", DIRECT)
def test_constraints_hold_what_is_asked_for(file):
    constraints = {normalised(line) for line in lines("constraints.txt")}
    assert {normalised(line) for line in lines(file)} <= constraints, "run make constraints"


def names(file):
    return {normalised(line.partition("==")[0]) for line in lines(file)}


def test_a_sourced_environment_has_all_but_what_the_distribution_brings():
    own = {"numpy", "scipy", "opencv-python-headless"}
    assert {name.replace("-contrib", "") for name in names(UBUNTU)} == own
    assert not names(SOURCED) & (own | names(UBUNTU))
    assert names("requirements.txt") - own <= names(SOURCED)
    assert set(map(normalised, lines(SOURCED))) <= set(map(normalised, lines("constraints.txt")))
    assert not [name for name in names(SOURCED) if name.startswith(("ros-", "colcon-", "empy"))]


def test_one_opencv():
    opencv = [line for line in lines("constraints.txt") if "opencv" in line]
    assert [line.partition("==")[0] for line in opencv] == ["opencv-python-headless"]


def test_the_project_does_not_constrain_itself():
    assert not [line for line in lines("constraints.txt") if line.startswith("grasp-")]


def test_libraries_without_rosdep_key_come_from_requirements():
    assert set(PIP_ONLY.values()) <= names("requirements.txt")
