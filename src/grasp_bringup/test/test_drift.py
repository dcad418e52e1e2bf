"""Two views of one thing must agree: YAML and dataclasses, launch arguments and stack."""

import dataclasses

import pytest

from grasp_bringup.arguments import REAL_ARGUMENTS, SIM_ARGUMENTS
from grasp_bringup.parameter_files import node_configs, parameter_file
from grasp_bringup.processes import command_of
from grasp_bringup.real_stack import real_stack
from grasp_bringup.stack import sim_stack
from grasp_core.cell import cell_names, load_cell
from grasp_core.config import load_node_config, settings_of
from grasp_core.config_folder import config_dir
from grasp_detection.learned.weights import WeightsError
from grasp_sim.config import SimConfig


@pytest.mark.parametrize("node", node_configs())
def test_parameter_files_are_what_the_dataclasses_say(node):
    committed = (config_dir() / f"{node}.yaml").read_text(encoding="utf-8")
    expected = parameter_file(node, node_configs()[node])
    assert committed == expected, f"run: grasp config {node} --write config"


@pytest.mark.parametrize("node", node_configs())
def test_parameter_files_build_the_defaults(node):
    for prefix, config_class in node_configs()[node].items():
        loaded = load_node_config(config_class, config_dir() / f"{node}.yaml", node, prefix)
        assert loaded == config_class()


def test_every_setting_is_described():
    for classes in node_configs().values():
        for config_class in classes.values():
            for name, (_, about) in settings_of(config_class).items():
                assert len(about.description) >= 10, name


def test_every_parameter_the_stack_sets_exists():
    everything = {
        **dict.fromkeys(("clutter", "seed", "speed", "camera_tilt"), "1"),
        **dict.fromkeys(("continuous", "gui", "step", "dry_run", "rviz"), "false"),
        **{"planner": "embedded", "namespace": "left", "calibration": "tf"},
        **{"detector": "dsc_graspnet", "weights": "default", "robot": "panda"},
        **{"gripper": "franka_hand", "camera": "kinect2", "camera_mount": "hand"},
        **{"cell": "tabletop", "objects": "test", "noise": "d435", "planner": "moveit"},
    }
    assert set(everything) == set(SIM_ARGUMENTS)
    for node in [*sim_stack(), *sim_stack(everything)]:
        known = {
            f"{prefix}.{field.name}".removeprefix(".")
            for prefix, config_class in node_configs()[node.name].items()
            for field in dataclasses.fields(config_class)
        }
        assert set(node.parameters) - {"use_sim_time"} <= known


def test_every_argument_is_described_and_unknown_ones_are_refused():
    for about in [*SIM_ARGUMENTS.values(), *REAL_ARGUMENTS.values()]:
        assert about.description
        if not about.default:
            assert about.file == "*.yaml" or (config_dir() / about.file).is_file()
    with pytest.raises(KeyError, match="valid are"):
        real_stack({"colour": "red"})
    with pytest.raises(KeyError, match="valid are"):
        sim_stack({"colour": "red"})


def test_weights_are_checked_before_anything_starts():
    nodes = sim_stack({"detector": "dsc_graspnet", "weights": "cornell_rgb"})
    assert nodes[1].parameters["maps.weights"] == "cornell_rgb"
    with pytest.raises(WeightsError, match="valid are default, cornell_rgb"):
        sim_stack({"detector": "dsc_graspnet", "weights": "cornel"})
    with pytest.raises(WeightsError, match="antipodal is not learned"):
        sim_stack({"detector": "antipodal", "weights": "cornell_rgb"})


def test_strings_reach_the_node_as_strings():
    nodes = sim_stack({"objects": 'a "b"', "seed": "7"})
    command = command_of(nodes[0])
    assert 'objects:="a \\"b\\""' in command
    assert "seed:=7" in command


@pytest.mark.parametrize("name", cell_names())
def test_objects_fall_inside_the_workspace_of_the_cell(name):
    config, cell = SimConfig(cell=name).in_cell(), load_cell(name)
    for axis, (low, high) in enumerate((config.workspace_x, config.workspace_y)):
        assert cell.workspace_min[axis] <= low < high <= cell.workspace_max[axis]
