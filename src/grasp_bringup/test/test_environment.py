"""What a shell has sourced or set before: set aside, kept, or told in a sentence."""

import json
import os
import subprocess
import sys

import pytest

from grasp_bringup import environment
from grasp_core.errors import ConfigError

PROGRAM = """
import os, sys
from grasp_bringup import environment
environment.prepare(restart=True)
import rclpy, numpy
node = rclpy.init() or rclpy.create_node("sourced")
print(rclpy.__file__, os.environ.get("RMW_IMPLEMENTATION", "default"), sys.argv[1:], sep="|")
"""


@pytest.fixture
def other_ros(tmp_path):
    """A distribution for another Python, whose packages and libraries are of no use here."""
    prefix = tmp_path / "opt" / "ros" / "humble"
    packages = prefix / "lib" / "python3.10" / "site-packages"
    for name in ("rclpy", "numpy"):
        (packages / name).mkdir(parents=True)
        (packages / name / "__init__.py").write_text("raise ImportError('another Python')")
    for library in ("librcutils.so", "librcl.so", "librmw_cyclonedds_cpp.so"):
        (prefix / "lib" / library).write_text("no library of this machine")
    return prefix


def variables_of(prefix, **others):
    """Environment of a shell that has sourced a distribution."""
    known = {key: value for key, value in os.environ.items() if key != environment._SOURCED}
    return {
        **known,
        "ROS_DISTRO": prefix.name,
        "PYTHONPATH": os.pathsep.join(
            [str(prefix / "lib/python3.10/site-packages"), os.environ.get("PYTHONPATH", "")]
        ),
        "LD_LIBRARY_PATH": os.pathsep.join(
            [str(prefix / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]
        ),
        "AMENT_PREFIX_PATH": str(prefix),
        **others,
    }


@pytest.mark.ros
def test_a_sourced_distribution_does_not_get_in_the_way(other_ros):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "an argument"],
        env=variables_of(other_ros, RMW_IMPLEMENTATION="rmw_cyclonedds_cpp"),
        capture_output=True,
        text=True,
        timeout=60.0,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    module, middleware, arguments = done.stdout.strip().split("|")
    assert module.startswith(sys.prefix)
    assert (middleware, arguments) == ("default", "['an argument']")
    assert done.stderr == (
        "RMW_IMPLEMENTATION is rmw_cyclonedds_cpp, which is not installed here: the default of "
        "ROS 2 Jazzy is used\n"
    )


@pytest.fixture
def prepared(monkeypatch):
    """Prepares in an environment, without starting anew, and returns what came of it."""
    monkeypatch.setattr(sys, "path", list(sys.path))  # what a test adds goes with it

    def prepare(variables):
        monkeypatch.setattr(os, "environ", dict(variables))
        environment.prepare()
        return os.environ

    return prepare


def test_what_is_set_aside_is_there_for_drivers_of_that_distribution(other_ros, prepared):
    before = variables_of(other_ros)
    sys.path.insert(0, str(other_ros / "lib/python3.10/site-packages"))
    after = prepared(before)
    assert str(other_ros) not in after.get("PYTHONPATH", "")
    assert not [entry for entry in sys.path if entry.startswith(str(other_ros))]
    assert after["LD_LIBRARY_PATH"].endswith(f"{os.pathsep}{other_ros / 'lib'}")
    for_drivers = environment.sourced_environment()
    assert for_drivers["PYTHONPATH"].startswith(f"{other_ros}/lib/python3.10")
    assert for_drivers["LD_LIBRARY_PATH"].startswith(f"{other_ros}/lib{os.pathsep}")
    assert environment._SOURCED not in for_drivers
    again = prepared(dict(after))
    assert json.loads(again[environment._SOURCED])["PYTHONPATH"] == for_drivers["PYTHONPATH"]


def test_packages_of_ones_own_are_kept(tmp_path, prepared):
    own = str(tmp_path / f"lib/{environment._VERSION}/site-packages")
    after = prepared({**os.environ, "PYTHONPATH": own})
    assert after["PYTHONPATH"] == own
    assert environment._SOURCED not in after
    assert environment.sourced_environment() == after


def test_a_middleware_of_ones_own_is_kept(tmp_path, prepared, capsys):
    (tmp_path / "lib").mkdir()
    asked = {**os.environ, "AMENT_PREFIX_PATH": str(tmp_path), "RMW_IMPLEMENTATION": "rmw_lab"}
    asked.pop("ROS_DISTRO", None)
    assert "RMW_IMPLEMENTATION" not in prepared(asked)
    assert "rmw_lab, which is not installed here" in capsys.readouterr().err
    (tmp_path / "lib" / "librmw_lab.so").touch()
    assert prepared(asked)["RMW_IMPLEMENTATION"] == "rmw_lab"
    assert "RMW_IMPLEMENTATION" not in prepared({**asked, "ROS_DISTRO": "humble"})
    asked["RMW_IMPLEMENTATION"] = "rmw_fastrtps_cpp"
    assert prepared(asked)["RMW_IMPLEMENTATION"] == "rmw_fastrtps_cpp"


def test_the_labs_middleware_is_kept_where_a_distribution_is_sourced(
    tmp_path, prepared, capsys, monkeypatch
):
    monkeypatch.setattr(sys, "prefix", str(tmp_path))  # an environment that is no ROS prefix
    labs = {**os.environ, "ROS_DISTRO": "jazzy", "RMW_IMPLEMENTATION": "rmw_zenoh_cpp"}
    assert prepared(labs)["RMW_IMPLEMENTATION"] == "rmw_zenoh_cpp"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("domain", ["233", "-1", "7.0", "lab", "²", " 7"])
def test_a_domain_that_cannot_be_is_refused(monkeypatch, tmp_path, domain):
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path))
    monkeypatch.setenv("ROS_DOMAIN_ID", domain)
    with pytest.raises(ConfigError, match=r"ROS_DOMAIN_ID is .*from 0 to 232"):
        environment.require_usable()
    for good in ("0", "232", ""):
        monkeypatch.setenv("ROS_DOMAIN_ID", good)
        environment.require_usable()


def test_a_log_folder_that_cannot_be_written_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("ROS_LOG_DIR", str(tmp_path / "new" / "logs"))
    assert environment.log_folder().is_dir()
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file" / "logs", "/proc"):
        monkeypatch.setenv("ROS_LOG_DIR", str(folder))
        with pytest.raises(ConfigError, match=f"cannot write logs to {folder}: .*set ROS_LOG_DIR"):
            environment.require_usable()
