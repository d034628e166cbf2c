"""Plain text for people who write: who says what, a paragraph for each change of the speaker.

    [0:00:00] Ada: Good morning. Shall we begin?

    [0:00:04] Ben: In a minute.

Where it is not known what is said, it is a list of turns: `0:00:00 - 0:00:02  Ada`. This form is written alone: a
transcript of it can be labelled again, but its times are too coarse to be turns.
"""

from __future__ import annotations

from collections.abc import Iterable

from timbre.formats.fields import clock, in_milliseconds, one_line, paragraphs
from timbre.turns import Turn


def dumps(turns: Iterable[Turn], *, recording: str, duration: float) -> str:  # noqa: ARG001 - it states neither
    """Write a paragraph for each change of the speaker, or a line a turn where nothing is known of what is said."""
    spoken = in_milliseconds(turns)
    said = [turn for turn in spoken if one_line(turn.text)]
    if not said:
        return "".join(f"{clock(turn.start)} - {clock(turn.end)}  {one_line(turn.speaker)}\n" for turn in spoken)
    return "\n".join(f"[{clock(start)}] {name and f'{name}: '}{text}\n" for start, name, text in paragraphs(said))
