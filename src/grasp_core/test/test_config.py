"""Configuration: every refusal names the value, the bound and the remedy."""

import dataclasses
from dataclasses import dataclass

import pytest

from grasp_core.cell import Cell, load_cell
from grasp_core.config import Checked, build, differences, load_node_config, load_yaml, setting
from grasp_core.errors import Code, ConfigError, GraspStackError, Slipped, failure_from


@dataclass(frozen=True)
class Sample(Checked):
    speed: float = setting(0.5, "speed, m/s", minimum=0.0, maximum=1.0)
    count: int = setting(3, "a number", minimum=1)
    name: str = setting("a", "a name", choices=("a", "b"))
    on: bool = setting(True, "a switch")
    box: tuple[float, ...] = setting((0.0, 1.0), "two numbers, m", length=2)
    extra: dict[str, int] = setting({"a": 1}, "whatever else there is")


def test_whole_numbers_serve_as_floats_and_lists_as_tuples():
    sample = build(Sample, {"speed": 1, "box": [1, 2]}, "here")
    assert sample == Sample(speed=1.0, box=(1.0, 2.0))
    assert isinstance(sample.box[0], float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"speed": 1.5}, r"here: speed is 1.5, must lie in \[0.0, 1.0\]: speed, m/s"),
        ({"speed": float("nan")}, "speed is nan, must be finite"),
        ({"speed": "fast"}, "speed needs a float, got 'fast'"),
        ({"count": 0}, r"count is 0, must lie in \[1, inf\]"),
        ({"count": True}, "count needs a int"),
        ({"name": "c"}, "must be one of a, b"),
        ({"box": [1.0]}, "box needs 2 values, got 1"),
        ({"box": [1.0, "x"]}, r"box\[1\] needs a float"),
        ({"extra": [1]}, r"extra needs a mapping, got \[1\]"),
        ({"extra": {1: 2}}, "extra needs a mapping"),
        ({"sped": 1.0}, "unknown sped; valid names are speed, count"),
    ],
)
def test_refusals_say_what_is_wrong(values, message):
    with pytest.raises(ConfigError, match=message):
        build(Sample, values, "here")


def test_mappings_are_copied():
    given = {"b": 2}
    sample = build(Sample, {"extra": given}, "here")
    given["c"] = 3
    assert sample.extra == {"b": 2}
    assert Sample().extra == {"a": 1}
    assert Sample().extra is not Sample().extra


def test_parameter_files_need_their_node(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("node:\n  ros__parameters:\n    use_sim_time: true\n    count: 7\n")
    assert load_node_config(Sample, path, "node").count == 7
    with pytest.raises(ConfigError, match="no section other"):
        load_node_config(Sample, path, "other")


@pytest.mark.parametrize("text", ["a: [1", "- 1\n"])
def test_broken_yaml_is_named(tmp_path, text):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="broken"):
        load_yaml(path)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="gone"):
        load_yaml(tmp_path / "gone.yaml")


def test_the_shipped_cell_loads():
    cell = load_cell("tabletop")
    assert dataclasses.replace(cell, free_space={}) == Cell()
    assert "over_bin" in {box.name for box in cell.free_boxes()}
    assert {solid.name for solid in cell.solids()} >= {"table", "bin_floor", "bin_far"}


def test_a_wrong_cell_lists_the_valid_ones():
    with pytest.raises(ConfigError, match=r"valid names are .*tabletop"):
        load_cell("nosuch")


def test_a_bin_in_the_workspace_is_refused():
    with pytest.raises(ConfigError, match="picked again"):
        Cell(bin_center=(0.5, 0.0))


def test_failures_travel_by_code():
    assert type(failure_from(Code.SLIPPED, "why")) is Slipped
    assert str(failure_from(Code.SLIPPED, "why")) == "why"
    assert type(failure_from(12345, "odd")) is GraspStackError


def test_every_failure_code_has_a_class():
    found = [GraspStackError]
    for known in found:
        found.extend(known.__subclasses__())
    assert {c for c in Code if c is not Code.OK} <= {known.code for known in found}


def test_differences_are_named_with_both_values():
    before, now = {"seed": 1, "size": 112, "gone": "x"}, {"seed": 2, "size": 112, "new": 0}
    assert differences(before, now) == [
        "gone was 'x', is None",
        "new was None, is 0",
        "seed was 1, is 2",
    ]
    assert differences(now, now) == []
