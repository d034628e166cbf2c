"""What a stream says.

Times are seconds of the stream's sound, never of a clock. Every start has one end; nothing that was said about the past
is contradicted by them. What is known better later is a `Revision`, for those who ask for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NameStatus = Literal["unknown", "tentative", "confirmed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerStart:
    """Somebody begins to speak."""

    time: float
    speaker: str  # SPEAKER_00
    match: str | None = None  # the name that was confirmed for this voice


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerEnd:
    """Somebody has stopped to speak."""

    time: float
    speaker: str
    match: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerName:
    """Whom a voice is taken for has changed."""

    time: float
    speaker: str
    match: str | None  # None where it is nobody any more
    confidence: int  # 0-100; 100 where a person said it
    status: NameStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A stretch that was given to one speaker is another's."""

    start: float
    end: float
    speaker: str  # who it is now
    was: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial:
    """Who speaks at this moment."""

    time: float
    speech: int  # 0-100, how sure it is that anybody does
    speaker: str | None
    match: str | None
    confidence: int  # 0-100, that it is this speaker


Event = SpeakerStart | SpeakerEnd | SpeakerName | Revision | Partial
