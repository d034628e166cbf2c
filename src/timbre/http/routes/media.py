"""Media: links to upload to and download from, and the server's own end of those links."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field
from starlette.responses import FileResponse, Response, StreamingResponse

from timbre.errors import MediaUnknown, RequestTooLarge, UploadTooSlow
from timbre.http.caller import Body, State_, base_url, caller, parsed, peer, session_token
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json
from timbre.http.schemas import Answer
from timbre.http.state import State
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.files.media import LINKS, media_key
from timbre.service.files.pace import paced
from timbre.service.files.requests import MediaRequest
from timbre.settings import Settings

router = APIRouter()


class MediaUrl(Answer):
    """A link to send a recording to with PUT, or to get it from; it needs no API key and expires."""

    url: str = Field(examples=["https://timbre.example.org/media/9f3c?expires=1790928931&signature=5a1e"])


_KIB: Final = 1024
_IDLE: Final = 60.0  # seconds an upload may stand still
_BINARY: Final = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
TeamName = Annotated[str, Path(description="As the link has it.")]
ObjectName = Annotated[str, Path(description="As the link has it.")]
Expires = Annotated[str, Query(description="As the link has it.")]
Signature = Annotated[str, Query(description="As the link has it.")]


@router.post(
    "/v1/media/input",
    operation_id="getMediaUploadURL",
    status_code=201,
    response_model=MediaUrl,
    responses=errors(413, 507),
    openapi_extra=takes(MediaRequest),
    summary="Get a link to upload to",
)
async def media_input(
    known: Annotated[Caller, Depends(caller(Scope.MEDIA_WRITE, Group.MEDIA))],
    body: Body,
    here: State_,
    request: Request,
) -> Response:
    """Answer an address to PUT a recording to, without a key; `media://…` then stands for it in jobs."""
    wanted, _ = await parsed(here, MediaRequest, body)
    browser = session_token(request) is not None
    link = await here.media.upload_link(known.team, media_key(wanted.url) or "", own=browser)
    return Json({"url": _absolute(here, request, link)}, 201)


@router.post(
    "/v1/media/output",
    operation_id="getMediaDownloadURL",
    status_code=201,
    response_model=MediaUrl,
    responses=errors(404, 413),
    openapi_extra=takes(MediaRequest),
    summary="Get a link to download from",
)
async def media_output(
    known: Annotated[Caller, Depends(caller(Scope.MEDIA_READ, Group.MEDIA))],
    body: Body,
    here: State_,
    request: Request,
) -> Response:
    """Answer an address to GET a recording from, without a key."""
    wanted, _ = await parsed(here, MediaRequest, body)
    link = await here.media.download_link(known.team, media_key(wanted.url) or "")
    return Json({"url": _absolute(here, request, link)}, 201)


@router.put(
    f"{LINKS}/{{team}}/{{name}}",
    operation_id="uploadMedia",
    response_class=Response,
    responses={**errors(400, 403, 408, 409, 413, 429, 507, keyed=False), 200: {"description": "Kept"}},
    openapi_extra={"requestBody": {"required": True, "content": _BINARY}},
    summary="Upload to a link",
)
async def upload(
    *, team: TeamName, name: ObjectName, expires: Expires, signature: Signature, here: State_, request: Request
) -> Response:
    """Keep the body, whatever its type; one sent before under the same name is replaced."""
    async with here.limits.guarded(peer(request)):
        owner, key = await here.media.check_link("PUT", team, name, expires, signature)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > here.media.most_bytes:
        raise RequestTooLarge(f"A recording has at most {here.settings.upload_gb:g} GiB.")
    with here.media.uploading(owner, key):
        await here.media.room.check(owner, int(declared) if declared.isdecimal() else 0)
        await here.media.receive(owner, key, arriving(request, here.settings))
    return Response(status_code=200)


@router.get(
    f"{LINKS}/{{team}}/{{name}}",
    operation_id="downloadMedia",
    response_class=Response,
    responses={**errors(400, 403, 404, 429, keyed=False), 200: {"content": _BINARY, "description": "The recording"}},
    summary="Download from a link",
)
async def download(
    *, team: TeamName, name: ObjectName, expires: Expires, signature: Signature, here: State_, request: Request
) -> Response:
    """Answer the recording as it was uploaded."""
    async with here.limits.guarded(peer(request)):
        owner, key = await here.media.check_link("GET", team, name, expires, signature)
    recording = await here.media.find(owner, key)
    if recording is None:
        raise MediaUnknown
    path = here.storage.path(recording.object)
    if await here.storage.size(recording.object) is None:  # as after a restore of the database alone
        raise MediaUnknown
    if path is not None:
        return FileResponse(path, media_type="application/octet-stream")
    return StreamingResponse(
        here.storage.chunks(recording.object),
        media_type="application/octet-stream",
        headers={"Content-Length": str(recording.bytes)},
    )


async def arriving(request: Request, settings: Settings, seconds: float | None = None) -> AsyncGenerator[bytes, None]:
    """The body of a request as it arrives, in time and not too slowly.

    Raises:
        UploadTooSlow: it stands still, takes longer than `seconds`, or than a link is valid, or comes too slowly.
    """
    end = time.monotonic() + (settings.upload_link_seconds if seconds is None else seconds)
    pieces = paced(request.stream(), settings.least_kb * _KIB, UploadTooSlow)
    while True:
        try:
            async with asyncio.timeout(min(_IDLE, end - time.monotonic())):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise UploadTooSlow from None
        yield piece


def _absolute(here: State, request: Request, link: str) -> str:
    if not link.startswith("/"):
        return link
    return base_url(request, here) + link
