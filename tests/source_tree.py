"""What the tests of this folder read: packages, files and imports of the repository."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src"
PACKAGES = [*sorted(path.parent.name for path in SOURCES.glob("*/setup.py")), "grasp_bringup"]
ROOMS = ("grasp_detection", "grasp_executor", "grasp_sim")

# Import name -> rosdep key, for Python libraries that Ubuntu has.
ROSDEP_KEYS = {
    "cryptography": "python3-cryptography",
    "cv2": "python3-opencv",
    "matplotlib": "python3-matplotlib",
    "hypothesis": "python3-hypothesis",
    "numpy": "python3-numpy",
    "pytest": "python3-pytest",
    "scipy": "python3-scipy",
    "yaml": "python3-yaml",
}
# Import name -> ROS package, for what a setting alone asks for; package.xml names it in a comment,
# for nobody else should have to install it.
ON_REQUEST = {"moveit": "moveit_py"}
# Import name -> name in requirements.txt, for libraries without a rosdep key; package.xml names
# them in a comment, for format 3 has no field for them.
PIP_ONLY = {
    "coal": "coal",
    "dask": "dask",
    "distributed": "distributed",
    "onnx": "onnx",
    "onnxruntime": "onnxruntime",
    "openvino": "openvino",
    "pinocchio": "pin",
    "pybullet": "pybullet",
    "pybullet_data": "pybullet",
    "pybullet_utils": "pybullet",
    "rich": "rich",
    "roboplan": "roboplan-core",
    "safetensors": "safetensors",
    "toppra": "toppra",
    "torch": "torch",
}


@dataclass(frozen=True)
class Import:
    """One import: where it stands and what it names, as ``package.module.name``."""

    path: Path
    line: int
    name: str

    @property
    def module(self) -> str:
        """The top-level module."""
        return self.name.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} imports {self.name}"


def module_files(package: str) -> list[Path]:
    """Python files that a package installs."""
    return sorted((SOURCES / package / package).rglob("*.py"))


@functools.cache
def shared_by_tests() -> set[str]:
    """Modules beside the tests of any package, which tests of others may use, too."""
    return {path.stem for path in SOURCES.glob("*/test/*.py")}


def files_of_tests(package: str) -> list[Path]:
    """Python files of a package's own tests."""
    return sorted((SOURCES / package / "test").rglob("*.py"))


def imports(path: Path) -> Iterator[Import]:
    """Imports of a file, at any depth, less the standard library and, in tests, files beside it.

    ``import_module("name")`` and ``find_spec("name")`` with the name spelt out count, too.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith(("import_module", "find_spec"))
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            names = [str(node.args[0].value)]
        for name in names:
            found = Import(path, node.lineno, name)
            beside = path.parent.name == "test" and found.module in shared_by_tests()
            if found.module not in sys.stdlib_module_names and not beside:
                yield found


def imported_files(found: Import) -> list[Path]:
    """Files of the repository's packages that an import runs, the deepest last."""
    if found.module not in PACKAGES:
        return []
    folder, files = SOURCES / found.module, []
    for part in found.name.split("."):
        if (path := folder / f"{part}.py").is_file():
            return [*files, path]
        folder /= part
        if not (path := folder / "__init__.py").is_file():
            break
        files.append(path)
    return files


def manifest(package: str) -> ElementTree.Element:
    """Root element of a package's package.xml."""
    return ElementTree.parse(SOURCES / package / "package.xml").getroot()


def repository_files() -> list[Path]:
    """Every file that is, or could be, committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = {ROOT / name for name in listed.split("\0") if name}
    return sorted(path for path in paths if path.is_file())
