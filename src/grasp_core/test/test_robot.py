"""Profiles of arms and hands: what is shipped, and every refusal with its name and remedy."""

import dataclasses
import shutil
from xml.etree import ElementTree

import pytest
import yaml

from grasp_core import gripper_profile, robot
from grasp_core.config_folder import config_dir
from grasp_core.errors import ConfigError, MissingDependency
from grasp_core.gripper_profile import GripperProfile, gripper_names, load_gripper
from grasp_core.hand_drivers import (
    DRIVERS,
    ActionDriver,
    DigitalIoDriver,
    GripperCommandDriver,
    with_driver,
)
from grasp_core.jaw_inputs import JawInputs
from grasp_core.reach import require_reach
from grasp_core.robot import load_robot, robot_names

# A Robotiq 2F-85 as its driver has it: 0 is open, and the gap shrinks as the knuckle turns.
ROBOTIQ = {
    "joints": ["knuckle"],
    "finger_links": ["left", "right"],
    "max_gap_m": 0.085,
}
ANGLES = {
    "command_unit": "joint_angle",
    "angle_rad": [0.0, 0.2, 0.4, 0.6, 0.8],
    "gap_m": [0.085, 0.066, 0.045, 0.023, 0.0],
}
FINGERS = {"joints": ["l", "r"], "finger_links": ["l", "r"]}
SWITCHED = {"close_output": "out", "part_present_input": "in"}


