"""What `grasp sim` takes from its arguments and from the parameter files."""

import argparse
from pathlib import Path

import pytest

from grasp_bringup.pick_record import PickRecord
from grasp_bringup.processes import StackFailed
from grasp_cli.exit_status import FAILED, exit_status
from grasp_cli.verbs import sim as sim_command


def records_of(*codes):
    return [PickRecord("block", code, code == "OK", None, None, 0.0, 1.0, "") for code in codes]


def test_failed_grasps_are_no_fault_of_the_stack():
    sim_command._tell_faults(records_of("OK", "SLIPPED", "EMPTY_GRIP", "COLLISION"), Path("logs"))


def test_faults_of_the_stack_are_told_and_fail_the_command(capsys):
    records = records_of("OK", "SLIPPED", "HARDWARE_LOST", "HARDWARE_LOST", "NO_IMAGE")
    told = "3 of 5 picks ended by faults of the stack, not of the grasp: 2 HARDWARE_LOST, 1 NO_IM"
    with pytest.raises(StackFailed, match=told):
        sim_command._tell_faults(records, Path("logs"))
    assert exit_status(lambda: sim_command._tell_faults(records, Path("logs"))) == FAILED
    assert "logs in logs" in capsys.readouterr().err


def options_of(*arguments):
    parser = argparse.ArgumentParser()
    sim_command.add_arguments(parser)
    return parser.parse_args(arguments)


def test_the_command_tells_what_the_files_decide(edit):
    edit("simulator", "noise: none", "noise: d435")
    edit("simulator", "clutter: 1", "clutter: 4")
    edit("detector", "detector: default", "detector: antipodal")
    options = options_of("--seed", "7")
    named = sim_command.check(options)
    assert named == {"seed": "7", "speed": "max", "continuous": "false"}
    assert (options.noise, options.clutter, options.detector) == ("d435", 4, "antipodal")
    options = options_of("--noise", "none", "--gui", "--camera-tilt", "20")
    named = sim_command.check(options)
    assert named == {
        **{"noise": "none", "gui": "true", "camera_tilt": "20.0"},
        **{"speed": "1", "continuous": "true"},
    }
    assert options.noise == "none"
