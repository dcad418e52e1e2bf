"""The grasp command as people use it: results, refusals, a clean end."""

import csv
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest
from running_stack import other_domain

pytestmark = pytest.mark.ros

TIMEOUT_S = 120.0


def command(*arguments):
    return [sys.executable, "-m", "grasp_cli.main", *map(str, arguments)]


def environment_of(domain):
    return {**os.environ, "ROS_DOMAIN_ID": domain}


def nodes_in(domain):
    """Processes of stack nodes in a domain: command lines by process."""
    found = {}
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().decode(errors="replace")
            environment = (folder / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if ".node\0" in line and f"ROS_DOMAIN_ID={domain}\0" in environment:
            found[int(folder.name)] = line
    return found


def wait_until(condition, timeout_s=20.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_results_are_written_and_the_table_is_shown(objects, tmp_path):
    arguments = ("sim", "--picks", 2, "--objects", objects, "--seed", 3, "--detector", "antipodal")
    outputs = ("--json", tmp_path / "results.json", "--report", tmp_path / "report")
    done = subprocess.run(
        command(*arguments, *outputs),
        env=environment_of(other_domain(3)),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["picks"] == 2
    assert results["false_success"] == 0
    by_object = {row["object"]: row for row in results["results"]}
    assert by_object["block"]["code"] == "OK"
    assert by_object["block"]["held_s"] >= 3.0
    assert by_object["crate"]["code"] == "TOO_WIDE"
    assert results["success"] == 1
    assert "1 of 2 picked" in done.stdout
    assert "renderer" in done.stdout
    rows = list(csv.DictReader((tmp_path / "report" / "picks.csv").open()))
    assert {row["code"] for row in rows} == {"OK", "TOO_WIDE"}
    assert len(list((tmp_path / "report").glob("*.png"))) == 2


def test_an_interrupt_leaves_no_process(objects):
    environment = environment_of(other_domain(4))
    running = subprocess.Popen(
        command("sim", "--picks", 50, "--objects", objects),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while "pick 1 of 50" not in (line := running.stdout.readline()):
            assert line, running.stderr.read()
        assert len(nodes_in(environment["ROS_DOMAIN_ID"])) == 3
        running.send_signal(signal.SIGINT)
        running.wait(timeout=30.0)
    finally:
        running.kill()
    assert running.returncode == 130
    assert running.stderr.read() == "interrupted: every node has ended\n"
    assert "of 50 picks" in running.stdout.read()  # what was measured is shown
    wait_until(lambda: nodes_in(environment["ROS_DOMAIN_ID"]) == {})


def test_a_killed_command_takes_its_nodes_along(objects):
    environment = environment_of(other_domain(5))
    running = subprocess.Popen(
        command("sim", "--picks", 50, "--objects", objects),
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: len(nodes_in(environment["ROS_DOMAIN_ID"])) == 3)
    running.kill()
    running.wait(timeout=10.0)
    wait_until(lambda: nodes_in(environment["ROS_DOMAIN_ID"]) == {})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--picks", "0"), "--picks is 0"),
        (("--clutter", "16"), "--clutter is 16"),
        (("--speed", "fast"), "--speed is 'fast'"),
        (("--detector", "nosuch"), "valid names are antipodal"),
        (("--objects", "nosuch"), "no object set 'nosuch'"),
        (("--camera-tilt", "50"), "--camera-tilt is 50.0"),
    ],
)
def test_impossible_arguments_are_refused_before_anything_starts(arguments, message):
    done = subprocess.run(
        command("sim", *arguments), capture_output=True, text=True, timeout=60.0, check=False
    )
    assert done.returncode == 2
    assert message in done.stderr


HASTY = """
import sys
from grasp_bringup import environment
environment.prepare()
from grasp_bringup.heartbeat import Heartbeat
from grasp_cli import main
Heartbeat.__init__.__kwdefaults__["silent_s"] = 15.0
sys.exit(main.main(sys.argv[1:]))
"""


def test_a_node_that_hangs_fails_the_command(objects):
    environment = environment_of(other_domain(3))
    arguments = ("sim", "--picks", "50", "--objects", str(objects), "--detector", "antipodal")
    running = subprocess.Popen(
        [sys.executable, "-c", HASTY, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while "pick 1 of 50" not in (line := running.stdout.readline()):
            assert line, running.stderr.read()
        (executor,) = (
            process
            for process, line in nodes_in(environment["ROS_DOMAIN_ID"]).items()
            if "grasp_executor" in line
        )
        os.kill(executor, signal.SIGSTOP)
        running.wait(timeout=TIMEOUT_S)
    finally:
        running.kill()
    assert running.returncode == 1
    assert "node executor has not answered for" in running.stderr.read()
    assert nodes_in(environment["ROS_DOMAIN_ID"]) == {}


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("ROS_DOMAIN_ID", "lab", "ROS_DOMAIN_ID is 'lab', must be a whole number from 0 to 232"),
        ("ROS_LOG_DIR", "/proc", "cannot write logs to /proc"),
    ],
)
def test_what_ros_cannot_use_is_told_in_a_sentence(variable, value, message):
    done = subprocess.run(
        command("sim", "--picks", 1),
        env={**os.environ, variable: value},
        capture_output=True,
        text=True,
        timeout=60.0,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {message}")
    assert len(done.stderr.splitlines()) == 1


LATE = """
import sys
from grasp_bringup import environment
environment.prepare()
from grasp_bringup import client
from grasp_cli import main
client._DISCOVERY_S = 0.0
sys.exit(main.main(["sim", "--picks", "1"]))
"""


@pytest.mark.parametrize(
    "program",
    [command("sim", "--picks", 1), [sys.executable, "-c", LATE]],
    ids=["seen at once", "seen late"],
)
def test_another_stack_is_not_disturbed(stack, program):
    done = subprocess.run(
        program,
        env=environment_of(stack.domain),
        capture_output=True,
        text=True,
        timeout=60.0,
        check=False,
    )
    assert done.returncode == 1
    assert "another stack answers already" in done.stderr
    assert stack.client.is_active("executor")
