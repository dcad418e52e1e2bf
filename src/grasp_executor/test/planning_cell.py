"""A cell to plan in, and a collision check of its own, built on Pinocchio and coal."""

from __future__ import annotations

import coal
import numpy as np
import pinocchio as pin
from scipy.spatial.transform import Rotation

from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_executor.planning.embedded_config import EmbeddedConfig
from grasp_executor.scene import Box, CollisionScene

CONTACTS = (("panda_link0", "table"), ("panda_link1", "table"))
PADDING_M = EmbeddedConfig().padding_m


def box(name, size, centre, *, padded=True, rotation=None):
    pose = Transform.from_rotation(np.eye(3) if rotation is None else rotation, centre)
    return Box(name, size, pose, padded)


TABLE = box("table", (1.4, 1.6, 0.1), (0.4, 0.0, -0.05))
BIN = (
    box("wall_left", (0.4, 0.01, 0.1), (0.5, 0.28, 0.05)),
    box("wall_right", (0.4, 0.01, 0.1), (0.5, -0.28, 0.05)),
    box("wall_near", (0.01, 0.56, 0.1), (0.3, 0.0, 0.05)),
    box("wall_far", (0.01, 0.56, 0.1), (0.7, 0.0, 0.05)),
)
CAMERA = box("camera", (0.1, 0.1, 0.05), (0.5, 0.0, 0.75))
CELL = CollisionScene((TABLE, *BIN, CAMERA), CONTACTS)


def top_down(x, y, z, yaw=0.0):
    turn = Rotation.from_euler("z", yaw) * Rotation.from_euler("x", np.pi)
    return Transform.from_rotation(turn.as_matrix(), (x, y, z))


def random_poses(count, seed, low=0.02):
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield top_down(
            rng.uniform(0.3, 0.7),
            rng.uniform(-0.25, 0.25),
            rng.uniform(low, 0.3),
            rng.uniform(-np.pi, np.pi),
        )


class Witness:
    """Collision check of its own: Pinocchio's robot geometry and coal's boxes."""

    def __init__(self, robot: RobotModel, scene: CollisionScene, padding_m: float):
        self.base = robot.arm.base_frame
        self.model = pin.buildModelFromXML(robot.urdf)
        self.data = self.model.createData()
        geometry = pin.buildGeomFromUrdfString(self.model, robot.urdf, pin.COLLISION)
        geometry_data = geometry.createData()
        self.geometry, self.geometry_data = geometry, geometry_data
        self.links = [self.model.frames[g.parentFrame].name for g in geometry.geometryObjects]
        self.allowed = {frozenset(p.split()) for p in robot.arm.allowed_contacts}
        self.contacts = {frozenset(pair) for pair in scene.contacts}
        self.boxes = [
            (
                b.name,
                coal.Box(*(np.array(b.size_m) + 2.0 * padding_m * b.padded)),
                coal.Transform3s(b.pose.rotation, b.pose.translation),
            )
            for b in scene.boxes
        ]

    def place(self, joints, gap_m=0.08):
        q = np.concatenate([joints, [0.5 * gap_m, 0.5 * gap_m]])
        pin.forwardKinematics(self.model, self.data, q)
        pin.updateGeometryPlacements(self.model, self.data, self.geometry, self.geometry_data, q)

    def hits(self, joints):
        self.place(joints)
        found = set()
        shapes = [g.geometry for g in self.geometry.geometryObjects]
        poses = [coal.Transform3s(m.rotation, m.translation) for m in self.geometry_data.oMg]
        request = coal.CollisionRequest()
        for i, link in enumerate(self.links):
            others = [
                (self.links[j], shapes[j], poses[j])
                for j in range(i)
                if frozenset((link, self.links[j])) not in self.allowed and link != self.links[j]
            ]
            walls = [
                b
                for b in self.boxes
                if frozenset((link, b[0])) not in self.contacts and link != self.base
            ]
            for name, shape, pose in others + walls:
                result = coal.CollisionResult()
                if coal.collide(shapes[i], poses[i], shape, pose, request, result):
                    found.add((link, name))
        return found


def best(planner, pose, near):
    return planner.solve_ik(pose, near)[0]
