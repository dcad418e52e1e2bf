"""The stack description: parameter files decide what no argument names."""

import os

import pytest

from grasp_bringup.arguments import SIM_ARGUMENTS
from grasp_bringup.stack import sim_stack
from grasp_core.errors import ConfigError
from grasp_detection.learned.weights import WeightsError
from grasp_executor.config import ExecutorConfig


def test_nothing_named_leaves_everything_to_the_files():
    simulator, detector, executor = sim_stack(dict.fromkeys(SIM_ARGUMENTS, ""))
    hand = {"gripper": "force_hand"}  # the simulator's, for all nodes
    assert simulator.parameters == hand
    assert detector.parameters == {"use_sim_time": True, **hand}
    own = executor.parameters.pop("state_dir")  # the hand of a simulation is no real one
    assert str(os.getpid()) in own
    as_planned = {"max_tcp_speed_m_s": 0.0}
    assert executor.parameters == {"use_sim_time": True, **hand, **as_planned}


@pytest.mark.parametrize(("speed", "times"), [("0.5", None), ("4", 4.0), ("max", 5.0)])
def test_planning_takes_longer_in_a_time_that_runs_faster(speed, times):
    executor = sim_stack({"speed": speed})[2]
    age_s = ExecutorConfig().max_plan_age_s
    expected = None if times is None else pytest.approx(times * age_s)
    assert executor.parameters.get("max_plan_age_s") == expected


def test_an_edited_file_counts_until_an_argument_says_otherwise(edit):
    edit("simulator", "noise: none", "noise: d435")
    edit("detector", "detector: default", "detector: antipodal")
    simulator, detector, _ = sim_stack()
    assert simulator.parameter_file.read_text(encoding="utf-8").count("noise: d435") == 1
    assert "noise" not in simulator.parameters
    assert set(detector.parameters) == {"use_sim_time", "gripper"}
    simulator, detector, _ = sim_stack({"noise": "none", "detector": "fast"})
    assert simulator.parameters["noise"] == "none"
    assert detector.parameters["detector"] == "fast"
    assert set(detector.parameters) == {"use_sim_time", "gripper", "detector"}


def test_weights_of_the_file_are_checked(edit):
    edit("detector", "weights: default", "weights: nosuch")
    with pytest.raises(WeightsError, match="nosuch"):
        sim_stack()
    assert sim_stack({"weights": "default"})[1].parameters["maps.weights"] == "synthetic_d"


def test_lingering_of_the_file_is_kept(edit):
    assert sim_stack({"continuous": "false"})[1].parameters["linger_s"] == 0.0
    edit("detector", "linger_s: 1.0", "linger_s: 3.0")
    assert "linger_s" not in sim_stack({"continuous": "false"})[1].parameters


def test_nodes_of_different_cells_are_refused(edit):
    edit("executor", "cell: tabletop", "cell: other")
    with pytest.raises(ConfigError, match=r"'tabletop' in detector.yaml, 'other' in executor"):
        sim_stack()
    named = sim_stack({"cell": "tabletop"})
    assert [node.parameters["cell"] for node in named] == ["tabletop"] * 3


def hands_of(texts=None):
    return [node.parameters["gripper"] for node in sim_stack(texts)]


def test_one_hand_for_all_nodes(edit):
    assert hands_of({"gripper": "franka_hand"}) == ["franka_hand"] * 3
    edit("simulator", "gripper: force_hand", "gripper: ''")
    assert hands_of() == [""] * 3  # the robot's own
    edit("executor", "gripper: ''", "gripper: franka_hand")
    assert hands_of() == ["franka_hand"] * 3
    edit("detector", "gripper: ''", "gripper: force_hand")
    with pytest.raises(ConfigError, match=r"'force_hand' in detector.yaml, 'franka_hand' in exec"):
        sim_stack()
    assert hands_of({"gripper": "force_hand"}) == ["force_hand"] * 3


def test_another_robot_comes_with_its_own_hand_and_cell(edit):
    nodes = sim_stack({"robot": "fanuc_lrmate200id"})
    assert [node.parameters["gripper"] for node in nodes] == [""] * 3
    assert [node.parameters["cell"] for node in nodes] == ["lrmate_table"] * 3
    assert hands_of({"robot": "panda"}) == ["force_hand"] * 3
    assert "cell" not in sim_stack({"robot": "panda"})[0].parameters  # the file's
    nodes = sim_stack({"robot": "fr3", "gripper": "force_hand", "cell": "lrmate_table"})
    assert [node.parameters["cell"] for node in nodes] == ["lrmate_table"] * 3


def test_a_cell_that_the_robot_does_not_reach_is_refused_before_anything_starts():
    with pytest.raises(ConfigError, match=r"tabletop reaches to .* or take lrmate_table"):
        sim_stack({"robot": "fanuc_lrmate200id", "cell": "tabletop"})


def test_one_camera_for_all_nodes(edit):
    simulator, detector, _ = sim_stack({"camera": "kinect2"})
    assert simulator.parameters["camera"] == detector.parameters["camera"] == "kinect2"
    edit("detector", "camera: realsense", "camera: femto_bolt")
    with pytest.raises(ConfigError, match=r"'realsense' in simulator.yaml, 'femto_bolt'"):
        sim_stack()


@pytest.mark.parametrize("name", ["robot", "gripper", "camera"])
def test_profiles_are_checked_before_anything_starts(name):
    with pytest.raises(ConfigError, match=rf"no {name} 'nosuch'; valid names are"):
        sim_stack({name: "nosuch"})


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("camera_tilt", "abc", r"camera_tilt is 'abc', must be a number in \[0, 40\]"),
        ("camera_tilt", "60", r"camera_tilt is 60, must be a number in \[0, 40\]"),
        ("camera_tilt", "nan", "camera_tilt is nan"),
        ("clutter", "1.5", r"clutter is '1.5', must be a whole number in \[1, 15\]"),
        ("seed", "-1", "seed is -1, must be a whole number, at least 0"),
        ("speed", "fast", r"speed is 'fast', must be max or a number in \[0.05, 100\]"),
        ("speed", "1000", r"speed is 1000, must be max or"),
        ("noise", "loud", "noise is 'loud', must be one of none, d435"),
        ("gui", "yes", "gui is 'yes', must be one of true, false"),
    ],
)
def test_impossible_arguments_are_refused_with_name_value_and_range(name, text, message):
    with pytest.raises(ConfigError, match=message):
        sim_stack({name: text})


@pytest.mark.parametrize(("text", "speed"), [("max", 0.0), ("0", 0.0), ("2.5", 2.5)])
def test_speeds(text, speed):
    assert sim_stack({"speed": text})[0].parameters["speed"] == speed
