"""What other people's readers find in the files that we write: our own reader is no proof of our own writer.

Each takes the text of a file and returns the turns as start and end, in whole milliseconds, and the name.
"""

from __future__ import annotations

import html
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import praatio.textgrid
import pympi.Elan
import pysubs2
import simpleder
import webvtt

Spoken = tuple[int, int, str]


def by_simpleder(text: str) -> list[Spoken]:
    """RTTM; names are percent-encoded, as RFC 3986 has it."""
    ((_, spoken),) = simpleder.load_rttm(text.splitlines()).items()
    return [(_milliseconds(start), _milliseconds(end), unquote(name)) for name, start, end in spoken]


def by_pysubs2(text: str) -> list[Spoken]:
    """SubRip: the label before the text that is not there."""
    cues = pysubs2.SSAFile.from_string(text, format_="srt")
    assert all(cue.text.endswith(":") for cue in cues)
    return [(cue.start, cue.end, html.unescape(cue.text.removesuffix(":"))) for cue in cues]


def by_webvtt(text: str) -> list[Spoken]:
    """WebVTT: the voice of each cue, which must be what it shows; that is without the white space around it."""
    cues = webvtt.from_string(text, strict=True)
    assert [html.unescape(cue.voice).strip() for cue in cues] == [html.unescape(cue.text).strip() for cue in cues]
    return [(_clock(cue.start_time), _clock(cue.end_time), html.unescape(cue.text)) for cue in cues]


def by_praatio(text: str) -> list[Spoken]:
    """TextGrid: the intervals with a text, in order; the tiers must cover the same time and have names of their own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "turns.TextGrid")
        path.write_text(text, encoding="utf-8", newline="")
        grid = praatio.textgrid.openTextgrid(str(path), includeEmptyIntervals=False, reportingMode="error")
    return sorted(
        (_milliseconds(start), _milliseconds(end), tier.name)
        for tier in grid.tiers
        for start, end, label in tier.entries
        if label == "speech"
    )


def by_pympi(text: str) -> list[Spoken]:
    """ELAN: the annotations of every tier, by its participant; control characters in it are percent-encoded."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "turns.eaf")
        path.write_text(text, encoding="utf-8", newline="")
        document = pympi.Elan.Eaf(str(path))
    return sorted(
        (start, end, unquote(document.get_parameters_for_tier(tier)["PARTICIPANT"]))
        for tier in document.get_tier_names()
        for start, end, _ in document.get_annotation_data_for_tier(tier)
    )


READERS: dict[str, Callable[[str], list[Spoken]]] = {
    "rttm": by_simpleder,
    "srt": by_pysubs2,
    "vtt": by_webvtt,
    "textgrid": by_praatio,
    "eaf": by_pympi,
}


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _clock(at: webvtt.models.Timestamp) -> int:
    hours, minutes, seconds, milliseconds = at.to_tuple()
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds
