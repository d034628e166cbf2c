"""The output of a job as a file, in the formats that other tools read."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from timbre.errors import JobUnknown
from timbre.formats import Format
from timbre.http.caller import State_
from timbre.http.openapi import errors
from timbre.http.responses import parse_id
from timbre.http.routes.jobs.jobs import JobId, Reader
from timbre.service.results.exports import export

router = APIRouter()
_TYPES: Final = {
    "rttm": "text/plain",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "textgrid": "text/plain",
    "eaf": "application/xml",
    "audacity": "text/plain",
    "csv": "text/csv",
    "json": "application/json",
    "txt": "text/plain",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}
_CONTENT: Final[dict[str, Any]] = {kind: {"schema": {"type": "string"}} for kind in sorted(set(_TYPES.values()))}
Extension = Literal["rttm", "srt", "vtt", "textgrid", "eaf", "audacity", "csv", "json", "txt", "docx"]


@router.get(
    "/v1/jobs/{jobId}/output.{format}",
    operation_id="exportJob",
    response_class=Response,
    responses={**errors(404), 200: {"content": _CONTENT, "description": "The file"}},
    summary="Take the output as a file",
)
async def export_job(
    job_id: JobId,
    format: Annotated[Extension, Path(description="Format of the file.")],  # noqa: A002 - the word in the path
    known: Reader,
    here: State_,
    exclusive: Annotated[
        bool, Query(description="The turns that never overlap; for jobs that were asked for them.")
    ] = False,
) -> Response:
    """Answer the turns as RTTM, SubRip, WebVTT, Praat TextGrid, ELAN, Audacity labels, CSV or text; the output as JSON.

    With the extra `docx` as a document of Word, too.

    Where it is known what is said, all but RTTM and Audacity labels hold the words: of a transcript that was handed in
    a turn for each of its segments, of recognised words what somebody says in one go, for subtitles in short pieces.
    """
    job = parse_id(job_id)
    if job is None:
        raise JobUnknown
    row, output = await here.jobs.output_text(known.team, job)
    if format != "json":
        output = await asyncio.to_thread(export, output, row, format, exclusive=exclusive)
    extension = Format(format).extension
    disposition = _attached(row["title"], str(job), extension)
    text = "" if format == "docx" else "; charset=utf-8"
    return Response(output, media_type=_TYPES[format] + text, headers={"Content-Disposition": disposition})


def _attached(title: str | None, job: str, extension: str) -> str:
    """Name the file after the recording, without the extension that had; what ASCII cannot hold is there twice."""
    stem = re.sub(r'[\\/:*?"<>|]+', "-", re.sub(r"\.\w{1,5}$", "", title or "")).strip(" .-")
    plain = stem.encode("ascii", "ignore").decode().strip(" .-") or job
    named = f'attachment; filename="{plain}{extension}"'
    return named if plain == stem or not stem else f"{named}; filename*=UTF-8''{quote(stem + extension)}"
