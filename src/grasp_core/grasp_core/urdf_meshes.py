"""Mesh files of a URDF: found by package or beside the URDF, and named by absolute paths."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

from grasp_core.errors import ConfigError, MissingDependency

_MESH_FILE = re.compile(r"""(<mesh\b[^>]*\bfilename\s*=\s*)(["'])(.*?)\2""", re.DOTALL)
_PACKAGE = "package://"
_FILE = "file://"


def with_mesh_paths(urdf: str, path: Path) -> str:
    """Replace the file of every mesh by an absolute path.

    Args:
        urdf: Robot description.
        path: Where it was read from. ``package://NAME/...`` is looked up among the packages of the
            ROS environment, then among the data of Python packages; other names are relative to
            this file's folder.

    Raises:
        ConfigError: A mesh file is missing.
        MissingDependency: A package is not installed.
    """

    def absolute(found: re.Match[str]) -> str:
        before, quote, name = found.groups()
        return f"{before}{quote}{_mesh_path(name, path)}{quote}"

    return _MESH_FILE.sub(absolute, urdf)


def _mesh_path(name: str, urdf: Path) -> Path:
    if name.startswith(_PACKAGE):
        package, _, inside = name.removeprefix(_PACKAGE).partition("/")
        mesh, remedy = _package_folder(package, urdf) / inside, f"install {package} completely"
    else:
        mesh = urdf.parent / name.removeprefix(_FILE)  # an absolute name stays what it is
        remedy = "put it there, or correct its name"
    if not mesh.is_file():
        raise ConfigError(f"{urdf}: there is no mesh {name!r} at {mesh}: {remedy}")
    return mesh.absolute()


def _package_folder(package: str, urdf: Path) -> Path:
    for prefix in filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)):
        share = Path(prefix) / "share"
        if (share / "ament_index" / "resource_index" / "packages" / package).is_file():
            return share / package
    found = importlib.util.find_spec(package) if package.isidentifier() else None
    if found is None or not found.submodule_search_locations:
        raise MissingDependency(
            f"{urdf} takes meshes from the package {package!r}, which neither AMENT_PREFIX_PATH "
            f"nor Python holds: install it (pybullet_data comes with `pip install pybullet`), "
            "source its workspace, or copy the meshes beside the URDF"
        )
    return Path(found.submodule_search_locations[0])
