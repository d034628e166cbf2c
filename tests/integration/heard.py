"""Jobs that were heard, for tests: voices made of numbers, in the space of the pack that comes with Timbre."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from database import Service
from people import vector

from timbre.audio.acoustics import Acoustics
from timbre.diarization.diarization import Voice
from timbre.identification.voiceprint import Voiceprint
from timbre.service.decisions.decisions import Decisions, Made
from timbre.service.decisions.doubts import Doubts
from timbre.service.decisions.requests import DecisionRequest, StepRequest
from timbre.service.jobs.attempts import Attempt
from timbre.service.keys.template_protection import Protection
from timbre.service.models.packs import Packs
from timbre.service.naming.candidate_pool import CandidateSearch
from timbre.service.naming.enrolment import Enrolment
from timbre.service.naming.rematch import Rematch
from timbre.service.people.gallery import Gallery
from timbre.service.people.learning import Learning
from timbre.service.people.search import Search
from timbre.service.requests.submissions import DiarizeRequest, IdentifyRequest, WorkRequest
from timbre.service.results.outputs import dumped, unpacked
from timbre.service.results.standing import Output
from timbre.service.results.voices import KeptVoices, Voices
from timbre.service.worker.inference import Heard
from timbre.service.worker.persistence import Persistence

DIMENSION = 256
LINK = "https://example.com/talk.ogg"


@dataclass(frozen=True, kw_only=True)
class Rooms:
    """The service's rules about people, on a database."""

    here: Service
    space: str
    gallery: Gallery
    candidates: CandidateSearch
    voices: KeptVoices
    persistence: Persistence
    rematch: Rematch
    enrolment: Enrolment
    decisions: Decisions

    @property
    def team(self) -> UUID:
        return self.here.caller.team

    async def enrol(self, name: str, *seeds: int, **more: Any) -> UUID:
        """A person who sounds like these seeds."""
        person = await self.gallery.create(self.team, name=name, **more)
        for seed in seeds:
            await self.gallery.add_sample(self.team, person, sample(self.space, seed), source="voiceprint")
        return person

    async def heard(
        self,
        seeds: Sequence[int],
        *,
        request: WorkRequest | None = None,
        output: Output | None = None,
        clips: bool = True,
    ) -> UUID:
        """A job that succeeded, in which people speak one after the other who sound like these seeds."""
        job = (await self.here.jobs.submit(self.here.caller, request or DiarizeRequest(url=LINK))).id
        attempt = await self.here.attempts.begin(job, "waiting")
        assert attempt
        assert await self.succeed(attempt, seeds, output=output, clips=clips)
        return job

    async def succeed(
        self, attempt: Attempt, seeds: Sequence[int], *, output: Output | None = None, clips: bool = True
    ) -> bool:
        voices = Voices(
            space=self.space,
            voices=tuple(voice(number, seed) for number, seed in enumerate(seeds)),
            clips={f"SPEAKER_{number:02}": f"clip {seed}".encode() for number, seed in enumerate(seeds)}
            if clips
            else {},
        )
        found = Heard(output=output or talk(len(seeds)), duration=10.0 * len(seeds), voices=voices, peaks=b"\0\xff")

        async def within(connection: Any) -> bytes | None:
            return await self.persistence.keep(connection, attempt, found)

        return await self.here.attempts.succeed(
            attempt, dumped(found.output), found.duration, peaks=found.peaks, within=within
        )

    async def decide(self, job: UUID, kind: str, **said: Any) -> Made:
        """Say something about a result, as a client would."""
        return await self.decisions.decide(
            self.here.caller, job, DecisionRequest.model_validate({"kind": kind, **said})
        )

    async def undo(self, job: UUID) -> Made:
        return await self.decisions.step(self.here.caller, job, "undo", StepRequest())

    async def redo(self, job: UUID) -> Made:
        return await self.decisions.step(self.here.caller, job, "redo", StepRequest())

    async def samples(self, person: UUID) -> list[float]:
        """Seconds of the samples of a person."""
        return [sample.seconds for sample in (await self.gallery.get(self.team, person)).samples]

    async def output(self, job: UUID) -> Output:
        found = await self.here.jobs.output(job)
        assert found
        assert len(dumped(unpacked(found[0]))) == found[1]
        return unpacked(found[0])

    async def names(self, job: UUID) -> list[str]:
        """Who speaks, turn for turn."""
        return [turn["speaker"] for turn in (await self.output(job))["identification"]]

    async def mentioned(self, job: UUID) -> dict[UUID, bool]:
        rows = await self.here.rows("SELECT speaker_id, named FROM job_speakers WHERE job_id = %(job)s", job=job)
        return {row["speaker_id"]: row["named"] for row in rows}


def rooms(here: Service) -> Rooms:
    protection, packs = Protection(here.database, here.settings), Packs(here.settings)
    space = packs.space()
    assert space
    gallery = Gallery(here.database, protection, packs)
    candidates = CandidateSearch(Search(here.database, protection, here.settings), gallery)
    voices = KeptVoices(protection)
    return Rooms(
        here=here,
        space=space,
        gallery=gallery,
        candidates=candidates,
        voices=voices,
        persistence=Persistence(voices, gallery),
        rematch=Rematch(
            here.database, jobs=here.jobs, voices=voices, candidates=candidates, packs=packs, settings=here.settings
        ),
        enrolment=Enrolment(here.database, here.jobs, voices, here.settings),
        decisions=Decisions(
            here.database,
            gallery=gallery,
            learning=Learning(gallery, protection),
            voices=voices,
            doubts=Doubts(voices=voices, gallery=gallery, candidates=candidates, settings=here.settings),
            webhooks=here.webhooks,
        ),
    )


def sample(space: str, seed: int, seconds: float = 20.0) -> Voiceprint:
    return Voiceprint(
        prototypes=vector(seed, DIMENSION)[np.newaxis],
        seconds=(seconds,),
        space=space,
        acoustics=(Acoustics(telephone=0.0, snr=20.0),),
    )


def voice(number: int, seed: int, seconds: float = 20.0) -> Voice:
    return Voice(
        speaker=f"SPEAKER_{number:02}",
        embedding=vector(seed, DIMENSION),
        seconds=seconds,
        acoustics=Acoustics(telephone=0.0, snr=20.0),
    )


def talk(speakers: int) -> Output:
    """An output in which each speaker talks for ten seconds."""
    turns = [
        {"speaker": f"SPEAKER_{number:02}", "start": 10.0 * number, "end": 10.0 * number + 9.5}
        for number in range(speakers)
    ]
    return {"diarization": turns, "exclusiveDiarization": [dict(turn) for turn in turns]}


def asking(**options: Any) -> IdentifyRequest:
    return IdentifyRequest.model_validate({"url": LINK, "speakers": "all", **options})
