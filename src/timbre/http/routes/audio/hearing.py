"""One request from the form to the result: the recording becomes a job, and the answer waits for it."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from fastapi import Request
from starlette.requests import ClientDisconnect

from timbre.errors import JobUnsuccessful, RequestInvalid, ServiceUnavailable
from timbre.http.routes.audio.form import EVERYBODY, NOBODY, Form, keep
from timbre.http.routes.jobs.jobs import changes
from timbre.http.state import State
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.jobs.jobs import FAULT, FINAL, GIVEN_UP
from timbre.service.requests.conversations import REFERENCES
from timbre.service.requests.submissions import DiarizeRequest

JOB_HEADER: Final = "X-Timbre-Job"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a job found."""

    job: UUID
    output: dict[str, Any]
    duration: float  # seconds
    name: str  # of the recording, without its extension


async def submit(here: State, known: Caller, form: Form, *, transcription: bool) -> UUID:
    """Make a job of a form.

    People of the gallery are looked for where the form says so; those of a transcript also where it names nobody, as
    far as the key may see them.

    Raises:
        RequestInvalid: a field is at fault.
        ScopeMissing: the key may not see the people that the form asks for.
    """
    asked = form.text("speakers")
    if asked not in {None, NOBODY}:
        known.require(Scope.SPEAKERS_READ)
    by_default = transcription and asked is None and Scope.SPEAKERS_READ in known.scopes
    request = await keep(here, known, form, transcription=transcription, gallery=EVERYBODY if by_default else NOBODY)
    try:
        return (await here.jobs.submit(known, request)).id
    except (RequestInvalid, ServiceUnavailable) as error:
        gallery = isinstance(error, ServiceUnavailable) or any(name == "speakers" for name, _ in error.errors)
        if not by_default or not gallery:
            raise
        # Nobody asked for the gallery: one that cannot be used now is no reason to refuse a transcript.
        plain = DiarizeRequest.model_validate(request.model_dump(mode="json", by_alias=True))
        return (await here.jobs.submit(known, plain)).id


async def wait(here: State, known: Caller, job: UUID, request: Request | None = None) -> Result:
    """Wait for a job.

    Args:
        here: The service.
        known: Whose job.
        job: Which.
        request: Whose client may go away meanwhile; the job goes on.

    Raises:
        JobUnsuccessful: its recording or a reference cannot be used, or it was canceled.
        ServiceUnavailable: the server stops.
        ClientDisconnect: the client went away.
    """
    looking = asyncio.create_task(_ended(here, known, job))
    watching = set() if request is None else {asyncio.create_task(_gone(request))}
    try:
        await asyncio.wait({looking, *watching}, return_when=asyncio.FIRST_COMPLETED)
        if not looking.done():
            raise ClientDisconnect
        return await looking
    finally:
        for task in (looking, *watching):
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task


async def _ended(here: State, known: Caller, job: UUID) -> Result:
    row = None
    async for row in changes(here, known.team, job):  # noqa: B007 - the last one counts
        pass
    if row is None or row["status"] not in FINAL:
        raise ServiceUnavailable(f"The server stops. The job {job} goes on once it is there again.")
    if row["status"] != "succeeded":
        raise JobUnsuccessful(row["error"], field=_at_fault(row["error"]))
    _, body = await here.jobs.output_text(known.team, job)
    title = row["title"] or str(job)
    return Result(
        job=job, output=json.loads(body), duration=row["duration"] or 0.0, name=title.rpartition(".")[0] or title
    )


def _at_fault(error: str) -> str | None:
    """The field of the form that made a job fail; None where the server did."""
    if error.startswith((FAULT, GIVEN_UP)):
        return None
    return REFERENCES if error.startswith(REFERENCES) else "file"


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
