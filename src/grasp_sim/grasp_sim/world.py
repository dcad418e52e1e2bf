"""The PyBullet world: table, bin, robot and objects, stepped at a fixed rate."""

from __future__ import annotations

import colorsys
import itertools
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pybullet
from numpy.typing import ArrayLike, NDArray
from pybullet_utils.bullet_client import BulletClient

from grasp_core.cell import Solid, load_cell
from grasp_core.errors import ConfigError, ObjectNotFound
from grasp_core.robot import RobotModel
from grasp_core.transform import Transform
from grasp_sim.config import STEPS_PER_S, SimConfig
from grasp_sim.object_body import load_body, show_picture
from grasp_sim.object_check import CheckedObject
from grasp_sim.renderer import load_renderer

# Measured to hold a grip of up to 20 N: quiet enough at 50 iterations while nothing is held, 150
# while it is. With 70 N at these, fingers sink millimetres into what they hold, which tells a
# wrong width and lets it turn in the lift. All four grow with the force: so none sinks deeper than
# with 20 N.
_ITERATIONS = 50
_ITERATIONS_HOLDING = 150
_FINGER_STIFFNESS = 30000.0  # N/m
_FINGER_DAMPING = 1000.0  # N s/m
_GENTLE_N = 20.0
_SCENES_PER_CONTEXT = 20  # about 6 MB each
TOUCHING_M = 0.001  # Bullet also lists pairs that are merely near
TABLE_RGBA = (0.58, 0.56, 0.52, 1.0)
_BIN_RGBA = (0.22, 0.30, 0.42, 1.0)
_GOLDEN_TURN = 0.618033988749895  # hues this far apart stay distinguishable


@dataclass
class SimObject:
    """A movable object of the world.

    Attributes:
        name: Unique on the table.
        body: PyBullet's body id.
        mass_kg: Mass, kilograms.
        inertia: Diagonal of its inertia, kg m^2.
        size_m: Sides of the bounding box along its own axes, shape (3,), metres.
        corners: Of its convex hull, about the middle of mass, shape (N, 3), metres.
    """

    name: str
    body: int
    mass_kg: float
    inertia: NDArray[np.float64]
    size_m: NDArray[np.float64]
    corners: NDArray[np.float64]


