"""Dense windows over the speech of a recording, their embeddings, and which of them hold one voice.

Windows of the encoder's length (1.6 s) lie every 0.4 s. All of them tell who talks near their middle; only *pure* ones,
which hold enough speech and no change of speaker, are fit to learn the speakers from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.recording import SAMPLE_RATE, Recording
from timbre.diarization.grid import FRAME
from timbre.diarization.progress import ignore
from timbre.diarization.segmentation import LocalSpeakers, LocalTalk
from timbre.models.same_voice import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.models.encoder import Encoder
    from timbre.models.same_voice import SameVoice

STEP: Final = 6_400  # samples from window to window: 0.4 s
STEP_SECONDS: Final = STEP / SAMPLE_RATE
_LEAST_SPEECH: Final = 0.15  # of a window; those with less say nothing about a voice
_WINDOWS_AT_ONCE: Final = 128
_AROUND: Final = 3  # windows on either side of one, with which it says who speaks
_NEIGHBOUR: Final = 2  # windows: 0.8 s, the distance at which a change of speaker is looked for
_ENOUGH_TO_RANK: Final = 7  # windows under which the change filter has nothing to compare


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """The embedded windows of a recording, in order of time."""

    starts: NDArray[np.int64]  # [k] first sample
    length: int  # samples
    speech: NDArray[np.float32]  # [k] fraction that is speech
    embeddings: NDArray[np.float32]  # [k, dimension] centred unit vectors

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def centres(self) -> NDArray[np.float64]:
        """Middle of each window in frames of the recording."""
        return (self.starts + self.length / 2) / FRAME


def embed_windows(
    recording: Recording,
    speech: NDArray[np.bool_],
    encoder: Encoder,
    same_voice: SameVoice,
    *,
    on_block: Callable[[int], None] = ignore,
) -> Windows:
    """Embed every window that holds speech, reading the recording once and in pieces.

    Args:
        recording: Decoded to its end.
        speech: bool `[frames]`.
        encoder: Embeds windows of `encoder.window` samples.
        same_voice: Centres the embeddings.
        on_block: Is told how many samples have been heard.
    """
    length = min(encoder.window, recording.samples)
    starts = _starts(recording.samples, length)
    coverage = _mean_between(speech, starts, length)
    # A recording with little speech anywhere still has its best window heard.
    heard = coverage >= min(_LEAST_SPEECH, float(coverage.max(initial=0.0)) or 1.0)
    starts, coverage = starts[heard], coverage[heard]
    embeddings = np.zeros((len(starts), encoder.dimension), np.float32)
    for batch in _batches(starts):
        begin, end = int(starts[batch][0]), int(starts[batch][-1]) + length
        vectors = encoder.embed(without_offset(recording.read(begin, end)), starts[batch] - begin, length)
        embeddings[batch] = same_voice.centred(vectors)
        on_block(end)
    return Windows(starts=starts, length=length, speech=coverage, embeddings=embeddings)


def without_offset(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take the mean off samples: encoders hear the constant offset of a cheap microphone as part of the voice."""
    return samples - np.float32(samples.mean(dtype=np.float64)) if samples.size else samples


def pure_windows(
    windows: Windows,
    *,
    least_speech: float,
    dropped: float,
    local: LocalSpeakers | None = None,
    least_dominance: float = 0.0,
) -> NDArray[np.int64]:
    """Return the indices of windows that hold one voice.

    Args:
        windows: All windows of the recording.
        least_speech: Fraction of a window that must be speech; where no window has it, those with most are taken.
        dropped: Fraction of these to leave out: those least like the windows 0.8 s before and after, in which a
            change of speaker is likeliest.
        local: What the segmenter heard, if there is one.
        least_dominance: Share of a window's speech that must come from one local speaker.
    """
    if not len(windows):
        return np.zeros(0, np.int64)
    enough = windows.speech >= min(least_speech, float(windows.speech.max()))
    if local is not None:
        single = enough & (dominance(windows, local) >= least_dominance)
        enough = single if single.any() else enough
    pure = np.flatnonzero(enough)
    likeness = _likeness_to_neighbours(windows, enough)[pure]
    known = np.isfinite(likeness)
    if dropped and known.sum() >= _ENOUGH_TO_RANK:
        limit = np.quantile(likeness[known], dropped)
        pure = pure[~known | (likeness >= limit)]
    return pure


