"""Who sounds alike: pairs of people whom identification would mix up, or who are one person under two names.

The likeness of two people is the confidence with which a recording that sounds just like the one would be given the
name of the other, among all people of the gallery. It comes from the turned vectors: no voiceprint is decrypted for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np

from timbre.errors import ModelError, VoiceprintMismatch
from timbre.identification.namer import load_namer_of
from timbre.identification.scoring import confidences
from timbre.models.same_voice import SameVoice, Side, unit
from timbre.settings import Settings
from timbre.store.database import Database, Row
from timbre.store.queries import queries

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST: Final = 10  # likeness, 0-100, from which a pair is told
_MOST: Final = 50  # pairs
_SQL: Final = queries("likeness")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two people who sound alike."""

    speakers: tuple[UUID, UUID]
    likeness: int  # 0-100


async def alike(database: Database, settings: Settings, team: UUID, space: str, limit: int) -> list[Pair]:
    """The pairs among a team's newest people who sound alike, those most alike first.

    Args:
        database: Where the people are.
        settings: Where another calibration is named.
        team: Whose people.
        space: In which they are compared.
        limit: At most so many people are compared.
    """
    try:
        namer = await asyncio.to_thread(load_namer_of, space, settings)
    except (ModelError, VoiceprintMismatch):
        return []
    rows = await database.all(_SQL["voices"], {"team": team, "space": space, "limit": limit})
    return await asyncio.to_thread(_pairs, rows, namer.same_voice)


def likenesses(vectors: NDArray[np.float32], seconds: Sequence[float], same_voice: SameVoice) -> NDArray[np.int64]:
    """How alike people are, 0-100.

    Args:
        vectors: `[people, dimension]`.
        seconds: Of speech of each.
        same_voice: The calibrated model of their space.

    Returns:
        `[people, people]`, symmetric where they have as much speech.
    """
    side = Side(seconds=np.array(seconds, np.float64))
    directions = unit(vectors)
    return confidences(same_voice.log_odds(directions @ directions.T, side, side.column()), same_voice, len(vectors))


def _pairs(rows: Sequence[Row], same_voice: SameVoice) -> list[Pair]:
    if len(rows) < 2:  # noqa: PLR2004 - a pair has two
        return []
    vectors = np.array([[float(number) for number in row["vector"][1:-1].split(",")] for row in rows], np.float32)
    both = likenesses(vectors, [row["seconds"] for row in rows], same_voice)
    alike_ = np.triu(np.maximum(both, both.T), 1)
    found = np.argwhere(alike_ >= LEAST)
    pairs = [
        Pair(speakers=(rows[one]["id"], rows[other]["id"]), likeness=int(alike_[one, other])) for one, other in found
    ]
    return sorted(pairs, key=lambda pair: -pair.likeness)[:_MOST]