def hand_of(values):
    """A hand, as its file says it."""
    return GripperProfile(**with_driver(values, "hand.yaml"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A config folder of one's own, with a copy of what is shipped."""
    copy = tmp_path / "config"
    for name in ("robots", "grippers"):
        shutil.copytree(config_dir() / name, copy / name)
    monkeypatch.setattr(robot, "config_dir", lambda: copy)
    monkeypatch.setattr(gripper_profile, "config_dir", lambda: copy)
    return copy


def edit(path, **changes):
    values = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(values | changes))


@pytest.mark.parametrize("name", robot_names())
def test_shipped_robots_load_with_their_own_hand(name):
    found = load_robot(name)
    assert found.gripper == load_gripper(found.arm.gripper, found.arm.prefix)
    for text in ("package://", "{prefix}", "{tcp}", "{hand}"):
        assert text not in found.urdf
        assert text not in repr((found.arm, found.gripper))
    low, high = found.limits()
    assert all(low < found.arm.observe)
    assert all(found.arm.observe < high)


@pytest.mark.parametrize("name", gripper_names())
def test_commands_of_shipped_hands_mean_a_gap(name):
    hand = load_gripper(name)
    if isinstance(driver := hand.driver, ActionDriver):
        for gap_m in (0.0, 0.03, hand.max_gap_m):
            assert driver.gap_from_command(driver.command_from_gap(gap_m)) == pytest.approx(gap_m)


def test_every_driver_has_a_shipped_hand():
    assert {load_gripper(name).driver.name for name in gripper_names()} == set(DRIVERS)


@pytest.mark.parametrize("name", robot_names())
def test_limits_of_a_profile_are_those_of_its_urdf(name):
    found = load_robot(name)
    limits = {
        joint.get("name"): joint.find("limit").attrib
        for joint in ElementTree.fromstring(found.urdf).findall("joint")
        if joint.find("limit") is not None
    }
    for field in ("lower", "upper", "velocity"):
        in_urdf = [float(limits[joint][field]) for joint in found.arm.joints]
        assert getattr(found.arm, field) == pytest.approx(in_urdf, abs=1e-9)
    each = [float(limits[joint]["upper"]) for joint in found.gripper.joints]
    assert sum(each) == pytest.approx(found.gripper.max_gap_m)


@pytest.mark.parametrize("name", robot_names())
def test_every_robot_reaches_all_of_its_own_cell(name):
    found = load_robot(name)
    assert found.arm.reach_m > 0.0
    require_reach(found, found.arm.cell)


def test_a_cell_that_reaches_further_than_the_arm_is_refused():
    robot = load_robot("fanuc_lrmate200id")
    with pytest.raises(
        ConfigError,
        match=r"workspace of cell tabletop reaches to \(0.72, -?0.28\) m, 0.77 m from "
        "base_link, but fanuc_lrmate200id grasps no further than 0.7 m .* or take lrmate_table",
    ):
        require_reach(robot, "tabletop")
    untold = dataclasses.replace(robot, arm=dataclasses.replace(robot.arm, reach_m=0.0))
    require_reach(untold, "tabletop")


@pytest.mark.parametrize("arm", ["panda", "fr3", "fanuc_lrmate200id"])
@pytest.mark.parametrize("hand", ["franka_hand", "force_hand", "parallel_85"])
def test_any_hand_goes_to_any_arm(arm, hand):
    found = load_robot(arm, hand)
    parents = {
        joint.find("child").get("link"): joint.find("parent").get("link")
        for joint in ElementTree.fromstring(found.urdf).findall("joint")
    }
    root = found.gripper.hand_links[0]
    assert root == f"{found.arm.prefix}hand"
    assert parents[root] == found.arm.flange
    assert parents[found.arm.tcp_frame] == root
    pairs = {frozenset(pair.split()) for pair in found.arm.allowed_contacts}
    assert frozenset(found.gripper.finger_links) in pairs
    assert frozenset((parents[found.arm.flange], root)) in pairs


def test_hands_are_named_as_the_driver_of_the_arm_names_them():
    found = load_robot("fr3", "force_hand")
    assert found.gripper.joints == ("fr3_finger_joint1", "fr3_finger_joint2")
    assert (
        found.gripper.driver_as(GripperCommandDriver).action == "fr3_hand_controller/gripper_cmd"
    )
    assert load_robot("fr3").gripper.joint_states_topic == "franka_gripper/joint_states"


def test_the_hands_of_the_panda_differ_in_force_and_driver_alone():
    real, forceful = load_robot("panda").gripper, load_robot("panda", "force_hand").gripper
    assert (real.max_force_n, real.reports_force, real.joint_states_hz) == (70.0, False, 15.0)
    assert (forceful.max_force_n, forceful.reports_force) == (70.0, True)
    assert (real.driver.name, forceful.driver.name) == ("franka", "gripper_command")
    for field in ("joints", "hand_links", "max_gap_m", "finger_length_m", "hand_width_m"):
        assert getattr(real, field) == getattr(forceful, field)


@pytest.mark.parametrize(
    ("unit", "offset", "position", "read"),
    [("gap", 0.0, 0.06, 0.06), ("finger", 0.01, 0.04, 0.06), ("gap", -0.02, 0.04, 0.06)],
)
def test_units_and_offsets(unit, offset, position, read):
    hand = hand_of(
        {**FINGERS, "gripper_command": {"command_unit": unit, "command_offset": offset}}
    )
    assert hand.driver.command_from_gap(0.06) == pytest.approx(position)
    assert hand.driver.gap_from_command(position) == pytest.approx(0.06)
    assert hand.gap_from_joints([0.02, 0.04]) == pytest.approx(read)  # an offset is no reading's


@pytest.mark.parametrize("offset", [0.0, 0.1])
def test_a_joint_angle_is_read_from_its_table(offset):
    hand = hand_of({**ROBOTIQ, "gripper_command": {**ANGLES, "command_offset": offset}})
    driver = hand.driver
    assert driver.command_from_gap(0.085) == pytest.approx(0.0 + offset)
    assert driver.command_from_gap(0.034) == pytest.approx(0.5 + offset)  # between two entries
    assert driver.command_from_gap(-1.0) == pytest.approx(0.8 + offset)  # no further than its ends
    assert driver.gap_from_command(0.5 + offset) == pytest.approx(0.034)
    assert hand.gap_from_joints([0.5]) == pytest.approx(0.034)
    assert hand.gap_from_joints([9.0]) == 0.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gap_m": [0.085, 0.04, 0.05, 0.02, 0.0]}, r"gap_m is \[0.085, 0.04, 0.05.*grow or shr"),
        ({"gap_m": [0.085, 0.04, 0.04, 0.02, 0.0]}, "gap_m is .*grow or shrink"),
        ({"angle_rad": [0.0, 0.2, 0.1, 0.6, 0.8]}, r"angle_rad is \[0.0, 0.2, 0.1.*must increase"),
        ({"gap_m": [0.085, 0.0]}, "angle_rad has 5 values and gap_m 2"),
        ({"angle_rad": [0.1], "gap_m": [0.085]}, "at least two"),
        ({"command_unit": "gap"}, "belong to command_unit joint_angle, which is 'gap'"),
        ({"command_unit": "inches"}, "command_unit is 'inches', must be one of gap, finger"),
        ({"action": "/gripper_cmd"}, "action is '/gripper_cmd', must be a name without a leading"),
        ({"speed": 1.0}, r"hand.yaml \(gripper_command\): unknown speed; valid names are action"),
    ],
)
def test_impossible_commands_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        hand_of({**ROBOTIQ, "gripper_command": ANGLES | changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"joints": ["a", "b"]}, "reads the one joint"),
        ({"max_gap_m": 0.1}, "max_gap_m is 0.1, but gap_m reaches no further than 0.085"),
        ({"joint_states_topic": ""}, "joint_states_topic is '', must be a name"),
        ({"max_force_n": -1.0}, r"max_force_n is -1.0, must lie in \[0.0, inf\]"),
        ({"finger_links": ["left"]}, "finger_links needs 2 values, got 1"),
        ({"driver": "magnet"}, "no driver 'magnet'; valid names are gripper_command, parallel_gr"),
        ({"franka": {"node": "f"}}, "franka is the group of another driver than gripper_command"),
        (
            {"reports_opening": False},
            "reports_opening is false, must be true for driver gripper_c",
        ),
    ],
)
def test_impossible_hands_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        hand_of({**ROBOTIQ, "gripper_command": ANGLES} | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"close_output": ""}, "close_output and open_output are empty"),
        ({"open_output": "out"}, "out, out, in: one is named twice"),
        ({"closed_input": "in"}, "out, in, in: one is named twice"),
        ({"close_output": "/out"}, "close_output is '/out', must be a name without a leading"),
        ({"active_low": ["other"]}, "active_low names other, which is none of out, in"),
        ({"lines": "fanuc"}, r"'out' is no signal of FANUC's controller: name it as RO\[1\]"),
        (
            {"lines": "fanuc", "close_output": "DI[1]", "part_present_input": "DI[2]"},
            r"'DI\[1\]' is no signal .*, with one of DO, RO, F$",
        ),
        ({"part_present_s": 9.0}, r"part_present_s is 9.0, must lie in \[0.01, 4.0\]"),
    ],
)
def test_impossible_lines_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        DigitalIoDriver(**(SWITCHED | changes))


