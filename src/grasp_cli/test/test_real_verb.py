"""grasp real and grasp pick: what is started, what is told to start by hand, what is asked."""

import io

import pytest
from rich.console import Console

from grasp_bringup.arguments import REAL_ARGUMENTS
from grasp_bringup.real_stack import real_stack
from grasp_cli.main import command_parser, main
from grasp_cli.verbs import pick, real

FR3 = {"robot": "fr3", "robot_ip": "10.0.0.2", "calibration": "tf", "namespace": "left"}


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_every_argument_of_the_launch_file_is_an_option_but_rviz():
    words = [f"--{name.replace('_', '-')}=x" for name in REAL_ARGUMENTS if name != "rviz"]
    options = command_parser().parse_args(["real", *words])
    assert set(real.texts_of(options)) == set(REAL_ARGUMENTS) - {"rviz"}
    assert real.texts_of(command_parser().parse_args(["real"])) == {}


def test_drivers_that_cannot_be_started_from_here_are_told(monkeypatch):
    monkeypatch.setattr("grasp_bringup.processes.shutil.which", lambda name: None)
    monkeypatch.setenv("AMENT_PREFIX_PATH", "/nowhere")
    told = io.StringIO()
    entries = real._startable(real_stack(FR3), Console(file=told, width=400))
    assert [entry.name for entry in entries] == ["detector", "executor"]
    lines = [line.strip() for line in told.getvalue().splitlines()]
    commands = [line for line in lines if line.startswith("ros2 ")]
    assert len(commands) == 3
    assert "ros2 launch franka_bringup franka.launch.py" in commands[0]
    assert "ros2 run controller_manager spawner fr3_arm_controller" in commands[1]
    assert "ros2 launch realsense2_camera rs_launch.py" in commands[2]
    assert commands[2].endswith("  # with its topics under /left")
    assert sum("by hand:" in line for line in lines) == 3


def test_what_is_missing_is_told_before_anything_starts(capsys):
    assert main(["real", "--drivers", "false"]) == 2
    assert "calibration is not given" in capsys.readouterr().err
    assert main(["real", "--robot", "fr3", "--calibration", "tf"]) == 2
    assert "robot_ip is not given" in capsys.readouterr().err


@pytest.mark.parametrize(("typed", "begins"), [("\n", True), ("n\n", False), ("", False)])
def test_enter_alone_lets_a_motion_begin(monkeypatch, capsys, typed, begins):
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert pick._ask("the arm moves for 2.0 s") is begins
    assert capsys.readouterr().out.startswith("the arm moves for 2.0 s? Enter lets it begin")


def test_attempts_have_bounds(capsys):
    assert main(["pick", "--attempts", "0"]) == 2
    assert "--attempts is 0, must lie in [1, 100]" in capsys.readouterr().err
