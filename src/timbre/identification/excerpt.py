"""The best part of a recording that is longer than a voice is learned from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.recording import SAMPLE_RATE, Condition, Header, Recording
from timbre.audio.temporary import temporary_file
from timbre.diarization.diarization import Diarization
from timbre.diarization.grid import FRAME, frame_count, frames_in
from timbre.errors import NoSpeech, SeveralSpeakers
from timbre.turns import Turn

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEP: Final = 25  # frames, 0.5 s, between parts that are compared
_BLOCK: Final = 60 * SAMPLE_RATE
_FAINT: Final = -60.0  # dBFS, at which speech counts for nothing
_LOUD: Final = -35.0  # dBFS, from which it counts in full
_FULL: Final = 32_767  # magnitude of a clipped sample
_OTHERS: Final = 3.0  # how much worse a frame of somebody else is than one of the person is good
_ALONE: Final = 2.0  # how many times longer than anybody else a person must speak for it to be plain who is meant


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a recording."""

    start: float  # seconds
    end: float


def best_excerpt(recording: Recording, found: Diarization, seconds: float) -> Excerpt:
    """Return where one person speaks most, alone, neither faint nor clipped.

    Args:
        recording: Decoded to its end.
        found: Who speaks in it.
        seconds: Of the part.

    Raises:
        NoSpeech: nobody speaks.
        SeveralSpeakers: somebody else speaks nearly as much, so that nobody can tell who is meant.
    """
    count = frame_count(recording.samples)
    talks = {name: _frames(found.turns, name, count) for name in found.speakers}
    if not talks:
        raise NoSpeech
    person, *others = sorted(talks, key=lambda name: -talks[name].sum())
    if others and talks[person].sum() < _ALONE * talks[others[0]].sum():
        raise SeveralSpeakers(
            "More than one person speaks, and nobody much longer than the others; give a recording of one person, or"
            " cut it to where they speak."
        )
    strange = np.any([talks[name] for name in others], axis=0) if others else np.zeros(count, np.bool_)
    worth = _worth(recording, count) * (talks[person] & ~strange) - _OTHERS * strange
    total = np.concatenate([[0.0], np.cumsum(worth)])
    length = frames_in(seconds)
    starts = np.arange(0, max(1, count - length + 1), _STEP)
    start = int(starts[np.argmax(total[np.minimum(starts + length, count)] - total[starts])])
    return Excerpt(start * FRAME / SAMPLE_RATE, min(start + length, count) * FRAME / SAMPLE_RATE)


def cut_out(recording: Recording, part: Excerpt, folder: Path | None) -> Recording:
    """Return a part of a recording as one of its own, whose warnings say which it is.

    Args:
        recording: Decoded to its end.
        part: Of it.
        folder: For temporary files; the system's if it is None.

    Raises:
        TimbreError: there is no room for it.
    """
    samples = recording.pcm(round(part.start * SAMPLE_RATE), round(part.end * SAMPLE_RATE))
    seconds = len(samples) / SAMPLE_RATE
    told = (
        f"The recording lasts {recording.duration:.1f} s; its best {seconds:.1f} s were taken, from"
        f" {part.start:.1f} s to {part.end:.1f} s"
    )
    cut = Recording(temporary_file(folder))
    try:
        cut.begin(Header(rate=recording.source_rate, channels=recording.source_channels, seconds=seconds))
        cut.append(samples)
    except BaseException:
        cut.close()
        raise
    clipped = float(np.mean(np.abs(samples.astype(np.int32)) >= _FULL)) if samples.size else 0.0
    cut.finish(Condition(clipped=clipped, warnings=(*recording.warnings, told)))
    return cut


def _frames(turns: tuple[Turn, ...], speaker: str, count: int) -> NDArray[np.bool_]:
    talks = np.zeros(count, np.bool_)
    for turn in turns:
        if turn.speaker == speaker:
            talks[frames_in(turn.start) : frames_in(turn.end)] = True
    return talks


def _worth(recording: Recording, count: int) -> NDArray[np.float64]:
    """Return from 0 to 1 how well each frame is recorded, `[frames]`, reading the recording in pieces."""
    parts = [_levels(block) for block in recording.blocks(_BLOCK)]
    return np.concatenate(parts)[:count]


def _levels(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    frames = np.pad(samples, (0, frame_count(len(samples)) * FRAME - len(samples))).reshape(-1, FRAME)
    level = 10 * np.log10(np.square(frames, dtype=np.float64).mean(axis=1) + 1e-12)
    unclipped = np.abs(frames).max(axis=1) < _FULL / 32_768
    return np.asarray(np.clip((level - _FAINT) / (_LOUD - _FAINT), 0, 1) * np.where(unclipped, 1, 0.5), np.float64)
