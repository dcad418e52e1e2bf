"""The benchmark end to end, in worker processes: repeatable, resumable, whatever happens."""

import json
import multiprocessing
import os
import re
import shutil
import signal

import pytest
from running_stack import write_object

from grasp_benchmark.closed_loop.benchmark import Benchmark
from grasp_benchmark.closed_loop.contestants import parse_contestants
from grasp_benchmark.closed_loop.figures import summarise
from grasp_benchmark.closed_loop.page import write_report
from grasp_benchmark.closed_loop.run import carry_out
from grasp_benchmark.closed_loop.settings import BenchmarkSettings
from grasp_benchmark.closed_loop.table import show
from grasp_core.errors import ConfigError


def benchmark_of(objects, detectors="antipodal", **settings):
    values = {"objects": str(objects), "trials": 2, "seed": 4, "noise": "d435", **settings}
    return Benchmark.of(BenchmarkSettings(**values), parse_contestants(detectors))


def outcomes(records):
    return {key: record.outcome() for key, record in records.items()}


@pytest.fixture(scope="module")
def finished(objects, tmp_path_factory):
    """A block and a crate wider than the jaws, each seen by a detector and the oracle."""
    benchmark = benchmark_of(objects)
    folder = tmp_path_factory.mktemp("benchmark") / "run"
    with benchmark.journal(folder) as journal:
        carry_out(benchmark, journal, workers=1)
        return benchmark, folder, dict(journal.records)


def test_what_can_be_picked_is_picked(finished):
    benchmark, _, records = finished
    figures = summarise(benchmark, records)
    assert figures["complete"]
    assert set(figures["detectors"]) == {"antipodal", "oracle"}
    needed = {"trials", "success", "rate", "ci95", "picks_per_hour", "codes", "per_object"}
    for one in figures["detectors"].values():
        assert needed <= set(one)
        assert (one["trials"], one["success"], one["rate"]) == (2, 1, 0.5)
        assert one["ci95"] == pytest.approx([0.0945, 0.9055], abs=1e-4)  # Wilson, 1 of 2
        assert (one["codes"]["OK"], sum(one["codes"].values())) == (1, 2)
        assert one["false_success"] == 0
        assert one["picks_per_hour"] > 0.0
        assert one["per_object"]["crate"] == {
            "trials": 1,
            "success": 0,
            "rate": 0.0,
            "too_wide": True,
        }
        assert not one["per_object"]["block"]["too_wide"]
    assert figures["detectors"]["oracle"]["share_of_oracle"] == 1.0
    assert figures["too_wide_objects"] == ["crate"]
    assert figures["differences"][0]["difference"] == 0.0
    json.dumps(figures)


def test_results_do_not_depend_on_the_number_of_workers(finished, objects, tmp_path):
    benchmark, _, records = finished
    with benchmark.journal(tmp_path / "run") as journal:
        carry_out(benchmark, journal, workers=3)
        assert outcomes(journal.records) == outcomes(records)


def test_a_killed_run_goes_on_without_loss_or_repetition(finished, tmp_path):
    benchmark, folder, records = finished
    shutil.copytree(folder, tmp_path / "run")
    path = tmp_path / "run" / "trials.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:3]) + lines[3][:40])  # killed in the middle of a line
    repeated = []
    with benchmark.journal(tmp_path / "run") as journal:
        assert len(journal.records) == 3
        carry_out(benchmark, journal, workers=1, report=repeated.append)
        assert outcomes(journal.records) == outcomes(records)
    assert len(repeated) == 1
    assert path.read_bytes().splitlines(keepends=True)[:3] == lines[:3]
    with benchmark.journal(tmp_path / "run") as journal:
        assert len(journal.records) == 4
        carry_out(benchmark, journal, workers=1, report=repeated.append)
    assert len(repeated) == 1


def test_the_page_holds_plots_and_pictures_of_failures(finished, tmp_path):
    benchmark, folder, records = finished
    failed = [record for record in records.values() if record.failure]
    assert len(failed) == 2
    assert all((folder / record.picture).is_file() for record in failed)
    path = write_report(tmp_path / "report", summarise(benchmark, records), records, folder)
    text = path.read_text()
    assert text.count("data:image/jpeg;base64,") == len(failed)
    assert text.count("data:image/svg+xml;base64,") == 2
    assert all(f"antipodal: {one.failure.code}" in text for one in failed[:1])
    assert not re.findall(r'(?:src|href)="(?!data:)', text)
    assert list(path.parent.iterdir()) == [path]


def test_the_table_tells_what_a_reader_needs(finished):
    from rich.console import Console

    console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    show(summarise(*finished[::2]), console)
    text = console.export_text()
    for word in ("antipodal - oracle: +0.0 points", "failures of antipodal: 1 ", "crate *",
                 "50.0", "9.5-90.5", "picks per hour"):  # fmt: skip
        assert word in text, word


def test_a_worker_that_dies_costs_no_trial(objects, tmp_path):
    benchmark = benchmark_of(objects, trials=2)
    killed = []

    def kill_one():
        # As soon as the first trial is on record, the worker is in the middle of the second.
        if journal.records and not killed:
            process = multiprocessing.active_children()[0]
            os.kill(process.pid, signal.SIGKILL)
            killed.append(process.pid)

    with benchmark.journal(tmp_path / "run") as journal:
        carry_out(benchmark, journal, workers=1, check=kill_one)
        codes = [record.picks[0].code for record in journal.records.values()]
    assert killed
    assert len(codes) == 4
    assert "INTERNAL" not in codes


def test_a_trial_that_raises_does_not_stop_the_run(tmp_path):
    write_object(tmp_path / "objects", "block", "0.04 0.06 0.05")
    (tmp_path / "objects" / "broken").mkdir()
    (tmp_path / "objects" / "broken" / "model.urdf").write_text("no urdf")
    benchmark = benchmark_of(tmp_path / "objects", noise="none")
    with benchmark.journal(tmp_path / "run") as journal:
        carry_out(benchmark, journal, workers=1)
        picks = {record.objects[0]: record.picks[0] for record in journal.records.values()}
        assert len(journal.records) == 4
        figures = summarise(benchmark, journal.records)
    assert picks["block"].success
    assert picks["broken"].code == "INTERNAL"
    assert "is no URDF" in picks["broken"].message
    assert figures["detectors"]["antipodal"]["failures"] == {"INTERNAL": 1}


def test_what_a_worker_lacks_is_told(objects, tmp_path):
    benchmark = benchmark_of(objects)
    shutil.copytree(objects, tmp_path / "objects")
    gone = Benchmark.of(
        BenchmarkSettings(objects=str(tmp_path / "objects"), trials=1), benchmark.contestants
    )
    shutil.rmtree(tmp_path / "objects")
    with gone.journal(tmp_path / "run") as journal, pytest.raises(ConfigError, match="no object"):
        carry_out(gone, journal, workers=1)


def test_other_settings_are_refused(finished, objects, tmp_path):
    _, folder, _ = finished
    shutil.copytree(folder, tmp_path / "run")
    with (
        pytest.raises(ConfigError, match=r"seed was 4, is 5\): give another --out"),
        benchmark_of(objects, seed=5).journal(tmp_path / "run"),
    ):
        pass
