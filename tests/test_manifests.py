"""Every package.xml declares what its package imports, and agrees with the rest."""

import ast
import re

import pytest
import tomllib
from source_tree import (
    ON_REQUEST,
    PACKAGES,
    PIP_ONLY,
    ROOT,
    ROSDEP_KEYS,
    SOURCES,
    files_of_tests,
    imports,
    manifest,
    module_files,
)

ALL_PACKAGES = [*PACKAGES, "grasp_msgs"]
IN_COMMENTS = {**PIP_ONLY, **ON_REQUEST}
# What a package needs though no module of it is imported, and why.
NEEDED_UNSEEN = {
    ("grasp_bringup", "rviz2"): "launch/sim.launch.py starts it",
}


def declared(package, *tags):
    return {element.text for tag in tags for element in manifest(package).findall(tag)}


def pip_comments(package):
    """Comments of a manifest, which name libraries without a rosdep key."""
    text = (SOURCES / package / "package.xml").read_text(encoding="utf-8")
    return re.findall(r"<!--(.*?)-->", text, re.DOTALL)


def undeclared(package, files, keys):
    comments = " ".join(pip_comments(package))
    for found in (found for path in files for found in imports(path)):
        if found.module == package:
            continue
        if found.module in IN_COMMENTS:
            if not re.search(rf"\b{re.escape(IN_COMMENTS[found.module])}\b", comments):
                yield f"{found}: name {IN_COMMENTS[found.module]} in a comment"
        elif ROSDEP_KEYS.get(found.module, found.module) not in keys:
            yield f"{found}: declare {ROSDEP_KEYS.get(found.module, found.module)}"


def keys_of(files):
    """Keys of the manifest that imports of files need."""
    return {
        ROSDEP_KEYS.get(found.module, found.module) for path in files for found in imports(path)
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_declares_imports_of_its_modules(package):
    keys = declared(package, "depend", "exec_depend")
    missing = list(undeclared(package, module_files(package), keys))
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("package", PACKAGES)
def test_declares_imports_of_its_tests(package):
    keys = declared(package, "depend", "exec_depend", "test_depend")
    missing = list(undeclared(package, files_of_tests(package), keys))
    assert not missing, "\n".join(missing)


@pytest.mark.parametrize("package", PACKAGES)
def test_declares_nothing_that_is_not_imported(package):
    unseen = {key for owner, key in NEEDED_UNSEEN if owner == package}
    launch_files = sorted((ROOT / "launch").glob("*.py")) if package == "grasp_bringup" else []
    used = keys_of([*module_files(package), *launch_files])
    unused = declared(package, "depend", "exec_depend") - used - unseen
    assert not unused, f"take out of package.xml, or say why in NEEDED_UNSEEN: {sorted(unused)}"
    assert unseen <= declared(package, "exec_depend")
    assert not unseen & used, "imported: no reason is needed"
    in_tests = keys_of(files_of_tests(package))
    needless = declared(package, "test_depend") - in_tests
    assert not needless, f"no test imports {sorted(needless)}"
    twice = declared(package, "test_depend") & declared(package, "depend", "exec_depend")
    assert not twice, f"declared twice: {sorted(twice)}"


@pytest.mark.parametrize("package", PACKAGES)
def test_names_no_library_in_vain(package):
    named = set(re.findall(r"[\w-]+", " ".join(pip_comments(package))))
    used = {
        PIP_ONLY[found.module]
        for path in module_files(package) + files_of_tests(package)
        for found in imports(path)
        if found.module in PIP_ONLY
    }
    assert named & set(PIP_ONLY.values()) == used


def test_the_workspace_page_lists_what_rosdep_does_not_bring():
    page = (ROOT / "docs" / "ros2-workspace.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.*`) \| .* \| (grasp_.*) \|$", page, re.MULTILINE)
    listed = {name for names, _ in rows for name in re.findall(r"`([^`]+)`", names)}
    text = " ".join(comment for package in PACKAGES for comment in pip_comments(package))
    assert listed & set(PIP_ONLY.values()) == set(PIP_ONLY.values())
    assert all(name in text for name in listed)
    for names, packages in rows:
        for package in packages.split(", "):
            named = " ".join(pip_comments(package))
            assert any(name in named for name in re.findall(r"`([^`]+)`", names)), package


def test_docker_installs_what_every_package_needs():
    text = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (src/(\w+)/package\.xml) \1$", text, re.MULTILINE)
    assert sorted(package for _, package in copied) == sorted(ALL_PACKAGES)


@pytest.mark.parametrize("package", ALL_PACKAGES)
def test_header_agrees_with_the_project(package):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    root = manifest(package)
    assert root.get("format") == "3"
    assert root.findtext("name") == package
    assert root.findtext("version") == project["version"]
    assert root.findtext("license") == project["license"]["text"]


@pytest.mark.parametrize("package", [name for name in PACKAGES if name != "grasp_bringup"])
def test_setup_files_differ_in_name_programs_and_data_alone(package):
    def normalised(name, file):
        text = (SOURCES / name / file).read_text(encoding="utf-8").replace(name, "NAME")
        return re.sub(r" *(?:entry_points=|package_data=|\(.bin.,).*\n", "", text)

    for file in ("setup.py", "setup.cfg"):
        assert normalised(package, file) == normalised("grasp_core", file)
    assert (SOURCES / package / "resource" / package).is_file()


@pytest.mark.parametrize("package", PACKAGES)
def test_programs_exist(package):
    setup = SOURCES / package / "setup.py"
    text = setup.read_text(encoding="utf-8") if setup.exists() else ""
    for module, function in re.findall(r'"\w+ = ([\w.]+):(\w+)"', text):
        path = SOURCES / package / f"{module.replace('.', '/')}.py"
        assert path.is_file(), f"{setup.relative_to(ROOT)} names {module}, which does not exist"
        functions = {
            node.name
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
        assert function in functions, f"{path.relative_to(ROOT)} has no function {function}"


def test_editable_install_knows_every_package():
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    folders = set(tool["setuptools"]["packages"]["find"]["where"])
    assert folders == {f"src/{package}" for package in PACKAGES}
