"""The house keeps its shape: which room may import what."""

import ast

import pytest
from source_tree import (
    PACKAGES,
    PIP_ONLY,
    ROOMS,
    ROOT,
    ROSDEP_KEYS,
    files_of_tests,
    imports,
    module_files,
)

PURE = {*ROSDEP_KEYS, *PIP_ONLY, "grasp_core"}
STACK = {*PACKAGES, "grasp_msgs"}
ALLOWED_OF_STACK = {
    "grasp_core": {"grasp_core"},
    "grasp_ros": {"grasp_ros", "grasp_core", "grasp_msgs"},
    **{room: {room, "grasp_ros", "grasp_core", "grasp_msgs"} for room in ROOMS},
    "grasp_bringup": STACK - {"grasp_benchmark", "grasp_cli"},
    "grasp_benchmark": STACK - {"grasp_cli"},
    "grasp_cli": STACK,
}


def is_ros_edge(path):
    return path.name == "node.py" or path.name.startswith("ros_")


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_only_rooms_below(package):
    upwards = [
        str(found)
        for path in module_files(package) + files_of_tests(package)
        for found in imports(path)
        if found.module in STACK - ALLOWED_OF_STACK[package]
    ]
    assert not upwards, "\n".join(upwards)


@pytest.mark.parametrize("package", ["grasp_core", *ROOMS])
def test_core_is_free_of_ros(package):
    ros = [
        str(found)
        for path in module_files(package)
        if package == "grasp_core" or not is_ros_edge(path)
        for found in imports(path)
        if found.module not in PURE | {package}
    ]
    assert not ros, "only node.py and ros_*.py may:\n" + "\n".join(ros)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_assert_outside_tests(package):
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in module_files(package)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Assert)
    ]
    assert not found, "python -O drops these; raise a typed failure: " + ", ".join(found)


def test_root_does_not_hide_packages_from_colcon():
    for name in ("package.xml", "setup.py", "setup.cfg"):
        assert not (ROOT / name).exists(), f"colcon would take the root as one package: {name}"
    assert (ROOT / "interfaces" / "COLCON_IGNORE").exists()
