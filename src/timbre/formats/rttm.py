"""RTTM, the Rich Transcription Time Marked file of NIST's evaluations.

    SPEAKER meeting 1 0.500 1.500 <NA> <NA> Ada <NA> <NA>

Ten fields between white space (NIST, RT-09 evaluation plan, appendix A, 2009): type, recording, channel, start and
length in seconds, orthography, subtype, speaker, confidence, look-ahead time. A field cannot hold white space, so
it is percent-encoded in recordings and speakers (`Ada%20Lovelace`): unlike the customary underscore this keeps
`Ada Lovelace` and `Ada_Lovelace` apart and reads back as it was. An empty field is `<NA>`, as NIST has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from timbre.errors import FormatError
from timbre.formats.escaping import WHITE_SPACE, percent_decode, percent_encode
from timbre.formats.fields import Place, in_milliseconds, lasting, numbered_lines
from timbre.turns import Turn

_COMMENT = ";;"
_EMPTY = "<NA>"
_FEWEST_FIELDS = 8  # older files leave out what follows the speaker
# The other types of the specification: they are no turns, and are passed over.
_OTHER_TYPES = re.compile(
    "SEGMENT|NOSCORE|NO_RT_METADATA|LEXEME|NON-LEX|NON-SPEECH|FILLER|EDIT|IP|SU|CB|A/P|SPKR-INFO", re.ASCII
)
# Only ASCII's white space parts fields: what else Unicode calls a space may be in a name written by others.
_FIELD = re.compile(r"\S+", re.ASCII)


def dumps(turns: Iterable[Turn], *, recording: str, duration: float) -> str:  # noqa: ARG001 - RTTM states no duration
    """Write one SPEAKER line a turn."""
    name = _encode(recording)
    return "".join(
        f"SPEAKER {name} 1 {turn.start:.3f} {turn.duration:.3f} <NA> <NA> {_encode(turn.speaker)} <NA> <NA>\n"
        for turn in in_milliseconds(turns)
    )


def loads(text: str) -> tuple[Turn, ...]:
    """Read the turns of a file about one recording.

    Raises:
        FormatError: a line is malformed, or the file is about several recordings (`loads_all` reads those).
    """
    recordings = loads_all(text)
    if len(recordings) > 1:
        names = ", ".join(list(recordings)[:3])
        raise FormatError(
            f"RTTM: expected one recording, got {len(recordings)} ({names}…); split the file by recording"
        )
    return next(iter(recordings.values()), ())


def loads_all(text: str) -> dict[str, tuple[Turn, ...]]:
    """Read the turns of every recording, by its name, in the order in which the recordings appear.

    Raises:
        FormatError: a line is malformed.
    """
    recordings: dict[str, list[Turn]] = {}
    for number, line in numbered_lines(text):
        fields = _FIELD.findall(line)
        if not fields or fields[0].startswith(_COMMENT) or _OTHER_TYPES.fullmatch(fields[0]):
            continue
        recording, turn = _speaker(Place(f"RTTM, line {number}"), fields)
        recordings.setdefault(recording, []).append(turn)
    return {recording: lasting(turns) for recording, turns in recordings.items()}


def _speaker(place: Place, fields: list[str]) -> tuple[str, Turn]:
    if fields[0] != "SPEAKER":
        raise place.error("a type of RTTM such as SPEAKER", fields[0])
    if len(fields) < _FEWEST_FIELDS:
        raise place.error("SPEAKER recording channel start length <NA> <NA> speaker <NA> <NA>", " ".join(fields))
    start = place.number(fields[3], "a start in seconds")
    length = place.number(fields[4], "a length in seconds")
    if length < 0:
        raise place.error("a length of 0 s or more", fields[4])
    # The sum of two decimals is not the decimal of the sum: 1.44 + 11.872 is 13.312000000000001.
    return _decode(fields[1]), place.turn(start, round(start + length, 6), _decode(fields[7]))


def _encode(name: str) -> str:
    if name == _EMPTY:
        return "%3CNA%3E"
    return percent_encode(name, WHITE_SPACE) or _EMPTY


def _decode(field: str) -> str:
    return "" if field == _EMPTY else percent_decode(field)
