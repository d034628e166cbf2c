"""In which unit JSON has its times: seconds, unless the recording is far shorter and another unit fits it well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from timbre.transcripts.attribution import Part
from timbre.transcripts.spoken import Segment, Word

UNITS: Final = {1.0: "seconds", 1e3: "milliseconds", 1e2: "hundredths of a second", 1e6: "microseconds", 1e7: "ticks"}
_LATER: Final = 1.2  # times the end of speech, up to which a transcript may go on
_LATER_SECONDS: Final = 30.0  # or so much
_COVERED: Final = 0.3  # share of the speech that a transcript must cover in another unit


def unit_of(segments: Sequence[Segment], end: float) -> float:
    """Return how many of the units of a transcript make a second, given when speech ends, in seconds."""
    last = max((segment.end for segment in segments), default=0.0)
    most = max(_LATER * end, end + _LATER_SECONDS)
    if not end or last <= most or not last.is_integer():
        return 1.0
    return next((unit for unit in UNITS if _COVERED * end <= last / unit <= most), 1.0)


def in_seconds(segment: Segment, unit: float) -> Segment:
    """Return a segment with its times in seconds."""
    if unit == 1:
        return segment
    words = tuple(Word(word.text, _scaled(word.start, unit), _scaled(word.end, unit)) for word in segment.words)
    return Segment(segment.start / unit, segment.end / unit, words)


def in_units(part: Part, unit: float) -> Part:
    """Return a part with its times in the unit of its transcript."""
    return part if unit == 1 else replace(part, start=round(part.start * unit), end=round(part.end * unit))


def _scaled(moment: float | None, unit: float) -> float | None:
    return None if moment is None else moment / unit
