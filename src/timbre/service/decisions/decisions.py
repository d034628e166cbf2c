"""What people say about results, and what follows: what stands, who is learned from, who is told.

A decision, an undo and a redo each are one line of the log and one transaction. It holds the team, whose people and
their samples may change with it, then the people that the output mentions, then the job; see `service.people.gallery`.
As the team is held, nobody is renamed or erased meanwhile.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from timbre.errors import (
    IdempotencyConflict,
    JobUnknown,
    MasterKeyMissing,
    OutputMissing,
    RequestInvalid,
    RevisionStale,
    SamplesFull,
    ServiceUnavailable,
    TemplateUnreadable,
    VoicesMissing,
)
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.decisions.changes import Change, Turned, turn
from timbre.service.decisions.doubts import Doubt, Doubts
from timbre.service.decisions.history import told
from timbre.service.decisions.requests import DecisionRequest, StepRequest
from timbre.service.jobs.jobs import Once
from timbre.service.naming.enrolment import sample_of
from timbre.service.outside.webhooks import Webhooks
from timbre.service.people.gallery import Gallery
from timbre.service.people.learning import Learning
from timbre.service.people.person import Consent
from timbre.service.people.samples import Origin
from timbre.service.results import outputs
from timbre.service.results.conversation import Conversation, Naming
from timbre.service.results.decisions import Decision, Entry, Reading, Step, person_of, read_log, walk
from timbre.service.results.joining import merge_voices
from timbre.service.results.standing import stand_as
from timbre.service.results.voices import KeptVoices, Voices
from timbre.store.database import Connection, Database, Row, one
from timbre.store.identifiers import new_id
from timbre.store.queries import queries

_SQL: Final = queries("decisions")
_JOBS: Final = queries("jobs")
_OUTPUTS: Final = queries("outputs")
_TRIES: Final = 30  # of a change, while others change the same job
_PAUSE: Final = 0.05  # seconds between two, at most, so that they fall apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What became of something that was said."""

    revision: int  # of the result now
    replayed: bool = False  # whether it had been said before, with the same key
    learned: bool | None = None  # of a naming: whether the voice is a sample now
    doubt: Doubt | None = None  # why it is not


class _Overtaken(Exception):
    """The job was changed by somebody else meanwhile."""


