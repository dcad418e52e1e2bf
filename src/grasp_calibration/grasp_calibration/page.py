"""The board as a PDF at true scale: rectangles only, so that no printer resamples it.

Source of the format: ISO 32000-1, sections 7.5 (structure), 8.4 and 8.5 (graphics), 9.2 (text).
"""

from __future__ import annotations

from pathlib import Path

from grasp_core.charuco_board import CharucoBoard
from grasp_core.errors import ConfigError
from grasp_core.json_file import require_writable

_POINTS_PER_M = 72.0 / 0.0254
PAPERS_M = {
    "a5": (0.148, 0.210),
    "a4": (0.210, 0.297),
    "a3": (0.297, 0.420),
    "a2": (0.420, 0.594),
    "letter": (0.2159, 0.2794),
}
"""Width and height of upright sheets, metres."""
_MARGIN_M = 0.008
_RULER_M = 0.1
_LINE_M = 0.0003
_TEXT_POINTS = 8


def write_page(path: Path, board: CharucoBoard, paper: str = "a4") -> str:
    """Write the board as a page, upright or lying, whichever it fits.

    Args:
        path: PDF file.
        board: What to print.
        paper: One of :data:`PAPERS_M`.

    Returns:
        What to mind when printing, for the user.

    Raises:
        ConfigError: No such paper, the board does not fit it, or the file cannot be written.
    """
    width, height = _sheet(board, paper)
    require_writable(path)
    path.write_bytes(_document(width, height, _drawing(board, width, height)))
    board_mm = " x ".join(f"{1e3 * side:.1f}" for side in board.size_m)
    return (
        f"{path}: print at 100 % (no fit to page), then measure: the ruler below the board must "
        f"be {1e3 * _RULER_M:.0f} mm long, the board {board_mm} mm; glue it to something flat"
    )


def _sheet(board: CharucoBoard, paper: str) -> tuple[float, float]:
    if paper not in PAPERS_M:
        raise ConfigError(f"paper is {paper!r}, must be one of {', '.join(PAPERS_M)}")
    upright = PAPERS_M[paper]
    need = [side + 2.0 * _MARGIN_M for side in board.size_m]
    for width, height in (upright, upright[::-1]):
        if need[0] <= width and need[1] <= height:
            return width, height
    have = " x ".join(f"{1e3 * side:.0f}" for side in upright)
    raise ConfigError(
        f"the board is {' x '.join(f'{1e3 * side:.0f}' for side in board.size_m)} mm and does not "
        f"fit {paper} ({have} mm) with {1e3 * _MARGIN_M:.0f} mm around it: take smaller squares "
        "or a larger paper"
    )


def _drawing(board: CharucoBoard, width: float, height: float) -> str:
    """Content of the page; PDF counts from the bottom left corner."""
    left, top = (width - board.size_m[0]) / 2.0, (height - board.size_m[1]) / 2.0
    lines = ["0 g"]
    for x, y, w, h in board.black_rectangles():
        lines.append(_rectangle(left + x, height - top - y - h, w, h))
    below = top - _MARGIN_M / 2.0
    for x, y, w, h in (
        (left, below, _RULER_M, _LINE_M),
        (left, below - 0.001, _LINE_M, 0.002),
        (left + _RULER_M - _LINE_M, below - 0.001, _LINE_M, 0.002),
    ):
        lines.append(_rectangle(x, y, w, h))
    text = (
        f"{1e3 * _RULER_M:.0f} mm.  ChArUco {board.columns} x {board.rows}, squares "
        f"{1e3 * board.square_m:g} mm, markers {1e3 * board.marker_m:g} mm, "
        f"DICT_{board.dictionary}.  Print at 100 %."
    )
    x, y = _points(left + _RULER_M + 0.003), _points(below - 0.001)
    lines.append(f"BT /F1 {_TEXT_POINTS} Tf {x} {y} Td ({text}) Tj ET")
    return "\n".join(lines)


def _rectangle(x: float, y: float, width: float, height: float) -> str:
    return f"{' '.join(_points(value) for value in (x, y, width, height))} re f"


def _points(metres: float) -> str:
    return f"{metres * _POINTS_PER_M:.5f}"


def _document(width: float, height: float, drawing: str) -> bytes:
    stream = drawing.encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_points(width)} {_points(height)}] "
            "/Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
        ).encode("ascii"),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    parts, places = [b"%PDF-1.6\n"], []
    for number, content in enumerate(objects, start=1):
        places.append(sum(map(len, parts)))
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    start = sum(map(len, parts))
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    parts.append(
        b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\n"
        b"startxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table, len(objects) + 1, start)
    )
    return b"".join(parts)
