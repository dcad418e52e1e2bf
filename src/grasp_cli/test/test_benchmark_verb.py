"""The command: refusals in one line, nothing heavy imported in vain, kill and resume."""

import json
import signal
import subprocess
import sys
import time

import pytest

from grasp_cli.main import main
from grasp_core.hand_eye import HandEye, write_hand_eye
from grasp_core.transform import Transform


def run(*arguments):
    return main(["benchmark", *map(str, arguments)])


def command(*arguments):
    return [sys.executable, "-m", "grasp_cli.main", "benchmark", *map(str, arguments)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--detector", "nosuch"), "valid names are antipodal"),
        (("--detector", "antipodal,"), "no detector ''"),
        (("--detector", "antipodal,antipodal"), "twice"),
        (("--detector", "default,dsc-graspnet"), "twice"),
        (("--detector", "antipodal:x"), "has no weights 'x'"),
        (("--detector", "dsc_graspnet:nosuch"), "no weights 'nosuch'"),
        (("--objects", "nosuch"), "no object set"),
        (("--noise", "nosuch"), "noise is 'nosuch'"),
        (("--protocol", "nosuch"), "protocol is 'nosuch'"),
        (("--clutter", "16"), "clutter is 16"),
        (("--clutter", "0"), "clutter is 0"),
        (("--trials", "0"), "trials is 0"),
        (("--seed", "-1"), "seed is -1"),
        (("--attempts", "0"), "attempts is 0"),
        (("--policy", "nosuch"), "policy is 'nosuch'"),
        (("--workers", "0"), "--workers is 0"),
        (("--scheduler", "tcp://10.0.0.7:8786"), "is not encrypted"),
        (("--scheduler", "tls://10.0.0.7:8786"), "needs --tls FOLDER"),
        (("--tls", "nosuch"), "are about a --scheduler: name one"),
        (("--protocol", "dsc", "--clutter", "2"), "clutter is 2"),
        (("--robot", "nosuch"), "no robot 'nosuch'"),
        (("--cell", "nosuch"), "no cell 'nosuch'"),
        (("--camera-tilt", "steep"), "--camera-tilt 'steep' must be angles from 0 to 80"),
        (("--camera-tilt", "0,95"), "must be angles from 0 to 80"),
        (("--camera-tilt", "20,20"), "must name each tilt once"),
        (("--camera-tilt", "20", "--camera-mount", "hand"), "turns a fixed camera"),
    ],
)
def test_wrong_values_are_refused_in_one_line(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = arguments if "--detector" in arguments else ("--detector", "antipodal", *arguments)
    assert run(*given) == 2
    told = capsys.readouterr().err.strip()
    assert message in told
    assert "\n" not in told
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run("--detector", "antipodal", "--out", tmp_path / "file" / "run") == 2
    assert "--out" in capsys.readouterr().err


def test_nothing_heavy_is_imported_for_geometry_alone():
    modules = "grasp_cli.verbs.benchmark, grasp_benchmark.closed_loop.trial_job"
    code = f"import {modules}, sys; print({{'torch', 'rclpy', 'pybullet'}} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60.0, check=True
    )
    assert done.stdout.strip().endswith("set()")


@pytest.mark.slow
def test_kill_and_interrupt_lose_nothing(objects, tmp_path):
    out, figures = tmp_path / "run", tmp_path / "figures.json"
    arguments = command(
        "--detector", "antipodal", "--objects", objects, "--trials", 8, "--workers", 2,
        "--out", out, "--json", figures,
    )  # fmt: skip
    trials = out / "trials.jsonl"

    def start_until(count):
        running = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 120.0
        while not trials.exists() or trials.read_bytes().count(b"\n") < count:
            assert time.monotonic() < deadline
            assert running.poll() is None, running.communicate()
            time.sleep(0.05)
        return running

    killed = start_until(3)
    killed.kill()
    killed.communicate()
    kept = trials.read_bytes()[: trials.read_bytes().rindex(b"\n") + 1]
    interrupted = start_until(kept.count(b"\n") + 3)
    interrupted.send_signal(signal.SIGINT)
    shown, told = interrupted.communicate(timeout=60.0)
    assert interrupted.returncode == 130
    assert "interrupted" in told
    assert "antipodal" in shown
    assert not json.loads(figures.read_text())["complete"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=240.0, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(figures.read_text())["complete"]
    assert trials.read_bytes().startswith(kept)
    keys = [(one["detector"], one["trial"]) for one in map(json.loads, trials.open())]
    assert sorted(keys) == sorted(set(keys))
    assert len(keys) == 16


def test_a_calibration_of_another_mount_is_refused(tmp_path, capsys):
    path = tmp_path / "hand_eye.yaml"
    write_hand_eye(path, HandEye("panda_hand_tcp", "optical", Transform.identity()))
    assert run("--detector", "antipodal", "--calibration", path) == 2
    told = capsys.readouterr().err
    assert "is relative to 'panda_hand_tcp'" in told
    assert "--camera-mount fixed the camera is on 'panda_link0'" in told
