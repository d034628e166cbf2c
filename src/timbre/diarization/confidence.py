"""How sure diarization is: of every frame, of every turn, and of every speaker in every frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from timbre.diarization.assignment import NOBODY, Frames, Piece
from timbre.diarization.diarization import FrameScores, Voice
from timbre.diarization.grid import RESOLUTION
from timbre.diarization.windows import Windows
from timbre.models.same_voice import SameVoice, unit
from timbre.turns import Turn

if TYPE_CHECKING:
    from numpy.typing import NDArray


def percent(probability: NDArray[np.float32]) -> FrameScores:
    """Turn probabilities 0 to 1 into whole numbers 0 to 100."""
    return FrameScores(score=np.rint(np.clip(probability, 0, 1) * 100).astype(np.uint8))


def frame_confidence(frames: Frames, speech: NDArray[np.float32]) -> FrameScores:
    """Say how sure each frame's answer is.

    Args:
        frames: The answer.
        speech: Probability of speech `[frames]`.

    Returns:
        Where somebody talks, the probability of speech times that of this speaker; else the probability of silence.
    """
    talks = frames.first != NOBODY
    return percent(np.where(talks, np.maximum(speech, 0.5) * frames.certainty, 1 - speech))


def speaker_probabilities(
    parts: Iterable[Piece], speech: NDArray[np.float32], names: dict[int, str]
) -> dict[str, FrameScores]:
    """Return for every speaker the probability of talking in each frame."""
    scores = {name: np.zeros(len(speech), np.uint8) for name in names.values()}
    for part in parts:
        here = slice(part.begin, part.begin + len(part.scores))
        talking = np.maximum(part.posterior, part.activity) * speech[here, None]
        for speaker, name in names.items():
            scores[name][here] = percent(talking[:, speaker]).score
    return {name: FrameScores(score=score) for name, score in scores.items()}


def with_confidence(
    turns: Iterable[Turn], windows: Windows, voices: tuple[Voice, ...], same_voice: SameVoice
) -> tuple[Turn, ...]:
    """Give every turn a map from each speaker of the recording to how sure it is that this one talks, 0 to 100.

    The values are independent of each other: each is the probability that the turn and the speaker's clean speech
    come from one voice.
    """
    turns = tuple(turns)
    if not turns:
        return turns
    vectors = _turn_vectors(turns, windows)
    cosine = vectors @ np.stack([voice.embedding for voice in voices]).T
    probability = same_voice.probability(
        cosine,
        np.array([voice.seconds for voice in voices])[None, :],
        np.array([turn.duration for turn in turns])[:, None],
    )
    scores = np.rint(probability * 100).astype(int).tolist()
    return tuple(
        replace(turn, confidence={voice.speaker: score for voice, score in zip(voices, row, strict=True)})
        for turn, row in zip(turns, scores, strict=True)
    )


def _turn_vectors(turns: tuple[Turn, ...], windows: Windows) -> NDArray[np.float32]:
    """Pool the windows whose middle lies in each turn, or the nearest one: unit rows `[turns, dimension]`."""
    centres = windows.centres * RESOLUTION
    low = np.searchsorted(centres, [turn.start for turn in turns])
    high = np.searchsorted(centres, [turn.end for turn in turns])
    middle = np.array([(turn.start + turn.end) / 2 for turn in turns])
    nearest = np.abs(centres[np.clip(low, 0, len(centres) - 1)] - middle)
    before = np.clip(low - 1, 0, len(centres) - 1)
    low = np.where((high <= low) & (np.abs(centres[before] - middle) < nearest), before, low)
    low = np.minimum(low, len(centres) - 1)
    high = np.maximum(high, low + 1)
    return unit(np.stack([windows.embeddings[a:b].mean(axis=0) for a, b in zip(low, high, strict=True)]))
