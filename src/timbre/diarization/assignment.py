"""Who talks in each frame, once the speakers are known.

Every frame has a score for every speaker: the cosine of the windows around it to the speaker's centroid and, if there
is a segmenter, the activity of the local speaker that was matched with them. The best score takes the frame; a second
speaker joins where the segmenter hears two. All of it goes over the recording in pieces of ten minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.diarization.segmentation import HOP, WINDOW, LocalSpeakers
from timbre.diarization.windows import Windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOBODY: Final = -1
_PIECE: Final = 30_000  # frames: ten minutes
_SURE: Final = 0.5  # activity from which a local speaker counts as talking alone
_LONG_ENOUGH: Final = 10  # frames alone after which the others are not needed
_PRESENT: Final = 0.3  # activity that a local speaker must reach once to be anyone
_SCALE: Final = 10.0  # scores to log-odds of speakers; least log-loss is at 12 without a segmenter, 8 with one


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapRule:
    """When a second speaker is heard."""

    least_overlap: float  # probability that two talk at once
    least_activity: float  # of the second speaker
    cosine_weight: float  # of the cosine beside the activity, when frames are given to speakers

    def moved(self, sensitivity: float) -> OverlapRule:
        """Return the rule that hears more overlap (sensitivity up to 5) or less (down to -5); 0 is this one."""
        if not sensitivity:
            return self
        factor = float(np.exp(-0.25 * sensitivity))
        return replace(
            self,
            least_overlap=min(0.95, self.least_overlap * factor),
            least_activity=min(0.95, self.least_activity * factor),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Scores of consecutive frames."""

    begin: int  # frame of the recording
    scores: NDArray[np.float32]  # [n, speakers]
    activity: NDArray[np.float32]  # [n, speakers] from the segmenter; zeros without one

    @property
    def posterior(self) -> NDArray[np.float32]:
        """Probability of each speaker, given that one talks: `[n, speakers]`."""
        odds = np.exp(_SCALE * (self.scores - self.scores.max(axis=1, keepdims=True)))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """Who talks in each frame."""

    first: NDArray[np.int16]  # [frames] the speaker, or NOBODY
    second: NDArray[np.int16]  # [frames] who talks at the same time, or NOBODY
    certainty: NDArray[np.float32]  # [frames] probability that it is the first and no other, if anyone talks


def pieces(
    windows: Windows, centroids: NDArray[np.float32], frames: int, local: LocalSpeakers | None, rule: OverlapRule
) -> Iterator[Piece]:
    """Yield the scores of every frame, piece by piece.

    Args:
        windows: At least one.
        centroids: Unit rows `[speakers, dimension]`.
        frames: Length of the recording.
        local: From the segmenter, if there is one.
        rule: For the weight of the cosine.
    """
    cosine = windows.embeddings @ centroids.T
    centres = windows.centres
    matched = _matched(cosine, centres, local) if local is not None else None
    for begin in range(0, frames, _PIECE):
        end = min(frames, begin + _PIECE)
        near = _interpolated(cosine, centres, begin, end)
        if local is None or matched is None:
            yield Piece(begin=begin, scores=near, activity=np.zeros_like(near))
            continue
        activity = _activity(local, matched, begin, end, len(centroids))
        yield Piece(begin=begin, scores=near + activity / rule.cosine_weight, activity=activity)


def assign(
    parts: Iterator[Piece],
    speech: NDArray[np.bool_],
    overlap: NDArray[np.float32] | None,
    rule: OverlapRule,
) -> Frames:
    """Give every frame of speech to its best speaker, and to a second one where two talk.

    Args:
        parts: All pieces of the recording, in order.
        speech: bool `[frames]`.
        overlap: Probability that two talk at once `[frames]`, if there is a segmenter.
        rule: When a second speaker is heard.
    """
    first = np.full(len(speech), NOBODY, np.int16)
    second = np.full(len(speech), NOBODY, np.int16)
    certainty = np.zeros(len(speech), np.float32)
    for part in parts:
        here = slice(part.begin, part.begin + len(part.scores))
        best = part.scores.argmax(axis=1)
        first[here] = np.where(speech[here], best, NOBODY)
        certainty[here] = part.posterior.max(axis=1)
        if overlap is None or part.scores.shape[1] == 1:
            continue
        others = part.activity.copy()
        np.put_along_axis(others, best[:, None], -1.0, axis=1)
        runner_up = others.argmax(axis=1)
        loud = np.take_along_axis(others, runner_up[:, None], axis=1)[:, 0] >= rule.least_activity
        two = speech[here] & loud & (overlap[here] >= rule.least_overlap)
        second[here] = np.where(two, runner_up, NOBODY)
    return Frames(first=first, second=second, certainty=certainty)


def _interpolated(
    cosine: NDArray[np.float32], centres: NDArray[np.float64], begin: int, end: int
) -> NDArray[np.float32]:
    """Interpolate the windows' cosines at the middles of frames `begin` to `end`: `[end - begin, speakers]`."""
    at = np.arange(begin, end) + 0.5
    return np.stack([np.interp(at, centres, column) for column in cosine.T], axis=1).astype(np.float32)


def _matched(cosine: NDArray[np.float32], centres: NDArray[np.float64], local: LocalSpeakers) -> NDArray[np.int16]:
    """Match the local speakers of each window with different speakers: `[windows, 3]`, NOBODY where silent."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - slow to import

    matched = np.full((len(local), local.activity.shape[2]), NOBODY, np.int16)
    for number in range(len(local)):
        activity = local.seen(number)
        present = np.flatnonzero(activity.max(axis=0, initial=0.0) > _PRESENT)
        if not present.size:
            continue
        begin = local.begin(number)
        near = _interpolated(cosine, centres, begin, begin + len(activity))
        weight = _own_time(activity)[:, present]
        score = (weight.T @ near) / np.maximum(weight.sum(axis=0), 1e-6)[:, None]
        seconds = np.maximum(activity[:, present].sum(axis=0), 1.0)[:, None]
        rows, columns = linear_sum_assignment(-(score + 1) * seconds)
        matched[number, present[rows]] = columns
    return matched


def _own_time(activity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weigh each local speaker's frames `[n, 3]`: those in which nobody else talks if there are any, else all."""
    others = activity.sum(axis=1, keepdims=True) - activity
    alone = activity * np.clip(1.0 - others, 0.0, 1.0)
    alone = np.where(alone > _SURE, alone, 0.0)
    return np.where(alone.sum(axis=0) > _LONG_ENOUGH, alone, activity)


def _activity(
    local: LocalSpeakers, matched: NDArray[np.int16], begin: int, end: int, speakers: int
) -> NDArray[np.float32]:
    """Average the activity of each speaker's local speakers over the windows that see a frame: `[n, speakers]`."""
    total = np.zeros((end - begin, speakers), np.float32)
    seen = np.zeros((end - begin, 1), np.float32)
    for number in range(max(0, (begin - WINDOW) // HOP), min(len(local), end // HOP + 1)):
        at = local.begin(number)
        length = min(local.activity.shape[1], len(local.speech) - at)
        low, high = max(begin, at), min(end, at + length)
        if low >= high:
            continue
        activity = local.activity[number, low - at : high - at].astype(np.float32) / 255
        seen[low - begin : high - begin] += 1
        for who, speaker in enumerate(matched[number]):
            if speaker != NOBODY:
                total[low - begin : high - begin, speaker] += activity[:, who]
    return np.asarray(total / np.maximum(seen, 1), np.float32)
