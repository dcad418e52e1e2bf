"""What move_group is started with says what URDF and profile say."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from grasp_core.robot import load_robot, robot_names
from grasp_executor.planning.moveit_parameters import moveit_parameters, moveit_py_parameters


@pytest.fixture(params=robot_names())
def robot(request):
    return load_robot(request.param)


def test_meshes_are_named_as_files_that_exist(robot):
    urdf = ET.fromstring(moveit_parameters(robot)["robot_description"])
    names = [mesh.get("filename") for mesh in urdf.iter("mesh")]
    assert all(name.startswith("file:///") for name in names)
    assert all(Path(name.removeprefix("file://")).is_file() for name in names)


def test_the_semantic_description_names_what_the_urdf_holds(robot):
    parameters = moveit_parameters(robot)
    urdf = ET.fromstring(parameters["robot_description"])
    srdf = ET.fromstring(parameters["robot_description_semantic"])
    links = {link.get("name") for link in urdf.iter("link")}
    joints = {joint.get("name") for joint in urdf.iter("joint")}
    assert srdf.get("name") == urdf.get("name")
    chain = srdf.find(f"group[@name='{robot.arm.planning_group}']/chain")
    assert (chain.get("base_link"), chain.get("tip_link")) == (
        robot.arm.base_frame,
        robot.arm.tcp_frame,
    )
    assert {link.get("name") for link in srdf.iter("link")} <= links
    assert {joint.get("name") for joint in srdf.iter("joint")} <= joints
    pairs = {
        frozenset((one.get("link1"), one.get("link2"))) for one in srdf.iter("disable_collisions")
    }
    assert pairs == {frozenset(pair.split()) for pair in robot.arm.allowed_contacts}


def test_every_joint_has_the_acceleration_limit_that_timing_needs(robot):
    limits = moveit_parameters(robot)["robot_description_planning"]["joint_limits"]
    assert tuple(limits) == tuple(robot.arm.joints)
    for joint, limit in zip(robot.arm.joints, robot.arm.acceleration, strict=True):
        assert limits[joint]["has_acceleration_limits"]
        assert limits[joint]["max_acceleration"] == limit


def test_moveit_py_is_told_the_same_and_names_its_pipelines_otherwise(robot):
    ours, theirs = moveit_parameters(robot), moveit_py_parameters(robot)
    assert theirs.pop("planning_pipelines") == {"pipeline_names": ours["planning_pipelines"]}
    assert theirs.items() <= ours.items()
    assert set(ours["planning_pipelines"]) <= set(theirs)