class World:
    """One physics world; rebuilt from nothing for every scene, which keeps it deterministic.

    Attributes:
        config: With what it left to the cell filled in.
        cell: Table and bin.
        solids: What stands there instead of the cell's table and bin, from the next rebuild on.
        colors: Of these, by name, where they are not those of table and bin.
        renderer: ``egl`` or ``tiny``.
        objects: Objects by name, in the order they came.
        fixed: PyBullet's body ids of table, bin and posts, by name.
        joints: PyBullet's joint index by name.
        links: PyBullet's link index by name; -1 is the base.
    """

    def __init__(self, config: SimConfig, robot: RobotModel, *, gui: bool = False) -> None:
        """Connect to PyBullet and build table, bin and robot.

        Raises:
            ConfigError: No such cell, or a hand that this world cannot drive.
            MissingDependency: The renderer asked for does not work here.
        """
        _require_two_fingers(robot)
        self.cell = load_cell(config.cell)
        self.solids: tuple[Solid, ...] = ()
        self.colors: Mapping[str, tuple[float, ...]] = {}
        self.config = config.in_cell()
        self.robot = robot
        self._gui = gui
        self._rebuilds = 0
        self.client = BulletClient(pybullet.GUI if gui else pybullet.DIRECT)
        self.renderer = load_renderer(self.client, config.renderer)
        self.objects: dict[str, SimObject] = {}
        self.fixed: dict[str, int] = {}
        self.joints: dict[str, int] = {}
        self.links: dict[str, int] = {}
        self.robot_body = -1
        self.table_body = -1
        self._grip = 1.0, False
        self.rebuild()

    def close(self) -> None:
        """Disconnect from PyBullet."""
        self.client.disconnect()

    def rebuild(self) -> None:
        """Forget everything and build table, bin and robot; the arm rests at ``observe``."""
        self._rebuilds += 1
        if self.renderer == "egl" and self._rebuilds % _SCENES_PER_CONTEXT == 0:
            self._reconnect()
        p = self.client
        p.resetSimulation()
        p.setGravity(0.0, 0.0, -9.81)
        p.setTimeStep(1.0 / STEPS_PER_S)
        p.setPhysicsEngineParameter(
            numSolverIterations=_ITERATIONS, deterministicOverlappingPairs=1
        )
        self._grip = 1.0, False
        self.objects, self.fixed = {}, {}
        for solid in self.solids or self.cell.solids():
            is_table = solid.name == "table"
            color = self.colors.get(solid.name, TABLE_RGBA if is_table else _BIN_RGBA)
            body = self._static_box(solid.size_m, solid.center, color)
            self.table_body = body if is_table else self.table_body
            self.fixed[solid.name] = body
        self._build_robot()

    def _reconnect(self) -> None:
        """Start a new drawing context: a reset does not free the meshes of the old scene."""
        if not self._gui:
            self.client.disconnect()
            self.client = BulletClient(pybullet.DIRECT)
            load_renderer(self.client, self.renderer)

    def step(self) -> None:
        """Advance physics by 1/240 s."""
        self.client.stepSimulation()

    def set_grip(self, force_n: float, *, holding: bool) -> None:
        """Make contacts as stiff, and the solver as thorough, as a grip needs.

        Args:
            force_n: With which each finger closes; 0 where they do not.
            holding: Whether there is something between them.
        """
        firmness = max(force_n / _GENTLE_N, 1.0)
        if (firmness, holding) == self._grip:
            return
        if firmness != self._grip[0]:
            for link in self.robot.gripper.finger_links:
                self.client.changeDynamics(
                    self.robot_body,
                    self.links[link],
                    contactStiffness=firmness * _FINGER_STIFFNESS,
                    contactDamping=firmness * _FINGER_DAMPING,
                )
        self._grip = firmness, holding
        iterations = _ITERATIONS_HOLDING if holding else _ITERATIONS
        self.client.setPhysicsEngineParameter(numSolverIterations=round(firmness * iterations))

    def _static_box(self, size: ArrayLike, center: ArrayLike, rgba: tuple[float, ...]) -> int:
        p = self.client
        half = (np.asarray(size, dtype=np.float64) / 2).tolist()
        body = p.createMultiBody(
            0.0,
            p.createCollisionShape(pybullet.GEOM_BOX, halfExtents=half),
            p.createVisualShape(
                pybullet.GEOM_BOX, halfExtents=half, rgbaColor=rgba, specularColor=(0, 0, 0)
            ),
            basePosition=np.asarray(center, dtype=np.float64).tolist(),
        )
        p.changeDynamics(body, -1, lateralFriction=1.0)
        return int(body)

    def _build_robot(self) -> None:
        p, profile = self.client, self.robot.gripper
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{self.robot.name}.urdf"
            path.write_text(_with_inertias(self.robot.urdf), encoding="utf-8")
            self.robot_body = p.loadURDF(str(path), useFixedBase=True)
        body = self.robot_body
        self.joints, self.links = {}, {p.getBodyInfo(body)[0].decode(): -1}
        for index in range(p.getNumJoints(body)):
            info = p.getJointInfo(body, index)
            self.joints[info[1].decode()] = index
            self.links[info[12].decode()] = index
            p.changeDynamics(body, index, linearDamping=0.0, angularDamping=0.0, jointDamping=0.0)
        for link in profile.finger_links:
            p.changeDynamics(
                body,
                self.links[link],
                lateralFriction=self.config.finger_friction,
                spinningFriction=self.config.spinning_friction,
                rollingFriction=0.0,
                contactStiffness=_FINGER_STIFFNESS,
                contactDamping=_FINGER_DAMPING,
                frictionAnchor=1,
            )
        left, right = (self.joints[name] for name in profile.joints)
        # Both joints grow when opening; a gear of ratio -1 keeps them equal.
        gear = p.createConstraint(
            body, left, body, right, pybullet.JOINT_GEAR, [0, 1, 0], [0, 0, 0], [0, 0, 0]
        )
        p.changeConstraint(gear, gearRatio=-1, erp=0.1, maxForce=50)

    def add_object(
        self, name: str, thing: CheckedObject, rgba: tuple[float, ...] | None
    ) -> SimObject:
        """Load an object at the origin.

        Bullet collides with the convex hull of each part of a mesh while the camera sees the mesh
        itself; parts of random_urdfs are convex, so the two agree.

        Args:
            name: Unique name on the table.
            thing: From the object set.
            rgba: Colour; None keeps the object's own, or its picture.

        Raises:
            ConfigError: PyBullet cannot load the file, or the arm may not carry the object.
        """
        most_kg = self.robot.arm.payload_kg
        if thing.mass_kg > most_kg:
            raise ConfigError(
                f"{name} weighs {thing.mass_kg:.2f} kg, above the payload_kg {most_kg} of robot "
                f"{self.robot.name}: leave it out"
            )
        p = self.client
        body = load_body(p, thing)
        low, high = map(np.array, p.getAABB(body, -1))
        size = high - low
        inertia = thing.moments
        if inertia is None:
            inertia = thing.mass_kg / 12.0 * (np.sum(size**2) - size**2)
        p.changeDynamics(body, -1, mass=thing.mass_kg)
        p.changeDynamics(
            body,
            -1,
            localInertiaDiagonal=inertia.tolist(),
            lateralFriction=self.config.object_friction,
            spinningFriction=self.config.spinning_friction,
            rollingFriction=0.0,
            linearDamping=0.04,
            angularDamping=0.04,
        )
        if rgba is not None:
            p.changeVisualShape(body, -1, rgbaColor=rgba, specularColor=(0.1, 0.1, 0.1))
        else:
            show_picture(p, body, thing.path)
        corners = thing.corners
        if not len(corners):
            T_mass_base = self._pose_of(body).inverse()
            corners = T_mass_base.apply(_corners_between(low, high))
        found = SimObject(name, body, thing.mass_kg, inertia, size, corners)
        self.objects[name] = found
        return found

    def add_box(
        self, name: str, size_m: ArrayLike, T_base_box: Transform, mass_kg: float = 0.1
    ) -> SimObject:
        """Add a cuboid of known size and pose, for tests and calibration.

        Args:
            name: Unique name on the table.
            size_m: Shape (3,), metres.
            T_base_box: Pose of its centre.
            mass_kg: Kilograms.
        """
        p = self.client
        size = np.asarray(size_m, dtype=np.float64)
        half = (size / 2).tolist()
        body = p.createMultiBody(
            mass_kg,
            p.createCollisionShape(pybullet.GEOM_BOX, halfExtents=half),
            p.createVisualShape(pybullet.GEOM_BOX, halfExtents=half, rgbaColor=(0.8, 0.2, 0.2, 1)),
            basePosition=T_base_box.translation.tolist(),
            baseOrientation=T_base_box.quaternion.tolist(),
        )
        p.changeDynamics(
            body,
            -1,
            lateralFriction=self.config.object_friction,
            spinningFriction=self.config.spinning_friction,
            rollingFriction=0.0,
        )
        inertia = np.array(p.getDynamicsInfo(body, -1)[2])
        corners = _corners_between(-size / 2, size / 2)
        found = SimObject(name, body, mass_kg, inertia, size, corners)
        self.objects[name] = found
        return found

    def object(self, name: str) -> SimObject:
        """Object by name; an empty name is the first one.

        Raises:
            ObjectNotFound: No such object on the table.
        """
        if not name and self.objects:
            return next(iter(self.objects.values()))
        if name not in self.objects:
            raise ObjectNotFound(
                f"no object {name!r} on the table; there are {', '.join(self.objects) or 'none'}"
            )
        return self.objects[name]

    def remove(self, name: str) -> str:
        """Take an object out of the world; returns its name."""
        found = self.object(name)
        self.client.removeBody(found.body)
        del self.objects[found.name]
        return found.name

    def pose(self, found: SimObject) -> Transform:
        """``T_base_object``, origin in the centre of mass."""
        return self._pose_of(found.body)

    def _pose_of(self, body: int) -> Transform:
        position, quaternion = self.client.getBasePositionAndOrientation(body)
        return Transform.from_quaternion(quaternion, position)

    def place(self, found: SimObject, T_base_object: Transform) -> None:
        """Put an object somewhere, at rest."""
        self.client.resetBasePositionAndOrientation(
            found.body, T_base_object.translation.tolist(), T_base_object.quaternion.tolist()
        )
        self.client.resetBaseVelocity(found.body, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))

    def set_rolling_friction(self, found: SimObject, friction_m: float) -> None:
        """Resist rolling, metres of lever per newton; 0 for none."""
        self.client.changeDynamics(found.body, -1, rollingFriction=friction_m)

    def set_movable(self, found: SimObject, movable: bool) -> None:
        """Nail an object to where it is, or let it go again."""
        self.client.changeDynamics(found.body, -1, mass=found.mass_kg if movable else 0.0)
        if movable:
            self.client.changeDynamics(found.body, -1, localInertiaDiagonal=found.inertia.tolist())

    def speed(self, found: SimObject) -> tuple[float, float]:
        """Linear and angular speed of an object, m/s and rad/s."""
        linear, angular = self.client.getBaseVelocity(found.body)
        return float(np.linalg.norm(linear)), float(np.linalg.norm(angular))

    def bounds(self, found: SimObject) -> NDArray[np.float64]:
        """A box that holds an object, rows low and high, shape (2, 3), metres, base frame.

        Bullet's own, which is quick, and too large for a body of several parts that is tilted.
        """
        return np.array(self.client.getAABB(found.body, -1))

    def extent(self, found: SimObject) -> NDArray[np.float64]:
        """The least such box: how far the body reaches along the axes of the base frame."""
        corners = self.pose(found).apply(found.corners)
        return np.array([corners.min(axis=0), corners.max(axis=0)])

    def touched_by(self, found: SimObject) -> set[tuple[int, int]]:
        """(body, link) pairs in contact with an object."""
        return {
            (contact[2], contact[4])
            for contact in self.client.getContactPoints(bodyA=found.body)
            if contact[8] <= TOUCHING_M
        }

    def link_pose(self, link: str) -> Transform:
        """``T_base_link`` of a robot link (its URDF frame).

        Raises:
            ConfigError: The robot has no such link.
        """
        if link not in self.links:
            raise ConfigError(f"robot {self.robot.name} has no link {link!r}")
        if self.links[link] < 0:
            return Transform.identity()
        state = self.client.getLinkState(
            self.robot_body, self.links[link], computeForwardKinematics=True
        )
        return Transform.from_quaternion(state[5], state[4])


