"""Joining voices of a recording that are one person's: in what is kept of them, and in the output.

Labels stay as they are; those that were joined are gone. Turns of the same speaker that overlap or touch then become
one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from timbre.audio.acoustics import Acoustics
from timbre.diarization.diarization import Voice
from timbre.models.same_voice import unit
from timbre.service.results.outputs import Output
from timbre.service.results.voices import Voices

_TURNS: Final = ("diarization", "exclusiveDiarization")
_TOUCHING: Final = 0.001  # seconds: times have three decimals


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


def merge_in_output(output: Output, into: str, others: Collection[str]) -> None:
    """Make one speaker of several wherever an output has labels; names are to be written anew afterwards."""
    for kind in _TURNS:
        if kind in output:
            output[kind] = _joined_turns(output[kind], into, others)
    if "speakerProbability" in output:
        curves = output["speakerProbability"]["score"]
        labels = [label for label in (into, *others) if label in curves]
        if labels:
            curves[into] = np.max([curves[label] for label in labels], axis=0).tolist()
        for label in others:
            curves.pop(label, None)
    if "speakerChannels" in output:
        for label in others:
            output["speakerChannels"].pop(label, None)


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


def _joined_turns(turns: Sequence[Output], into: str, others: Collection[str]) -> list[Output]:
    """Relabel turns, and unite those of the joined speaker that overlap or touch."""
    joined: list[Output] = []
    last: Output | None = None  # of the joined speaker
    for turn in turns:
        now = _relabelled(turn, into, others)
        if now["speaker"] != into:
            joined.append(now)
        elif last is not None and now["start"] <= last["end"] + _TOUCHING:
            _unite(last, now)
        else:
            joined.append(now)
            last = now
    return joined


def _relabelled(turn: Output, into: str, others: Collection[str]) -> Output:
    now = {**turn, "speaker": into if turn["speaker"] in others else turn["speaker"]}
    if "confidence" in turn:
        sure = [turn["confidence"][label] for label in (into, *others) if label in turn["confidence"]]
        kept = {label: value for label, value in turn["confidence"].items() if label not in others}
        now["confidence"] = kept | ({into: max(sure)} if sure else {})
    return now


def _unite(one: Output, other: Output) -> None:
    """Make one turn of two of the same speaker; how sure it is is their mean by length."""
    if "confidence" in one and "confidence" in other:
        lengths = one["end"] - one["start"], other["end"] - other["start"]
        whole = sum(lengths) or 1.0
        one["confidence"] = {
            label: round((value * lengths[0] + other["confidence"].get(label, value) * lengths[1]) / whole)
            for label, value in one["confidence"].items()
        }
    one["end"] = max(one["end"], other["end"])
