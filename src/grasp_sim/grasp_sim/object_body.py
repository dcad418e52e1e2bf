"""Loads a checked object into PyBullet, with the picture that belongs to it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pybullet
from pybullet_utils.bullet_client import BulletClient

from grasp_core.errors import ConfigError
from grasp_sim.object_check import MIDDLE, CheckedObject

_PICTURES = (".png", ".jpg", ".jpeg")
_TEXTURE = 8  # place in a row of getVisualShapeData


def load_body(client: BulletClient, thing: CheckedObject) -> int:
    """Load an object at the origin; PyBullet's id of the body.

    Raises:
        ConfigError: PyBullet cannot load the file.
    """
    try:
        if MIDDLE not in thing.replaced:
            return int(client.loadURDF(str(thing.path)))
        # The middle of mass of a loaded body cannot be moved: load a description that has it.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / thing.path.name
            path.write_text(corrected_urdf(thing), encoding="utf-8")
            return int(client.loadURDF(str(path)))
    except pybullet.error as error:
        raise ConfigError(f"PyBullet cannot load {thing.path}: {error}") from error


def corrected_urdf(thing: CheckedObject) -> str:
    """The description of an object with its middle of mass, for a file in any folder."""
    root = ElementTree.parse(thing.path).getroot()
    for mesh in root.iter("mesh"):
        mesh.set("filename", str(thing.path.parent.resolve() / mesh.get("filename", "")))
    link = root.find("link")
    if link is not None:
        inertial = link.find("inertial")
        if inertial is None:
            inertial = ElementTree.SubElement(link, "inertial")
        for child in list(inertial):
            inertial.remove(child)
        pose = {"xyz": thing.T_link_mass.translation, "rpy": thing.T_link_mass.rpy}
        values = {key: " ".join(f"{number:.9g}" for number in pose[key]) for key in pose}
        ElementTree.SubElement(inertial, "origin", values)
        ElementTree.SubElement(inertial, "mass", value=f"{thing.mass_kg:.9g}")
        # Bullet does not read it, but wants it there; the world sets the one that counts.
        moments = dict.fromkeys(("ixx", "iyy", "izz"), "1")
        products = dict.fromkeys(("ixy", "ixz", "iyz"), "0")
        ElementTree.SubElement(inertial, "inertia", {**moments, **products})
    return ElementTree.tostring(root, encoding="unicode")


def show_picture(client: BulletClient, body: int, path: Path) -> None:
    """Put the picture beside a URDF on a body whose meshes name none that is there.

    Public sets lose the material file of a mesh, which names its picture, but keep the picture.

    Args:
        client: Where the body is.
        body: PyBullet's id.
        path: The URDF; where not exactly one picture lies beside it, nothing changes.
    """
    pictures = [one for one in path.parent.iterdir() if one.suffix.lower() in _PICTURES]
    shapes = client.getVisualShapeData(body, flags=pybullet.VISUAL_SHAPE_DATA_TEXTURE_UNIQUE_IDS)
    if len(pictures) != 1 or any(shape[_TEXTURE] >= 0 for shape in shapes):
        return
    try:
        texture = client.loadTexture(str(pictures[0]))
    except pybullet.error as error:
        raise ConfigError(f"PyBullet cannot load the picture {pictures[0]}: {error}") from error
    client.changeVisualShape(body, -1, textureUniqueId=texture)
