"""What is said and by whom, as files for people: subtitles (SRT, WebVTT) and plain text.

>>> talk = [Caption(start=0.5, end=2.0, speaker="Ada", text="Good morning.")]
>>> print(as_srt(talk), end="")
1
00:00:00,500 --> 00:00:02,000
Ada: Good morning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from timbre.formats.cues import clock
from timbre.formats.escaping import escape_markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What somebody says from one moment to another."""

    start: float  # seconds
    end: float
    speaker: str | None  # None where it is not shown
    text: str


def as_srt(captions: Iterable[Caption]) -> str:
    """Write SRT, with the speaker before the text; `&`, `<` and `>` of both as character references."""
    return "\n".join(
        f"{number}\n{clock(one.start, point=',')} --> {clock(one.end, point=',')}\n{_shown(one, escape_markup)}\n"
        for number, one in enumerate(captions, start=1)
    )


def as_vtt(captions: Iterable[Caption]) -> str:
    """Write WebVTT (W3C, 2019), with the speaker in a voice tag."""
    return "WEBVTT\n" + "".join(
        f"\n{clock(one.start, point='.')} --> {clock(one.end, point='.')}\n"
        f"{'' if one.speaker is None else f'<v {escape_markup(one.speaker)}>'}{escape_markup(one.text)}\n"
        for one in captions
    )


def as_text(captions: Iterable[Caption]) -> str:
    """Write a line for each speaker in turn, as `Ada: Good morning.`."""
    return "".join(f"{_shown(one, str)}\n" for one in _in_turn(captions))


def _shown(caption: Caption, written: Callable[[str], str]) -> str:
    if caption.speaker is None:
        return written(caption.text)
    return f"{written(' '.join(caption.speaker.split()))}: {written(caption.text)}"


def _in_turn(captions: Iterable[Caption]) -> Iterator[Caption]:
    """Captions of one speaker that follow one another, as one."""
    before: Caption | None = None
    for one in captions:
        if before is not None and before.speaker == one.speaker:
            text = f"{before.text} {one.text}"
            before = Caption(start=before.start, end=one.end, speaker=one.speaker, text=text)
            continue
        if before is not None:
            yield before
        before = one
    if before is not None:
        yield before
