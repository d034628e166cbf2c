"""Which unknown voices of many recordings are one person's.

The longest voices come first. Each joins the group that it sounds most like, if the calibrated model of their encoder
is sure enough, with the number of groups taken into account; else it begins a group of its own. A group sounds like
all of its voices, pooled by their seconds, so it is known ever better. Two voices of one recording are never put
together: whoever heard that recording has told them apart.

Every voice is compared with every group once, so time goes with their product, which `MOST_VOICES` bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np

from timbre.identification.scoring import expit
from timbre.models.same_voice import SameVoice, Side, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.diarization.diarization import Voice

MOST_VOICES: Final = 4000  # that are compared
_NEAREST: Final = 32  # groups that a voice is compared with in earnest: the likeliest need not be the nearest
SURE: Final = 0.8  # probability of one voice, from which voices are put together


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A voice that nobody has named."""

    job: UUID
    voice: Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Voices that sound like one person."""

    voices: tuple[Unknown, ...]  # the longest first
    embedding: NDArray[np.float32]  # unit [dimension], of all of them
    seconds: float  # of clean speech


def grouped(voices: Sequence[Unknown], same_voice: SameVoice) -> list[Group]:
    """Put voices of one space together that are one person's; those in most recordings first.

    Args:
        voices: At most `MOST_VOICES`.
        same_voice: The calibrated model of their space.
    """
    if not voices:
        return []
    ordered = sorted(voices, key=lambda each: (-each.voice.seconds, each.job, each.voice.speaker))
    count, dimension = len(ordered), ordered[0].voice.embedding.size
    sums, directions = np.zeros((count, dimension), np.float32), np.zeros((count, dimension), np.float32)
    seconds, telephone, snr = np.zeros(count), np.full(count, np.nan), np.full(count, np.nan)
    members = list[list[Unknown]]()
    in_job: dict[UUID, list[int]] = {}
    for each in ordered:
        voice, size = each.voice, len(members)
        at = None
        if size:
            cosines = directions[:size] @ voice.embedding
            cosines[in_job.get(each.job, [])] = -np.inf
            near = np.argpartition(cosines, -_NEAREST)[-_NEAREST:] if size > _NEAREST else np.arange(size)
            near = np.sort(near[np.isfinite(cosines[near])])
            side = Side(seconds=seconds[near], telephone=telephone[near], snr=snr[near])
            odds = same_voice.log_odds(cosines[near], side, Side.of([voice.seconds], [voice.acoustics]))
            at = _joined(odds, near, size, same_voice)
        if at is None:
            at = size
            members.append([])
            telephone[at] = np.nan if voice.acoustics.telephone is None else voice.acoustics.telephone
            snr[at] = np.nan if voice.acoustics.snr is None else voice.acoustics.snr
        members[at].append(each)
        in_job.setdefault(each.job, []).append(at)
        sums[at] += voice.seconds * voice.embedding
        directions[at] = unit(sums[at])
        seconds[at] += voice.seconds
    groups = [
        Group(voices=tuple(some), embedding=directions[at], seconds=float(seconds[at]))
        for at, some in enumerate(members)
    ]
    return sorted(groups, key=lambda group: (-len(group.voices), -group.seconds))


def _joined(odds: NDArray[np.float64], near: NDArray[np.int64], groups: int, same_voice: SameVoice) -> int | None:
    """Return the group that a voice belongs to; None if to none.

    Args:
        odds: The voice's log-odds with the groups that are nearest to it.
        near: Which those are.
        groups: How many there are in all.
        same_voice: The model that the log-odds are of.
    """
    if not len(odds) or odds.max() < 0:
        return None
    return int(near[np.argmax(odds)]) if expit(same_voice.among(odds, groups).max()) >= SURE else None
