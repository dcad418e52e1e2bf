"""Every error code of MoveIt is one of our failures, and the page lists them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from grasp_core.errors import Code, Collision, GraspStackError, PlanFailure, PlanningFailed
from grasp_executor.planning.moveit_codes import MEANINGS, SUCCESS, failure_of

ROOT = Path(__file__).resolve().parents[3]
MESSAGE = ROOT / "interfaces" / "moveit_msgs" / "msg" / "MoveItErrorCodes.msg"


def constants():
    text = MESSAGE.read_text(encoding="utf-8")
    return {
        name: int(value) for name, value in re.findall(r"^int32 ([A-Z_]+)=(-?\d+)$", text, re.M)
    }


def test_every_constant_has_a_meaning():
    named = constants()
    assert named.pop("SUCCESS") == SUCCESS
    assert {meaning.name: code for code, meaning in MEANINGS.items()} == named


@pytest.mark.parametrize("code", MEANINGS)
def test_a_failure_names_its_constant_and_has_a_code_of_ours(code):
    failure = failure_of(code, "wall in the way")
    assert isinstance(failure, GraspStackError)
    assert failure.code in set(Code) - {Code.OK}
    assert f"(MoveIt {MEANINGS[code].name}, {code}): wall in the way" in str(failure)


def test_only_failures_to_plan_are_tried_again():
    assert all(issubclass(m.failure, PlanFailure) for m in MEANINGS.values() if m.again)
    assert MEANINGS[-2].again
    assert not MEANINGS[-10].again
    assert MEANINGS[-10].failure is Collision


def test_codes_that_moveit_does_not_define_are_failures_to_plan():
    failure = failure_of(-777)
    assert type(failure) is PlanningFailed
    assert "-777" in str(failure)


def test_the_page_lists_every_code():
    page = (ROOT / "docs" / "moveit.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (-?\d+) \| `([A-Z_]+)` \|", page, re.M)
    assert [(name, int(code), ours) for name, code, ours in rows] == [
        (meaning.name, code, meaning.failure.code.name) for code, meaning in MEANINGS.items()
    ]
