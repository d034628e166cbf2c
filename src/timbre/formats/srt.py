"""SRT (SubRip) subtitles that show who speaks.

    1
    00:00:00,500 --> 00:00:02,000
    Ada:

There is no text to show, so a cue is the label that subtitles put before the text. SRT has no written rules;
players read tags and character references in it, so `&`, `<`, `>` (an arrow too) and line ends in a name
become references. Speakers who talk at once have overlapping cues, which players stack.
"""

from __future__ import annotations

from collections.abc import Iterable

from timbre.formats.cues import Cue, blocks, clock, read_cue
from timbre.formats.escaping import escape_markup, unescape_markup
from timbre.formats.fields import in_milliseconds, lasting
from timbre.turns import Turn


def dumps(turns: Iterable[Turn], *, recording: str, duration: float) -> str:  # noqa: ARG001 - SRT states neither
    """Write one cue a turn."""
    return "\n".join(
        f"{number}\n{clock(turn.start, point=',')} --> {clock(turn.end, point=',')}\n{escape_markup(turn.speaker)}:\n"
        for number, turn in enumerate(in_milliseconds(turns), start=1)
    )


def loads(text: str) -> tuple[Turn, ...]:
    """Read a turn from each cue: its speaker is what stands before the colon, as in `Ada: Good morning`.

    Raises:
        FormatError: a cue has no valid times, or does not begin with a speaker and a colon.
    """
    cues = (read_cue("SRT", block) for block in blocks(text))
    return lasting(cue.place.turn(cue.start, cue.end, _speaker(cue)) for cue in cues)


def _speaker(cue: Cue) -> str:
    first = cue.lines[0] if cue.lines else ""
    if len(cue.lines) == 1 and first.endswith(":"):
        return unescape_markup(first[:-1])
    name, colon, _ = f"{first} ".partition(": ")
    if not colon:
        raise cue.place.error("a speaker and a colon", first)
    return unescape_markup(name)
