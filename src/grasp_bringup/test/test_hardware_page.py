"""The page about hardware tells what profiles, codes and arguments say."""

import re

import pytest
from hardware_page import PAGE, meanings, page, recovering

from grasp_core.camera_profile import camera_names
from grasp_core.errors import Code
from grasp_core.gripper_profile import gripper_names
from grasp_core.remedies import REMEDIES
from grasp_core.robot import robot_names

TEXT = PAGE.read_text(encoding="utf-8")


def section(title):
    """Text of a section, to the next of its level."""
    _, found, rest = TEXT.partition(f"\n## {title}\n")
    assert found, title
    return rest.partition("\n## ")[0]


def test_the_tables_are_those_of_profiles_and_codes():
    assert page(TEXT) == TEXT, (
        "run: PYTHONPATH=src/grasp_bringup/test python -m hardware_page --write"
    )


def test_the_page_says_first_what_was_tried():
    first = TEXT.split("\n\n")[1]
    assert first.startswith("**Tried so far on real hardware: nothing.**")


@pytest.mark.parametrize(
    ("title", "names"),
    [("Robots", robot_names()), ("Hands", gripper_names()), ("Cameras", camera_names())],
)
def test_every_profile_has_its_row(title, names):
    for name in names:
        assert f"| `{name}` |" in section(title), name


def test_every_code_has_a_meaning_and_a_cure():
    assert set(REMEDIES) == set(Code)
    for code in Code:
        assert REMEDIES[code].strip(), code
        assert code is Code.OK or len(meanings()[code.name]) > 5, code
        assert code is Code.OK or f"| {code.value} | `{code.name}` |" in section("Errors")


def test_cures_name_commands_that_there_are():
    told = " ".join(REMEDIES.values())
    for service in re.findall(r"`executor/(\w+)`", told):
        assert service in ("acknowledge", "release", "scenery", "confirm")


def test_after_a_reflex_the_controllers_of_the_stack_are_activated_again():
    commands = section("When the robot has stopped")
    for name in recovering():
        if name != "joint_state_broadcaster":
            assert name in commands