class Decisions:
    """The decisions of every team."""

    def __init__(
        self,
        database: Database,
        *,
        gallery: Gallery,
        learning: Learning,
        voices: KeptVoices,
        doubts: Doubts,
        webhooks: Webhooks,
    ) -> None:
        self._database = database
        self._gallery = gallery
        self._learning = learning
        self._voices = voices
        self._doubts = doubts
        self._webhooks = webhooks

    async def decide(self, caller: Caller, job: UUID, request: DecisionRequest, once: Once | None = None) -> Made:
        """Write down what somebody says about a result, and do it.

        Raises:
            JobUnknown: the team has none of this id.
            OutputMissing: it has no output, or none that says who speaks.
            RequestInvalid: a turn, a voice or a person is not there, or nothing can be learned.
            RevisionStale: the result is not the one that was seen.
            IdempotencyConflict: the key was used for another request.
            NameTaken: somebody new has the name of somebody who is known.
            ScopeMissing: people of the gallery would be changed, and the key may not do that.
        """
        row = await self._job(caller.team, job)
        if once is not None and (before := await self._earlier(job, once)):
            return before
        await self._check_revision(caller.team, row, request.revision)
        doubt, learn = None, request.learn
        if request.kind in {"name", "learn"} and request.voice is not None and learn is not False:
            doubt = await self._doubt(caller.team, row, request)
            if request.kind == "learn" and doubt is not None and doubt.final:
                raise RequestInvalid([("learn", f"{doubt.words}.")])
            learn = doubt is None or (bool(request.learn) and not doubt.final)
        person = new_id() if request.name is not None else request.speaker_id
        decided = Decision(
            kind=request.kind,
            voice=request.into or request.voice,
            others=request.merged or (),
            turns=request.turns or (() if request.turn is None else (request.turn,)),
            start=_rounded(request.at if request.kind == "cut" else request.start),
            end=_rounded(request.end),
            speaker=person,
            create=None if request.name is None else _created(request),
            learn=learn is not False,
            checked=request.checked is not False,
            readings=tuple(Reading(word=each.word, text=each.text) for each in request.words or ()),
        )
        if person is not None and request.name is None:
            await self._check_person(caller.team, person)

        def decide(talk: Conversation, revision: int) -> Decision:
            now = replace(decided, revision=revision)
            now = replace(now, readings=tuple(replace(each, was=talk.word(each.word)) for each in now.readings))
            if now.kind == "give" and now.voice is None:
                now = replace(now, voice=talk.new_label())
            elif now.kind == "give" and now.voice not in talk.voices:
                raise RequestInvalid([("voice", talk.missing_voice(now.voice or ""))])
            if faults := [*talk.faults(now), *_late(now, row)]:
                raise RequestInvalid(faults)
            return now

        change = Change(kind=request.kind, revision=request.revision, by=request.by, once=once, decide=decide)
        made = await self._change(caller, job, change)
        return made if made.learned or request.kind != "name" else replace(made, doubt=doubt)

    async def step(self, caller: Caller, job: UUID, step: Step, request: StepRequest, once: Once | None = None) -> Made:
        """Undo the last decision that stands, or redo the last that was undone.

        Raises:
            NothingToStep: there is none.
            NameTaken: a naming comes back that had made a person, and somebody else has that name by now.
            and as `decide`
        """
        row = await self._job(caller.team, job)
        if once is not None and (before := await self._earlier(job, once)):
            return before
        await self._check_revision(caller.team, row, request.revision)
        change = Change(kind=step, revision=request.revision, by=request.by, once=once, decide=None)
        return await self._change(caller, job, change)

    async def history(self, team: UUID, job: UUID) -> list[dict[str, Any]]:
        """All that was said about a result, the oldest first.

        Raises:
            JobUnknown: the team has none of this id.
        """
        await self._job(team, job)
        async with self._database.transaction() as connection:
            log = await read_log(connection, job)
            return told(log, await self._names(connection, team, log))

    async def _job(self, team: UUID, job: UUID) -> Row:
        row = await self._database.one(_JOBS["get"], {"id": job, "team": team})
        if row is None:
            raise JobUnknown
        return row

    async def _change(self, caller: Caller, job: UUID, change: Change) -> Made:
        for _ in range(_TRIES):
            row = await self._job(caller.team, job)
            if change.once is not None and (before := await self._earlier(job, change.once)):
                return before
            await self._check_revision(caller.team, row, change.revision)
            voices = await self._heard(caller.team, row)
            with suppress(_Overtaken):
                async with self._gallery.changing(caller.team) as connection:
                    turned = await self._turned(connection, caller, row, change)
                    return await self._write(connection, caller, row, turned, voices)
            await asyncio.sleep(random.uniform(0, _PAUSE))  # noqa: S311 - nothing secret
        raise ServiceUnavailable("Others change this result at the same time; try again soon.")

    async def _turned(self, connection: Connection, caller: Caller, row: Row, change: Change) -> Turned:
        log = await read_log(connection, row["id"])
        found = await one(connection, _OUTPUTS["proposal"], {"job": row["id"]})
        if found is None:
            raise OutputMissing
        if len(log) != row["revision"]:
            raise _Overtaken
        turned = await asyncio.to_thread(turn, change, log, found["proposal"])
        if turned.changes_people:
            caller.require(Scope.SPEAKERS_WRITE)
        return turned

    async def _write(
        self, connection: Connection, caller: Caller, row: Row, turned: Turned, voices: Voices | None
    ) -> Made:
        team, job, revision, proposal = caller.team, row["id"], row["revision"] + 1, turned.proposal
        everybody = {each.speaker for each in turned.said if each.speaker is not None}
        await outputs.hold_people(connection, team, everybody | outputs.people_of(proposal).keys())
        await self._bring_back(connection, caller, [turned.made[each] for each in turned.people & turned.made.keys()])
        await self._learning.withdraw(connection, team, job, turned.withdrawn, key=caller.key)
        gone = await self._learning.bare(connection, team, job, turned.made.keys() - turned.people)
        for person in gone:
            outputs.replace(proposal, person, None)
        names = await outputs.names_of(connection, team, turned.stands)
        output = await asyncio.to_thread(stand_as, proposal, turned.talk, names) if turned.stands else proposal
        held = await one(connection, _SQL["hold_job"], {"job": job, "seen": row["updated_at"], "revision": revision})
        if held is None:
            raise _Overtaken
        await self._note(connection, caller, job, revision, turned)
        await connection.execute(_SQL["forget_undone"], {"job": job, "revisions": turned.dropped})
        packed = await asyncio.to_thread(outputs.kept, proposal, output, None if gone else turned.body)
        columns = {"job": job, **packed.columns}
        stays = not gone and output is not proposal  # what the machine found
        if not (stays and await one(connection, _OUTPUTS["replace_what_stands"], columns)):
            await connection.execute(_OUTPUTS["replace_output"], columns)
        await outputs.note_people(connection, team, job, packed.mentioned, packed.summary)
        taught = {each.revision for each in turned.taught if await self._learn(connection, caller, job, each, voices)}
        await self._learning.remove(connection, team, gone, key=caller.key)
        await self._webhooks.announce_revision(connection, held)
        match turned.change.kind:
            case "name":
                learned = revision in taught
            case "learn":
                learned = bool(taught)
            case _:
                return Made(revision=revision)
        return Made(revision=revision, learned=learned)

    async def _bring_back(self, connection: Connection, caller: Caller, namings: list[Decision]) -> None:
        """Make the people whom namings made, if they are not there, or no longer."""
        there = await outputs.names_of(connection, caller.team, namings)
        for naming in namings:
            if naming.create is None or naming.speaker in there:
                continue
            await self._gallery.create(
                caller.team,
                name=naming.create["name"],
                consent=Consent.from_json(naming.create.get("consent")),
                key=caller.key,
                person=naming.speaker,
                connection=connection,
            )

    async def _learn(
        self, connection: Connection, caller: Caller, job: UUID, naming: Naming, voices: Voices | None
    ) -> bool:
        """Make a voice a sample of the person it was named; tell whether it is one now."""
        if voices is None:
            return False
        kept = {voice.speaker for voice in voices.voices}
        parts = [part for part in naming.parts if part in kept]
        if not parts:
            return False
        whole = merge_voices(voices, parts[0], parts[1:]) if parts[1:] else voices
        voice = whole.find(parts[0])
        origin = Origin(source="job", job=job, decision=naming.revision, clip=whole.clips.get(parts[0]))
        try:
            await self._gallery.add_samples(
                connection, caller.team, naming.speaker, sample_of(voice, voices.space), origin, key=caller.key
            )
        except SamplesFull:
            return False
        return True

    async def _note(self, connection: Connection, caller: Caller, job: UUID, revision: int, turned: Turned) -> None:
        change, decision = turned.change, turned.decision
        line = {
            "job": job,
            "revision": revision,
            "team": caller.team,
            "kind": change.kind,
            "body": Jsonb({} if decision is None else decision.to_json()),
            "speaker": None if decision is None else decision.speaker,
            "key": caller.key,
            "by": change.by or None,
            "once": None if change.once is None else change.once.key,
            "digest": None if change.once is None else change.once.digest,
        }
        await connection.execute(_SQL["add"], line)

    async def _doubt(self, team: UUID, row: Row, request: DecisionRequest) -> Doubt | None:
        async with self._database.transaction() as connection:
            now = person_of(walk(await read_log(connection, row["id"])).stands, request.voice or "")
        if request.kind == "learn" and now is None:
            raise RequestInvalid([("voice", "Nobody has said who this voice is; name it first.")])
        person = now if request.kind == "learn" else request.speaker_id
        # Whom it was named before is nobody to weigh it against: their sample may be this very voice.
        return await self._doubts.of(team, row["id"], request.voice or "", person, besides=now)

    async def _check_person(self, team: UUID, person: UUID) -> None:
        asked = Decision(kind="name", speaker=person)
        async with self._database.transaction() as connection:
            if not await outputs.names_of(connection, team, [asked]):
                raise RequestInvalid([("speakerId", "There is no such person; they may have been erased.")])

    async def _check_revision(self, team: UUID, row: Row, seen: int | None) -> None:
        now = row["revision"]
        if seen is None or seen == now:
            return
        async with self._database.transaction() as connection:
            log = await read_log(connection, row["id"])
            changes = told(log, await self._names(connection, team, log), since=seen)
        said = ", ".join(f"{change['kind']} by {change['by'] or 'somebody'}" for change in changes[:5])
        raise RevisionStale(
            f"The result is at revision {now}, not {seen}"
            + (f"; since then there were: {said}" if said else "")
            + ". Look at it again.",
            revision=now,
            changes=changes,
        )

    async def _earlier(self, job: UUID, once: Once) -> Made | None:
        row = await self._database.one(_SQL["once"], {"job": job, "once": once.key})
        if row is None:
            return None
        if bytes(row["digest"]) != once.digest:
            raise IdempotencyConflict
        return Made(revision=row["revision"], replayed=True)

    async def _heard(self, team: UUID, row: Row) -> Voices | None:
        """The voices of a job as the machine heard them, where they are kept and can be read."""
        if not row["has_voices"]:
            return None
        try:
            return await self._voices.heard(team, row["id"])
        except (VoicesMissing, MasterKeyMissing, TemplateUnreadable):
            return None

    @staticmethod
    async def _names(connection: Connection, team: UUID, log: list[Entry]) -> Mapping[UUID, str]:
        said = [entry.decision for entry in log if entry.decision is not None]
        return await outputs.names_of(connection, team, said)


def _late(decision: Decision, row: Row) -> list[tuple[str, str]]:
    """What lies behind the end of the recording."""
    duration = row["duration"]
    return [
        (name, f"Expected at most {duration:.3f}, where the recording ends, got {value:g}")
        for name, value in (("start", decision.start), ("end", decision.end))
        if decision.kind == "retime" and duration is not None and value is not None and value > duration + 0.001
    ]


def _created(request: DecisionRequest) -> dict[str, Any]:
    consent = None if request.consent is None else request.consent.value.to_json()
    return {"name": request.name, "consent": consent}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
