"""Local segmentation of a whole recording: sliding windows of ten seconds, three local speakers in each.

Local speakers of one window have nothing to do with those of the next; clustering tells who is who. The activities are
kept as one byte each, so that a day of audio takes some 70 MB.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.level import still
from timbre.audio.recording import SAMPLE_RATE, Recording
from timbre.diarization.grid import FRAME, frame_count
from timbre.diarization.progress import ignore
from timbre.models.segmenter import NOBODY, Segmenter, activity, overlap, speech

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOP: Final = 125  # frames from window to window: 2.5 s
WINDOW: Final = Segmenter.window // FRAME  # frames a window: 10 s
_WINDOWS_AT_ONCE: Final = 16
_FULL: Final = 255

LocalTalk = tuple["NDArray[np.int64]", "NDArray[np.float32]"]  # rows [m] in one of these windows; frames of talk [m, 3]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSpeakers:
    """What the segmenter hears in every window of a recording."""

    activity: NDArray[np.uint8]  # [windows, 500, 3]: probability that a local speaker talks, in 255ths
    speech: NDArray[np.float32]  # [frames]: probability that anyone talks, mean over the windows that see the frame
    overlap: NDArray[np.float32]  # [frames]: probability that two talk at once, likewise

    def __len__(self) -> int:
        return len(self.activity)

    def begin(self, window: int) -> int:
        """Return the frame of the recording at which a window begins."""
        return window * HOP

    def seen(self, window: int) -> NDArray[np.float32]:
        """Return the activities of one window, 0 to 1, float32 `[n, 3]`; n < 500 at the end of the recording."""
        frames = min(WINDOW, len(self.speech) - self.begin(window))
        return np.asarray(self.activity[window, :frames] / np.float32(_FULL), np.float32)


def local_speakers(
    recording: Recording, segmenter: Segmenter, on_block: Callable[[int], None] = ignore
) -> LocalSpeakers:
    """Run the segmenter over a recording in windows of 10 s every 2.5 s.

    Args:
        recording: May still be decoding.
        segmenter: Gives powerset probabilities for a batch of windows.
        on_block: Is told how many samples have been heard.

    Source: Bredin, "pyannote.audio 2.1 speaker diarization pipeline", Interspeech 2023.
    """
    nearest = _nearest_frames()
    activities: list[NDArray[np.uint8]] = []
    sums: list[NDArray[np.float32]] = []
    first = 0
    while True:
        batch = _windows(recording, first)
        if not len(batch):
            break
        probabilities = _probabilities(batch, segmenter)[:, nearest]
        activities.append(np.rint(activity(probabilities) * _FULL).astype(np.uint8))
        sums.append(np.stack([speech(probabilities), overlap(probabilities)], axis=-1))
        first += len(batch)
        on_block(first * HOP * FRAME)
    if not activities:
        return LocalSpeakers(
            activity=np.zeros((0, WINDOW, 3), np.uint8), speech=np.zeros(0, np.float32), overlap=np.zeros(0, np.float32)
        )
    mean = _overlap_add(sums, frame_count(recording.samples))
    return LocalSpeakers(activity=np.concatenate(activities), speech=mean[:, 0], overlap=mean[:, 1])


def _probabilities(windows: NDArray[np.float32], segmenter: Segmenter) -> NDArray[np.float32]:
    """Segment windows; in those in which nothing moves nobody speaks, and they need not be heard."""
    moving = ~still(windows)
    if moving.all():
        return segmenter(windows)
    probabilities = np.tile(NOBODY, (len(windows), Segmenter.frames, 1))
    if moving.any():
        probabilities[moving] = segmenter(windows[moving])
    return probabilities


def _windows(recording: Recording, first: int) -> NDArray[np.float32]:
    """Return the next windows from number `first` on, `[k, 160000]`; the last are filled up with silence."""
    hop = HOP * FRAME
    samples = recording.read(first * hop, (first + _WINDOWS_AT_ONCE - 1) * hop + Segmenter.window)
    beyond = max(0, samples.size - Segmenter.window)
    if not samples.size or (first and samples.size <= Segmenter.window - hop):
        return np.zeros((0, Segmenter.window), np.float32)
    count = min(_WINDOWS_AT_ONCE, 1 + -(-beyond // hop))
    padded = np.zeros((count - 1) * hop + Segmenter.window, np.float32)
    padded[: samples.size] = samples[: padded.size]
    return np.lib.stride_tricks.sliding_window_view(padded, Segmenter.window)[::hop]


def _nearest_frames() -> NDArray[np.int64]:
    """Return the segmenter's frame that lies nearest to each frame of 20 ms in a window."""
    centres = (np.arange(WINDOW) + 0.5) * FRAME / SAMPLE_RATE
    index = np.rint((centres - Segmenter.frame_centre(0)) * SAMPLE_RATE / Segmenter.step)
    return np.clip(index, 0, Segmenter.frames - 1).astype(np.int64)


def _overlap_add(batches: list[NDArray[np.float32]], frames: int) -> NDArray[np.float32]:
    """Average windows `[k, 500, c]` where they overlap: `[frames, c]`."""
    total = np.zeros((frames, batches[0].shape[-1]), np.float32)
    seen = np.zeros((frames, 1), np.float32)
    begin = 0
    for batch in batches:
        for window in batch:
            part = window[: max(0, frames - begin)]
            total[begin : begin + len(part)] += part
            seen[begin : begin + len(part)] += 1
            begin += HOP
    return np.asarray(total / np.maximum(seen, 1), np.float32)
