"""What diarization says about a recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from timbre.audio.acoustics import UNKNOWN, Acoustics
from timbre.diarization.grid import RESOLUTION
from timbre.turns import Turn

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How one speaker of a recording sounds."""

    speaker: str  # SPEAKER_00
    embedding: NDArray[np.float32]  # [dimension] unit vector, centred, pooled over the speaker's clean speech
    seconds: float  # of clean speech it was pooled from
    acoustics: Acoustics = UNKNOWN  # channel and noise of that speech
    channel: int | None = None  # or sound track, counted from 0, where each was heard by itself
    # int16 [n] at 16 kHz: where this speaker, and nobody else, is heard most clearly; None where it was not asked for
    clip: NDArray[np.int16] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameScores:
    """One whole number from 0 to 100 for every 20 ms, from the beginning of the recording."""

    score: NDArray[np.uint8]  # [frames]
    resolution: float = RESOLUTION

    def to_dict(self) -> dict[str, Any]:
        """Return the shape of the API."""
        return {"score": self.score.tolist(), "resolution": self.resolution}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probabilities:
    """Frame-level probabilities."""

    speech: FrameScores
    crosstalk: FrameScores
    speakers: Mapping[str, FrameScores]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diarization:
    """Who spoke when."""

    turns: tuple[Turn, ...]  # in order of time; may overlap
    exclusive_turns: tuple[Turn, ...]  # never overlap
    voices: tuple[Voice, ...]  # one a speaker, in the order of their labels
    duration: float  # seconds
    encoder: str  # fingerprint of the encoder that made the voices
    confidence: FrameScores  # how sure each frame's answer is
    probabilities: Probabilities | None = None  # when asked for
    warnings: tuple[str, ...] = ()
    # [parts] the largest magnitude in each of at most 2000 equal parts of the recording, 255 for full scale
    peaks: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8), repr=False, compare=False)

    @property
    def speakers(self) -> tuple[str, ...]:
        """Labels of everybody who speaks."""
        return tuple(voice.speaker for voice in self.voices)

    def to_dict(
        self, *, exclusive: bool = False, confidence: bool = False, turn_level_confidence: bool = False
    ) -> dict[str, Any]:
        """Return the output object of the REST API.

        Args:
            exclusive: Add `exclusiveDiarization`.
            confidence: Add the curve `confidence`.
            turn_level_confidence: Add to every turn how sure each speaker is.
        """
        output: dict[str, Any] = {"diarization": [segment(turn, turn_level_confidence) for turn in self.turns]}
        if exclusive:
            output["exclusiveDiarization"] = [segment(turn, turn_level_confidence) for turn in self.exclusive_turns]
        if confidence:
            output["confidence"] = self.confidence.to_dict()
        if self.probabilities is not None:
            output["speechProbability"] = self.probabilities.speech.to_dict()
            output["crosstalkProbability"] = self.probabilities.crosstalk.to_dict()
            output["speakerProbability"] = {
                "score": {name: scores.score.tolist() for name, scores in self.probabilities.speakers.items()},
                "resolution": RESOLUTION,
            }
        if any(voice.channel is not None for voice in self.voices):
            output["speakerChannels"] = {voice.speaker: voice.channel for voice in self.voices}
        if self.warnings:
            output["warning"] = "; ".join(self.warnings)
        return output


def segment(turn: Turn, confidence: bool = False) -> dict[str, Any]:
    """Return a turn in the shape of the API, times with three decimals."""
    item: dict[str, Any] = {"speaker": turn.speaker, "start": round(turn.start, 3), "end": round(turn.end, 3)}
    if confidence and turn.confidence is not None:
        item["confidence"] = dict(turn.confidence)
    return item
