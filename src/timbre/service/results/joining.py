"""Joining voices of a recording that are one person's, as they are kept: their labels but one are gone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from timbre.audio.acoustics import Acoustics
from timbre.diarization.diarization import Voice
from timbre.models.same_voice import unit

if TYPE_CHECKING:
    from timbre.service.results.voices import Voices


def merge_voices(voices: Voices, into: str, others: Collection[str]) -> Voices:
    """Make one voice of several.

    Raises:
        VoicesMissing: there is no voice with one of these labels.
    """
    labels = list(dict.fromkeys([into, *others]))
    parts = [voices.find(label) for label in labels]
    joined = _joined(parts)
    # The clip of the one who was heard longest.
    heard = max(
        (voice for voice in parts if voice.speaker in voices.clips), key=lambda each: each.seconds, default=None
    )
    clips = {label: clip for label, clip in voices.clips.items() if label not in labels}
    if heard is not None:
        clips[into] = voices.clips[heard.speaker]
    kept = tuple(joined if voice.speaker == into else voice for voice in voices.voices if voice.speaker not in others)
    return replace(voices, voices=kept, clips=clips)


def _joined(voices: Sequence[Voice]) -> Voice:
    """Pool voices as the speech behind them would have been: the longer counts for more."""
    weights = np.array([max(voice.seconds, 1e-3) for voice in voices])
    return replace(
        voices[0],
        embedding=unit(np.average([voice.embedding for voice in voices], axis=0, weights=weights).astype(np.float32)),
        seconds=float(sum(voice.seconds for voice in voices)),
        acoustics=Acoustics(
            telephone=_mean([voice.acoustics.telephone for voice in voices], weights),
            snr=_mean([voice.acoustics.snr for voice in voices], weights),
        ),
    )


def _mean(values: Sequence[float | None], weights: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    known = [(value, weight) for value, weight in zip(values, weights.tolist(), strict=True) if value is not None]
    return sum(value * weight for value, weight in known) / sum(weight for _, weight in known) if known else None
