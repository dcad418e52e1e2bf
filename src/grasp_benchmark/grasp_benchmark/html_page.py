"""Reports as one HTML page that needs no other file."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from grasp_core.errors import ConfigError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto;
  padding: 0 1rem; }
table { border-collapse: collapse; margin: .5rem 0 1rem; font-size: 14px; }
th, td { border-bottom: 1px solid #ddd; padding: .25rem .6rem; text-align: right; }
th:first-child, td:first-child, td.text, th.text { text-align: left; }
img.plot { max-width: 100%; }
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figure img { width: 100%; border-radius: 4px; }
figcaption { font-size: 12.5px; line-height: 1.35; } .dim { color: #666; font-size: 13px; }
"""


def write_page(folder: Path, title: str, sections: Iterable[str]) -> Path:
    """Write ``index.html``.

    Args:
        folder: Made where it is missing.
        title: Of the page, plain text.
        sections: HTML; empty ones are left out.

    Raises:
        ConfigError: The folder cannot be written.
    """
    name = escape(title)
    text = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{name}</title><style>{_STYLE}</style></head><body><h1>{name}</h1>"
        + "\n".join(section for section in sections if section)
        + "</body></html>\n"
    )
    path = folder / "index.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot write {error.filename}: {error.strerror}; give another --report"
        ) from error
    return path


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are plain text."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def svg(figure: Figure) -> str:
    """A plot as SVG."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()


def picture(title: str, data: bytes, kind: str) -> str:
    """A heading and a picture; empty without data.

    Args:
        title: Plain text.
        data: The file.
        kind: Its media type, such as ``image/png``.
    """
    if not data:
        return ""
    name, encoded = escape(title), base64.b64encode(data).decode()
    source = f"data:{kind};base64,{encoded}"
    return f'<h2>{name}</h2><img class="plot" alt="{name}" src="{source}">'