def dominance(windows: Windows, local: LocalSpeakers) -> NDArray[np.float32]:
    """Return the share of each window's speech that is one local speaker's, `[k]`, mean over the segmentations."""
    share, seen = np.zeros(len(windows), np.float32), np.zeros(len(windows), np.float32)
    for inside, talk in window_activity(windows, local):
        share[inside] += talk.max(axis=1) / np.maximum(talk.sum(axis=1), 1.0)
        seen[inside] += 1
    return np.asarray(share / np.maximum(seen, 1), np.float32)


def window_activity(windows: Windows, local: LocalSpeakers) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Relate the dense windows to the segmenter's.

    Returns:
        For each of the segmenter's windows that holds any: the dense windows at least three quarters inside it `[m]`,
        and for how many frames of each its local speakers talk, float32 `[m, 3]`.
    """
    frames = windows.length // FRAME
    begins = np.rint(windows.starts / FRAME).astype(np.int64)
    related = []
    for number in range(len(local)):
        begin = local.begin(number)
        seen = local.seen(number)
        low = np.searchsorted(begins, begin - frames // 4)
        high = np.searchsorted(begins, begin + len(seen) - frames + frames // 4, side="right")
        if high <= low:
            continue
        total = np.concatenate([np.zeros((1, 3), np.float32), np.cumsum(seen, axis=0, dtype=np.float32)])
        left = np.clip(begins[low:high] - begin, 0, len(seen))
        right = np.clip(begins[low:high] - begin + frames, 0, len(seen))
        related.append((np.arange(low, high), total[right] - total[left]))
    return related


def local_talk(windows: Windows, local: LocalSpeakers, rows: NDArray[np.int64]) -> list[LocalTalk]:
    """Keep of `window_activity` what concerns some of the windows, counted among these."""
    kept = []
    for inside, talk in window_activity(windows, local):
        at = np.searchsorted(rows, inside)
        known = (at < len(rows)) & (rows[np.minimum(at, len(rows) - 1)] == inside)
        if known.any():
            kept.append((at[known], talk[known]))
    return kept


def _starts(samples: int, length: int) -> NDArray[np.int64]:
    """Return starts every `STEP` samples and one more that ends with the recording."""
    if not samples:
        return np.zeros(0, np.int64)
    starts = np.arange(0, samples - length + 1, STEP, dtype=np.int64)
    last = samples - length
    return starts if starts[-1] == last else np.append(starts, last)


def _batches(starts: NDArray[np.int64]) -> Iterator[slice]:
    """Yield the windows to embed at once: so few, and so near to each other, that little audio is read for them."""
    first = 0
    while first < len(starts):
        last = np.searchsorted(starts, starts[first] + _WINDOWS_AT_ONCE * STEP)
        yield slice(first, int(last))
        first = int(last)


def _mean_between(speech: NDArray[np.bool_], starts: NDArray[np.int64], length: int) -> NDArray[np.float32]:
    """Return the fraction of speech in each window."""
    total = np.concatenate([[0], np.cumsum(speech)])
    begin = np.minimum(starts // FRAME, len(speech))
    end = np.minimum(-(-(starts + length) // FRAME), len(speech))
    return np.asarray((total[end] - total[begin]) / np.maximum(end - begin, 1), np.float32)


def _likeness_to_neighbours(windows: Windows, enough: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the lower cosine of each window to the windows 0.8 s before and after it; NaN where it has neither."""
    likeness = np.full((len(windows), 2), np.nan, np.float32)
    if len(windows) > _NEIGHBOUR:
        early, late = slice(None, -_NEIGHBOUR), slice(_NEIGHBOUR, None)
        cosine = np.einsum("kd,kd->k", windows.embeddings[early], windows.embeddings[late])
        near = windows.starts[late] - windows.starts[early] <= _NEIGHBOUR * STEP
        known = np.where(near & enough[early] & enough[late], cosine, np.nan)
        likeness[late, 0], likeness[early, 1] = known, known
    return np.asarray(np.fmin(likeness[:, 0], likeness[:, 1]), np.float32)


def around(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean direction of each window and some before and after it, `[n, dimension]`."""
    sums = np.concatenate([np.zeros((1, vectors.shape[1])), np.cumsum(vectors, axis=0, dtype=np.float64)])
    here = np.arange(len(vectors))
    first, last = np.maximum(here - _AROUND, 0), np.minimum(here + _AROUND + 1, len(vectors))
    return unit((sums[last] - sums[first]).astype(np.float32))
