"""Somebody else's driver in a stack: as launch actions, and as a process of its own."""

import json
import runpy
import sys
import time
from pathlib import Path

import pytest

from grasp_bringup import processes, stack
from grasp_bringup.arguments import SIM_ARGUMENTS
from grasp_bringup.description import DriverDescription
from grasp_bringup.processes import NodeProcesses, command_of
from grasp_bringup.stack import camera_driver, sim_stack, sim_view
from grasp_core.camera_profile import load_camera
from grasp_core.errors import ConfigError, MissingDependency

NODE = DriverDescription(
    "arm_driver",
    "my_arm",
    executable="arm_node",
    parameters={"ip": "10.0.0.1", "rate": 100, "soft": True},
    remappings={"joint_states": "arm/joint_states"},
    namespace="left",
)
LAUNCH = DriverDescription(
    "camera",
    "my_camera",
    launch_file="camera.launch.py",
    parameters={"align": True, "fps": 30},
    remappings={"image": "color/image"},
    namespace="left",
)


# -- as launch actions -------------------------------------------------------------------------


def test_a_drivers_executable_is_a_node(launching):
    (action,) = launching.actions_of([NODE])
    assert action.kind == "Node"
    assert action.fields == {
        "package": "my_arm",
        "executable": "arm_node",
        "name": "arm_driver",
        "namespace": "left",
        "arguments": [],
        "parameters": [{"ip": "10.0.0.1", "rate": 100, "soft": True}],
        "remappings": [("joint_states", "arm/joint_states")],
        "output": "screen",
    }


def test_a_drivers_launch_file_is_included_in_a_scope_of_its_own(launching):
    (group,) = launching.actions_of([LAUNCH])
    assert group.kind == "GroupAction"
    namespace, remap, included = group.args[0]
    assert (namespace.kind, namespace.args) == ("PushRosNamespace", ("left",))
    assert (remap.kind, remap.args) == ("SetRemap", ("image", "color/image"))
    assert group.fields == {"forwarding": False}  # none of our arguments is taken for one of its
    assert included.fields["launch_arguments"] == [("align", "true"), ("fps", "30")]
    (source,) = included.args
    package, *path = source.args[0].args[0]
    assert (source.kind, package.args, path) == (
        "AnyLaunchDescriptionSource",
        ("my_camera",),
        ["launch", "camera.launch.py"],
    )


def test_nodes_and_drivers_stand_side_by_side(launching):
    kinds = [action.kind for action in launching.actions_of([*sim_stack(), NODE])]
    assert kinds[0] == kinds[-1] == "Node"
    assert kinds.count("LifecycleNode") == 2
    assert kinds.count("EmitEvent") == 2  # configure each


def test_the_launch_file_starts_the_stack_and_shows_its_robot_and_camera(launching):
    path = Path(launching.__file__).parents[3] / "launch" / "sim.launch.py"
    sim = runpy.run_path(str(path))
    described = sim["generate_launch_description"]().args[0]
    declared = [action.args[0] for action in described if action.kind == "DeclareLaunchArgument"]
    assert declared == list(SIM_ARGUMENTS)
    actions = sim["start"]({"camera": "kinect2", "detector": "antipodal"})
    rviz = actions[-1].fields
    assert rviz["arguments"][2:] == ["-f", "panda_link0"]
    assert dict(rviz["remappings"])["/camera/camera/color/image_raw"] == (
        "kinect2/qhd/image_color_rect"
    )
    started = [action.fields.get("executable") for action in actions]
    assert started[0] == "sim_node"
    assert {"detector_node", "executor_node", "rviz2"} <= set(started)


def test_rviz_shows_the_topics_that_its_file_names():
    shown = (Path(stack.__file__).parents[1] / "rviz" / "grasp.rviz").read_text()
    for topic in list(sim_view({}).remappings)[:2]:  # colour and depth
        assert f"Topic: {topic}\n" in shown