def test_a_hand_on_lines_has_to_say_that_it_measures_nothing():
    values = {**FINGERS, "driver": "digital_io", "digital_io": SWITCHED}
    with pytest.raises(
        ConfigError, match="reports_opening is true, must be false for driver digi"
    ):
        hand_of(values)
    with pytest.raises(
        ConfigError, match="reports_force is true, must be false for driver digita"
    ):
        hand_of({**values, "reports_opening": False})
    hand = hand_of({**values, "reports_opening": False, "reports_force": False})
    assert (hand.driver.opens_partly, hand.driver.shows_parts) == (False, True)
    with pytest.raises(ConfigError, match="the hand's driver is digital_io, not gripper_command"):
        hand.driver_as(GripperCommandDriver)


def test_levels_have_a_polarity():
    driver = DigitalIoDriver(
        close_output="close",
        open_output="open",
        part_present_input="part",
        opened_input="opened",
        active_low=("open", "part"),
    )
    # What goes off goes first.
    assert list(driver.levels(closes=True).items()) == [("open", True), ("close", True)]
    assert list(driver.levels(closes=False).items()) == [("close", False), ("open", False)]
    inputs = driver.inputs_from({"part": False, "opened": False})
    assert (inputs.part_present, inputs.closed, inputs.opened) == (True, None, False)
    assert inputs.hold_a_part


@pytest.mark.parametrize(
    ("part_present", "closed", "opened", "holds"),
    [
        (None, None, False, None),  # nothing tells
        (True, None, None, True),
        (False, None, None, False),
        (None, False, False, True),  # between the ends
        (None, True, False, False),
        (True, True, False, False),  # jaws that meet hold nothing, whatever is before the sensor
        (True, False, True, False),  # nor do jaws that have not moved
    ],
)
def test_what_inputs_mean_after_a_closing(part_present, closed, opened, holds):
    assert JawInputs(part_present, closed, opened).hold_a_part is holds


def test_a_hand_takes_over_no_group_of_another_driver(folder):
    path = folder / "grippers" / "mine.yaml"
    path.write_text(yaml.safe_dump({"based_on": "franka_hand", "franka": {"node": "left_hand"}}))
    assert load_gripper("mine").driver.node == "left_hand"
    path.write_text(yaml.safe_dump({"based_on": "franka_hand", "driver": "gripper_command"}))
    assert load_gripper("mine").driver == GripperCommandDriver()


