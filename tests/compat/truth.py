"""Who really speaks in the sample conversation, to hold answers against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from server import SAMPLES
from timbre.formats import read

NAMES = ("Ada", "Ben", "Callum", "Dan")
TURNS = read(SAMPLES / "conversation.rttm")


def shared(segment: Mapping[str, Any], name: str) -> float:
    """Seconds of a segment in which this person talks."""
    return sum(
        max(0.0, min(segment["end"], turn.end) - max(segment["start"], turn.start))
        for turn in TURNS
        if turn.speaker == name
    )


def people(segments: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Each speaker of these segments, and the person who talks most during them."""
    heard: dict[str, dict[str, float]] = {}
    for segment in segments:
        seconds = heard.setdefault(segment["speaker"], dict.fromkeys(NAMES, 0.0))
        for name in NAMES:
            seconds[name] += shared(segment, name)
    return {speaker: max(seconds, key=lambda name: seconds[name]) for speaker, seconds in heard.items()}


def named_rightly(segments: Iterable[Mapping[str, Any]]) -> float:
    """The part of the time of these segments in which the person they are named after really talks."""
    segments = list(segments)
    right = sum(shared(segment, segment["speaker"]) for segment in segments)
    return right / sum(segment["end"] - segment["start"] for segment in segments)
