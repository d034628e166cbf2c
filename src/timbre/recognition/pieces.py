"""Cutting a recording into pieces for a recogniser: where nobody speaks, or where somebody else begins to.

A cut lies in the longest pause of the last half of a piece, so that no word is cut and every piece is worth asking for.
Where there is no pause, the pieces overlap, and `joining` finds the words that both have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from timbre.audio import SAMPLE_RATE
from timbre.audio.recording import Recording
from timbre.turns import Turn

OVERLAP: Final = 2.0  # seconds that two pieces share where no pause lies between them
_FRAME: Final = SAMPLE_RATE // 50
_PAUSE: Final = 0.16  # seconds; the closure of a plosive is shorter
_QUIET: Final = 0.25  # of the way from the quietest to the loudest frames, in decibels
_SILENT: Final = -90.0  # decibels, that nothing is quieter than
_SAME_TURN: Final = 1.0  # seconds between turns of a speaker that are one piece
_AROUND: Final = 0.2  # seconds of sound before and after a turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A piece of a recording, in seconds: what is sent, and within it what this piece answers for."""

    start: float
    end: float
    begin: float
    until: float
    shared: float = 0.0  # seconds that the piece before has heard too


def cut(recording: Recording, longest: float, start: float = 0.0, end: float | None = None) -> Iterator[Piece]:
    """Cut a recording, or a stretch of it, while it is being decoded.

    Args:
        recording: What is cut; reading it may wait for the decoder.
        longest: Seconds of the longest piece.
        start: Where the stretch begins, in seconds.
        end: Where it ends; with the recording if left out.
    """
    begin, half = start, 0.0
    while True:
        first = round((begin - half) * SAMPLE_RATE)
        stop = first + round(longest * SAMPLE_RATE)
        if end is not None:
            stop = min(stop, round(end * SAMPLE_RATE))
        sound = recording.pcm(first, stop + 1)  # one sample more tells whether this is the end
        whole = Piece(start=first / SAMPLE_RATE, end=stop / SAMPLE_RATE, begin=begin, until=begin, shared=2 * half)
        if len(sound) <= stop - first or stop == round((end or 0.0) * SAMPLE_RATE):
            last = (first + min(len(sound), stop - first)) / SAMPLE_RATE
            if last > begin:
                yield replace(whole, end=last, until=last)
            return
        at, paused = _best_cut(sound[:-1])
        half = 0.0 if paused else OVERLAP / 2
        begin = (first + at) / SAMPLE_RATE
        yield replace(whole, end=begin + half, until=begin)


def cut_at_turns(recording: Recording, turns: Sequence[Turn], longest: float) -> Iterator[Piece]:
    """Cut a recording where the speaker changes, for a recogniser that does not say when a word is said.

    Args:
        recording: What is cut.
        turns: Who speaks, without overlaps, in order.
        longest: Seconds of the longest piece.
    """
    runs = [*_runs(turns)]
    befores = [0.0, *(end for _, end in runs)]
    afters = [*(start for start, _ in runs[1:]), recording.duration]
    for (start, end), before, after in zip(runs, befores, afters, strict=False):
        for piece in cut(recording, longest, start, min(end, recording.duration)):
            # A little silence around words helps; half of what lies between turns is nobody else's.
            room = max(0.0, start - before) / 2, max(0.0, after - end) / 2
            around = piece.start - min(_AROUND, room[0]), piece.end + min(_AROUND, room[1])
            yield replace(piece, start=max(0.0, around[0]), end=min(around[1], recording.duration))


def _runs(turns: Sequence[Turn]) -> Iterator[tuple[float, float]]:
    """Turns that follow one another closely and are of one speaker, as one."""
    run: list[Turn] = []
    for turn in turns:
        if run and (turn.speaker != run[-1].speaker or turn.start - run[-1].end > _SAME_TURN):
            yield run[0].start, run[-1].end
            run = []
        run.append(turn)
    if run:
        yield run[0].start, run[-1].end


def _best_cut(sound: NDArray[np.int16]) -> tuple[int, bool]:
    """Where to cut, and whether nobody speaks there."""
    level = _levels(sound)
    least = len(level) // 2
    spare = round(OVERLAP / 2 * SAMPLE_RATE / _FRAME)
    low, high = np.percentile(level, [5, 95])
    quiet = level <= low + _QUIET * (high - low)
    best = max(_runs_of(quiet, least), key=lambda run: (run[1] - run[0], run[1]), default=(0, 0))
    if (best[1] - best[0]) * _FRAME >= _PAUSE * SAMPLE_RATE:
        return (best[0] + best[1]) // 2 * _FRAME, True
    tail = level[least : max(len(level) - spare, least + 1)]
    return (least + int(np.argmin(tail))) * _FRAME, False


def _levels(sound: NDArray[np.int16]) -> NDArray[np.float32]:
    frames = sound[: len(sound) // _FRAME * _FRAME].reshape(-1, _FRAME).astype(np.float32) / 32_768
    power = np.einsum("fs,fs->f", frames, frames) / _FRAME
    levels: NDArray[np.float32] = np.maximum(10 * np.log10(power + 1e-12), _SILENT).astype(np.float32)
    return levels


def _runs_of(quiet: NDArray[np.bool_], least: int) -> Iterator[tuple[int, int]]:
    """Runs of quiet frames, from one place on."""
    padded = np.concatenate([[False], quiet[least:], [False]])
    edges = np.flatnonzero(np.diff(padded.astype(np.int8)))
    yield from zip((edges[::2] + least).tolist(), (edges[1::2] + least).tolist(), strict=True)
