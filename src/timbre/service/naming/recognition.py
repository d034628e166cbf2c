"""Recognition of a single voice: the people who sound most like it, and what that is worth.

    voice ──search──► the nearest by cosine ──calibration──► the likeliest, with a confidence

The confidence is that of names in results: the same voice and the same people give the same.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from timbre.diarization.diarization import Voice
from timbre.errors import RequestInvalid, SpacesDiffer, VoiceprintError
from timbre.identification.namer import Namer, load_namer_of
from timbre.identification.voiceprint import Voiceprint
from timbre.service.jobs.jobs import Jobs
from timbre.service.models.packs import AGAIN, HEARD, MADE, SUBMIT, Packs
from timbre.service.naming.candidate_pool import CandidatePool, CandidateSearch
from timbre.service.naming.named_output import namer_of_kept
from timbre.service.people.search_requests import SearchRequest
from timbre.service.people.spaces import people_in, settled_space
from timbre.service.requests.selection import check_selection
from timbre.service.results.voices import KeptVoices
from timbre.settings import Settings
from timbre.store.database import Database

_COMPARED: Final = 20  # people at least: the likeliest need not be the nearest, as their speech counts too


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A person of the gallery, and how much a voice is like theirs."""

    speaker: UUID
    name: str
    confidence: int  # 0-100
    cosine: float


class Recognition:
    """Finds the people who sound like a voice."""

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

    async def recognise(self, team: UUID, request: SearchRequest) -> tuple[list[Candidate], CandidatePool]:
        """The people who sound most like a voice, the likeliest first, and among whom they were looked for.

        Raises:
            RequestInvalid: somebody is not there, or the voiceprint cannot be used.
            JobUnknown: the team has no such job.
            VoicesMissing: its voices are not kept, or it has none with this label.
            SpacesDiffer: people are compared by another encoder than that of the voice.
            MasterKeyMissing, TemplateUnreadable: people's voiceprints cannot be read.
            GalleryMoved: the gallery was brought to another encoder just now.
        """
        await check_selection(self._database, team, request.speakers, ())
        if request.job_id is not None and request.speaker is not None:
            voice, namer = await self._heard(team, request.job_id, request.speaker)
        else:
            voice, namer = await asyncio.to_thread(self._read, request.voiceprint or "")
        await asyncio.to_thread(self._packs.named, request.model)  # is to be here, whatever made the voiceprint
        space = await settled_space(self._database, self._packs, team)
        if space is not None and space != namer.space:
            thing, again = (HEARD, SUBMIT) if request.job_id is not None else (MADE, AGAIN)
            raise SpacesDiffer(self._packs.unlike(thing, namer.space, again, people_in(space)))
        pool = await self._candidates.pool(team, namer.space, request.speakers)
        found = await self._candidates.near(pool, voice.embedding[None], max(request.limit, _COMPARED))
        people = {person: voiceprint for person, (_, voiceprint) in found.items()}
        (match,) = await asyncio.to_thread(namer.name, [voice], people, among=pool.people, exclusive=False)
        items = [
            Candidate(
                speaker=UUID(person),
                name=name,
                confidence=match.confidence[person],
                cosine=float(voiceprint.embedding @ voice.embedding),
            )
            for person, (name, voiceprint) in found.items()
        ]
        items.sort(key=lambda item: (-item.confidence, -item.cosine, item.speaker))
        return items[: request.limit], pool

    async def _heard(self, team: UUID, job: UUID, speaker: str) -> tuple[Voice, Namer]:
        await self._jobs.get(team, job)
        voices = await self._voices.get(team, job)
        voice = voices.find(speaker)
        return voice, await asyncio.to_thread(namer_of_kept, voices.space, self._settings)

    def _read(self, text: str) -> tuple[Voice, Namer]:
        try:
            voiceprint = Voiceprint.from_text(text)
            namer = load_namer_of(voiceprint.space, self._settings)
            namer.check("voiceprint", voiceprint)
        except VoiceprintError as error:
            raise RequestInvalid([("voiceprint", str(error).removeprefix("voiceprint: "))]) from None
        voice = Voice(
            speaker="",
            embedding=voiceprint.embedding,
            seconds=voiceprint.speech_seconds,
            acoustics=voiceprint.condition,
        )
        return voice, namer
