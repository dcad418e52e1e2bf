"""Codes and levels of the Python code equal the constants of the interfaces."""

import re

from source_tree import SOURCES

from grasp_core import errors
from grasp_core.errors import Code, GraspStackError
from grasp_core.grasp import Level

INTERFACES = SOURCES / "grasp_msgs"


def constants(file, prefix=""):
    text = (INTERFACES / file).read_text(encoding="utf-8")
    found = re.findall(rf"^u?int\d+ {prefix}([A-Z0-9_]+) *= *(\d+)", text, re.MULTILINE)
    return {name: int(value) for name, value in found}


def test_codes_equal_those_of_the_pick_action():
    in_action = constants("action/Pick.action")
    codes = {name: value for name, value in in_action.items() if not name.startswith("POLICY_")}
    assert codes == {code.name: code.value for code in Code}


def test_levels_equal_those_of_the_grasp_message():
    assert constants("msg/Grasp.msg", "LEVEL_") == {level.name: level.value for level in Level}


def test_every_code_but_ok_has_a_failure():
    failures = [
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, GraspStackError)
    ]
    assert {failure.code for failure in failures} == set(Code) - {Code.OK}
