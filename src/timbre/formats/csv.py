"""CSV for spreadsheets and data frames (RFC 4180), with a header.

    start,end,speaker
    0.500,2.000,Ada

Where it is known what is said, a fourth column `text` has it. A name with a comma, a quote or a line end stands in
quotes, its quotes doubled. One that a spreadsheet would run as a formula has an apostrophe before it, as OWASP advises,
which is taken away when it is read.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

from timbre.formats.fields import Place, in_milliseconds, lasting
from timbre.turns import Turn

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")  # and what would be read as an escaped one
_COLUMNS = ("start", "end", "speaker")


def dumps(turns: Iterable[Turn], *, recording: str, duration: float) -> str:  # noqa: ARG001 - the rows state neither
    """Write one row a turn."""
    written = in_milliseconds(turns)
    columns = (*_COLUMNS, "text") if any(turn.text is not None for turn in written) else _COLUMNS
    rows = [(f"{turn.start:.3f}", f"{turn.end:.3f}", field(turn.speaker), field(turn.text or "")) for turn in written]
    return "".join(",".join(row[: len(columns)]) + "\n" for row in (columns, *rows))


def loads(text: str) -> tuple[Turn, ...]:
    """Read a turn from each row; the columns may stand in any order, and others beside them are passed over.

    Raises:
        FormatError: a column is missing in the header, a row is cut short, or a time is not a number.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        header = reader.fieldnames or ()
        if not set(_COLUMNS) <= set(header):
            raise Place("CSV, line 1").error("a header with " + ",".join(_COLUMNS), ",".join(header))
        return lasting(_turn(Place(f"CSV, line {reader.line_num}"), row) for row in reader)
    except csv.Error as error:
        raise Place(f"CSV, line {reader.reader.line_num}").error("fields between commas", str(error)) from error


def _turn(place: Place, row: dict[str, str | None]) -> Turn:
    start, end, speaker = (row[column] for column in _COLUMNS)
    if start is None or end is None or speaker is None:
        raise place.error("as many fields as the header has", [field for field in row.values() if field is not None])
    return place.turn(
        place.number(start.strip(), "a start in seconds"),
        place.number(end.strip(), "an end in seconds"),
        speaker[1:] if speaker.startswith("'") and _FORMULA.match(speaker) else speaker,
    )


def field(name: str) -> str:
    """A name as a field: no formula of a spreadsheet, and quoted where it has to be."""
    if _FORMULA.match(name):
        name = f"'{name}"
    if any(mark in name for mark in ',"\r\n'):
        return '"' + name.replace('"', '""') + '"'
    return name
