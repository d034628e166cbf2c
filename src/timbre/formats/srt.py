"""SRT (SubRip) subtitles that show who speaks.

    1
    00:00:00,500 --> 00:00:02,000
    Ada:

A cue is the label that subtitles put before the text, and the text where it is known: `Ada: Good morning.` SRT has no
written rules; players read tags and character references in it, so `&`, `<`, `>` (an arrow too) and line ends become
references. Speakers who talk at once have overlapping cues, which players stack.
"""

from __future__ import annotations

from collections.abc import Iterable

from timbre.formats.cues import Cue, blocks, clock, read_cue
from timbre.formats.escaping import escape_markup, unescape_markup
from timbre.formats.fields import in_milliseconds, lasting, one_line
from timbre.turns import Turn


def dumps(turns: Iterable[Turn], *, recording: str, duration: float) -> str:  # noqa: ARG001 - SRT states neither
    """Write one cue a turn."""
    return "\n".join(
        f"{number}\n{clock(turn.start, point=',')} --> {clock(turn.end, point=',')}\n{_shown(turn)}\n"
        for number, turn in enumerate(in_milliseconds(turns), start=1)
    )


def loads(text: str) -> tuple[Turn, ...]:
    """Read a turn from each cue: its speaker is what stands before the colon, as in `Ada: Good morning`.

    Raises:
        FormatError: a cue has no valid times, or does not begin with a speaker and a colon.
    """
    cues = (read_cue("SRT", block) for block in blocks(text))
    return lasting(cue.place.turn(cue.start, cue.end, _speaker(cue)) for cue in cues)


def _shown(turn: Turn) -> str:
    label, text = f"{escape_markup(turn.speaker)}:", escape_markup(one_line(turn.text))
    if not text:
        return label
    return f"{label} {text}" if turn.speaker else text


def _speaker(cue: Cue) -> str:
    first = cue.lines[0] if cue.lines else ""
    if len(cue.lines) == 1 and first.endswith(":"):
        return unescape_markup(first[:-1])
    name, colon, _ = f"{first} ".partition(": ")
    if not colon:
        raise cue.place.error("a speaker and a colon", first)
    return unescape_markup(name)
