"""Reviews over recordings: what waits for a decision, and deciding about many voices at once.

    likely names  ──► yes: a decision `name`, no: a decision `reject`
    unknown voices, grouped over recordings ──► who is it? a decision `name` for each
    people have changed ──► recordings are named again, around what was decided

Whatever is said becomes decisions about the results, one a voice, and can be undone there.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import numpy as np

from timbre.diarization.diarization import Voice
from timbre.errors import (
    GalleryMoved,
    JobUnknown,
    MasterKeyMissing,
    NameTaken,
    RevisionStale,
    ServiceError,
    SpacesDiffer,
    TemplateUnreadable,
    VoiceDecided,
    VoicesMissing,
)
from timbre.identification.namer import Namer
from timbre.service.accounts.teams import Caller
from timbre.service.decisions.decisions import Decisions, Made
from timbre.service.decisions.doubts import LEAST_SPEECH
from timbre.service.decisions.requests import DecisionRequest
from timbre.service.naming.candidate_pool import CandidateSearch
from timbre.service.naming.named_output import namer_of_kept
from timbre.service.naming.rematch import Rematch
from timbre.service.people.gallery import Gallery
from timbre.service.requests.selection import Selection
from timbre.service.results.voices import KeptVoices
from timbre.service.review.grouping import MOST_VOICES, Group, Unknown, grouped
from timbre.service.review.requests import ENOUGH, RenameRequest, ReviewRequest, VoiceRequest
from timbre.settings import Settings
from timbre.store.database import Database, Row
from timbre.store.queries import queries

_SQL: Final = queries("review")
_AT_ONCE: Final = 100  # recordings that are looked up to be named again
_CANDIDATES: Final = 3  # people that a group is said to sound like
_NEAREST: Final = 20
_REMEMBERED: Final = 4  # teams whose groups are
_TRIES: Final = 10  # of a decision, while others decide about the same result


@dataclass(frozen=True, slots=True, kw_only=True)
class Likely:
    """Somebody whom a group may be."""

    speaker: UUID
    name: str
    confidence: int  # 0-100


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """Unknown voices that sound like one person."""

    voices: tuple[Row, ...]  # job_id, title, created_at, revision, speaker, seconds, starts; the newest first
    candidates: tuple[Likely, ...]  # the likeliest first


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits for a decision."""

    matches: Sequence[Row]
    matches_total: int
    groups: Sequence[Strangers]
    groups_total: int
    affected: int  # recordings that were named by other people than there are now


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What became of what was said of one voice."""

    voice: VoiceRequest
    made: Made | None = None
    error: ServiceError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Renamed:
    """What became of recordings that were to be named again."""

    named: int  # how many were
    changed: int  # of these, how many have other people now
    passed_over: int  # that cannot be: their voices are gone
    left: int  # that are still to be


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grouped:
    """Groups that were made: while one decides about voices, those that are left stay as they are."""

    space: str
    keys: frozenset[tuple[UUID, str]]  # jobs and labels of all voices
    groups: Sequence[Group]

    def left(self, keys: AbstractSet[tuple[UUID, str]]) -> list[Group]:
        """The groups of those voices that are still unknown."""
        waiting = (
            replace(group, voices=tuple(each for each in group.voices if (each.job, each.voice.speaker) in keys))
            for group in self.groups
        )
        return sorted(
            (group for group in waiting if group.voices), key=lambda group: (-len(group.voices), -group.seconds)
        )


class Review:
    """The reviews of every team."""

    def __init__(
        self,
        database: Database,
        *,
        decisions: Decisions,
        rematch: Rematch,
        gallery: Gallery,
        voices: KeptVoices,
        candidates: CandidateSearch,
        settings: Settings,
    ) -> None:
        self._database = database
        self._decisions = decisions
        self._rematch = rematch
        self._gallery = gallery
        self._voices = voices
        self._candidates = candidates
        self._settings = settings
        self._grouping = asyncio.Lock()  # it takes a whole core
        self._grouped: dict[UUID, _Grouped] = {}  # of the teams that asked last

    async def waiting(self, team: UUID, limit: int, least: int = 1) -> Waiting:
        """What waits for a decision.

        Args:
            team: Whose recordings.
            limit: At most so many matches, and so many groups.
            least: Only groups that are heard in so many recordings.
        """
        matches = await self._database.all(_SQL["matches"], {"team": team, "limit": limit})
        space = await self._gallery.space(team)
        groups, total, affected = list[Strangers](), 0, 0
        if space is not None:
            found = [group for group in await self._groups(team, space) if len(group.voices) >= least]
            total = len(found)
            groups = await self._described(team, space, found[:limit])
            affected = await self._affected(team, space)
        return Waiting(
            matches=matches,
            matches_total=matches[0]["total"] if matches else 0,
            groups=groups,
            groups_total=total,
            affected=affected,
        )

    async def decide(self, caller: Caller, request: ReviewRequest) -> tuple[UUID | None, list[Said]]:
        """Say the same of several voices, each by a decision about its result.

        Returns:
            The person who was named or rejected, and what became of it for each voice.

        Raises:
            VoiceDecided: somebody else has decided about a voice meanwhile; likewise everything that
                `Decisions.decide` raises, where nothing could be said of any voice.
        """
        person, said = request.speaker_id, list[Said]()
        for voice in request.voices:
            try:
                made = await self._decide(caller, request, voice, person)
            except NameTaken:
                raise  # for each of them alike
            except ServiceError as error:
                said.append(Said(voice=voice, error=error))
                continue
            said.append(Said(voice=voice, made=made))
            if request.kind == "name" and person is None:
                person = (await self._voice(caller.team, voice))["speaker_id"]
        if all(each.error is not None for each in said):
            raise next(each.error for each in said if each.error is not None)
        return person, said

    async def rename(self, team: UUID, request: RenameRequest) -> Renamed:
        """Name recordings again that were named by other people than there are now, for a while.

        Raises:
            MasterKeyMissing, TemplateUnreadable: people's voiceprints cannot be read.
            GalleryMoved: the gallery was brought to another encoder just now.
        """
        ends = time.monotonic() + (request.seconds or ENOUGH)
        named = changed = passed_over = 0
        space = await self._gallery.space(team)
        while space is not None and (rows := await self._to_rename(team, space, request.speaker_id)):
            for row in rows:
                if named + passed_over and time.monotonic() > ends:
                    left = await self._affected(team, space, request.speaker_id)
                    return Renamed(named=named, changed=changed, passed_over=passed_over, left=left)
                job = {"job": row["job_id"]}
                before = await self._database.one(_SQL["who"], job)
                try:
                    await self._rematch.again(team, row["job_id"])
                except JobUnknown:
                    continue  # it was deleted just now
                except (VoicesMissing, SpacesDiffer):
                    await self._database.one(_SQL["pass_over"], job)
                    passed_over += 1
                    continue
                named += 1
                changed += await self._database.one(_SQL["who"], job) != before
        return Renamed(named=named, changed=changed, passed_over=passed_over, left=0)

    async def _decide(self, caller: Caller, request: ReviewRequest, voice: VoiceRequest, person: UUID | None) -> Made:
        for _ in range(_TRIES):
            row = await self._voice(caller.team, voice)
            if row["decided"]:
                who = f"it is {row['name']}" if row["name"] else "nobody knows them"
                raise VoiceDecided(f"Somebody has said meanwhile who {voice.speaker} is: {who}.")
            said = request.decision(voice.speaker, person, row["revision"])
            try:
                return await self._decisions.decide(caller, voice.job_id, DecisionRequest.model_validate(said))
            except RevisionStale:  # perhaps about another voice
                continue
        raise VoiceDecided("Others decide about this result at the same time; look at it again.")

    async def _voice(self, team: UUID, voice: VoiceRequest) -> Row:
        asked = {"team": team, "job": voice.job_id, "speaker": voice.speaker}
        row = await self._database.one(_SQL["voice"], asked)
        if row is None:
            raise JobUnknown
        return row

    async def _groups(self, team: UUID, space: str) -> list[Group]:
        rows = await self._database.all(_SQL["strangers"], {"team": team, "space": space, "limit": MOST_VOICES})
        keys = {(row["job_id"], row["speaker"]) for row in rows}
        async with self._grouping:
            before = self._grouped.pop(team, None)
            if before is None or before.space != space or not keys <= before.keys:
                before = _Grouped(space=space, keys=frozenset(keys), groups=await self._compared(team, space, keys))
            self._grouped[team] = before
            while len(self._grouped) > _REMEMBERED:
                del self._grouped[next(iter(self._grouped))]
        return before.left(keys)

    async def _compared(self, team: UUID, space: str, keys: AbstractSet[tuple[UUID, str]]) -> list[Group]:
        labels = defaultdict[UUID, set[str]](set)
        for job, speaker in keys:
            labels[job].add(speaker)
        try:
            kept = await self._voices.vectors(team, space, list(labels))
            namer = await asyncio.to_thread(namer_of_kept, space, self._settings)
        except (MasterKeyMissing, TemplateUnreadable, VoicesMissing):
            return []
        unknown = [
            Unknown(job=job, voice=voice)
            for job, voices in kept.items()
            for voice in voices.voices
            if voice.speaker in labels[job] and voice.seconds >= LEAST_SPEECH
        ]
        return await asyncio.to_thread(grouped, unknown, namer.same_voice)

    async def _described(self, team: UUID, space: str, groups: Sequence[Group]) -> list[Strangers]:
        if not groups:
            return []
        jobs = list({each.job for group in groups for each in group.voices})
        rows = await self._database.all(_SQL["voices"], {"team": team, "jobs": jobs})
        known = {(row["job_id"], row["speaker"]): row for row in rows}
        rejected = defaultdict[tuple[UUID, str], set[UUID]](set)
        for row in await self._database.all(_SQL["rejected"], {"team": team, "jobs": jobs}):
            rejected[row["job_id"], row["speaker"]].add(row["speaker_id"])
        likely = await self._likely(team, space, groups)
        described = []
        for group, candidates in zip(groups, likely, strict=True):
            keys = [(each.job, each.voice.speaker) for each in group.voices]
            voices = sorted((known[key] for key in keys if key in known), key=lambda row: row["job_id"], reverse=True)
            nobody = {person for key in keys for person in rejected[key]}
            if voices:  # else they were deleted just now
                left = [each for each in candidates if each.speaker not in nobody][:_CANDIDATES]
                described.append(Strangers(voices=tuple(voices), candidates=tuple(left)))
        return described

    async def _likely(self, team: UUID, space: str, groups: Sequence[Group]) -> list[list[Likely]]:
        """Whom each group sounds like, the likeliest first."""
        try:
            pool = await self._candidates.pool(team, space, Selection())
            found = await self._candidates.near(pool, np.stack([group.embedding for group in groups]), _NEAREST)
            namer: Namer = await asyncio.to_thread(namer_of_kept, space, self._settings)
        except (MasterKeyMissing, TemplateUnreadable, VoicesMissing, GalleryMoved):
            return [[] for _ in groups]
        people = {person: voiceprint for person, (_, voiceprint) in found.items()}
        voices = [
            Voice(
                speaker=str(number),
                embedding=group.embedding,
                seconds=group.seconds,
                acoustics=group.voices[0].voice.acoustics,
            )
            for number, group in enumerate(groups)
        ]
        matches = await asyncio.to_thread(lambda: namer.name(voices, people, among=pool.people, exclusive=False))
        return [
            sorted(
                (
                    Likely(speaker=UUID(person), name=found[person][0], confidence=confidence)
                    for person, confidence in match.confidence.items()
                    if confidence > 0
                ),
                key=lambda each: (-each.confidence, each.name),
            )
            for match in matches
        ]

    async def _affected(self, team: UUID, space: str, speaker: UUID | None = None) -> int:
        rows = await self._to_rename(team, space, speaker, limit=1)
        return rows[0]["total"] if rows else 0

    async def _to_rename(self, team: UUID, space: str, speaker: UUID | None, limit: int = _AT_ONCE) -> list[Row]:
        latest = await self._database.one(_SQL["latest"], {"team": team})
        version = latest["version"] if latest else 0
        asked = {"team": team, "space": space, "version": version, "speaker": speaker, "limit": limit}
        return await self._database.all(_SQL["affected"], asked)
