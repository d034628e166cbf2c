"""Whether the server lives, whether it is ready, and its measurements; without a key."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from timbre.errors import ServiceUnavailable
from timbre.http.caller import State_
from timbre.http.metrics import CONTENT_TYPE, exposition
from timbre.http.openapi import errors
from timbre.http.responses import Json
from timbre.store.queries import queries
from timbre.store.queue import Lane
from timbre.store.schema import check_schema

router = APIRouter()
_SQL = queries("server")
_PATIENCE: Final = 2.0  # seconds; whoever asks decides soon whether to send anybody here


@router.get("/healthz", operation_id="health", response_class=Response, summary="Whether the server lives")
async def health() -> Response:
    """Answer at once."""
    return Json({"status": "OK"})


@router.get(
    "/readyz",
    operation_id="ready",
    response_class=Response,
    responses=errors(400, keyed=False),
    summary="Whether the server is ready",
)
async def ready(
    here: State_,
    request: Request,
    of: Annotated[
        Literal["server", "api"], Query(description="Whether workers count, or only this process of the API.")
    ] = "server",
) -> Response:
    """Answer 200 when the database is there and up to date and a worker serves each lane, else 503.

    `of=api` asks for this process alone, which is what a proxy wants to know: jobs are accepted without workers. It
    answers 503 as soon as the process is told to stop, and goes on serving for `TIMBRE_DRAIN_SECONDS`.
    """
    if request.app.state.draining:
        raise ServiceUnavailable("This process is about to stop; ask another one.")
    try:
        async with asyncio.timeout(_PATIENCE):
            async with here.database.transaction() as connection:
                await check_schema(connection)
            workers = await here.database.all(_SQL["workers"], {"seconds": here.settings.stalled_seconds})
    except TimeoutError as error:
        raise ServiceUnavailable(
            f"The database has not answered for {_PATIENCE:g} s; see whether it is overloaded or hangs."
        ) from error
    if of == "api":
        return Json({"status": "OK"})
    served = {lane for worker in workers for lane in worker["lanes"]}
    if idle := [lane for lane in Lane if lane.value not in served]:
        lanes = "the lanes" if len(idle) == len(Lane) else ", ".join(idle)
        raise ServiceUnavailable(f"No worker serves {lanes}; start one with `timbre worker`. Jobs are accepted.")
    return Json({"status": "OK"})


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses=errors(keyed=False),
    summary="Measurements for Prometheus",
)
async def metrics(here: State_) -> Response:
    """Answer in Prometheus' text format."""
    return Response(await exposition(here.database, here.live, here.settings.stalled_seconds), media_type=CONTENT_TYPE)
