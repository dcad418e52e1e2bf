"""What `grasp bench` keeps after a failure, and what it refuses."""

import json

import pytest

from grasp_bringup.processes import StackFailed
from grasp_cli.main import main
from grasp_cli.verbs import bench as bench_command


def test_what_was_measured_before_a_failure_is_kept(tmp_path, monkeypatch, capsys):
    def lost(*_):
        raise StackFailed("the node is gone")

    monkeypatch.setattr(bench_command, "measure_latency", lost)
    path = tmp_path / "figures.json"
    only = ["--only", "simulator,latency", "--json", str(path)]
    assert main(["bench", *only]) == 1
    assert "error: the node is gone" in capsys.readouterr().err
    assert json.loads(path.read_text())["simulator"]["ms"]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--only", "detectors,speed"], "--only names 'speed'; valid are detectors"),
        (["--rounds", "0"], "--rounds is 0, must be at least 1"),
        (["--seed", "-1"], "--seed is -1, must be at least 0"),
        (["--robot", "nosuch"], "no robot 'nosuch'"),
        (["--json", "/dev/null/figures.json"], "cannot write /dev/null/figures.json"),
    ],
)
def test_wrong_values_are_refused(arguments, what, capsys):
    assert main(["bench", *arguments]) == 2
    assert what in capsys.readouterr().err
