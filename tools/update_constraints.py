"""Write constraints.txt: every package that requirements*.txt draw in, with its version.

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
REQUIREMENTS = ("requirements-ros.txt", "requirements.txt")
HEADER = """\
# Every version that requirements-ros.txt and requirements.txt draw in, for a Python of the
# version below. Written by `make constraints`; do not edit.
# Python {version}
"""


def resolve() -> list[str]:
    """Lines ``name==version`` of everything the requirement files need, sorted."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run"]
    command += ["--ignore-installed", "--report", "-"]
    for name in REQUIREMENTS:
        command += ["-r", str(ROOT / name)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    packages = [entry["metadata"] for entry in report["install"]]
    return sorted(
        # Which build of a version ("+cpu") is the index's affair, not the constraint's.
        f"{re.sub(r'[-_.]+', '-', package['name']).lower()}=={package['version'].split('+')[0]}"
        for package in packages
    )


def main() -> None:
    """Write the file."""
    lines = resolve()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    text = HEADER.format(version=version) + "\n".join(lines) + "\n"
    (ROOT / "constraints.txt").write_text(text, encoding="utf-8")
    print(f"constraints.txt: {len(lines)} packages")


if __name__ == "__main__":
    main()
