"""WebVTT: subtitles of the web, with the speaker in a voice tag (W3C, WebVTT, 2019).

    WEBVTT

    00:00:00.500 --> 00:00:02.000
    <v Ada>Ada</v>

The name is in the tag for programs. The text is what is said; where that is not known it is the name, for people. `&`,
`<`, `>` (an arrow too) and line ends become character references, as the specification asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from timbre.formats.cues import ARROW, Cue, blocks, clock, read_cue
from timbre.formats.escaping import escape_markup, unescape_markup
from timbre.formats.fields import Place, in_milliseconds, lasting, one_line
from timbre.turns import Turn

_HEADER = re.compile(r"WEBVTT([ \t].*)?")
_NOT_CUES = re.compile(r"(NOTE|STYLE|REGION)([ \t].*)?")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?[ \t]([^<>]*)>", re.ASCII)


def dumps(turns: Iterable[Turn], *, recording: str, duration: float) -> str:  # noqa: ARG001 - WebVTT states neither
    """Write one cue a turn."""
    return "WEBVTT\n" + "".join(_cue(turn) for turn in in_milliseconds(turns))


def loads(text: str) -> tuple[Turn, ...]:
    """Read a turn from each voice tag, with the times of its cue.

    Raises:
        FormatError: the header is missing, a cue has no valid times, or no voice tag.
    """
    header, *rest = list(blocks(text)) or [[(1, "")]]
    number, line = header[0]
    if number != 1 or not _HEADER.fullmatch(line):
        raise Place("WebVTT, line 1").error("WEBVTT", line if number == 1 else "")
    for number, line in header[1:]:
        if ARROW in line:
            raise Place(f"WebVTT, line {number}").error("a blank line between header and cues", line)
    cues = (read_cue("WebVTT", block) for block in rest if not _NOT_CUES.fullmatch(block[0][1]))
    return lasting(turn for cue in cues for turn in _turns(cue))


def _cue(turn: Turn) -> str:
    name = escape_markup(turn.speaker)
    said = escape_markup(one_line(turn.text))
    return f"\n{clock(turn.start, point='.')} --> {clock(turn.end, point='.')}\n<v {name}>{said or name}</v>\n"


def _turns(cue: Cue) -> Iterator[Turn]:
    text = "\n".join(cue.lines)
    voices = dict.fromkeys(_VOICE.findall(text))
    if not voices:
        raise cue.place.error("a voice tag as in <v Ada>", text)
    for voice in voices:
        yield cue.place.turn(cue.start, cue.end, unescape_markup(voice))
