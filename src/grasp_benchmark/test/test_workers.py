"""Jobs in several processes: answers, deaths, interruptions, an external scheduler."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client, Security, rpc

from grasp_benchmark.scheduler import Scheduler
from grasp_benchmark.workers import ClusterFailed, Died, started_workers
from grasp_core.errors import ConfigError


def run_jobs(function, jobs, workers, scheduler=None, **options):
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


def test_nobody_without_the_certificate_can_connect_to_local_workers() -> None:
    with started_workers(1) as processes:
        about = processes._client.scheduler_info(n_workers=-1)
        ((worker, told),) = about["workers"].items()
        addresses = [about["address"], worker, told["nanny"]]
        assert list(processes.run(square, [3])) == [(3, 9)]
        for address in addresses:
            assert str(address).startswith("tls://127.0.0.1:")
        for security in (None, Security.temporary()):
            plain = about["address"].replace("tls://", "tcp://")
            address = about["address"] if security else plain
            with pytest.raises((OSError, TimeoutError)):
                Client(address, security=security, timeout=1.0, set_as_default=False)
        for address in addresses:
            call_directly(address, processes._client.security)
            with pytest.raises(OSError, match="before comm was established"):
                call_directly(address, Security.temporary())


def call_directly(address: str, security: Security) -> None:
    """Ask a worker itself who it is, past the scheduler."""

    async def ask() -> None:
        arguments = security.get_connection_args("client")
        connection = rpc(address, connection_args=arguments, timeout=0.5)
        try:
            await connection.identity()
        finally:
            await connection.close_rpc()

    asyncio.run(asyncio.wait_for(ask(), 5.0))


def write_certificate(folder: Path) -> Path:
    """An authority, a certificate and its key."""
    made = Security.temporary()
    for name, content in (
        ("ca.pem", made.tls_ca_file),
        ("cert.pem", made.tls_client_cert),
        ("key.pem", made.tls_client_key),
    ):
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(content)
    return folder


def test_a_scheduler_that_is_not_there_is_named() -> None:
    scheduler = Scheduler("tcp://127.0.0.1:1", insecure=True)
    with pytest.raises(ClusterFailed, match=r"no scheduler answers at tcp://127\.0\.0\.1:1"):
        list(run_jobs(square, [1], workers=1, scheduler=scheduler))


@contextlib.contextmanager
def started_scheduler(*files: str) -> Iterator[str]:
    """Address of a scheduler with a worker, as started by hand."""
    command = [sys.executable, "-m"]
    local = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show")
    scheduler = subprocess.Popen(
        [*command, "distributed.cli.dask_scheduler", *local, *files],
        stderr=subprocess.PIPE,
        text=True,
    )
    worker = None
    try:
        found = (line.split()[-1] for line in scheduler.stderr or () if "Scheduler at:" in line)
        address = next(found)
        one = (address, "--nthreads", "1", "--no-nanny")
        worker = subprocess.Popen(
            [*command, "distributed.cli.dask_worker", *one, *files],
            env={**os.environ, "PYTHONPATH": python_path()},
            stderr=subprocess.DEVNULL,
        )
        yield address
    finally:
        for process in (worker, scheduler):
            if process is not None:
                process.terminate()
                process.wait(10.0)


def python_path() -> str:
    """What is imported here, and the functions of this file."""
    before = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join(filter(None, (os.path.dirname(__file__), before)))


def test_workers_of_a_running_scheduler_do_the_same() -> None:
    with started_scheduler() as address:
        scheduler = Scheduler(address, insecure=True)
        answers = dict(run_jobs(square, range(5), workers=1, scheduler=scheduler))
    assert answers == {value: value * value for value in range(5)}


def test_workers_of_an_encrypted_scheduler_do_the_same(tmp_path: Path) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    for folder in (own, other):
        folder.mkdir()
        write_certificate(folder)
    options = ("--tls-ca-file", "--tls-cert", "--tls-key")
    names = ("ca.pem", "cert.pem", "key.pem")
    files = [part for pair in zip(options, names, strict=True) for part in pair]
    files[1::2] = [str(own / name) for name in names]
    with started_scheduler(*files) as address:
        scheduler = Scheduler(address, own)
        answers = dict(run_jobs(square, range(5), workers=1, scheduler=scheduler))
        assert answers == {value: value * value for value in range(5)}
        with pytest.raises(ClusterFailed, match=r"accepts the certificate in .*other"):
            list(run_jobs(square, [1], workers=1, scheduler=Scheduler(address, other)))


@pytest.mark.parametrize(
    ("address", "tls", "message"),
    [
        ("tcp://10.0.0.7:8786", False, r"tcp://10\.0\.0\.7:8786 is not encrypted.*--insecure"),
        ("tcp://127.0.0.1:8786", False, "every user of its machine included"),
        ("10.0.0.7:8786", False, "not encrypted"),
        ("tls://10.0.0.7:8786", False, "needs --tls FOLDER"),
        ("tcp://10.0.0.7:8786", True, "must begin with tls://"),
    ],
)
def test_a_scheduler_that_lets_everybody_in_is_refused(
    address: str, tls: bool, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        Scheduler(address, write_certificate(tmp_path) if tls else None)


def test_certificates_that_are_no_use_are_refused(tmp_path: Path) -> None:
    address = "tls://10.0.0.7:8786"
    with pytest.raises(ConfigError, match=r"cannot be used: No such file"):
        Scheduler(address, tmp_path)
    write_certificate(tmp_path)
    assert Scheduler(address, tmp_path).security() is not None
    (tmp_path / "key.pem").chmod(0o644)
    with pytest.raises(ConfigError, match=r"key\.pem can be read by every user.*chmod 600"):
        Scheduler(address, tmp_path)
    (tmp_path / "cert.pem").write_text("nonsense")
    with pytest.raises(ConfigError, match="cannot be used"):
        Scheduler(address, tmp_path)
