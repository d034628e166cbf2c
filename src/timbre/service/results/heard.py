"""Who is heard in a result, as it stands, in numbers: what lists and reviews of many results go by.

A result itself is packed; to read hundreds of them for a list would take seconds. So whoever writes one notes here,
in the same transaction, what each of its voices says and who it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from timbre.store.database import Connection
from timbre.store.queries import queries

_SQL: Final = queries("heard")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardVoice:
    """A voice of a result."""

    speaker: str  # label
    seconds: float  # of talk
    turns: int
    starts: float  # seconds from the beginning of the recording to its first turn
    named: bool
    person: UUID | None = None  # of the gallery
    confidence: int | None = None  # 0-100, that it is them
    decided: bool = False  # by hand: who it is, or that nobody knows
    checked: bool = False  # whether somebody has looked at every turn, or decided about it


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A result in numbers."""

    gallery: int | None  # version of the gallery it was named by; None if by none
    voices: tuple[HeardVoice, ...]


def summary(output: Mapping[str, Any]) -> Summary | None:
    """Sum a result up; None of one that does not say who speaks."""
    if "diarization" not in output:
        return None
    turns = defaultdict[str, list[Mapping[str, Any]]](list)
    for turn in output.get("identification", output["diarization"]):
        turns[turn.get("diarizationSpeaker", turn["speaker"])].append(turn)
    known = {voice["speaker"]: voice for voice in output.get("voiceprints", ())}
    voices = tuple(_voice(label, turns[label], known.get(label, {})) for label in sorted(turns))
    return Summary(gallery=output.get("gallery", {}).get("version"), voices=voices)


async def note_heard(connection: Connection, team: UUID, job: UUID, found: Summary | None) -> None:
    """Note what the output of a job says, in place of what was noted before."""
    if found is None:
        return
    about = {"job": job, "team": team}
    await connection.execute(_SQL["note"], {**about, "gallery": found.gallery})
    await connection.execute(_SQL["drop_voices"], about)
    if found.voices:
        await connection.execute(_SQL["note_voices"], {**about, **_columns(found.voices)})


def _voice(label: str, turns: Sequence[Mapping[str, Any]], known: Mapping[str, Any]) -> HeardVoice:
    person = known.get("speakerId")
    likely = {each["speakerId"]: each["confidence"] for each in known.get("candidates", ())}
    return HeardVoice(
        speaker=label,
        seconds=sum(turn["end"] - turn["start"] for turn in turns),
        turns=len(turns),
        starts=min(turn["start"] for turn in turns),
        named=known.get("match") is not None,
        person=None if person is None else UUID(person),
        confidence=likely.get(person),
        decided=bool(known.get("decided")),
        checked=all(turn.get("checked") or turn.get("decided") for turn in turns),
    )


def _columns(voices: Sequence[HeardVoice]) -> dict[str, list[Any]]:
    return {name: [getattr(voice, name) for voice in voices] for name in HeardVoice.__slots__}
