"""The command as a newcomer meets it: verbs with a line each, and examples that work."""

import shlex
import subprocess
import sys

import pytest

from grasp_cli.main import FIRST_COMMANDS, command_parser, main
from grasp_cli.verb import verbs

VERBS = {verb.name: verb for verb in verbs()}


def words(example):
    program, *arguments = shlex.split(example, comments=True)
    assert program == "grasp"
    return arguments


def test_the_verbs_are_the_files():
    assert set(VERBS) == {
        *("sim", "real", "pick", "detect", "calibrate", "moveit", "bench", "benchmark"),
        *("data", "train", "crossval", "evaluate", "compare", "import", "config"),
    }


@pytest.mark.parametrize("name", VERBS)
def test_a_summary_fits_in_a_line(name):
    summary = VERBS[name].summary
    assert summary
    assert summary[0].isupper()
    assert len(summary) <= 68  # beside the verb, in 80 columns


@pytest.mark.parametrize("name", VERBS)
def test_examples_are_understood_by_the_verb(name):
    examples = VERBS[name].module().EXAMPLES
    assert examples
    for example in examples:
        arguments = words(example)
        assert arguments[0] == name
        assert command_parser().parse_args(arguments).verb_module is VERBS[name].module()


def test_the_first_commands_are_understood():
    assert [words(line)[0] for line in FIRST_COMMANDS] == ["sim", "benchmark", "evaluate"]
    for line in FIRST_COMMANDS:
        command_parser().parse_args(words(line))


def test_the_help_lists_every_verb_with_its_summary(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for verb in VERBS.values():
        assert f"  {verb.name} " in shown
        assert verb.summary in shown
    assert all(line in shown for line in FIRST_COMMANDS)


@pytest.mark.parametrize("name", VERBS)
def test_the_help_of_a_verb_ends_with_its_examples(name, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    shown = capsys.readouterr().out.rstrip()
    assert shown.startswith(f"usage: grasp {name} ")
    assert VERBS[name].summary in shown
    assert shown.endswith(VERBS[name].module().EXAMPLES[-1])


@pytest.mark.parametrize(
    ("arguments", "usage"),
    [
        (["dance"], "usage: grasp VERB"),
        ([], "usage: grasp VERB"),
        (["config", "--dance"], "usage: grasp config "),
        (["data", "check", ".", "--dance"], "usage: grasp data check "),
    ],
)
def test_what_is_not_understood_is_told_with_the_usage(arguments, usage, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(usage)


def test_the_help_is_quick():
    code = (
        "import sys; from grasp_cli.main import command_parser; command_parser().format_help(); "
        "print(sorted({'numpy', 'rich', 'rclpy', 'torch', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
