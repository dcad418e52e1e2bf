"""One robot description of an arm and the hand at its flange, whose descriptions are two files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from grasp_core.errors import ConfigError
from grasp_core.urdf_meshes import with_mesh_paths


def read_urdf(path: Path, source: Path, names: dict[str, str]) -> ElementTree.Element:
    """Read a URDF, its mesh files by absolute paths.

    Args:
        path: The URDF.
        source: The profile that names it, for messages.
        names: What placeholders in it stand for.

    Raises:
        ConfigError: It is missing or no XML, or a mesh file is missing.
        MissingDependency: A package that holds its meshes is not installed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{source}: cannot read urdf {path}: {error.strerror}") from error
    for placeholder, name in names.items():
        text = text.replace(placeholder, name)
    try:
        return ElementTree.fromstring(with_mesh_paths(text, path))
    except ElementTree.ParseError as error:
        raise ConfigError(f"{path} is no valid XML: {error}") from error


def mount(
    arm: ElementTree.Element,
    hand: ElementTree.Element,
    flange: str,
    flange_rpy: Sequence[float],
) -> None:
    """Fix a hand's root link to the arm's flange, in the arm's description.

    Args:
        arm: URDF of the arm; gains the hand's links and joints.
        hand: URDF of the hand.
        flange: Link of the arm.
        flange_rpy: Roll, pitch and yaw of the hand's root in the flange's frame, rad.

    Raises:
        ConfigError: The arm has no such link, the hand not one root, or both use a name.
    """
    if flange not in _names(arm, "link"):
        raise ConfigError(f"flange is {flange!r}, which is no link of the arm's URDF")
    children = {child.get("link", "") for child in hand.findall("joint/child")}
    roots = sorted(_names(hand, "link") - children)
    if len(roots) != 1:
        raise ConfigError(
            f"the hand's URDF has the root links {', '.join(roots) or '(none)'}, needs just one, "
            "which goes to the flange"
        )
    for kind in ("link", "joint"):
        if doubled := sorted(_names(arm, kind) & _names(hand, kind)):
            raise ConfigError(
                f"arm and hand both have the {kind} {', '.join(doubled)}: rename the hand's, or "
                "give the arm a prefix"
            )
    known = _names(arm, "material")
    for element in hand:
        if element.tag != "material" or element.get("name") not in known:
            arm.append(element)
    joint = ElementTree.SubElement(arm, "joint", name=f"{roots[0]}_joint", type="fixed")
    ElementTree.SubElement(joint, "parent", link=flange)
    ElementTree.SubElement(joint, "child", link=roots[0])
    rpy = " ".join(str(float(angle)) for angle in flange_rpy)
    ElementTree.SubElement(joint, "origin", rpy=rpy, xyz="0 0 0")


def _names(root: ElementTree.Element, kind: str) -> set[str]:
    return {element.get("name", "") for element in root.findall(kind)}
