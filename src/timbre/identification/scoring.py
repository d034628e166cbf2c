"""Scores: every speaker of a recording against every voiceprint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from timbre.diarization.result import Voice
from timbre.identification.voiceprint import Voiceprint
from timbre.models.same_voice import SameVoice

if TYPE_CHECKING:
    from numpy.typing import NDArray


def log_odds(voices: Sequence[Voice], voiceprints: Sequence[Voiceprint], same_voice: SameVoice) -> NDArray[np.float64]:
    """Return the log-odds that a speaker is the person of a voiceprint, at even prior odds: `[voices, voiceprints]`.

    A speaker's clean speech is pooled first and scored once, against the mean of the person's prototypes.
    """
    if not voices or not voiceprints:
        return np.zeros((len(voices), len(voiceprints)))
    heard = np.stack([voice.embedding for voice in voices])
    known = np.stack([voiceprint.embedding for voiceprint in voiceprints])
    return same_voice.log_odds(
        heard @ known.T,
        np.array([voiceprint.speech_seconds for voiceprint in voiceprints])[None, :],
        np.array([voice.seconds for voice in voices])[:, None],
    )


def confidence(odds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Turn log-odds into 0-100: 100 times the probability of one person."""
    return np.rint(100.0 / (1.0 + np.exp(-odds))).astype(np.int64)
