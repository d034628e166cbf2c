"""Decisions: what people say about the result of a job, as a log that is only added to.

    revision  1          2           3      4
              name  ──►  give   ──►  undo ─► redo          what stands: name, give

Undo takes the last decision that stands away, redo gives back the last that was taken; a new decision after an undo
leaves nothing to redo. What they make of an output: `standing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args
from uuid import UUID

from timbre.store.database import Connection, Row
from timbre.store.queries import queries

Kind = Literal[
    "name", "nobody", "reject", "join", "give", "cut", "unite", "retime", "delete", "learn", "check", "reword"
]
Step = Literal["undo", "redo"]
KINDS: Final[tuple[str, ...]] = get_args(Kind)
_SQL: Final = queries("decisions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a word reads."""

    word: int  # its place in the machine's `wordLevelTranscription`
    text: str  # empty where nothing is said there
    was: str | None = None  # what the machine heard, by which a word is known again after its recording got others


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Something that a person said about a result."""

    kind: Kind
    revision: int = 0  # of the result that it made; 0 while it is being thought about
    voice: str | None = (
        None  # label of the voice it is about; of `join` the one that stays, of `give` the one that gets
    )
    others: tuple[str, ...] = ()  # labels that are joined into it
    turns: tuple[str, ...] = ()
    start: float | None = None  # seconds; of `cut` where the second part begins
    end: float | None = None
    speaker: UUID | None = None  # the person, of `name` and `reject`; None where they were erased since
    create: Mapping[str, Any] | None = None  # of `name`: who was made by it: name, consent
    learn: bool = True  # of `name` and `learn`: whether the voice becomes a sample
    checked: bool = True  # of `check`
    readings: tuple[Reading, ...] = ()  # of `reword`

    def to_json(self) -> dict[str, Any]:
        """Return its body as it is kept, without what has a column of its own."""
        body: dict[str, Any] = {
            "voice": self.voice,
            "others": list(self.others) or None,
            "turns": list(self.turns) or None,
            "start": self.start,
            "end": self.end,
            "create": None if self.create is None else dict(self.create),
            "learn": None if self.learn else False,
            "checked": None if self.checked else False,
            "readings": [[each.word, each.text, each.was] for each in self.readings] or None,
        }
        return {name: value for name, value in body.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the log."""

    revision: int
    kind: Kind | Step
    decision: Decision | None  # None where it is an undo or a redo
    by: str | None  # display name of whoever made it
    at: datetime

    @classmethod
    def from_row(cls, row: Row) -> Entry:
        """Read a row of the table."""
        decision = None
        if row["kind"] in KINDS:
            body = row["body"]
            decision = Decision(
                kind=row["kind"],
                revision=row["revision"],
                voice=body.get("voice"),
                others=tuple(body.get("others", ())),
                turns=tuple(body.get("turns", ())),
                start=body.get("start"),
                end=body.get("end"),
                speaker=row["speaker_id"],
                create=body.get("create"),
                learn=body.get("learn", True),
                checked=body.get("checked", True),
                readings=tuple(Reading(word=word, text=text, was=was) for word, text, was in body.get("readings", ())),
            )
        return cls(revision=row["revision"], kind=row["kind"], decision=decision, by=row["by"], at=row["at"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """Where a log has led."""

    stands: tuple[Decision, ...] = ()  # in the order they were made
    undone: tuple[Decision, ...] = ()  # the next to redo last


def walk(log: Iterable[Entry]) -> Walked:
    """Follow a log to its end."""
    stands, undone = list[Decision](), list[Decision]()
    for entry in log:
        if entry.decision is not None:
            stands.append(entry.decision)
            undone.clear()
        elif entry.kind == "undo" and stands:
            undone.append(stands.pop())
        elif entry.kind == "redo" and undone:
            stands.append(undone.pop())
    return Walked(stands=tuple(stands), undone=tuple(undone))


def person_of(stands: Iterable[Decision], voice: str) -> UUID | None:
    """Who a voice is by decision, as `Conversation` has it, without reading the result."""
    people: dict[str, UUID | None] = {}
    for decision in stands:
        label = decision.voice or ""
        match decision.kind:
            case "name" | "nobody":
                people[label] = decision.speaker
            case "reject" if people.get(label) == decision.speaker:
                people.pop(label, None)
            case "join":
                for other in decision.others:
                    if label not in people and other in people:
                        people[label] = people[other]
    return people.get(voice)


async def read_log(connection: Connection, job: UUID) -> list[Entry]:
    """The log of a job, the oldest first."""
    rows = await (await connection.execute(_SQL["log"], {"job": job})).fetchall()
    return [Entry.from_row(row) for row in rows]


async def forget_in_log(connection: Connection, team: UUID, speaker: UUID) -> None:
    """Take a person out of the decisions of their team, those that were undone among them."""
    await connection.execute(_SQL["forget"], {"team": team, "speaker": speaker})


async def move_in_log(connection: Connection, team: UUID, speakers: Sequence[UUID], into: UUID) -> None:
    """Let the decisions of a team mean one person by several."""
    await connection.execute(_SQL["move"], {"team": team, "speakers": list(speakers), "into": into})
