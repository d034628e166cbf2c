"""Scores: every speaker of a recording against every voiceprint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from timbre.diarization.diarization import Voice
from timbre.diarization.known_voices import KnownVoices
from timbre.identification.voiceprint import Voiceprint
from timbre.models.same_voice import SameVoice, Side

if TYPE_CHECKING:
    from numpy.typing import NDArray


def log_odds(voices: Sequence[Voice], voiceprints: Sequence[Voiceprint], same_voice: SameVoice) -> NDArray[np.float64]:
    """Return the log-odds that a speaker is the person of a voiceprint, at even prior odds: `[voices, voiceprints]`.

    A speaker's clean speech is pooled first and scored once, against the mean of the person's prototypes.
    """
    if not voices or not voiceprints:
        return np.zeros((len(voices), len(voiceprints)))
    heard = np.stack([voice.embedding for voice in voices])
    people = np.stack([voiceprint.embedding for voiceprint in voiceprints])
    return same_voice.log_odds(
        heard @ people.T,
        _side(voiceprints),
        Side.of([voice.seconds for voice in voices], [voice.acoustics for voice in voices]).column(),
    )


def known_voices(voiceprints: Sequence[Voiceprint], *, among: int) -> KnownVoices | None:
    """Return what diarization is told of people, to merge speakers by; None without voiceprints.

    Args:
        voiceprints: Of those who come into question.
        among: How many people were looked for in all.
    """
    if not voiceprints:
        return None
    return KnownVoices(
        embeddings=np.stack([voiceprint.embedding for voiceprint in voiceprints]), side=_side(voiceprints), people=among
    )


def confidences(odds: NDArray[np.float64], same_voice: SameVoice, people: int | None = None) -> NDArray[np.int64]:
    """Turn log-odds `[voices, voiceprints]` into 0-100, with the number of people taken into account.

    For one voiceprint it is 100 times the probability of one person. Among several it is what a single voiceprint
    would need to have to be as unlikely with a stranger.

    Args:
        odds: Of all people, or of those who are the nearest.
        same_voice: What they were made by.
        people: How many there are in all; as many as there are voiceprints if left out.
    """
    return np.rint(100.0 * expit(same_voice.among(odds, odds.shape[1] if people is None else people))).astype(np.int64)


def expit(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn log-odds into probabilities."""
    return np.asarray(np.exp(-np.logaddexp(0.0, -odds)), np.float64)


def _side(voiceprints: Sequence[Voiceprint]) -> Side:
    return Side.of(
        [voiceprint.speech_seconds for voiceprint in voiceprints],
        [voiceprint.condition for voiceprint in voiceprints],
    )
