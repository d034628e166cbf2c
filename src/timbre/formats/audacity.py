r"""Audacity labels: start, end and label between tabs (Audacity manual, "Importing and exporting labels").

    0.500	2.000	Ada

Audacity has no escapes: a label ends with its line. Control characters in a name, tabs and line ends among them, are
percent-encoded (`%0A`) and decoded when reading; everything else stands as it is. Lines that begin with a
backslash (frequency ranges) are passed over, and so are point labels.
"""

from __future__ import annotations

from collections.abc import Iterable

from timbre.formats.escaping import CONTROLS, percent_decode, percent_encode
from timbre.formats.fields import Place, in_milliseconds, lasting, numbered_lines
from timbre.turns import Turn

_FIELDS = 3


def dumps(turns: Iterable[Turn], *, recording: str, duration: float) -> str:  # noqa: ARG001 - labels state neither
    """Write one label a turn."""
    return "".join(
        f"{turn.start:.3f}\t{turn.end:.3f}\t{percent_encode(turn.speaker, CONTROLS)}\n"
        for turn in in_milliseconds(turns)
    )


def loads(text: str) -> tuple[Turn, ...]:
    """Read a turn from each label.

    Raises:
        FormatError: a line is not start, end and label between tabs.
    """
    return lasting(
        _turn(Place(f"Audacity labels, line {number}"), line)
        for number, line in numbered_lines(text)
        if line.strip() and not line.startswith("\\")
    )


def _turn(place: Place, line: str) -> Turn:
    fields = line.split("\t", maxsplit=_FIELDS - 1)
    if len(fields) != _FIELDS:
        raise place.error("start, end and label between tabs", line)
    start = place.number(fields[0], "a start in seconds")
    end = place.number(fields[1], "an end in seconds")
    return place.turn(start, end, percent_decode(fields[2]))
