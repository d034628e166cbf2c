"""Plain text for people who write: who says what, a paragraph for each change of the speaker.

    [0:00:00] Ada: Good morning. Shall we begin?

    [0:00:04] Ben: In a minute.

Where it is not known what is said, it is a list of turns: `0:00:00 - 0:00:02  Ada`. This form is written alone: a
transcript of it can be labelled again, but its times are too coarse to be turns.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from timbre.formats.fields import in_milliseconds, one_line
from timbre.turns import Turn


def dumps(turns: Iterable[Turn], *, recording: str, duration: float) -> str:  # noqa: ARG001 - it states neither
    """Write a paragraph for each change of the speaker, or a line a turn where nothing is known of what is said."""
    spoken = in_milliseconds(turns)
    said = [turn for turn in spoken if one_line(turn.text)]
    if not said:
        return "".join(f"{_clock(turn.start)} - {_clock(turn.end)}  {one_line(turn.speaker)}\n" for turn in spoken)
    return "\n".join(
        _paragraph(name, list(together)) for name, together in groupby(said, key=lambda turn: turn.speaker)
    )


def _paragraph(name: str, turns: list[Turn]) -> str:
    label = f"{one_line(name)}: " if name else ""
    return f"[{_clock(turns[0].start)}] {label}{' '.join(one_line(turn.text) for turn in turns)}\n"


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}"
