"""Enrolling people from recordings: by jobs of the type `enrol`, and from voices of jobs that were heard already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np

from timbre.diarization.diarization import Voice
from timbre.errors import RequestInvalid, SpeakerUnknown
from timbre.identification.enroller import LEAST_SPEECH
from timbre.identification.voiceprint import Voiceprint, as_kept
from timbre.service.accounts.teams import Caller
from timbre.service.jobs.jobs import Jobs, Submission
from timbre.service.requests.submissions import EnrolRequest
from timbre.service.results.voices import KeptVoices
from timbre.settings import Settings
from timbre.store.database import Database
from timbre.store.queries import queries

_SQL: Final = queries("enrolment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of the recording of a job."""

    job: UUID
    start: float  # seconds from its beginning
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobVoice:
    """How a speaker of a job sounds."""

    voiceprint: Voiceprint  # of one prototype
    clip: bytes | None  # some seconds of it, as a file


class Enrolment:
    """Makes samples of people out of recordings."""

    def __init__(self, database: Database, jobs: Jobs, voices: KeptVoices, settings: Settings) -> None:
        self._database = database
        self._jobs = jobs
        self._voices = voices
        self._settings = settings

    async def submit_enrol(
        self,
        caller: Caller,
        speaker: UUID,
        *,
        url: str | None = None,
        stretch: Stretch | None = None,
        model: str | None = None,
        first: bool = False,
        warning: str | None = None,
    ) -> Submission:
        """Accept a job that hears a recording of a person, or a stretch of one, and adds it to their samples.

        Args:
            caller: Who asks.
            speaker: The person.
            url: Of a recording of them alone, as other jobs take it.
            stretch: In place of it, a stretch of a recording in which they speak alone.
            model: The pack that hears it; the server's own choice if left out.
            first: The person was created with this sample, and is erased if no voice can be learned from it.
            warning: What the caller is told with it.

        Raises:
            SpeakerUnknown: the team has no such person.
            JobUnknown: the team has no such job.
            MediaUnknown: the recording of the job is not kept, or no longer.
            RequestInvalid: the stretch lies outside of the recording, or is too long.
            BudgetSpent: the team may have nothing more heard this month.
        """
        if await self._database.one(_SQL["speaker"], {"id": speaker, "team": caller.team}) is None:
            raise SpeakerUnknown
        if stretch is None:
            return await self._jobs.submit(
                caller, EnrolRequest(speaker_id=speaker, url=url, model=model, first=first), warning=warning
            )
        await self._check(caller.team, stretch)
        recording = await self._jobs.recording(caller.team, stretch.job)
        request = EnrolRequest(
            speaker_id=speaker, job_id=stretch.job, start=stretch.start, end=stretch.end, model=model, first=first
        )
        return await self._jobs.submit(caller, request, warning=warning, recording=recording)

    async def voice_of_job(self, team: UUID, job: UUID, label: str) -> JobVoice:
        """What a job has heard of one of its speakers, as a sample of a person.

        Raises:
            JobUnknown: the team has no such job.
            VoicesMissing: its voices are not kept, or it has none with this label.
            RequestInvalid: too little was heard of this speaker.
        """
        await self._jobs.get(team, job)
        voices = await self._voices.get(team, job)
        voice = voices.find(label)
        if voice.seconds < LEAST_SPEECH:
            raise RequestInvalid(
                [
                    (
                        "speaker",
                        f"There are only {voice.seconds:.1f} s of clean speech of {label}, and a sample needs at least"
                        f" {LEAST_SPEECH:g} s; add a recording of this person alone instead",
                    )
                ]
            )
        return JobVoice(voiceprint=sample_of(voice, voices.space), clip=voices.clips.get(label))

    async def _check(self, team: UUID, stretch: Stretch) -> None:
        job = await self._jobs.get(team, stretch.job)
        most = self._settings.voiceprint_seconds
        if job["duration"] is not None and stretch.end > job["duration"]:
            fault = ("end", f"Expected at most {job['duration']:.3f}, where the recording ends, got {stretch.end:g}")
        elif not stretch.start < stretch.end:
            fault = ("end", f"Expected more than start, which is {stretch.start:g}, got {stretch.end:g}")
        elif stretch.end - stretch.start > most:
            fault = ("end", f"Expected at most {most:g} s after start, got {stretch.end - stretch.start:g} s")
        else:
            return
        raise RequestInvalid([fault])


def sample_of(voice: Voice, space: str) -> Voiceprint:
    """Return the voiceprint of one prototype that a voice of a recording makes."""
    return Voiceprint(
        prototypes=voice.embedding[np.newaxis].astype(np.float16).astype(np.float32),
        seconds=(float(np.float32(voice.seconds)),),
        acoustics=(as_kept(voice.acoustics),),
        space=space,
    )
