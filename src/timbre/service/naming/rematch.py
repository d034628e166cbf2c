"""Naming the voices of a job again, when people have become known.

No recording is heard and no network loaded: the voices that were kept with the output are enough. What is written is
computed before anything is locked, and thrown away where the job was changed meanwhile; then it is computed again.

The machine proposes around what people have decided: whoever was given to a voice by hand is no other's by guess, and
whoever was rejected for a voice is not proposed for it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import UUID

import numpy as np

from timbre.diarization.diarization import Voice
from timbre.errors import ServiceUnavailable, SpacesDiffer, VoicesMissing
from timbre.identification.identification import SpeakerMatch
from timbre.identification.voiceprint import Voiceprint
from timbre.service.jobs.jobs import Jobs
from timbre.service.jobs.requests import RematchRequest
from timbre.service.models.packs import HEARD, SUBMIT, Beside, Packs
from timbre.service.naming.candidate_pool import CandidatePool, CandidateSearch
from timbre.service.naming.named_output import name_output, namer_of_kept
from timbre.service.people.spaces import people_in, settled_space
from timbre.service.requests.selection import check_selection, taken
from timbre.service.results.conversation import Conversation, conversation
from timbre.service.results.decisions import Decision, read_log, walk
from timbre.service.results.outputs import kept, names_of, note_people, settle_both, unpacked
from timbre.service.results.standing import Output, stand
from timbre.service.results.transcripts import labels_kept
from timbre.service.results.voices import Asked, KeptVoices, Voices
from timbre.settings import Settings
from timbre.store.database import Database, Row, one
from timbre.store.queries import queries

_SQL: Final = queries("outputs")
_TRIES: Final = 30  # of a change, while others change the same job
_PAUSE: Final = 0.05  # seconds between two, at most, so that they fall apart


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """Who voices are."""

    matches: tuple[SpeakerMatch, ...]
    pool: CandidatePool | None = None
    names: Mapping[str, str] = field(default_factory=dict)  # of people of the gallery, by id


class Rematch:
    """Names voices of jobs again."""

    def __init__(
        self,
        database: Database,
        *,
        jobs: Jobs,
        voices: KeptVoices,
        candidates: CandidateSearch,
        packs: Packs,
        settings: Settings,
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._voices = voices
        self._candidates = candidates
        self._packs = packs
        self._settings = settings

    async def rematch(self, team: UUID, job: UUID, request: RematchRequest) -> None:
        """Name the voices of a job by the people there are now.

        Raises:
            JobUnknown: the team has none of this id.
            VoicesMissing: its voices are not kept.
            RequestInvalid: somebody is not there, or a voiceprint cannot be used.
            SpacesDiffer: people are compared by another encoder than the one that heard the voices.
            GalleryMoved: the gallery was brought to another encoder just now.
        """
        await self._jobs.get(team, job)
        if request.voiceprints is not None:
            voices = await self._voices.get(team, job)
            heard = Beside(what="the voices of this job were heard with", space=voices.space, remedy=SUBMIT)
            self._packs.check_voiceprints(None, request.voiceprints, heard)
        labels = [labelled.label for labelled in request.voiceprints or ()]
        await check_selection(self._database, team, request.speakers, labels)

        def asked(voices: Voices) -> Voices:
            sent = voices.asked.voiceprints if voices.asked is not None else {}
            if request.voiceprints is not None:
                sent = {labelled.label: labelled.voiceprint for labelled in request.voiceprints}
            now = Asked(
                selection=request.speakers,
                voiceprints=sent,
                threshold=request.matching.threshold,
                exclusive=request.matching.exclusive,
            )
            return replace(voices, asked=now)

        await self._change(team, job, asked)

    async def again(self, team: UUID, job: UUID) -> None:
        """Name the voices of a job by the people there are now, in the way that they were named before.

        Raises:
            as `rematch`
        """
        await self._jobs.get(team, job)

        def asked(voices: Voices) -> Voices:
            if voices.asked is not None and voices.asked.selection is not None:
                return voices
            likely = RematchRequest()
            now = Asked(
                selection=likely.speakers,
                voiceprints={} if voices.asked is None else voices.asked.voiceprints,
                threshold=likely.matching.threshold,
                exclusive=likely.matching.exclusive,
            )
            return replace(voices, asked=now)

        await self._change(team, job, asked)

    async def voices(self, team: UUID, job: UUID) -> list[dict[str, Any]]:
        """The voices of a job, and who they were found to be.

        Raises:
            JobUnknown: the team has none of this id.
            VoicesMissing: its voices are not kept.
        """
        await self._jobs.get(team, job)
        voices = await self._voices.get(team, job)
        async with self._database.transaction() as connection:
            log = await read_log(connection, job)
            found = await one(connection, _SQL["outputs"], {"job": job})
        output = {} if found is None else await asyncio.to_thread(unpacked, found["body"])
        told = {voice["speaker"]: voice for voice in output.get("voiceprints", ())}
        learned = set[str]()
        if found is not None and log:
            talk = conversation(await asyncio.to_thread(unpacked, found["proposal"]), walk(log).stands)
            heard = [talk.heard(naming.voice) for naming in talk.learned().values()]
            learned = {voice.label for voice in heard if voice is not None}
        return [
            {
                "speaker": voice.speaker,
                "seconds": round(voice.seconds, 3),
                "hasClip": voice.speaker in voices.clips,
                "match": told.get(voice.speaker, {}).get("match"),
                "speakerId": told.get(voice.speaker, {}).get("speakerId"),
                "candidates": told.get(voice.speaker, {}).get("candidates", []),
                "learned": voice.speaker in learned,
            }
            for voice in voices.voices
        ]

    async def clip(self, team: UUID, job: UUID, speaker: str) -> bytes:
        """The file of some seconds of a voice.

        Raises:
            JobUnknown: the team has none of this id.
            VoicesMissing: its voices are not kept, or there is none with this label, or nothing to listen to.
        """
        await self._jobs.get(team, job)
        voices = await self._voices.get(team, job)
        clip = voices.clips.get(voices.find(speaker).speaker)
        if clip is None:
            raise VoicesMissing("Nothing of this voice was kept to listen to.")
        return clip

    async def _change(self, team: UUID, job: UUID, prepare: Callable[[Voices], Voices]) -> None:
        for _ in range(_TRIES):
            row = await self._jobs.get(team, job)
            voices = await self._without_people(team, prepare(await self._voices.heard(team, job)))
            async with self._database.transaction() as connection:
                decisions = walk(await read_log(connection, job)).stands
                found = await one(connection, _SQL["proposal"], {"job": job})
                people = await names_of(connection, team, decisions)
            if found is None:
                raise VoicesMissing
            proposal = await asyncio.to_thread(unpacked, found["proposal"])
            if voices.asked is not None:
                talk = await asyncio.to_thread(conversation, proposal, decisions)
                named = await self._named(team, voices, voices.asked, talk)
                await asyncio.to_thread(_propose, proposal, named)
            output = await asyncio.to_thread(stand, proposal, decisions, people)
            if await self._write(team, row, voices, proposal, output, decisions=decisions):
                return
            await asyncio.sleep(random.uniform(0, _PAUSE))  # noqa: S311 - nothing secret
        raise ServiceUnavailable("Others change this job at the same time; try again soon.")

    async def _without_people(self, team: UUID, voices: Voices) -> Voices:
        """Leave out voiceprints that were sent of those who are people of the gallery now.

        They are no longer kept either: the name of a person who is erased later shall not come back with one.
        """
        asked = voices.asked
        if asked is None or asked.selection is None:
            return voices
        people = set(await taken(self._database, team, list(asked.voiceprints)))
        sent = {label: text for label, text in asked.voiceprints.items() if label not in people}
        return replace(voices, asked=replace(asked, voiceprints=sent))

    async def _write(
        self, team: UUID, row: Row, voices: Voices, proposal: Output, output: Output, *, decisions: Sequence[Decision]
    ) -> bool:
        """Write what was computed, unless the job was changed since its record was read."""
        job = row["id"]
        async with self._database.transaction() as connection:
            cipher = await self._voices.cipher(team, connection)
            output = await settle_both(connection, team, proposal, output, decisions)
            if await one(connection, _SQL["hold_job"], {"job": job, "seen": row["updated_at"]}) is None:
                return False
            new = await asyncio.to_thread(kept, proposal, output)
            if await one(connection, _SQL["replace_output"], {"job": job, **new.columns}) is None:
                raise VoicesMissing  # its time was over just now
            await self._voices.keep(connection, cipher, team, job, voices)
            await note_people(connection, team, job, new.mentioned, new.summary)
        return True

    async def _named(self, team: UUID, voices: Voices, asked: Asked, talk: Conversation) -> _Named:
        namer = await asyncio.to_thread(namer_of_kept, voices.space, self._settings)
        sent, pool, found = dict(asked.voiceprints), None, {}
        if asked.selection is not None:
            space = await settled_space(self._database, self._packs, team)
            if space is not None and space != voices.space:
                raise SpacesDiffer(self._packs.unlike(HEARD, voices.space, SUBMIT, people_in(space)))
            pool = await self._candidates.pool(team, voices.space, asked.selection)
            if voices.voices:
                found = await self._candidates.near(pool, np.stack([voice.embedding for voice in voices.voices]))
        people = {label: Voiceprint.from_text(text) for label, text in sent.items()}
        people |= {person: voiceprint for person, (_, voiceprint) in found.items()}

        def name(some: Sequence[Voice]) -> tuple[SpeakerMatch, ...]:
            return namer.name(
                some,
                people,
                among=len(sent) + (0 if pool is None else pool.people),
                threshold=asked.threshold,
                exclusive=asked.exclusive,
                excluded=_excluded(talk, exclusive=asked.exclusive),
            )

        # Those that somebody has decided about keep a guess of their own, for when that is undone.
        decided = {part for voice in talk.voices.values() if voice.naming is not None for part in voice.parts}
        matches = dict[str, SpeakerMatch]()
        for some in (
            [voice for voice in voices.voices if voice.speaker not in decided],
            [voice for voice in voices.voices if voice.speaker in decided],
        ):
            matches |= {match.speaker: match for match in await asyncio.to_thread(name, some)}
        return _Named(
            matches=tuple(matches[voice.speaker] for voice in voices.voices),
            pool=pool,
            names={person: name for person, (name, _) in found.items()},
        )


def _excluded(talk: Conversation, *, exclusive: bool) -> dict[str, set[str]]:
    """Whom each label of the machine is not to be named, as somebody decided otherwise."""
    given = {str(voice.person) for voice in talk.voices.values() if voice.person is not None}
    return {
        part: {str(person) for person in voice.rejected} | (given if exclusive else set())
        for voice in talk.voices.values()
        if voice.naming is None
        for part in voice.parts
    }


def _propose(proposal: Output, named: _Named) -> None:
    with labels_kept(proposal):
        name_output(proposal, named.matches, pool=named.pool, names=named.names)