def test_wrong_names_list_the_valid_ones(folder):
    with pytest.raises(
        ConfigError, match=r"no robot 'nosuch'; valid names are fanuc_crx10ia, fanu"
    ):
        load_robot("nosuch")
    with pytest.raises(ConfigError, match=r"no gripper 'nosuch'; .* force_hand, franka_hand"):
        load_robot("panda", "nosuch")
    edit(folder / "grippers" / "force_hand.yaml", based_on="gone")
    with pytest.raises(ConfigError, match="no gripper 'gone'"):
        load_gripper("force_hand")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"speed": 1.0}, "profile.yaml: unknown speed; valid names are urdf, gripper"),
        ({"path_tolerance_rad": [0.1, 0.1]}, "path_tolerance_rad has 2 values, needs one for all"),
        ({"goal_tolerance_rad": [0.0]}, "goal_tolerance_rad"),
        ({"observe": [0.0]}, "observe has 1 values, needs one for each of the 7 joints"),
        ({"trajectory_action": "/arm"}, "trajectory_action is '/arm', must be a name without"),
        (
            {"external_wrench_axis": [0.0, 0.0, 0.5]},
            r"external_wrench_axis is .*0.5\], must have",
        ),
        ({"gripper": ""}, "gripper is empty: name a file under config/grippers"),
        ({"gripper": 7}, "gripper needs a str, got 7"),
        ({"urdf": "gone.urdf"}, "cannot read urdf .*gone.urdf"),
        ({"base_frame": "root"}, "the arm's profile names the link 'root', which .*panda.urdf do"),
        (
            {"flange": "tool0"},
            "profile.yaml with .*franka_hand.urdf: flange is 'tool0', which is no",
        ),
        ({"flange_rpy": [0.0]}, "flange_rpy needs 3 values, got 1"),
        ({"joints": [f"j{i}" for i in range(7)]}, "names the joint 'j0', 'j1'"),
        ({"allowed_contacts": ["panda_hand table"]}, "the link 'table'"),
    ],
)
def test_impossible_robots_are_refused(folder, changes, message):
    edit(folder / "robots" / "panda" / "profile.yaml", **changes)
    with pytest.raises(ConfigError, match=message):
        load_robot("panda")


def test_a_hand_that_the_robot_does_not_carry_is_refused(folder):
    (folder / "grippers" / "robotiq.yaml").write_text(yaml.safe_dump(ROBOTIQ))
    with pytest.raises(ConfigError, match=r"gripper robotiq names the joint 'knuckle', which"):
        load_robot("panda", "robotiq")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'child link="{prefix}left',
            'child link="{prefix}right',
            "root links panda_hand, panda_leftfinger",
        ),
        (
            '"{prefix}leftfinger',
            '"{prefix}link3',
            "both have the link panda_link3: rename the hand's",
        ),
    ],
)
def test_a_hand_that_cannot_be_mounted_is_refused(folder, old, new, message):
    path = folder / "grippers" / "franka_hand.urdf"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=message):
        load_robot("panda")


def test_a_broken_urdf_is_named(folder):
    (folder / "robots" / "panda" / "panda.urdf").write_text("<robot>")
    with pytest.raises(ConfigError, match=r"panda.urdf is no valid XML"):
        load_robot("panda")


class TestMeshes:
    """Where mesh files are found."""

    @pytest.fixture
    def mesh(self, folder):
        """Sets the one mesh of a robot's URDF and loads it."""
        path = folder / "robots" / "panda" / "panda.urdf"
        text = path.read_text().replace("package://pybullet_data/", "package://my_robot/")

        def load(name):
            path.write_text(text.replace("package://my_robot/franka_panda/meshes/", name))
            return load_robot("panda").urdf

        return load

    @pytest.fixture
    def meshes(self):
        import pybullet_data

        return f"{pybullet_data.getDataPath()}/franka_panda/meshes"

    def test_by_a_python_package(self, mesh, meshes):
        assert f'"{meshes}/visual/link1.obj"' in mesh(
            "package://pybullet_data/franka_panda/meshes/"
        )

    def test_beside_the_urdf(self, mesh, meshes, folder):
        shutil.copytree(meshes, folder / "robots" / "panda" / "meshes")
        assert f'"{folder}/robots/panda/meshes/visual/link1.obj"' in mesh("meshes/")

    def test_by_an_absolute_name(self, mesh, meshes):
        assert f'"{meshes}/visual/link1.obj"' in mesh(f"file://{meshes}/")

    def test_by_a_package_of_the_ros_environment(self, mesh, meshes, tmp_path, monkeypatch):
        share = tmp_path / "ros" / "share"
        (share / "ament_index" / "resource_index" / "packages").mkdir(parents=True)
        (share / "ament_index" / "resource_index" / "packages" / "my_robot").touch()
        shutil.copytree(meshes, share / "my_robot" / "meshes")
        monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path / 'ros'}")
        assert f'"{share}/my_robot/meshes/visual/link1.obj"' in mesh("package://my_robot/meshes/")

    def test_a_missing_file_is_named(self, mesh):
        with pytest.raises(ConfigError, match=r"no mesh 'meshes/.*obj' at .*put it there"):
            mesh("meshes/")
        with pytest.raises(ConfigError, match=r"no mesh 'package://.*install pybullet_data comp"):
            mesh("package://pybullet_data/nowhere/")

    def test_a_missing_package_is_named(self, mesh):
        with pytest.raises(MissingDependency, match=r"package 'my_robot', .*source its workspace"):
            mesh("package://my_robot/meshes/")
