"""Jobs in several processes: answers, deaths, interruptions, an external scheduler."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from grasp_benchmark.workers import ClusterFailed, Died, started_workers


def run_jobs(function, jobs, workers, scheduler="", **options):
    with started_workers(workers, scheduler) as processes:
        yield from processes.run(function, jobs, **options)


def square(value: int) -> int:
    return value * value


def refuse_three(value: int) -> int:
    if value == 3:
        raise ValueError("three is not welcome")
    return value


def die_at_three(value: int) -> int:
    if value == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def chatter(value: int) -> int:
    os.write(1, b"to stdout\n")
    os.write(2, b"to stderr\n")
    return value


def sleep_at_zero(value: int) -> int:
    if value == 0:
        time.sleep(60.0)
    return value


def pid_of(value: int) -> int:
    time.sleep(0.2)
    return os.getpid()


def test_every_job_is_answered_once_by_other_processes() -> None:
    answers = dict(run_jobs(square, range(20), workers=2))
    assert answers == {value: value * value for value in range(20)}
    pids = {pid for _, pid in run_jobs(pid_of, range(4), workers=2)}
    assert len(pids) == 2
    assert os.getpid() not in pids


def test_no_jobs_have_no_answers() -> None:
    with started_workers(1) as processes:
        assert processes.size == 1
        assert list(processes.run(square, [])) == []


def test_what_a_job_raises_is_raised() -> None:
    with pytest.raises(ValueError, match="three is not welcome"):
        list(run_jobs(refuse_three, range(6), workers=1))


def test_a_job_that_kills_its_process_costs_no_other(capfd: pytest.CaptureFixture[str]) -> None:
    answers = dict(run_jobs(die_at_three, range(6), workers=1))
    assert isinstance(answers.pop(3), Died)
    assert answers == {value: value for value in (0, 1, 2, 4, 5)}
    assert capfd.readouterr() == ("", "")


def test_a_job_that_hangs_is_given_up_and_the_others_go_on() -> None:
    answers = dict(run_jobs(sleep_at_zero, range(3), workers=1, limit_s=2.0))
    hung = answers.pop(0)
    assert isinstance(hung, Died)
    assert "no answer for 2 s" in hung.message
    assert answers == {1: 1, 2: 2}


def test_what_workers_write_is_not_seen(capfd: pytest.CaptureFixture[str]) -> None:
    assert len(list(run_jobs(chatter, range(2), workers=1))) == 2
    assert capfd.readouterr() == ("", "")


def test_an_interruption_ends_all_processes() -> None:
    class Stop(Exception):
        pass

    pids: list[int] = []

    def check() -> None:
        if pids:
            raise Stop

    answers = run_jobs(pid_of, range(100), workers=1, check=check)
    pids.append(next(answers)[1])
    with pytest.raises(Stop):
        next(answers)
    deadline = time.monotonic() + 10.0
    while time.monotonic() < deadline and os.path.exists(f"/proc/{pids[0]}"):
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{pids[0]}")


def test_a_scheduler_that_is_not_there_is_named() -> None:
    with pytest.raises(ClusterFailed, match=r"no scheduler answers at tcp://127\.0\.0\.1:1"):
        list(run_jobs(square, [1], workers=1, scheduler="tcp://127.0.0.1:1"))


def test_workers_of_a_running_scheduler_do_the_same() -> None:
    command = [sys.executable, "-m"]
    scheduler = subprocess.Popen(
        [
            *command,
            "distributed.cli.dask_scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--no-show",
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    worker = None
    try:
        address = ""
        for line in scheduler.stderr or ():
            if "Scheduler at:" in line:
                address = line.split()[-1]
                break
        worker = subprocess.Popen(
            [*command, "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"],
            env={**os.environ, "PYTHONPATH": os.path.dirname(__file__)},
            stderr=subprocess.DEVNULL,
        )
        answers = dict(run_jobs(square, range(5), workers=1, scheduler=address))
        assert answers == {value: value * value for value in range(5)}
    finally:
        for process in (worker, scheduler):
            if process is not None:
                process.terminate()
                process.wait(10.0)
