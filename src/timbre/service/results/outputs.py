"""Outputs that are kept, and what changes in them: people are renamed, merged and erased.

An output names a person in `identification`, `voiceprints`, `confidence` and `candidates`; wherever a name stands,
`speakerId` or the candidate's own entry says whose it is. Names of voiceprints that were sent with a request have no
id, and stay as they are.

Where people have decided about a result, the machine's proposal is kept beside it, and what stands is made of it anew.

Rows are locked in the order people, jobs, outputs. Whoever writes an output holds the people it names, so that nobody
is erased or renamed between the two, and finds them here.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from pydantic_core import from_json, to_json

from timbre.service.results.decisions import Decision, forget_in_log, move_in_log, read_log, walk
from timbre.service.results.heard import Summary, note_heard, summary
from timbre.service.results.standing import Output, stand
from timbre.service.results.transcripts import labels_kept
from timbre.store.database import Connection, Row
from timbre.store.queries import queries

MOST_CANDIDATES: Final = 5  # that an output names for each voice
_SQL: Final = queries("outputs")
_COMPRESSION: Final = 1  # of gzip: half the time of level 4, a few hundredths more bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A person, as outputs name them."""

    id: UUID
    name: str


def packed(output: Output | bytes) -> tuple[bytes, int]:
    """Compress an output as it is kept; return that, and its length as JSON."""
    text = output if isinstance(output, bytes) else dumped(output)
    return gzip.compress(text, _COMPRESSION, mtime=0), len(text)


def dumped(output: Output) -> bytes:
    """Return an output as JSON."""
    return to_json(output)  # as json.dumps without spaces, in a third of the time


def unpacked(body: bytes) -> Output:
    """Read an output that `packed` compressed."""
    found: Output = from_json(gzip.decompress(body))  # as json.loads, in half the time
    return found


def people_of(output: Output) -> dict[UUID, bool]:
    """Everybody whom an output mentions, and whether it gives their name to a voice."""
    found: dict[UUID, bool] = {}
    for voice in output.get("voiceprints", ()):
        for candidate in voice.get("candidates", ()):
            found.setdefault(UUID(candidate["speakerId"]), False)
        if voice.get("speakerId"):
            found[UUID(voice["speakerId"])] = True
    return found


def replace(output: Output, person: UUID, by: Named | None) -> None:
    """Change an output so that it names somebody else for a person, or nobody."""
    with labels_kept(output):
        _replace(output, person, by)


def _replace(output: Output, person: UUID, by: Named | None) -> None:
    old, new = str(person), None if by is None else str(by.id)
    for voice in output.get("voiceprints", ()):
        if "candidates" in voice:
            _replace_candidate(voice, old, by)
        if voice.get("speakerId") == old:
            voice["match"], voice["speakerId"] = None if by is None else by.name, new
    for turn in output.get("identification", ()):
        if turn.get("speakerId") == old:
            turn["speaker"] = turn["diarizationSpeaker"] if by is None else by.name
            turn["match"], turn["speakerId"] = None if by is None else by.name, new


def _replace_candidate(voice: dict[str, Any], old: str, by: Named | None) -> None:
    """Change the candidates of a voice, and its `confidence`, which names them, too."""
    kept: dict[str, dict[str, Any]] = {}
    names: dict[str, str | None] = {}
    for candidate in voice["candidates"]:
        now = candidate
        if candidate["speakerId"] == old:
            names[candidate["name"]] = None if by is None else by.name
            if by is None:
                continue
            now = {**candidate, "speakerId": str(by.id), "name": by.name}
        before = kept.get(now["speakerId"])
        if before is None or before["confidence"] < now["confidence"]:
            kept[now["speakerId"]] = now
    if not names:
        return
    voice["candidates"] = sorted(kept.values(), key=lambda candidate: -candidate["confidence"])
    confidence: dict[str, int] = {}
    for name, value in voice["confidence"].items():
        if (now_named := names.get(name, name)) is not None:
            confidence[now_named] = max(value, confidence.get(now_named, 0))
    voice["confidence"] = confidence


def mentioned(proposal: Output, output: Output) -> dict[UUID, bool]:
    """Everybody whom the machine's output or what stands mentions, and whether the latter gives them a voice."""
    return dict.fromkeys(people_of(proposal), False) | people_of(output)


async def settle(connection: Connection, team: UUID, *outputs: Output) -> tuple[dict[UUID, bool], bool]:
    """In the transaction that writes outputs, hold the people they name, and make their names those of now.

    Returns:
        Everybody they mention as `people_of` has it, of the last that mentions them, and whether one had to be changed.
    """
    everybody: dict[UUID, bool] = {}
    for output in outputs:
        everybody |= people_of(output)
    rows = await hold_people(connection, team, everybody)
    changed = False
    for output in outputs:
        for person, name in _names(output).items():
            if person not in rows:
                replace(output, person, None)
                changed = True
            elif rows[person] != name:
                replace(output, person, Named(id=person, name=rows[person]))
                changed = True
    return {person: named for person, named in everybody.items() if person in rows}, changed


