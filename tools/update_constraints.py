"""Write constraints.txt and requirements-sourced.txt: what requirements*.txt draw in, by version.

Run by ``make constraints`` after a change of the pins, with the Python of ``.venv``. It resolves
afresh, without looking at what is installed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OWN = re.compile(r"numpy==|scipy==|opencv-")  # the distribution's, see requirements-ubuntu.txt
CONSTRAINTS = """\
# Every version that requirements-ros.txt and requirements.txt draw in, for a Python of the
# version below. Written by `make constraints`; do not edit.
# Python {version}
"""
SOURCED = """\
# What requirements.txt draws in, less numpy, scipy and OpenCV: where ROS 2 Jazzy is sourced, those
# are the distribution's. Installed without dependencies, for cmeel-boost asks for numpy 2 and runs
# on 1.26 as well. Written by `make constraints`; do not edit.
# Python {version}
"""


def normalised(name: str) -> str:
    """A project's name as indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def resolve(*requirements: str, constraints: str = "") -> list[str]:
    """Lines ``name==version`` of everything that requirement files need, sorted."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run"]
    command += ["--ignore-installed", "--report", "-"]
    command += ["-c", str(ROOT / constraints)] if constraints else []
    for name in requirements:
        command += ["-r", str(ROOT / name)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    packages = [entry["metadata"] for entry in report["install"]]
    return sorted(
        # Which build of a version ("+cpu") is the index's affair, not the constraint's.
        f"{normalised(package['name'])}=={package['version'].split('+')[0]}"
        for package in packages
    )


def write(name: str, header: str, lines: list[str]) -> None:
    """Write a file of pins."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    text = header.format(version=version) + "\n".join(lines) + "\n"
    (ROOT / name).write_text(text, encoding="utf-8")
    print(f"{name}: {len(lines)} packages")


def main() -> None:
    """Write both files."""
    write("constraints.txt", CONSTRAINTS, resolve("requirements-ros.txt", "requirements.txt"))
    drawn_in = resolve("requirements.txt", constraints="constraints.txt")
    write("requirements-sourced.txt", SOURCED, [line for line in drawn_in if not OWN.match(line)])


if __name__ == "__main__":
    main()
