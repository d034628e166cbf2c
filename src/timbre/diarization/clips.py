"""Clips: a few seconds in which one speaker can be heard, to recognise a voice by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.recording import SAMPLE_RATE, Recording
from timbre.diarization.diarization import Diarization
from timbre.diarization.grid import FRAME, frames_in, runs
from timbre.turns import Turn

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHORTEST: Final = 25  # frames: 0.5 s, under which a stretch only joins where there is nothing else
_FADE: Final = SAMPLE_RATE // 100  # samples at both ends of a stretch: 10 ms, so that nothing clicks


def with_clips(diarization: Diarization, recordings: Sequence[Recording], seconds: float) -> Diarization:
    """Give every voice its clip.

    Args:
        diarization: Of the recording.
        recordings: It, or its channels where each was heard by itself, decoded to their end.
        seconds: Of a clip, at most.
    """
    count = len(diarization.confidence.score)
    talks = {voice.speaker: _frames(diarization.turns, voice.speaker, count) for voice in diarization.voices}
    talking = np.sum(list(talks.values()), axis=0, dtype=np.int16)
    voices = []
    for voice in diarization.voices:
        spoken = talks[voice.speaker] & (talking == 1)
        if not spoken.any():  # never alone: then where it is the louder one
            spoken = _frames(diarization.exclusive_turns, voice.speaker, count)
        recording = recordings[voice.channel or 0]
        voices.append(replace(voice, clip=cut_clip(recording, spoken, seconds, diarization.confidence.score)))
    return replace(diarization, voices=tuple(voices))


def cut_clip(
    recording: Recording, spoken: NDArray[np.bool_], seconds: float, clear: NDArray[np.uint8] | None = None
) -> NDArray[np.int16] | None:
    """Put the longest stretches in which somebody speaks together, in order of time.

    Args:
        recording: Decoded to its end.
        spoken: bool `[frames]`, where the person speaks, and nobody else.
        seconds: Of the clip, at most.
        clear: How clear each frame is `[frames]`: of a stretch that is longer than needed, the clearest part is taken.

    Returns:
        int16 `[n]` at 16 kHz; None where the person speaks nowhere.
    """
    wanted = frames_in(seconds)
    stretches = sorted(
        ((begin, end) for begin, end in runs(spoken) if spoken[begin]),
        key=lambda stretch: (stretch[0] - stretch[1], stretch[0]),
    )
    taken: list[tuple[int, int]] = []
    for begin, end in stretches:
        if not wanted or (taken and min(wanted, end - begin) < _SHORTEST):
            break
        length = min(wanted, end - begin)
        first = begin if clear is None else begin + _clearest(clear[begin:end], length)
        taken.append((first, first + length))
        wanted -= length
    pieces = [_faded(recording.pcm(begin * FRAME, end * FRAME)) for begin, end in sorted(taken)]
    return np.concatenate(pieces) if pieces else None


def _frames(turns: Sequence[Turn], speaker: str, count: int) -> NDArray[np.bool_]:
    """Say in which of so many frames a speaker has a turn."""
    talks = np.zeros(count, np.bool_)
    for turn in turns:
        if turn.speaker == speaker:
            talks[frames_in(turn.start) : frames_in(turn.end)] = True
    return talks


def _clearest(clear: NDArray[np.uint8], length: int) -> int:
    """Return where the part of this length begins that is the clearest in all."""
    total = np.concatenate([[0], np.cumsum(clear, dtype=np.int64)])
    return int(np.argmax(total[length:] - total[:-length]))


def _faded(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    slope = np.ones(len(samples), np.float32)
    fade = min(_FADE, len(samples) // 2)
    rise = np.arange(1, fade + 1, dtype=np.float32) / (fade + 1)
    slope[:fade], slope[len(samples) - fade :] = rise, rise[::-1]
    return np.asarray(np.rint(samples * slope), np.int16)