# -- processes -----------------------------------------------------------------------------------


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs an executable of a package as colcon does."""
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path / 'ros'}")

    def install(driver, program):
        path = tmp_path / "ros" / "lib" / driver.package / driver.executable
        path.parent.mkdir(parents=True)
        path.write_text(f"#!{sys.executable}\n{program}")
        path.chmod(0o755)
        return path

    return install


def until(condition):
    deadline = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.01)


def test_a_drivers_executable_runs_with_its_settings(installed, tmp_path):
    path = installed(
        NODE, "import json, sys, time\nprint(json.dumps(sys.argv), flush=True)\ntime.sleep(60)\n"
    )
    with NodeProcesses([NODE], tmp_path / "logs") as running:
        until(lambda: running.tail("arm_driver"))
        running.check()
        told = json.loads(running.tail("arm_driver"))
    assert told == [
        str(path),
        *("--ros-args", "-r", "__node:=arm_driver", "-r", "__ns:=/left"),
        *("-r", "joint_states:=arm/joint_states"),
        *("-p", 'ip:="10.0.0.1"', "-p", "rate:=100", "-p", "soft:=true"),
    ]


STUBBORN = """
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
print(child.pid, flush=True)
time.sleep(60)
"""


def is_running(pid):
    """Whether a process runs; one that has ended may wait for ever to be asked for its status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_driver_that_does_not_end_is_killed_with_its_children(installed, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_GRACE_S", 0.3)
    installed(NODE, STUBBORN)
    with NodeProcesses([NODE], tmp_path / "logs") as running:
        until(lambda: running.tail("arm_driver"))
        child = int(running.tail("arm_driver"))
        assert is_running(child)
    until(lambda: not is_running(child))


def test_nothing_is_started_where_a_driver_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    with (
        pytest.raises(MissingDependency, match=r"arm_node .*my_arm.*ros-jazzy-my-arm"),
        NodeProcesses([*sim_stack(), NODE], tmp_path / "logs"),
    ):
        pass
    assert list((tmp_path / "logs").iterdir()) == []


def test_a_launch_file_needs_a_distribution(monkeypatch):
    driver = DriverDescription("camera", "my_camera", "", "c.launch.py", {"a": True})
    monkeypatch.setattr(processes.shutil, "which", lambda name: None)
    with pytest.raises(MissingDependency, match=r"ros-jazzy-ros2launch and ros-jazzy-my-camera"):
        command_of(driver)
    monkeypatch.setattr(processes.shutil, "which", lambda name: f"/bin/{name}")
    assert command_of(driver) == ["/bin/ros2", "launch", "my_camera", "c.launch.py", "a:=true"]
    with pytest.raises(ConfigError, match=r"driver camera: .* without remappings or a namespace"):
        command_of(LAUNCH)


# -- descriptions --------------------------------------------------------------------------------


@pytest.mark.parametrize("fields", [{}, {"executable": "e", "launch_file": "l"}])
def test_a_driver_starts_one_thing(fields):
    with pytest.raises(ConfigError, match="driver d needs either an executable or a launch_file"):
        DriverDescription("d", "p", **fields)


@pytest.mark.parametrize("name", ["femto_bolt", "realsense"])
def test_a_cameras_driver_is_that_of_its_profile(name):
    driver, profile = camera_driver(name), load_camera(name).driver
    assert driver.package == profile.package
    assert driver.launch_file == profile.launch_file
    assert driver.parameters == profile.parameters


@pytest.mark.parametrize(
    ("name", "told"),
    [("realsense", {"serial_no": "_831612073525"}), ("femto_bolt", {"serial_number": "CL8F"})],
)
def test_one_of_several_cameras_is_chosen_by_its_serial_number(name, told):
    parameters = camera_driver(name, told[next(iter(told))].lstrip("_")).parameters
    assert dict(parameters) == {**load_camera(name).driver.parameters, **told}


@pytest.mark.parametrize("name", ["azure_kinect", "kinect2"])
def test_a_discontinued_camera_says_that_it_has_no_driver(name):
    with pytest.raises(ConfigError, match=r"no driver.*end.? at Humble.*one of femto_bolt, real"):
        camera_driver(name)
