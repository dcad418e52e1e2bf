"""Which files decide whether two benchmarks may be compared."""

import pytest

from grasp_benchmark.closed_loop.code import digest_of, trial_sources


def test_what_a_trial_runs_counts_and_what_shows_or_teaches_does_not():
    covered = {"/".join(path.parts[-2:]) for path in trial_sources()}
    assert {
        *("grasp_benchmark/in_process.py", "closed_loop/trial_job.py", "closed_loop/scene_run.py"),
        *("grasp_executor/choice.py", "grasp_executor/pick.py", "planning/embedded.py"),
        *("antipodal/search.py", "learned/window.py", "learned/openvino_runtime.py"),
        *("networks/fast.py", "grasp_sim/world.py", "grasp_core/__init__.py"),
    } <= covered
    names = {path.name for path in trial_sources()}
    assert not {"page.py", "table.py", "plots.py", "figures.py", "formatting.py"} & names
    assert not {"trainer.py", "evaluate.py", "scene_builder.py", "workers.py"} & names
    assert not {name for name in names if name == "node.py" or name.startswith("ros_")}


TREE = {
    "__init__.py": "",
    "start.py": """
from typing import TYPE_CHECKING
import grasp_toy.registry
if TYPE_CHECKING:
    from grasp_toy.types_only import Something
def late():
    from grasp_toy.inner import kept
""",
    "registry.py": "PLACES = {'a': 'grasp_toy.family:NETWORK', 'b': 'grasp_toy.unused'}",
    "family.py": "from grasp_toy.ros_bridge import send",
    "ros_bridge.py": "import grasp_toy.unused",
    "types_only.py": "",
    "unused.py": "",
    "inner/__init__.py": "",
    "inner/kept.py": "import numpy",
    "inner/unused.py": "",
}


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A package with modules that import one another in every way."""
    for name, text in TREE.items():
        path = tmp_path / "grasp_toy" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "grasp_toy"


def test_imports_are_followed_where_they_run(toy):
    found = {str(path.relative_to(toy)) for path in trial_sources("grasp_toy.start")}
    assert found == {
        *("__init__.py", "start.py", "registry.py", "family.py"),
        *("inner/__init__.py", "inner/kept.py"),
    }


def test_a_change_of_a_file_that_runs_is_noticed(toy):
    before = digest_of(trial_sources("grasp_toy.start"))
    (toy / "unused.py").write_text("changed = True")
    assert digest_of(trial_sources("grasp_toy.start")) == before
    (toy / "inner" / "kept.py").write_text("changed = True")
    assert digest_of(trial_sources("grasp_toy.start")) != before


def test_the_digest_does_not_depend_on_the_order(toy):
    assert digest_of(sorted(toy.rglob("*.py"))) == digest_of(
        sorted(toy.rglob("*.py"), reverse=True)
    )
