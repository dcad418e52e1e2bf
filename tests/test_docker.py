"""The images, as far as reading tells: there is no Docker where the stack is developed."""

import json
import re

import pytest
import yaml
from source_tree import ROOT

FOLDER = ROOT / "docker"


def stages():
    """Instructions by stage: name -> [(instruction, rest)], those of its base first."""
    text = (FOLDER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    found, lines = {}, []
    for line in text.splitlines():
        if match := re.match(r"FROM (\S+) AS (\S+)$", line):
            base, name = match.groups()
            lines = found[name] = list(found.get(base, []))
        elif match := re.match(r"([A-Z]+) (.*)$", line):
            lines.append(match.groups())
    return found


def last(lines, instruction):
    return [rest for name, rest in lines if name == instruction][-1]


@pytest.mark.parametrize("stage", ["sim", "real"])
def test_nothing_runs_as_root(stage):
    lines = stages()[stage]
    user = last(lines, "USER")
    assert user != "root"
    assert any(
        name == "RUN" and "useradd --create-home" in rest and rest.endswith(f" {user}")
        for name, rest in lines
    )


@pytest.mark.parametrize("stage", ["sim", "real"])
def test_what_an_image_starts_is_a_launch_file_with_its_arguments(stage):
    program, verb, package, launch_file, *_ = json.loads(last(stages()[stage], "CMD"))
    assert (program, verb, package) == ("ros2", "launch", "grasp_bringup")
    assert launch_file == f"{stage}.launch.py"


def test_what_is_copied_is_there():
    for name, rest in stages()["real"]:
        if name == "COPY":
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source


def test_numpy_is_the_distributions():
    installs = [rest for name, rest in stages()["sim"] if name == "RUN" and "pip install" in rest]
    assert len(installs) == 1
    pinned = (ROOT / "requirements-sourced.txt").read_text(encoding="utf-8").split()
    for command in installs[0].split("&&")[1:]:
        # torch needs no numpy: what it draws in are the libraries of its build.
        assert "--no-deps" in command or command.split()[-1].startswith("torch==")
        named = [word for word in command.split() if "==" in word]
        assert named or "-r requirements-sourced.txt" in command
        assert set(named) <= set(pinned)


def test_each_service_is_a_target():
    services = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert set(services) == {"sim", "real"}
    for name, service in services.items():
        assert service["build"]["target"] == name
        assert (FOLDER / service["build"]["context"]).resolve() == ROOT
        assert service["network_mode"] == "host"
