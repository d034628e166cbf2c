"""From frames to turns: bridge short pauses, drop what is too short to be a turn, and give seconds to frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from timbre.diarization.assignment import NOBODY, Frames
from timbre.diarization.grid import RESOLUTION, runs
from timbre.turns import Turn, in_order

if TYPE_CHECKING:
    from numpy.typing import NDArray


def bridge(first: NDArray[np.int16], longest_pause: float) -> NDArray[np.int16]:
    """Fill pauses in which nobody talks, between frames of one speaker, when they are shorter than this in seconds."""
    bridged = first.copy()
    for begin, end in runs(first):
        pause = first[begin] == NOBODY and begin > 0 and end < len(first)
        short = (end - begin) * RESOLUTION < longest_pause
        if pause and short and first[begin - 1] == first[end]:
            bridged[begin:end] = first[end]
    return bridged


def overlapping_turns(frames: Frames, names: dict[int, str], duration: float, shortest: float) -> tuple[Turn, ...]:
    """Return every stretch in which a speaker talks, first or second, in order of time."""
    turns = []
    for speaker, name in names.items():
        talks = (frames.first == speaker) | (frames.second == speaker)
        turns += [_turn(begin, end, name, duration) for begin, end in runs(talks) if talks[begin]]
    return in_order(turn for turn in turns if turn.duration >= shortest)


def exclusive_turns(frames: Frames, names: dict[int, str], duration: float, shortest: float) -> tuple[Turn, ...]:
    """Return stretches that never overlap: where two talk, the likelier one."""
    turns = [
        _turn(begin, end, names[int(frames.first[begin])], duration)
        for begin, end in runs(frames.first)
        if frames.first[begin] != NOBODY
    ]
    return tuple(turn for turn in turns if turn.duration >= shortest)


def _turn(begin: int, end: int, name: str, duration: float) -> Turn:
    return Turn(start=round(begin * RESOLUTION, 3), end=round(min(end * RESOLUTION, duration), 3), speaker=name)
