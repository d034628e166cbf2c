"""What a stream asks of networks, as values without memory.

All that a stream knows is its own. Whoever answers may die: the same question asked of another gets the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from timbre.diarization.known_voices import KnownVoices
    from timbre.models.vad import VoiceActivityState


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSpeech:
    """The probability of speech in the frames that these samples complete; answered by `Speech`."""

    samples: NDArray[np.float32]  # [n] at 16 kHz
    state: VoiceActivityState | None  # after what came before; None at the beginning


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """Answers `AskSpeech`."""

    probabilities: NDArray[np.float32]  # [frames]
    state: VoiceActivityState


@dataclass(frozen=True, slots=True, kw_only=True)
class AskVoice:
    """How a window sounds; answered by a centred unit vector, float32 `[dimension]`."""

    window: NDArray[np.float32]  # [n] at 16 kHz


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSpeakers:
    """Which windows are whose; answered by labels from 0 on, int64 `[windows]`."""

    vectors: NDArray[np.float32]  # [windows, dimension] in order of time
    starts: NDArray[np.int64]  # [windows] first sample
    most: int  # speakers
    known: KnownVoices | None = None  # those who may speak


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPeople:
    """Who sounds like these voices; answered by their voiceprints, by name."""

    embeddings: NDArray[np.float32]  # [voices, dimension] unit rows


Question = AskSpeech | AskVoice | AskSpeakers  # what networks answer