def _require_two_fingers(robot: RobotModel) -> None:
    """Check that the hand is one that this world can drive.

    Raises:
        ConfigError: It is not.
    """
    gripper = robot.gripper
    if len(gripper.joints) != 2:
        raise ConfigError(
            f"robot {robot.name}: its hand has the joints {', '.join(gripper.joints)}; the "
            "simulator drives two fingers that slide: name another hand"
        )


def _corners_between(low: ArrayLike, high: ArrayLike) -> NDArray[np.float64]:
    """Corners of a box, shape (8, 3)."""
    sides = np.array([low, high], dtype=np.float64)
    return np.array(list(itertools.product(*sides.T)))


def _with_inertias(urdf: str) -> str:
    """Give massless frames a negligible inertia; PyBullet would take 1 kg for each."""
    root = ElementTree.fromstring(urdf)
    for link in root.findall("link"):
        if link.find("inertial") is None:
            inertial = ElementTree.SubElement(link, "inertial")
            ElementTree.SubElement(inertial, "mass", value="0.0001")
            values = dict.fromkeys(("ixy", "ixz", "iyz"), "0")
            values.update(dict.fromkeys(("ixx", "iyy", "izz"), "1e-7"))
            ElementTree.SubElement(inertial, "inertia", values)
    return ElementTree.tostring(root, encoding="unicode")


def palette(count: int, rng: np.random.Generator) -> list[tuple[float, float, float, float]]:
    """Distinguishable colours, RGBA in [0, 1]."""
    hue = rng.random()
    colors = []
    for _ in range(count):
        hue = (hue + _GOLDEN_TURN) % 1.0
        saturation, value = 0.55 + 0.4 * rng.random(), 0.5 + 0.45 * rng.random()
        colors.append((*colorsys.hsv_to_rgb(hue, saturation, value), 1.0))
    return colors
