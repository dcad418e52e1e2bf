"""The house keeps its shape: which room may import what."""

import ast
import functools

import pytest
from source_tree import (
    PACKAGES,
    PIP_ONLY,
    ROOMS,
    ROOT,
    ROSDEP_KEYS,
    SOURCES,
    files_of_tests,
    imported_files,
    imports,
    module_files,
)

PURE = {*ROSDEP_KEYS, *PIP_ONLY}
STACK = {*PACKAGES, "grasp_msgs"}
ALLOWED_OF_STACK = {
    "grasp_core": {"grasp_core"},
    "grasp_ros": {"grasp_ros", "grasp_core", "grasp_msgs"},
    **{room: {room, "grasp_ros", "grasp_core", "grasp_msgs"} for room in ROOMS},
    # It moves the arm through the executor's ports, and knows no simulator.
    "grasp_calibration": {"grasp_calibration", "grasp_executor", "grasp_ros", "grasp_core"},
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


imports_of = functools.cache(lambda path: tuple(imports(path)))


def is_ros(found):
    files = imported_files(found)
    if not files:
        return found.module not in PURE
    return found.module == "grasp_ros" or any(map(is_ros_edge, files))


def way_to_ros(start):
    """Imports that lead from a module to what only a node's edge may import; empty for none."""
    ways = {start: ()}
    waiting = [start]
    for path in waiting:
        for found in imports_of(path):
            way = (*ways[path], found)
            if is_ros(found):
                return way
            new = [file for file in imported_files(found) if file not in ways]
            ways.update(dict.fromkeys(new, way))
            waiting += new
    return ()


@pytest.mark.parametrize("package", ["grasp_core", *ROOMS, "grasp_calibration", "grasp_benchmark"])
def test_core_is_free_of_ros(package):
    ways = [
        ", ".join(map(str, way))
        for path in module_files(package)
        if package == "grasp_core" or not is_ros_edge(path)
        if (way := way_to_ros(path))
    ]
    assert not ways, "only node.py and ros_*.py may:\n" + "\n".join(ways)


# What is read, what is worked out, how it is shown: each imports nothing to its right.
CLOSED_LOOP = (
    {"record", "journal", "plan", "settings", "benchmark", "run", "trial_job", "trial_runner"},
    {"figures", "difference", "too_wide"},
    {"formatting"},
    {"plots"},
    {"table", "page"},
)


@pytest.mark.parametrize("layer", range(len(CLOSED_LOOP)))
def test_records_become_figures_and_figures_become_views(layer):
    folder = SOURCES / "grasp_benchmark" / "grasp_benchmark" / "closed_loop"
    for name in CLOSED_LOOP[layer]:
        used = {
            file.stem
            for found in imports(folder / f"{name}.py")
            for file in imported_files(found)
            if file.parent == folder
        }
        beyond = set().union(*CLOSED_LOOP[layer + 1 :])
        views = CLOSED_LOOP[-1] - {name} if layer == len(CLOSED_LOOP) - 1 else set()
        assert not used & (beyond | views), f"{name} imports what is made of it"


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
