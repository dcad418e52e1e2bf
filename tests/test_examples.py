"""Every example runs."""

import runpy

import pytest
from source_tree import ROOT

EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def test_there_are_examples():
    assert EXAMPLES


def test_a_picture_is_detected_and_drawn(tmp_path, capsys):
    run = runpy.run_path(str(ROOT / "examples" / "detect_grasps.py"))
    picture = tmp_path / "grasps.png"
    run["main"](picture=picture, name="antipodal")
    assert picture.stat().st_size > 10_000
    told = capsys.readouterr().out
    assert "grasps in cereal_and_tea" in told
    assert "best: quality" in told


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_says_what_it_shows(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith('"""')
    assert f"examples/{path.name}" in text, "how to run it"
