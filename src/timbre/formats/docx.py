"""Word's documents (Office Open XML), by the extra `docx`: for people who write, and alone among the formats no text.

As plain text is: who says what, a paragraph for each change of the speaker; or a table of turns, where it is not known
what is said. It is written alone.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from timbre.extras import needing
from timbre.formats.fields import clock, in_milliseconds, one_line, paragraphs
from timbre.turns import Turn

if TYPE_CHECKING:
    from docx.document import Document

_UNWRITABLE: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # by XML
_COLUMNS: Final = ("Start", "End", "Speaker")


def check() -> None:
    """Raise ExtraMissing where documents cannot be written: better before a recording is heard than after it."""
    with needing("docx"):
        import docx  # noqa: F401, PLC0415 - of an extra


def content(turns: Iterable[Turn], *, recording: str, duration: float) -> bytes:  # noqa: ARG001 - it does not state that
    """Write a document, which is called as the recording is.

    Raises:
        ExtraMissing: python-docx is not installed.
    """
    with needing("docx"):
        import docx  # noqa: PLC0415 - of an extra

    document = docx.Document()
    about = document.core_properties
    about.title, about.author, about.comments = _writable(recording), "", ""
    about.created = about.modified = datetime.now(UTC)
    document.add_heading(_writable(recording), level=1)
    spoken = in_milliseconds(turns)
    said = [turn for turn in spoken if one_line(turn.text)]
    if said:
        _write_paragraphs(document, said)
    else:
        _write_table(document, spoken)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _write_paragraphs(document: Document, said: Sequence[Turn]) -> None:
    for start, name, text in paragraphs(said):
        paragraph = document.add_paragraph()
        if name:
            paragraph.add_run(f"{_writable(name)} ").bold = True
        paragraph.add_run(f"[{clock(start)}] ").italic = True
        paragraph.add_run(_writable(text))


def _write_table(document: Document, spoken: Sequence[Turn]) -> None:
    table = document.add_table(rows=1, cols=len(_COLUMNS), style="Table Grid")
    for cell, title in zip(table.rows[0].cells, _COLUMNS, strict=True):
        cell.paragraphs[0].add_run(title).bold = True
    # Cells of a table of thousands of rows are slow to find one by one.
    for turn in spoken:
        values = (clock(turn.start), clock(turn.end), _writable(one_line(turn.speaker)))
        for cell, value in zip(table.add_row().cells, values, strict=True):
            cell.paragraphs[0].add_run(value)


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("\ufffd", text)
