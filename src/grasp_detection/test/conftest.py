"""Synthetic depth images: boxes and upright cylinders on a plane, traced exactly."""

from __future__ import annotations

import importlib.util
import math
import os
from dataclasses import dataclass

# A domain of its own per test session, before any node is made.
os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

import numpy as np
import pytest

from grasp_core.camera import PinholeCamera
from grasp_core.frame import RgbdFrame
from grasp_core.robot import GripperProfile
from grasp_core.transform import Transform

collect_ignore = [] if importlib.util.find_spec("rclpy") else ["test_node.py"]

CAMERA = PinholeCamera(640, 480, 615.0, 615.0, 319.5, 239.5)
DISTANCE_M = 0.75


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    length: float  # along its own x
    width: float  # along its own y
    height: float
    yaw: float = 0.0
    bottom: float = 0.0


@dataclass(frozen=True)
class Cylinder:
    x: float
    y: float
    radius: float
    height: float


def camera_pose(tilt: float) -> Transform:
    """T_world_camera: looks at the origin of the table, leaning towards -y, image u along +x."""
    forward = np.array([0.0, math.sin(tilt), -math.cos(tilt)])
    right = np.array([1.0, 0.0, 0.0])
    rotation = np.column_stack([right, np.cross(forward, right), forward])
    return Transform.from_rotation(rotation, -DISTANCE_M * forward)


def _trace(solid, origin, rays):
    """Distance along each ray to a solid, inf where missed."""
    if isinstance(solid, Box):
        cos, sin = math.cos(solid.yaw), math.sin(solid.yaw)
        turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
        start = turn @ (origin - (solid.x, solid.y, solid.bottom + solid.height / 2))
        rays = rays @ turn.T
        half = np.array([solid.length, solid.width, solid.height]) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (-half - start) / rays, (half - start) / rays
        near = np.fmax.reduce(np.minimum(a, b), axis=-1)
        far = np.fmin.reduce(np.maximum(a, b), axis=-1)
        return np.where((near <= far) & (near > 0), near, np.inf)
    start = origin - (solid.x, solid.y, 0.0)
    a = (rays[..., :2] ** 2).sum(-1) + 1e-15
    b = rays[..., :2] @ start[:2]
    root = b**2 - a * (start[:2] @ start[:2] - solid.radius**2)
    wall = (-b - np.sqrt(np.maximum(root, 0.0))) / a
    z = start[2] + wall * rays[..., 2]
    wall = np.where((root > 0) & (z >= 0) & (z <= solid.height), wall, np.inf)
    top = (solid.height - start[2]) / rays[..., 2]
    at = start[:2] + top[..., None] * rays[..., :2]
    return np.minimum(wall, np.where((at**2).sum(-1) <= solid.radius**2, top, np.inf))


def make_frame(*solids, tilt: float = 0.0) -> RgbdFrame:
    T_world_camera = camera_pose(tilt)
    v, u = np.mgrid[0 : CAMERA.height, 0 : CAMERA.width]
    rays = T_world_camera.rotate(CAMERA.rays(np.stack([u, v], -1)).reshape(-1, 3))
    origin = T_world_camera.translation
    depth = -origin[2] / rays[:, 2]
    for solid in solids:
        depth = np.minimum(depth, _trace(solid, origin, rays))
    size = (CAMERA.height, CAMERA.width)
    color = np.full((*size, 3), 128, np.uint8)
    return RgbdFrame(color, depth.reshape(size).astype(np.float32), CAMERA, 1, "camera")


@pytest.fixture(scope="session")
def scene():
    """make_frame(solids..., tilt=...) -> RgbdFrame."""
    return make_frame


@pytest.fixture(scope="session")
def solids():
    """The shapes make_frame takes."""
    return Box, Cylinder


@pytest.fixture(scope="session")
def world_from_camera():
    """T_world_camera for a tilt."""
    return camera_pose


@pytest.fixture
def gripper() -> GripperProfile:
    """The Panda's hand."""
    return GripperProfile(
        joints=("a", "b"),
        finger_links=("left", "right"),
        hand_links=("hand",),
        hand_width_m=0.204,
        hand_depth_m=0.063,
    )


def write_bars(root, count, size=64, seed=0):
    """A folder in Cornell's layout: a dark bar on each bright picture, one label across it."""
    import cv2

    from grasp_core.rectangle import corners_of

    rng = np.random.default_rng(seed)
    folder = root / "01"
    folder.mkdir(parents=True)
    for number in range(100, 100 + count):
        u, v = rng.uniform(0.35, 0.65, 2) * size
        angle = rng.uniform(-1.5, 1.5)
        bar = corners_of(np.array([[u, v, size / 5, size / 2.2, angle]]))[0]
        picture = np.full((size, size, 3), 230, np.uint8)
        cv2.fillConvexPoly(picture, bar.round().astype(int), (40, 60, 90))
        cv2.imwrite(str(folder / f"pcd{number:04d}r.png"), picture)
        label = corners_of(np.array([[u, v, size / 3.6, size / 7, angle]]))[0]
        text = "\n".join(f"{u:.3f} {v:.3f}" for u, v in label)
        (folder / f"pcd{number:04d}cpos.txt").write_text(text + "\n")
    return root


@pytest.fixture
def bars(tmp_path):
    """Twelve pictures of a bar; see :func:`write_bars`."""
    return write_bars(tmp_path / "bars", 12)
