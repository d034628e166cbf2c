"""Live streams: made here, opened by a WebSocket, asked about afterwards."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Request, WebSocket
from pydantic import Field
from starlette.responses import Response
from starlette.websockets import WebSocketDisconnect, WebSocketState

from timbre.errors import ModelError, RequestInvalid, ServiceUnavailable, StreamRefused, StreamUnknown, TooManyRequests
from timbre.http.caller import Body, State_, base_url, caller, parsed, peer
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json, parse_id, timestamp
from timbre.http.schemas import Answer, Time, Uuid
from timbre.http.state import State
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.live.connection import BROKEN, VIOLATED
from timbre.service.live.requests import StreamRequest

router = APIRouter()
STREAM: Final = "/v1/stream"


class StreamCreated(Answer):
    """A stream that waits to be opened."""

    id: Uuid
    url: str = Field(
        description="Where a WebSocket opens it, once; no header is needed.",
        examples=["wss://timbre.example.org/v1/stream?token=3kq9"],
    )
    warning: str | None = Field(None, description="What was probably not meant, if anything.")


class Stream(Answer):
    """A stream."""

    id: Uuid
    status: Literal["created", "running", "done", "error"]
    started_at: Time | None = Field(description="When it was opened; null before.")
    completed_at: Time | None = Field(description="When it ended; null before.")
    input: dict[str, bool | float | str | list[str] | dict[str, list[str]]] = Field(
        description="What was asked for beyond the default, with names instead of voiceprints."
    )
    seconds: float = Field(ge=0, description="Of sound that was heard. Timbre's own addition.")
    job_id: Uuid | None = Field(
        None, description="The job that hears it again, once it has ended, where `keep` was asked for."
    )
    error: str | None = Field(None, description="Why it ended before its client wanted it to; null if it did not.")


@router.post(
    "/v1/live",
    operation_id="createStream",
    response_model=StreamCreated,
    response_model_exclude_unset=True,
    responses=errors(402, 413),
    openapi_extra=takes(StreamRequest, required=False),
    summary="Make a live stream",
)
async def create(
    known: Annotated[Caller, Depends(caller(Scope.STREAM_WRITE, Group.LIVE))],
    body: Body,
    here: State_,
    request: Request,
) -> Response:
    """Make a stream, and answer the address of a WebSocket that opens it once.

    No body is needed. What can be asked for in one is Timbre's own addition.
    """
    asked, warning = await parsed(here, StreamRequest, body.strip() or b"{}")
    if asked.speakers is not None:
        known.require(Scope.SPEAKERS_READ)
    if asked.keep:
        known.require(Scope.JOBS_WRITE)
    here.live.hearers.start()  # they are ready when its sound comes
    made = await here.live.streams.create(known, asked)
    url = f"{base_url(request, here).replace('http', 'ws', 1)}{STREAM}?token={made.token}"
    answer = {"id": str(made.id), "url": url}
    return Json(answer | ({"warning": warning} if warning else {}))


@router.get(
    "/v1/live/{streamId}",
    operation_id="getStream",
    response_model=Stream,
    responses=errors(404),
    summary="Ask about a live stream",
)
async def get(
    known: Annotated[Caller, Depends(caller(Scope.STREAM_READ, Group.READ))],
    stream_id: Annotated[
        str, Path(alias="streamId", description="Id of the stream.", json_schema_extra={"format": "uuid"})
    ],
    here: State_,
) -> Response:
    """Answer whether a stream waits, runs or has ended."""
    wanted = parse_id(stream_id)
    if wanted is None:
        raise StreamUnknown
    row = await here.live.streams.get(known.team, wanted)
    return Json(
        {
            "id": str(row["id"]),
            "status": row["status"],
            "startedAt": timestamp(row["started_at"]),
            "completedAt": timestamp(row["completed_at"]),
            "input": row["input"],
            "seconds": round(row["seconds"], 3),
            "jobId": None if row["job"] is None else str(row["job"]),
            "error": row["error"],
        }
    )


class _Socket:
    """A WebSocket, as streams know one."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> Mapping[str, Any] | None:
        """Return the next message; None when the client is gone."""
        try:
            came = await self._socket.receive()
        except (WebSocketDisconnect, RuntimeError):
            return None
        return came if came["type"] == "websocket.receive" else None

    async def send(self, text: str) -> None:
        """Send a message."""
        try:
            await self._socket.send_text(text)
        except WebSocketDisconnect as error:
            raise ConnectionResetError from error

    async def close(self, code: int, reason: str) -> None:
        """Say good-bye."""
        if self._socket.application_state is WebSocketState.CONNECTED:
            try:
                await self._socket.close(code, reason)
            except WebSocketDisconnect as error:
                raise ConnectionResetError from error


@router.websocket(STREAM)
async def stream(socket: WebSocket, token: str = "") -> None:
    """Hear the stream that the token opens; who has it needs no key."""
    here: State = socket.app.state.service
    await socket.accept()
    own = _Socket(socket)
    try:
        async with here.limits.guarded(peer(socket), token):
            await here.live.hear(token, own)
    except (StreamRefused, TooManyRequests) as error:
        await _refuse(own, str(error), VIOLATED)
    except RequestInvalid as error:
        await _refuse(own, "; ".join(f"{field}: {said}" for field, said in error.errors), BROKEN)
    except (ModelError, ServiceUnavailable) as error:
        await _refuse(own, str(error), BROKEN)


async def _refuse(socket: _Socket, reason: str, code: int) -> None:
    try:
        await socket.send(json.dumps({"type": "error", "message": reason}, ensure_ascii=False))
        await socket.close(code, reason[:40])
    except OSError:
        return
