"""The catalogue of misbehaviours as the table of ``docs/safety.md``, written from the tests.

``python -m safety_page --write`` brings the page up to date; a test fails while it is not.
"""

from __future__ import annotations

import sys
from pathlib import Path

from unkind_case import Case, Part
from unkind_fake_cases import FAKE_CASES
from unkind_node_cases import NODE_CASES

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "safety.md"
BEGIN = "<!-- catalogue: written by safety_page, from the tests -->"
END = "<!-- end of the catalogue -->"

_FILES = {
    "nodes": "src/grasp_bringup/test/unkind_node_cases.py",
    "fakes": "src/grasp_executor/test/unkind_fake_cases.py",
}


def rows() -> list[tuple[Case, str]]:
    """Every row, with where it is tested, by what misbehaves."""
    found = [(case.row, "fakes") for case in FAKE_CASES]
    found += [(case.row, "nodes") for case in NODE_CASES]
    order = list(Part)
    return sorted(found, key=lambda row: order.index(row[0].part))


def catalogue() -> str:
    """The table, with how many rows it has."""
    lines = [
        f"{len(rows())} misbehaviours, {len(NODE_CASES)} of them through the nodes.",
        "",
        "| What misbehaves | How | The arm | The hand | Code | Test |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.part.value} | {row.says} | {row.arm.value} | {row.hand.value} | "
        f"`{row.code.name}` | [`{row.name}`](../{_FILES[where]}) |"
        for row, where in rows()
    ]
    return "\n".join(lines)


def page(text: str) -> str:
    """A page with its catalogue up to date."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{catalogue()}\n{END}{after}"


def main() -> None:
    """Print the catalogue, or write it into the page."""
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(catalogue())


if __name__ == "__main__":
    main()
