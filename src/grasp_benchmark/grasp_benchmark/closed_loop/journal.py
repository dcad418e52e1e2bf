"""The folder of a benchmark: its settings, one line per finished trial, pictures of failures.

A line is appended when its trial is finished, so whatever ends the program, the next one goes on
where it was; a line that was cut off is dropped, and its trial is done again.
"""

from __future__ import annotations

import fcntl
import json
from collections import Counter
from dataclasses import replace
from io import BufferedRandom
from pathlib import Path
from typing import Any

from grasp_benchmark.closed_loop.record import TrialRecord
from grasp_core.config import differences
from grasp_core.errors import ConfigError
from grasp_core.json_file import write_json

PICTURES_PER_CODE = 6
_SETTINGS, _TRIALS, _PICTURES = "settings.json", "trials.jsonl", "pictures"


class Journal:
    """Finished trials of one benchmark, in memory and on disk; used by one process at a time.

    Attributes:
        folder: Where it lies.
        records: Finished trials by detector and index.
    """

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        """Name the folder; entering opens it.

        Args:
            folder: Made where it is missing.
            about: Settings that the folder's must equal.
        """
        self.folder = folder
        self.records: dict[tuple[str, int], TrialRecord] = {}
        self._about = about
        self._file: BufferedRandom
        self._pictures: Counter[tuple[str, str]] = Counter()

    def __enter__(self) -> Journal:
        """Open or resume.

        Raises:
            ConfigError: The folder holds something else, or is in use.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._file = (self.folder / _TRIALS).open("a+b")
        except OSError as error:
            raise ConfigError(
                f"cannot write {error.filename}: {error.strerror}; give another --out"
            ) from error
        try:
            self._lock()
            self._check_settings()
            self._read()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def add(self, record: TrialRecord, picture: bytes | None = None) -> None:
        """Keep a finished trial, and the picture of its failure unless there are enough."""
        failure = record.failure
        if picture is not None and failure is not None:
            kind = record.detector, failure.code
            if self._pictures[kind] < PICTURES_PER_CODE:
                name = f"{_file_name(record.detector)}-{record.trial:05d}.jpg"
                path = self.folder / _PICTURES / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(picture)
                record = replace(record, picture=f"{_PICTURES}/{name}")
                self._pictures[kind] += 1
        self._file.write(record.to_line().encode())
        self._file.flush()
        self.records[record.key] = record

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigError(
                f"another benchmark writes to {self.folder}: wait for it, or give another --out"
            ) from error

    def _check_settings(self) -> None:
        path = self.folder / _SETTINGS
        if not path.exists():
            if self._file.seek(0, 2):
                raise ConfigError(f"{path} is missing: give another --out")
            write_json(path, self._about)
            return
        try:
            found = dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise ConfigError(f"{path} is no settings file: give another --out") from error
        different = differences(found, self._about)
        if different:
            raise ConfigError(
                f"{self.folder} holds a benchmark of other settings or code "
                f"({'; '.join(different)}): give another --out"
            )

    def _read(self) -> None:
        self._file.seek(0)
        content = self._file.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            self._file.truncate(whole)
        for number, line in enumerate(content[:whole].decode("utf-8", "replace").splitlines(), 1):
            try:
                record = TrialRecord.from_line(line)
            except ConfigError as error:
                raise ConfigError(
                    f"{self.folder / _TRIALS}, line {number}: {error}; remove the line to repeat "
                    "its trial"
                ) from error
            self.records[record.key] = record
            if record.picture and record.failure is not None:
                self._pictures[record.detector, record.failure.code] += 1


def _file_name(label: str) -> str:
    """A label as a part of a file name."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in label)[-60:]
