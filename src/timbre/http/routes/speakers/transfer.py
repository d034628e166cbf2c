"""A gallery on its way out and in, as lines of JSON. Not in the hosted service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response, StreamingResponse

from timbre.errors import RequestTooLarge
from timbre.http.caller import State_, caller
from timbre.http.limits import Group
from timbre.http.openapi import errors
from timbre.http.responses import Json
from timbre.http.routes.media import arriving
from timbre.http.routes.speakers.responses import import_report
from timbre.http.routes.speakers.samples import Writer
from timbre.http.routes.speakers.schemas import ImportReport
from timbre.service.accounts.teams import Caller, Scope

router = APIRouter()
_NDJSON: Final = "application/x-ndjson"
_LINES: Final[dict[str, Any]] = {
    _NDJSON: {
        "schema": {"type": "string"},
        "example": '{"name":"Ada","tags":[],"consent":null,"reviewDate":null,"samples":[{"voiceprint":"VE1C…"}]}\n',
    }
}
_MOST: Final = 1 << 30  # bytes
_SECONDS: Final = 3600.0  # that an import may take to arrive


@router.get(
    "/v1/speakers/export",
    operation_id="exportSpeakers",
    response_class=StreamingResponse,
    responses={**errors(), 200: {"content": _LINES, "description": "A line of JSON for each person"}},
    summary="Export the gallery",
)
async def export_speakers(known: Annotated[Caller, Depends(caller(Scope.ADMIN, Group.READ))], here: State_) -> Response:
    """Answer everybody with their voiceprints, which are secret from now on: nothing protects them outside.

    Clips to listen to are not part of it.
    """
    lines = here.transfer.export(known.team, key=known.key)
    first = await anext(lines, b"")  # what cannot be read is said before the answer begins
    return StreamingResponse(
        _joined(first, lines),
        media_type=_NDJSON,
        headers={"Content-Disposition": 'attachment; filename="speakers.jsonl"', "Cache-Control": "no-store"},
    )


@router.post(
    "/v1/speakers/import",
    operation_id="importSpeakers",
    response_model=ImportReport,
    responses=errors(408, 413),
    openapi_extra={"requestBody": {"content": _LINES}},
    summary="Import a gallery",
)
async def import_speakers(known: Writer, here: State_, request: Request) -> Response:
    """Add the people of an export of up to 1 GiB, line by line as it arrives.

    People of whom somebody has the name already get the samples they do not have. A line that is at fault stops no
    other.
    """
    if int(request.headers.get("content-length", 0)) > _MOST:  # digits alone: the server made sure
        raise _too_large()
    imported = await here.transfer.import_(
        known.team, _capped(arriving(request, here.settings, _SECONDS)), key=known.key
    )
    return Json(import_report(imported))


async def _joined(first: bytes, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for line in lines:
        yield line


async def _capped(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > _MOST:
            raise _too_large()
        yield piece


def _too_large() -> RequestTooLarge:
    return RequestTooLarge(f"An import has at most {_MOST >> 30} GiB; send its lines in several. Those before stay.")
