"""Labelling transcripts: at once by the output of a job, or by a job that hears the recording first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from timbre.errors import FormatError, OutputMissing, RequestInvalid
from timbre.service.jobs.jobs import Jobs
from timbre.service.jobs.label_requests import LabelRequest
from timbre.service.results.transcripts import labelled
from timbre.transcripts import TranscriptFormat, loads, looks_like

_AT_ONCE: Final = 2  # transcripts that are worked on; the largest take half a gigabyte each


class Labelling:
    """Reads transcripts, and writes who speaks into them."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._working = asyncio.Semaphore(_AT_ONCE)

    async def check(self, request: LabelRequest) -> None:
        """Refuse a transcript that cannot be read, before anything is heard; raises RequestInvalid."""
        async with self._working:
            await asyncio.to_thread(_read, request)

    async def label(
        self, team: UUID, job: UUID, request: LabelRequest
    ) -> tuple[str, TranscriptFormat, tuple[str, ...]]:
        """Label a transcript by what a job found; return it with its format, and what is to be known of it.

        Raises:
            JobUnknown: the team has none of this id.
            OutputMissing: it has no output, or none that says who speaks.
            RequestInvalid: the transcript is malformed.
        """
        row, output = await self._jobs.output_text(team, job)
        async with self._working:
            return await asyncio.to_thread(_labelled, request, output, row["duration"])


def _read(request: LabelRequest) -> None:
    with _refusing():
        loads(request.transcript, request.format)


def _labelled(
    request: LabelRequest, output: bytes, duration: float | None
) -> tuple[str, TranscriptFormat, tuple[str, ...]]:
    found = json.loads(output)
    if "diarization" not in found:
        raise OutputMissing("This job's output does not say who speaks; name one of a diarization or identification.")
    with _refusing():
        text, faults = labelled(request.transcript, found, request.format, duration=duration)
        return text, request.format or looks_like(request.transcript), faults


@contextmanager
def _refusing() -> Iterator[None]:
    try:
        yield
    except FormatError as error:
        raise RequestInvalid([("transcript", str(error))]) from None