async def settle_both(
    connection: Connection, team: UUID, proposal: Output, output: Output, decisions: Sequence[Decision]
) -> Output:
    """Settle what the machine found, and what was to stand; return what stands with the names of now."""
    if output is proposal:
        await settle(connection, team, proposal)
        return proposal
    _, changed = await settle(connection, team, proposal, output)
    if not changed:
        return output
    return await asyncio.to_thread(stand, proposal, decisions, await names_of(connection, team, decisions))


async def note_people(
    connection: Connection, team: UUID, job: UUID, people: Mapping[UUID, bool], found: Summary | None
) -> None:
    """Note whom the output of a job mentions, and what it says of its voices, and that they were heard.

    It takes the place of what was noted before.
    """
    await connection.execute(_SQL["drop_people"], {"job": job})
    if people:
        arguments = {"job": job, "people": list(people), "named": list(people.values())}
        await connection.execute(_SQL["note_people"], arguments)
        await connection.execute(_SQL["note_heard"], {"job": job})
    await note_heard(connection, team, job, found)


async def forget(connection: Connection, team: UUID, speaker: UUID) -> int:
    """Take a person out of every output of their team; return how many were changed."""
    await forget_in_log(connection, team, speaker)
    return await _rewrite(connection, team, [speaker], None)


async def rename(connection: Connection, team: UUID, speaker: UUID, name: str) -> int:
    """Give a person another name in every output of their team; return how many were changed."""
    return await _rewrite(connection, team, [speaker], Named(id=speaker, name=name))


async def move(connection: Connection, team: UUID, speakers: Sequence[UUID], into: UUID, name: str) -> int:
    """Make people one person in every output of their team; return how many were changed."""
    await move_in_log(connection, team, speakers, into)
    return await _rewrite(connection, team, speakers, Named(id=into, name=name))


async def _rewrite(connection: Connection, team: UUID, people: Sequence[UUID], by: Named | None) -> int:
    # Whoever is just writing an output that names one of them ends first; from now on nobody begins.
    everybody = {*people, *([] if by is None else [by.id])}
    await hold_people(connection, team, everybody)
    jobs = await (await connection.execute(_SQL["jobs_of"], {"team": team, "people": list(people)})).fetchall()
    changed = 0
    for row in jobs:
        found = await (await connection.execute(_SQL["hold_output"], {"job": row["id"]})).fetchone()
        if found is None:
            continue
        decisions = walk(await read_log(connection, row["id"])).stands
        names = await names_of(connection, team, decisions)
        new = await asyncio.to_thread(_rewritten, found, people, by, decisions, names)
        await connection.execute(_SQL["replace_output"], {"job": row["id"], **new.columns})
        await note_people(connection, team, row["id"], new.mentioned, new.summary)
        changed += 1
    return changed


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An output as it is kept."""

    columns: Mapping[str, Any]  # body, length, proposal
    mentioned: Mapping[UUID, bool]  # as `mentioned` has it
    summary: Summary | None  # as `summary` has it


def kept(proposal: Output, output: Output, before: bytes | None = None) -> Kept:
    """Pack what the machine found and what stands; the former is kept by itself only where it is something else.

    Args:
        proposal: What the machine found.
        output: What stands.
        before: The proposal as it was packed before, where it is the same.
    """
    body, length = packed(output)
    own = None if output is proposal else before or packed(proposal)[0]
    return Kept(
        columns={"body": body, "length": length, "proposal": own},
        mentioned=mentioned(proposal, output),
        summary=summary(output),
    )


async def names_of(connection: Connection, team: UUID, decisions: Iterable[Decision]) -> dict[UUID, str]:
    """The names that the people of some decisions have now."""
    people = {decision.speaker for decision in decisions if decision.speaker is not None}
    wanted = {"team": team, "people": list(people)}
    rows = await (await connection.execute(_SQL["names"], wanted)).fetchall() if people else []
    return {row["id"]: row["name"] for row in rows}


def _rewritten(
    found: Row, people: Iterable[UUID], by: Named | None, decisions: Sequence[Decision], names: Mapping[UUID, str]
) -> Kept:
    proposal = unpacked(found["proposal"])
    for person in people:
        replace(proposal, person, by)
    return kept(proposal, stand(proposal, decisions, names))


async def hold_people(connection: Connection, team: UUID, people: Iterable[UUID]) -> dict[UUID, str]:
    """Hold people, always in the same order, until the transaction ends; return their names."""
    wanted = {"team": team, "people": list(people)}
    if not wanted["people"]:
        return {}
    rows = await (await connection.execute(_SQL["hold_people"], wanted)).fetchall()
    return {row["id"]: row["name"] for row in rows}


def _names(output: Output) -> dict[UUID, str]:
    """The names that an output has for the people it mentions."""
    names: dict[UUID, str] = {}
    for voice in output.get("voiceprints", ()):
        for candidate in voice.get("candidates", ()):
            names[UUID(candidate["speakerId"])] = candidate["name"]
        if voice.get("speakerId"):
            names[UUID(voice["speakerId"])] = voice["match"]
    return names
