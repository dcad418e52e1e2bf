"""The launch files start what `grasp` starts: over a launch that takes notes, and the real one."""

import importlib.util
import itertools
import re
import runpy
from pathlib import Path

import pytest

from grasp_bringup.arguments import REAL_ARGUMENTS, SIM_ARGUMENTS
from grasp_bringup.description import DriverDescription
from grasp_bringup.processes import command_of
from grasp_bringup.real_stack import real_stack
from grasp_bringup.stack import sim_stack
from grasp_cli.main import command_parser
from grasp_cli.verbs.real import texts_of

ROOT = Path(__file__).resolve().parents[3]
FILES = {"sim": SIM_ARGUMENTS, "real": REAL_ARGUMENTS}
UP = {"calibration": "tf", "drivers": "false"}
GIVEN = {
    "sim": [{}, {"detector": "antipodal", "namespace": "left", "step": "true", "rviz": "false"}],
    "real": [
        {**UP},
        {**UP, "namespace": "left", "dry_run": "false", "max_tcp_speed_m_s": "0.1"},
    ],
}
CASES = [(name, given) for name, several in GIVEN.items() for given in several]


def launch_file(name):
    return runpy.run_path(str(ROOT / "launch" / f"{name}.launch.py"))


def programs():
    """Module by package and executable, as the packages install them."""
    found = {}
    for path in (ROOT / "src").glob("*/setup.py"):
        for name, module in re.findall(r'"(\w+) = ([\w.]+):main"', path.read_text()):
            found[path.parent.name, name] = module
    return found


def as_command(action):
    """What a node's action runs, as `grasp` would: module, and words for ROS, sorted."""
    fields = action.fields
    names = {f"__node:={fields['name']}", *(f"{a}:={b}" for a, b in fields["remappings"])}
    if fields.get("namespace"):
        names.add(f"__ns:=/{fields['namespace']}")
    file, *changed = fields["parameters"]
    values = {
        f"{name}:={f'{value}'.lower() if isinstance(value, bool) else value}"
        for one in changed
        for name, value in one.items()
    }
    return programs()[fields["package"], fields["executable"]], names, file, values


def of_grasp(entry):
    """The same of the command line that `grasp` starts."""
    words = command_of(entry)
    pairs = list(itertools.pairwise(words))
    files = [value for flag, value in pairs if flag == "--params-file"]
    names = {value for flag, value in pairs if flag == "-r"}
    values = {value.replace('"', "") for flag, value in pairs if flag == "-p"}
    return words[words.index("-m") + 1], names, files[0], values


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.mark.parametrize(("name", "given"), CASES)
def test_a_launch_file_starts_what_grasp_starts(launching, name, given):
    actions = launch_file(name)["start"](given)
    nodes = [a for a in actions if a.kind in ("Node", "LifecycleNode")]
    shown = [a for a in nodes if a.fields["package"] == "rviz2"]
    assert len(shown) == (given.get("rviz") != "false")
    started = [as_command(action) for action in nodes if action not in shown]
    if name == "sim":
        entries = sim_stack(given)
    else:
        words = [f"--{key.replace('_', '-')}={value}" for key, value in given.items()]
        entries = real_stack(texts_of(command_parser().parse_args(["real", *words]))).entries
    assert started == [of_grasp(entry) for entry in entries]
    lifecycle = {a.fields["name"] for a in nodes if a.kind == "LifecycleNode"}
    assert lifecycle == {e.name for e in entries if e.lifecycle} == {"detector", "executor"}


def test_drivers_come_first_and_there_is_one_rviz(launching, monkeypatch):
    driver = DriverDescription("arm", "my_arm", launch_file="arm.launch.py")
    monkeypatch.setattr("grasp_bringup.real_stack._drivers", lambda *_: [driver])
    actions = launch_file("real")["start"]({"calibration": "tf", "use_sim_time": "true"})
    kinds = [action.kind for action in actions if action.kind != "LogInfo"]
    assert kinds[0] == "GroupAction"
    rviz = [a.fields for a in actions if a.fields.get("package") == "rviz2"]
    assert len(rviz) == 1
    assert rviz[0]["parameters"] == [{"use_sim_time": True}]
    told = [action.fields["msg"] for action in actions if action.kind == "LogInfo"]
    assert any("this is a dry run" in notice for notice in told)


@pytest.mark.parametrize("name", FILES)
def test_every_argument_is_declared_with_description_and_choices(launching, name):
    described = launch_file(name)["generate_launch_description"]().args[0]
    declared = {a.args[0]: a.fields for a in described if a.kind == "DeclareLaunchArgument"}
    assert set(declared) == set(FILES[name])
    for argument, about in FILES[name].items():
        assert declared[argument]["description"] == about.help
        assert declared[argument]["choices"] == (["", *about.choices] if about.choices else None)


# -- over the real launch -------------------------------------------------------------------------

needs_launch = pytest.mark.skipif(
    importlib.util.find_spec("launch_ros") is None,
    reason="launch and launch_ros are not installed: they come with a ROS 2 distribution",
)


@needs_launch
@pytest.mark.ros
@pytest.mark.parametrize(("name", "given"), CASES)
def test_the_launch_files_load_under_the_real_launch(name, given):
    from launch import LaunchContext
    from launch_ros.actions import LifecycleNode, Node

    context = LaunchContext()
    context.launch_configurations.update(given)
    actions = []
    for entity in launch_file(name)["generate_launch_description"]().entities:
        actions += entity.visit(context) or []
    nodes = [action for action in actions if isinstance(action, Node)]
    lifecycle = [node for node in nodes if isinstance(node, LifecycleNode)]
    assert [node.node_executable for node in lifecycle] == ["detector_node", "executor_node"]
    entries = sim_stack(given) if name == "sim" else real_stack(given).entries
    programs_of = {(node.node_package, node.node_executable) for node in nodes}
    assert programs_of - {("rviz2", "rviz2")} == {(e.package, e.executable) for e in entries}


@needs_launch
@pytest.mark.ros
@pytest.mark.parametrize("name", FILES)
def test_a_value_that_is_none_of_the_choices_is_refused_by_the_real_launch(name):
    from launch import LaunchContext

    context = LaunchContext()
    context.launch_configurations.update({"planner": "chomp"})
    described = launch_file(name)["generate_launch_description"]()
    with pytest.raises(RuntimeError, match="planner"):
        [entity.visit(context) for entity in described.entities]
