"""From frames to turns: bridge short pauses, drop what is too short to be a turn, and give seconds to frames."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from timbre.diarization.assignment import NOBODY, Frames
from timbre.diarization.grid import RESOLUTION, frames_in, runs
from timbre.turns import Turn, in_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

Stretch = tuple[int, int, int]  # first frame, frame after the last, speaker


def bridge(first: NDArray[np.int16], longest_pause: float) -> NDArray[np.int16]:
    """Fill pauses in which nobody talks, between frames of one speaker, when they are shorter than this in seconds."""
    bridged = first.copy()
    for begin, end in runs(first):
        pause = first[begin] == NOBODY and begin > 0 and end < len(first)
        short = (end - begin) * RESOLUTION < longest_pause
        if pause and short and first[begin - 1] == first[end]:
            bridged[begin:end] = first[end]
    return bridged


def overlapping_stretches(frames: Frames, shortest: float) -> list[Stretch]:
    """Return every stretch of at least so many seconds in which a speaker talks, first or second, in order of time."""
    stretches = []
    for speaker in np.union1d(frames.first, frames.second).tolist():
        talks = (frames.first == speaker) | (frames.second == speaker)
        if speaker != NOBODY:
            stretches += [(begin, end, speaker) for begin, end in runs(talks) if talks[begin]]
    return sorted(_long_enough(stretches, shortest))


def exclusive_stretches(frames: Frames, shortest: float) -> list[Stretch]:
    """Return stretches that never overlap: where two talk, the likelier one."""
    stretches = [(begin, end, int(frames.first[begin])) for begin, end in runs(frames.first)]
    return _long_enough([stretch for stretch in stretches if stretch[2] != NOBODY], shortest)


def labels(stretches: list[Stretch]) -> dict[int, str]:
    """Return the label of everybody who has a stretch, `SPEAKER_00` for the first to talk."""
    order = dict.fromkeys(speaker for _, _, speaker in stretches)
    return {speaker: f"SPEAKER_{number:02d}" for number, speaker in enumerate(order)}


def turns(stretches: list[Stretch], names: dict[int, str], duration: float) -> tuple[Turn, ...]:
    """Give names and seconds, in whole milliseconds, to stretches of a recording that lasts `duration` seconds."""
    last = math.floor(round(duration * 1000, 3)) / 1000
    return in_order(
        Turn(start=round(begin * RESOLUTION, 3), end=min(round(end * RESOLUTION, 3), last), speaker=names[speaker])
        for begin, end, speaker in stretches
    )


def _long_enough(stretches: list[Stretch], shortest: float) -> list[Stretch]:
    return [(begin, end, speaker) for begin, end, speaker in stretches if end - begin >= frames_in(shortest)]
