"""The stack over a real robot: what is refused, what is told, and which drivers are started."""

import datetime as dt
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from grasp_bringup import real_stack as module
from grasp_bringup.arguments import REAL_ARGUMENTS
from grasp_bringup.processes import by_hand, command_of
from grasp_bringup.real_stack import real_stack
from grasp_core.arm_driver import load_arm_driver
from grasp_core.camera_profile import load_camera
from grasp_core.config_folder import config_dir
from grasp_core.errors import BadCalibration, ConfigError
from grasp_core.robot import load_robot, robot_names
from grasp_core.transform import Transform
from grasp_executor.config import ExecutorConfig
from grasp_executor.first_pick import FirstPick
from grasp_executor.planning.moveit_config import MOVEIT_PY, MoveItConfig

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.timezone.utc)
UP = {"calibration": "tf", "drivers": "false"}


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    """A computer from which nobody has ever picked."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def arm(request, monkeypatch):
    """The name of an arm that can be chosen, whether its profile is here or not."""
    name = request.param
    choices = tuple({*robot_names(), name})
    named = replace(REAL_ARGUMENTS["robot"], choices=choices)
    monkeypatch.setitem(REAL_ARGUMENTS, "robot", named)
    known = name if name in robot_names() else "panda"
    monkeypatch.setattr(module, "load_robot", lambda _, hand: load_robot(known, hand))
    return name


def calibration_file(folder, **changes):
    pose = Transform.from_translation(0.5, 0.0, 0.9)
    content = {
        "parent_frame": "panda_link0",
        "child_frame": "camera_color_optical_frame",
        "translation": pose.translation.tolist(),
        "rotation_xyzw": pose.quaternion.tolist(),
        "date": NOW.isoformat(),
        "camera_serial": "831612073525",
        **changes,
    }
    path = folder / "hand_eye.yaml"
    path.write_text(yaml.safe_dump({k: v for k, v in content.items() if v is not None}))
    return path


def parameters(stack):
    return {node.name: node.parameters for node in stack.nodes}


# -- the first start ------------------------------------------------------------------------------


def test_the_first_start_of_a_robot_is_a_dry_run():
    stack = real_stack(UP)
    assert parameters(stack)["executor"]["dry_run"] is True
    assert any("has never picked" in one and "dry_run:=false" in one for one in stack.notices)
    for told in ("true", "false"):
        asked = real_stack({**UP, "dry_run": told})
        assert parameters(asked)["executor"]["dry_run"] is (told == "true")
        assert asked.notices == []


def test_a_robot_that_has_picked_moves():
    hand = load_robot("panda").arm.gripper
    memory = FirstPick("", "panda", hand)
    memory.note()
    assert json.loads(memory.path.read_text()) == {"picked": True}
    stack = real_stack(UP)
    assert parameters(stack)["executor"]["dry_run"] is False
    assert stack.notices == []
    other = real_stack({**UP, "gripper": "force_hand"})
    assert parameters(other)["executor"]["dry_run"] is True


def test_a_memory_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    memory = FirstPick(str(tmp_path / "file" / "folder"), "panda", "franka_hand")
    with pytest.raises(ConfigError, match=r"cannot remember the first pick.*dry runs stay"):
        memory.note()
    memory.note()  # told once
    assert not memory.was_done


# -- calibration ----------------------------------------------------------------------------------


def test_no_calibration_is_refused():
    with pytest.raises(ConfigError, match=r"calibration is not given.*grasp calibrate.*=tf"):
        real_stack({"drivers": "false"})


def test_the_nodes_read_the_calibration_that_is_published(tmp_path):
    path = calibration_file(tmp_path)
    serial = {"camera_serial": "831612073525"}
    stack = real_stack({**UP, "calibration": str(path), **serial}, NOW)
    told = parameters(stack)
    assert told["detector"]["hand_eye"] == told["executor"]["hand_eye"] == str(path)
    assert told["calibration_publisher"]["hand_eye"] == str(path)
    assert told["calibration_publisher"]["root_frame"] == load_camera("realsense").root_frame
    assert stack.notices[:-1] == []


def test_with_tf_no_file_counts_and_nothing_is_published():
    told = parameters(real_stack(UP))
    assert told["detector"]["hand_eye"] == told["executor"]["hand_eye"] == ""
    assert "calibration_publisher" not in told


@pytest.mark.parametrize(
    ("changes", "arguments", "message"),
    [
        (
            {},
            {"camera_serial": "42"},
            "of the camera 831612073525, about to run is 42",
        ),
        ({}, {"camera_mount": "hand"}, "in the robot's base 'panda_link0'.*camera_mount:=fixed"),
        ({"parent_frame": "panda_hand"}, {}, "places the camera in 'panda_hand'.*mount:=hand"),
        ({"parent_frame": "fr3_link0"}, {}, "places the camera in 'fr3_link0'"),
        ({"rotation_xyzw": [0, 0, 0, 0]}, {}, "hand_eye.yaml"),
        ({"translation": None}, {}, "lacks translation"),
        ({"date": "last week"}, {}, "has date 'last week'"),
    ],
)
def test_calibrations_of_something_else_are_refused(tmp_path, changes, arguments, message):
    path = calibration_file(tmp_path, **changes)
    with pytest.raises(BadCalibration, match=message):
        real_stack({**UP, "calibration": str(path), **arguments}, NOW)


@pytest.mark.parametrize(
    ("changes", "serial", "told"),
    [
        ({"date": (NOW - dt.timedelta(30)).isoformat()}, "831612073525", []),
        (
            {"date": (NOW - dt.timedelta(31)).isoformat()},
            "",
            ["31 days old, more than 30.*calibrate --check"],
        ),
        ({"date": "2025-03-01T12:00:00+00:00"}, "", ["365 days old"]),
        ({"date": None}, "", ["does not say when it was made.*calibrate --check"]),
        ({"camera_serial": None}, "42", ["does not say which camera.*is of 42"]),
        ({"parent_frame": "panda_hand"}, "", []),
    ],
)
def test_what_speaks_against_a_calibration_is_told(tmp_path, changes, serial, told):
    path = calibration_file(tmp_path, **changes)
    mount = "hand" if "parent_frame" in changes else "fixed"
    given = {"calibration": str(path), "camera_mount": mount}
    given["camera_serial"] = serial or "831612073525"
    notices = real_stack({**UP, **given, "dry_run": "false"}, NOW).notices
    assert len(notices) == len(told)
    for notice, message in zip(notices, told, strict=True):
        assert re.search(message, notice)


def test_the_driver_opens_the_camera_of_the_calibration(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_arm_drivers", lambda choice: [])
    path = calibration_file(tmp_path)
    given = {"calibration": str(path), "dry_run": "false"}
    stack = real_stack(given, NOW)
    assert stack.drivers[0].parameters["serial_no"] == "_831612073525"
    assert stack.notices == []
    unchecked = real_stack({**given, "drivers": "false"}, NOW)
    assert "camera 831612073525; whether that one runs was not checked" in unchecked.notices[0]
    named = {**given, "drivers": "false", "camera_serial": "831612073525"}
    assert real_stack(named, NOW).notices == []


# -- drivers --------------------------------------------------------------------------------------

ARMS = ["fr3", "fanuc_lrmate200id", "fanuc_crx10ia"]
WITH = {"calibration": "tf", "robot_ip": "10.0.0.2", "rviz": "false"}


def test_no_drivers_are_started_where_the_lab_starts_them():
    assert real_stack(UP).drivers == []


def test_an_arm_without_a_driver_says_so():
    with pytest.raises(ConfigError, match=r"panda has no driver for ROS 2 Jazzy.*drivers:=false"):
        real_stack({"calibration": "tf"})


def test_an_arm_whose_driver_nobody_has_described_says_so():
    with pytest.raises(ConfigError, match=r"nosuch has no driver.yaml .*drivers:=false"):
        load_arm_driver("nosuch")


@pytest.mark.parametrize("arm", ARMS, indirect=True)
def test_an_address_is_asked_for(arm):
    with pytest.raises(ConfigError, match=f"robot_ip is not given, which the driver of {arm} ne"):
        real_stack({"robot": arm, "calibration": "tf", "rviz": "false"})


@pytest.mark.parametrize("arm", ["fr3"], indirect=True)
def test_the_fr3_comes_with_its_hand_and_its_controller(arm):
    driver, spawner, camera = real_stack(
        {**WITH, "robot": arm, "gripper": "franka_hand", "camera_serial": "83"}
    ).drivers
    assert (driver.package, driver.launch_file) == ("franka_bringup", "franka.launch.py")
    folder = config_dir() / "robots" / "fr3"
    assert driver.parameters == {
        "robot_type": "fr3",
        "robot_ip": "10.0.0.2",
        "controllers_yaml": str(folder / "controllers.yaml"),
        "load_gripper": True,
    }
    assert (spawner.package, spawner.executable) == ("controller_manager", "spawner")
    assert spawner.arguments[0] == "fr3_arm_controller"
    assert spawner.ends
    assert camera.parameters["serial_no"] == "_83"
    with_another = real_stack({**WITH, "robot": arm, "gripper": "force_hand"}).drivers[0]
    assert "load_gripper" not in with_another.parameters


def test_the_controllers_of_the_fr3_are_those_that_are_spawned_and_used():
    content = yaml.safe_load((config_dir() / "robots/fr3/controllers.yaml").read_text())["/**"]
    manager = content["controller_manager"]["ros__parameters"]
    types = {
        name for name, value in manager.items() if isinstance(value, dict) and "type" in value
    }
    driver = load_arm_driver("fr3")
    assert set(driver.controllers) < types
    # What franka.launch.py spawns by itself.
    assert {"joint_state_broadcaster", "franka_robot_state_broadcaster"} < types
    (controller,) = driver.controllers
    joints = content[controller]["ros__parameters"]["joints"]
    assert joints == [f"fr3_joint{n}" for n in range(1, 8)]
    if "fr3" in robot_names():
        profile = load_robot("fr3").arm
        assert list(profile.joints) == joints
        assert profile.trajectory_action.partition("/")[0] == controller


@pytest.mark.parametrize("arm", ["fanuc_lrmate200id", "fanuc_crx10ia"], indirect=True)
def test_a_fanuc_is_started_by_its_own_launch_file_without_its_rviz(arm):
    driver, camera = real_stack({**WITH, "robot": arm}).drivers
    assert (driver.package, camera.package) == ("fanuc_hardware_interface", "realsense2_camera")
    assert driver.parameters["robot_model"] == arm.removeprefix("fanuc_")
    assert driver.parameters["robot_ip"] == "10.0.0.2"
    assert driver.parameters["launch_rviz"] is False
    assert "namespace" not in driver.parameters


@pytest.mark.parametrize("arm", ARMS, indirect=True)
def test_everything_is_in_the_namespace_once(arm):
    stack = real_stack({**WITH, "robot": arm, "namespace": "/left/"})
    assert {node.namespace for node in stack.nodes} == {"left"}
    driver, *others = stack.drivers
    assert driver.parameters["namespace"] == "left"
    assert driver.namespace == ""  # it puts its nodes there itself: not twice
    assert {other.namespace for other in others} == {"left"}
    for node in stack.nodes:
        assert "__ns:=/left" in command_of(node)


@pytest.mark.parametrize("arm", ["fr3"], indirect=True)
def test_a_camera_from_elsewhere_is_not_started(arm):
    stack = real_stack({**WITH, "robot": arm, "camera": "none"})
    assert all(driver.package != "realsense2_camera" for driver in stack.drivers)
    assert parameters(stack)["detector"]["camera"] == "realsense"


def test_a_discontinued_camera_is_refused_unless_somebody_else_starts_it(monkeypatch):
    monkeypatch.setattr(module, "_arm_drivers", lambda choice: [])
    with pytest.raises(ConfigError, match="kinect2 has no driver for ROS 2 Jazzy"):
        real_stack({"calibration": "tf", "camera": "kinect2"})
    assert parameters(real_stack({**UP, "camera": "kinect2"}))["detector"]["camera"] == "kinect2"


@pytest.mark.parametrize("arm", ["fr3"], indirect=True)
def test_drivers_that_cannot_be_started_from_here_are_told_as_commands(arm):
    driver, spawner, _ = real_stack({**WITH, "robot": arm, "namespace": "left"}).drivers
    assert by_hand(driver).startswith(
        "ros2 launch franka_bringup franka.launch.py robot_type:=fr3"
    )
    assert " namespace:=left " in by_hand(driver)
    assert by_hand(spawner) == (
        "ros2 run controller_manager spawner fr3_arm_controller --controller-manager-timeout 60 "
        "--ros-args -r __ns:=/left"
    )


# -- MoveIt ---------------------------------------------------------------------------------------


def test_moveit_plans_with_a_move_group_of_this_robot(monkeypatch):
    monkeypatch.setattr(module, "_arm_drivers", lambda choice: [])
    given = {"calibration": "tf", "camera": "none", "planner": "moveit", "namespace": "left"}
    (group,) = real_stack(given).drivers
    assert (group.package, group.executable) == ("moveit_ros_move_group", "move_group")
    assert group.namespace == "left"
    written = yaml.safe_load(group.parameter_file.read_text())["/**"]["ros__parameters"]
    assert written["robot_description"].startswith("<robot")
    assert "--params-file" in by_hand(group)
    assert str(group.parameter_file) in by_hand(group)


@pytest.mark.parametrize(
    "given",
    [
        {"planner": "embedded", "move_group": "true"},
        {"planner": "moveit", "move_group": "false"},
        {"planner": "moveit", "drivers": "false"},
    ],
)
def test_no_move_group_is_started_where_none_is_needed_or_the_lab_has_one(given, monkeypatch):
    monkeypatch.setattr(module, "_arm_drivers", lambda choice: [])
    stack = real_stack({"calibration": "tf", "camera": "none", **given})
    assert stack.drivers == []
    assert parameters(stack)["executor"]["planner"] == given["planner"]


def test_no_move_group_is_started_where_the_executor_starts_moveit_py(monkeypatch):
    monkeypatch.setattr(module, "_arm_drivers", lambda choice: [])
    settings = MoveItConfig(server=MOVEIT_PY)
    monkeypatch.setattr(module, "load_node_config", lambda *args: settings)
    assert real_stack({"calibration": "tf", "camera": "none", "planner": "moveit"}).drivers == []


# -- the rest -------------------------------------------------------------------------------------


def test_what_is_named_reaches_the_nodes():
    stack = real_stack(
        {
            **UP,
            "detector": "antipodal",
            "planner": "embedded",
            "step": "true",
            "max_tcp_speed_m_s": "0.1",
            "use_sim_time": "true",
            "cell": "tabletop",
        }
    )
    told = parameters(stack)
    assert told["detector"]["detector"] == "antipodal"
    executor = told["executor"]
    assert (executor["planner"], executor["step"], executor["max_tcp_speed_m_s"]) == (
        "embedded",
        True,
        0.1,
    )
    age_s = ExecutorConfig().max_plan_age_s
    assert executor["max_plan_age_s"] == pytest.approx(2.5 * age_s)  # so much slower is the arm
    assert all(values["use_sim_time"] is True for values in told.values())
    assert "max_tcp_speed_m_s" not in parameters(real_stack(UP))["executor"]


@pytest.mark.parametrize("speed", ["0", "nan", "inf", "9"])
def test_the_speed_limit_cannot_be_taken_away(speed):
    with pytest.raises(ConfigError, match=r"max_tcp_speed_m_s is .*must be a number in \[0.01, 5"):
        real_stack({**UP, "max_tcp_speed_m_s": speed})


def test_rviz_shows_the_robot_of_the_stack():
    assert real_stack({**UP, "rviz": "false"}).view is None
    view = real_stack({**UP, "camera": "femto_bolt", "namespace": "left"}).view
    assert (view.fixed_frame, view.namespace) == ("panda_link0", "left")
    assert view.remappings["/camera/camera/color/image_raw"] == "camera/color/image_raw"
    assert view.remappings["/detector/markers"] == "detector/markers"
    assert view.remappings["/robot_description"] == "robot_description"
    camera = load_camera("realsense")
    shown = {f"/{topic}" for topic in (*camera.topics.values(), camera.depth_info_topic)}
    assert set(real_stack(UP).view.remappings) == shown


def test_nodes_of_different_robots_are_refused(tmp_path, monkeypatch):
    folder = shutil.copytree(config_dir(), tmp_path / "config")
    monkeypatch.setattr("grasp_bringup.stack.config_dir", lambda: folder)
    path = Path(folder / "executor.yaml")
    path.write_text(path.read_text().replace("robot: panda", "robot: other"))
    with pytest.raises(ConfigError, match=r"'panda' in detector.yaml, 'other' in exec"):
        real_stack(UP)
