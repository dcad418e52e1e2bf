"""A port in a process of its own: whatever happens there is a typed failure here."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from ports_for_processes import SLOW_S, Aborting, Late, Misbehaving, Missing, Raising

from grasp_core.errors import Cancelled, HardwareLost, MissingDependency
from grasp_executor.planning.move_group import RobotState, Scaling
from grasp_executor.planning.moveit_process import ProcessMoveGroup

PATIENT_S = 60.0
START = RobotState({})
PARENT = """
import time
from ports_for_processes import Misbehaving
from test_moveit_process import plan
from grasp_executor.planning.moveit_process import ProcessMoveGroup

if __name__ == "__main__":
    print(plan(ProcessMoveGroup(Misbehaving, (), 60.0), "well"), flush=True)
    time.sleep(600.0)
"""


def pass_by():
    """A wait that neither cancels nor watches."""


def plan(move_group, group, wait=pass_by):
    return move_group.plan(START, {}, group, Scaling(1.0, 1.0), 0.0, wait).details


def process_of(details):
    return int(details.rpartition(" ")[2])


def is_there(pid):
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def gone(pid):
    deadline = time.monotonic() + PATIENT_S
    while is_there(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_there(pid)


@pytest.mark.parametrize(
    ("build", "failure", "match"),
    [
        (Missing, MissingDependency, r"^the library is not installed: install it$"),
        (Raising, HardwareLost, r"could not be started: RuntimeError: no robot model"),
        (Aborting, HardwareLost, rf"has died \(exit code -{int(signal.SIGABRT)}\)"),
    ],
)
def test_what_prevents_the_start_is_told(build, failure, match):
    with pytest.raises(failure, match=match):
        ProcessMoveGroup(build, (), PATIENT_S)


def test_what_is_never_ready_is_given_up():
    with pytest.raises(HardwareLost, match=r"not answered for 0\.2 s and was ended"):
        ProcessMoveGroup(Late, (), PATIENT_S, startup_s=0.2)


def test_what_a_request_raises_is_told_and_the_process_goes_on():
    with closing(ProcessMoveGroup(Misbehaving, (), PATIENT_S)) as move_group:
        before = plan(move_group, "well")
        with pytest.raises(HardwareLost, match=r"failed in plan: ValueError: no such goal"):
            plan(move_group, "raise")
        assert plan(move_group, "well") == before


def test_a_process_that_died_is_told_and_the_next_request_starts_another():
    with closing(ProcessMoveGroup(Misbehaving, (), PATIENT_S)) as move_group:
        before = process_of(plan(move_group, "well"))
        with pytest.raises(HardwareLost, match="has died"):
            plan(move_group, "abort")
        assert process_of(plan(move_group, "well")) not in (before, os.getpid())


def test_a_process_that_hangs_is_ended_and_the_next_request_starts_another():
    with closing(ProcessMoveGroup(Misbehaving, (), PATIENT_S)) as move_group:
        before = process_of(plan(move_group, "well"))
        move_group._timeout_s = 0.2
        with pytest.raises(HardwareLost, match=r"not answered for 0\.2 s and was ended"):
            plan(move_group, "hang")
        assert not is_there(before)
        move_group._timeout_s = PATIENT_S
        assert process_of(plan(move_group, "well")) != before


def test_the_answer_to_a_request_that_was_cancelled_is_not_taken_for_the_next_one():
    def cancel():
        if cancel.asked:
            raise Cancelled("cancelled by the client")
        cancel.asked = True

    cancel.asked = False
    with closing(ProcessMoveGroup(Misbehaving, (), PATIENT_S)) as move_group:
        began = time.monotonic()
        with pytest.raises(Cancelled):
            plan(move_group, "slow", cancel)
        assert plan(move_group, "well").startswith("well")
        assert time.monotonic() - began >= SLOW_S  # it was the same process, busy until then


def test_the_process_ends_with_the_connection():
    move_group = ProcessMoveGroup(Misbehaving, (), PATIENT_S)
    process = process_of(plan(move_group, "well"))
    move_group.close()
    assert not is_there(process)


def test_the_process_ends_when_its_parent_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(PARENT, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment
    ) as parent:
        line = parent.stdout.readline()
        parent.kill()
    assert re.match(r"well in \d+$", line)
    assert gone(process_of(line))
