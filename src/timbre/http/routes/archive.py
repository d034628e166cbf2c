"""Recordings as an archive: many at once, their tags, and how long they are kept. Not in the hosted service."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from timbre.http.caller import Body, State_, caller, parsed
from timbre.http.limits import Group
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json
from timbre.http.routes.keys import Admin
from timbre.http.schemas import Answer, Uuid
from timbre.http.state import State
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.jobs.requests import ChangeJobsRequest, ExportJobsRequest, JobsRequest
from timbre.service.upkeep.keeping import Rules
from timbre.service.upkeep.keeping_requests import KeepingRequest

router = APIRouter(prefix="/v1/archive")
Reader = Annotated[Caller, Depends(caller(Scope.JOBS_READ, Group.READ))]
Writer = Annotated[Caller, Depends(caller(Scope.JOBS_WRITE, Group.READ))]
_ZIP: Final = "application/zip"
_FILE: Final[dict[str, Any]] = {_ZIP: {"schema": {"type": "string", "format": "binary"}}}
_Days = Annotated[int, Field(ge=1)] | Literal["forever"]


class TagItem(Answer):
    """A tag that recordings bear."""

    tag: str = Field(examples=["interviews"])
    jobs: int = Field(ge=1, description="How many bear it.", examples=[12])


class TagList(Answer):
    """The tags of the team's recordings, by the alphabet."""

    items: list[TagItem]


class ChangedJobs(Answer):
    """Which jobs were changed."""

    changed: list[Uuid]
    missing: list[Uuid] = Field(description="Ids of which the team has no job.")


class DeletedJobs(Answer):
    """What became of the jobs."""

    deleted: list[Uuid] = Field(description="They are gone, with all that was kept of them.")
    canceled: list[Uuid] = Field(description="They were still to be done.")
    missing: list[Uuid] = Field(description="Ids of which the team has no job.")


class KeepingState(Answer):
    """How long recordings are kept."""

    web: _Days = Field(description="Those that came through the web app: days, or `forever`.", examples=["forever"])
    api: _Days | None = Field(
        description="Those that came through the API; null for as long as the server's settings say.", examples=[None]
    )
    tags: dict[str, _Days] = Field(
        description="Those that bear a tag, which goes before how they came.", examples=[{"interviews": 365}]
    )
    output_hours: float = Field(gt=0, description="What the server's settings say.", examples=[24])
    over: int | None = Field(
        None, ge=0, description="How many recordings are over their time by it; null where nothing was asked for."
    )


@router.get(
    "/tags", operation_id="listTags", response_model=TagList, responses=errors(), summary="List tags of recordings"
)
async def list_tags(known: Reader, here: State_) -> Response:
    """List the tags that the team's recordings bear."""
    rows = await here.archive.tags(known.team)
    return Json({"items": [{"tag": row["tag"], "jobs": row["jobs"]} for row in rows]})


@router.post(
    "/change",
    operation_id="changeJobs",
    response_model=ChangedJobs,
    responses=errors(413),
    openapi_extra=takes(ChangeJobsRequest),
    summary="Keep or tag several jobs",
)
async def change_jobs(known: Writer, body: Body, here: State_) -> Response:
    """Keep jobs or let them go, and give or take tags: all of them or, where something is wrong, none."""
    wanted, _ = await parsed(here, ChangeJobsRequest, body)
    changed = set(await here.archive.change(known.team, wanted))
    return Json(
        {
            "changed": [str(job) for job in wanted.jobs if job in changed],
            "missing": [str(job) for job in wanted.jobs if job not in changed],
        }
    )


@router.post(
    "/delete",
    operation_id="deleteJobs",
    response_model=DeletedJobs,
    responses=errors(413),
    openapi_extra=takes(JobsRequest),
    summary="Erase several jobs",
)
async def delete_jobs(known: Writer, body: Body, here: State_) -> Response:
    """Cancel jobs that have not ended, and erase those that have, with their outputs."""
    wanted, _ = await parsed(here, JobsRequest, body)
    done = await here.archive.delete(known.team, wanted.jobs, key=known.key)
    return Json({name: [str(job) for job in getattr(done, name)] for name in ("deleted", "canceled", "missing")})


@router.post(
    "/export",
    operation_id="exportJobs",
    response_class=StreamingResponse,
    responses={**errors(404, 413), 200: {"content": _FILE, "description": "The zip file"}},
    openapi_extra=takes(ExportJobsRequest),
    summary="Take several outputs as files",
)
async def export_jobs(known: Reader, body: Body, here: State_) -> Response:
    """Answer a zip file with the outputs of jobs, each named after its recording, and with the recordings if wanted.

    What has no output, or is not kept any more, is left out, and named in `left-out.txt`.
    """
    wanted, _ = await parsed(here, ExportJobsRequest, body)
    if wanted.recordings:
        known.require(Scope.MEDIA_READ)
    pieces = await here.archive.export(known.team, wanted)
    headers = {"Content-Disposition": 'attachment; filename="recordings.zip"'}
    return StreamingResponse(pieces, media_type=_ZIP, headers=headers)


@router.get(
    "/keeping",
    operation_id="getKeeping",
    response_model=KeepingState,
    responses=errors(),
    summary="How long recordings are kept",
)
async def get_keeping(known: Reader, here: State_) -> Response:
    """Answer the team's rules for how long recordings are kept."""
    return _keeping(here, await here.keeping.rules(known.team))


@router.patch(
    "/keeping",
    operation_id="changeKeeping",
    response_model=KeepingState,
    responses=errors(413),
    openapi_extra=takes(KeepingRequest),
    summary="Say how long recordings are kept",
)
async def change_keeping(
    known: Admin,
    body: Body,
    here: State_,
    preview: Annotated[bool, Query(description="Change nothing, and tell how many would be over their time.")] = False,
) -> Response:
    """Set rules for how long recordings are kept. They hold for those that are there as well.

    What is over its time by them goes with the next sweep, for good; `preview` tells first how many that are.
    """
    wanted, _ = await parsed(here, KeepingRequest, body)
    rules, over = await here.keeping.change(known, wanted, preview=preview)
    return _keeping(here, rules, over)


def _keeping(here: State, rules: Rules, over: int | None = None) -> Response:
    return Json(
        {
            "web": rules.web,
            "api": rules.api,
            "tags": dict(rules.tags),
            "outputHours": here.settings.output_hours,
            "over": over,
        }
    )
