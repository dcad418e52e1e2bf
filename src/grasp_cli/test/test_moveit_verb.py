"""`grasp moveit` writes a parameter file that any node may be given."""

import yaml

from grasp_cli.main import main
from grasp_core.robot import load_robot
from grasp_executor.planning.moveit_parameters import moveit_parameters


def test_the_file_holds_the_parameters_of_the_robot(tmp_path, capsys):
    path = tmp_path / "move_group.yaml"
    assert (
        main(["moveit", "--robot", "panda", "--gripper", "force_hand", "--write", str(path)]) == 0
    )
    assert f"--params-file {path}" in capsys.readouterr().out
    written = yaml.safe_load(path.read_text(encoding="utf-8"))["/**"]["ros__parameters"]
    assert written == moveit_parameters(load_robot("panda", "force_hand"))


def test_without_a_file_it_is_printed(capsys):
    assert main(["moveit"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)["/**"]["ros__parameters"]
    assert printed["planning_pipelines"] == ["ompl"]
