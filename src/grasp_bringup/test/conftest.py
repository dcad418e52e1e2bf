"""The whole stack as real processes, started once for the tests of this folder."""

from __future__ import annotations

import textwrap

import pytest

from grasp_bringup.client import StackClient
from grasp_bringup.processes import NodeProcesses
from grasp_bringup.stack import sim_stack

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


@pytest.fixture(scope="session")
def objects(tmp_path_factory):
    """A folder with a block that is easy to grasp and a slab wider than the jaws."""
    folder = tmp_path_factory.mktemp("objects")
    write_object(folder, "block", "0.04 0.06 0.05")
    write_object(folder, "slab", "0.12 0.12 0.05")
    return folder


class Stack:
    """A running stack and its client."""

    def __init__(self, objects, log_dir, **arguments):
        self.nodes = sim_stack(
            {"objects": str(objects), "speed": SPEED, "continuous": "false", **arguments}
        )
        self.processes = NodeProcesses(self.nodes, log_dir)
        self.client = StackClient()

    def __enter__(self):
        self.client.__enter__()
        self.processes.__enter__()
        self.client.watch(self.processes.check)
        self.client.bring_up(self.nodes, BRING_UP_S)
        return self

    def __exit__(self, *error):
        self.processes.stop()
        self.client.__exit__(None, None, None)


@pytest.fixture(scope="session")
def stack(objects, tmp_path_factory):
    with Stack(objects, tmp_path_factory.mktemp("logs")) as running:
        yield running
