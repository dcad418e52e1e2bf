"""The whole stack as real processes, and objects made for tests."""

from __future__ import annotations

import contextlib
import os
import shutil
import textwrap

import pytest

from grasp_bringup.client import StackClient
from grasp_bringup.processes import NodeProcesses
from grasp_bringup.stack import sim_stack
from grasp_core.config_folder import config_dir

SPEED = "4.0"
BRING_UP_S = 90.0

BOX_URDF = """\
<robot name="{name}">
  <link name="{name}">
    <inertial><mass value="{mass}"/><inertia ixx="1e-4" iyy="1e-4" izz="1e-4"
      ixy="0" ixz="0" iyz="0"/></inertial>
    <visual><geometry><box size="{size}"/></geometry></visual>
    <collision><geometry><box size="{size}"/></geometry></collision>
  </link>
</robot>
"""


def write_object(folder, name, size, mass=0.1):
    (folder / name).mkdir(parents=True)
    text = textwrap.dedent(BOX_URDF.format(name=name, size=size, mass=mass))
    (folder / name / "model.urdf").write_text(text)


def other_domain(offset):
    """A domain of this test session, 1 to 7 beyond its first, in which no other test runs."""
    return str(int(os.environ["ROS_DOMAIN_ID"]) + offset)


@contextlib.contextmanager
def ros_domain(domain):
    """Contexts and processes started here belong to a domain."""
    before = os.environ["ROS_DOMAIN_ID"]
    os.environ["ROS_DOMAIN_ID"] = domain
    try:
        yield
    finally:
        os.environ["ROS_DOMAIN_ID"] = before


class Stack:
    """A running stack and its client."""

    def __init__(self, objects, log_dir, domain, **arguments):
        self.domain = domain
        # Faults are to come from the test, not from a network's guess.
        fixed = {"detector": "antipodal", "speed": SPEED, "continuous": "false"}
        self.nodes = sim_stack({"objects": str(objects), **fixed, **arguments})
        self.processes = NodeProcesses(self.nodes, log_dir)
        self.client = StackClient()

    def __enter__(self):
        with contextlib.ExitStack() as undo, ros_domain(self.domain):
            undo.enter_context(self.client)
            undo.enter_context(self.processes)
            self.client.watch(self.processes.check)
            self.client.bring_up(self.nodes, BRING_UP_S)
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *error):
        self._undo.close()


@pytest.fixture(scope="session")
def objects(tmp_path_factory):
    """A folder with a block that is easy to grasp and a crate wider than the jaws."""
    folder = tmp_path_factory.mktemp("objects")
    write_object(folder, "block", "0.04 0.06 0.05")
    write_object(folder, "crate", "0.11 0.11 0.11")
    return folder


@pytest.fixture(scope="module")
def stack(objects, tmp_path_factory):
    """One running stack for the tests of a module."""
    with Stack(objects, tmp_path_factory.mktemp("logs"), other_domain(1)) as running:
        yield running


@pytest.fixture
def edit(tmp_path, monkeypatch):
    """Edits a parameter file that the stack reads."""
    folder = shutil.copytree(config_dir(), tmp_path / "config")
    monkeypatch.setattr("grasp_bringup.stack.config_dir", lambda: folder)

    def replace(node, before, after):
        path = folder / f"{node}.yaml"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")

    return replace
