"""The ladder from whatever ends a verb to a sentence and a status."""

import subprocess
import sys
import types

import pytest

from grasp_cli import main as command
from grasp_cli.exit_status import exit_status
from grasp_core.errors import ConfigError, GraspStackError, MissingDependency
from grasp_detection.datasets.dataset import DatasetError
from grasp_detection.evaluation.errors import EvaluationError
from grasp_detection.learned.training.errors import TrainingError
from grasp_detection.learned.weights import WeightsError


class GoneAway(GraspStackError):
    """A failure of the stack."""


def ending(error):
    def work():
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (GoneAway("the node is gone"), 1, "error: the node is gone"),
        (ConfigError("speed is -1"), 2, "error: speed is -1"),
        (WeightsError("no weights 'x'"), 2, "error: no weights 'x'"),
        (DatasetError("x is no folder"), 2, "error: x is no folder"),
        (EvaluationError("nothing to measure"), 2, "error: nothing to measure"),
        (TrainingError("it diverged"), 2, "error: it diverged"),
        (MissingDependency("needs torch"), 2, "error: needs torch"),
        (FileNotFoundError(2, "No such file", "a.txt"), 2, "error: No such file: a.txt"),
        (OSError("the disk is full"), 2, "error: the disk is full"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (KeyboardInterrupt("half of it is done"), 130, "half of it is done"),
    ],
)
def test_every_end_has_a_sentence_and_a_status(error, status, told, capsys):
    assert exit_status(ending(error)) == status
    shown = capsys.readouterr()
    assert shown.err == f"{told}\n"
    assert not shown.out


def test_what_went_well_says_nothing_and_keeps_its_status(capsys):
    assert exit_status(lambda: 0) == 0
    assert exit_status(lambda: 1) == 1
    assert capsys.readouterr().err == ""


def test_a_fault_of_the_program_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        exit_status(lambda: 1 // 0)


def test_of_several_processes_the_first_one_speaks(monkeypatch, capsys):
    monkeypatch.setenv("RANK", "1")
    assert exit_status(ending(ConfigError("speed is -1"))) == 2
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("RANK", "0")
    assert exit_status(ending(ConfigError("speed is -1"))) == 2
    assert capsys.readouterr().err == "error: speed is -1\n"


@pytest.mark.parametrize(
    ("sentences", "error", "told"),
    [
        ({"INTERRUPTED": "what was done is kept"}, KeyboardInterrupt(), "what was done is kept"),
        ({"INTERRUPTED": "what was done is kept"}, KeyboardInterrupt("nothing"), "nothing"),
        ({}, KeyboardInterrupt(), "interrupted"),
    ],
)
def test_a_verb_says_what_an_interruption_leaves(sentences, error, told, monkeypatch, capsys):
    verb = types.SimpleNamespace(run=lambda options: ending(error)(), **sentences)
    parser = types.SimpleNamespace(
        parse_args=lambda arguments: types.SimpleNamespace(verb_module=verb)
    )
    monkeypatch.setattr(command, "command_parser", lambda: parser)
    assert command.main([]) == 130
    assert capsys.readouterr().err == f"{told}\n"


PRINTS = "import sys; from grasp_cli.exit_status import exit_status; sys.exit(exit_status({}))"


@pytest.mark.parametrize(
    "work",
    [
        "lambda: [print('line', number) for number in range(100000)] and 0",  # in the middle
        "lambda: print('one line') or 0",  # when all is over
        "lambda: print('help') or sys.exit(0)",
    ],
)
def test_a_reader_that_goes_away_is_no_fault(work):
    running = subprocess.Popen(
        [sys.executable, "-c", PRINTS.format(work)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    running.stdout.close()
    assert running.stderr.read() == ""
    assert running.wait(timeout=30.0) == 1


def test_another_broken_pipe_is_told(capsys):
    assert exit_status(ending(BrokenPipeError(32, "Broken pipe"))) == 2
    assert capsys.readouterr().err == "error: Broken pipe\n"
