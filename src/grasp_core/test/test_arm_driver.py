"""The driver of an arm: what its file may hold, and what its launch file is told."""

import pytest

from grasp_core.arm_driver import ArmDriver, load_arm_driver
from grasp_core.config_folder import config_dir
from grasp_core.errors import ConfigError

DESCRIBED = sorted(path.parent.name for path in (config_dir() / "robots").glob("*/driver.yaml"))


@pytest.mark.parametrize("robot", DESCRIBED)
def test_shipped_drivers_load(robot):
    driver = load_arm_driver(robot)
    assert bool(driver.package) != bool(driver.ended)
    assert bool(driver.needs) == bool(driver.package)


def test_placeholders_are_filled_and_empty_arguments_are_not_given():
    driver = ArmDriver(
        package="p",
        launch_file="l",
        parameters={"ip": "{robot_ip}", "ns": "{namespace}", "file": "{robot_folder}/c", "n": 3},
        hand_parameters={"claw": {"claw_at": "{robot_ip}:1"}},
    )
    assert driver.needs_ip
    assert driver.takes_namespace
    folder = config_dir() / "robots" / "r"
    assert driver.parameters_for("r", "other", "10.0.0.2") == {
        "ip": "10.0.0.2",
        "file": f"{folder}/c",
        "n": 3,
    }
    with_claw = driver.parameters_for("r", "claw", "10.0.0.2", "left")
    assert (with_claw["claw_at"], with_claw["ns"]) == ("10.0.0.2:1", "left")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "needs a package and a launch_file, or ended"),
        ({"package": "p"}, "needs a package and a launch_file, or ended"),
        ({"package": "p", "launch_file": "l", "ended": "gone"}, "needs a package and a launch_f"),
        (
            {"package": "p", "launch_file": "l", "parameters": {"a": "{ip}"}},
            r"parameter a is '{ip}': placeholders are {robot_ip}, {namespace}, {robot_folder}",
        ),
        (
            {"package": "p", "launch_file": "l", "hand_parameters": {"claw": 3}},
            "hand_parameters of claw is 3, must be a mapping",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        ArmDriver(**values)
