"""Every version is pinned, so that a set-up next year builds the same environment."""

import re

import pytest
from source_tree import PIP_ONLY, ROOT

DIRECT = ("requirements.txt", "requirements-ros.txt")
PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.+!]+)")


def normalised(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def lines(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    return [line for line in map(str.strip, text.splitlines()) if line and line[0] != "#"]


@pytest.mark.parametrize("file", [*DIRECT, "constraints.txt"])
def test_every_line_is_pinned_once(file):
    assert not [line for line in lines(file) if not PIN.fullmatch(line)]
    names = [normalised(line.partition("==")[0]) for line in lines(file)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("file", DIRECT)
def test_constraints_hold_what_is_asked_for(file):
    constraints = {normalised(line) for line in lines("constraints.txt")}
    assert {normalised(line) for line in lines(file)} <= constraints, "run make constraints"


def test_one_opencv():
    opencv = [line for line in lines("constraints.txt") if "opencv" in line]
    assert [line.partition("==")[0] for line in opencv] == ["opencv-python-headless"]


def test_the_project_does_not_constrain_itself():
    assert not [line for line in lines("constraints.txt") if line.startswith("grasp-")]


def test_libraries_without_rosdep_key_come_from_requirements():
    names = {normalised(line.partition("==")[0]) for line in lines("requirements.txt")}
    assert set(PIP_ONLY.values()) <= names
