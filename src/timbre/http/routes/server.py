"""What this server is, for those who run it. Not in the hosted service."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

import timbre
from timbre.errors import MasterKeyInvalid, MasterKeyMissing
from timbre.http.caller import State_
from timbre.http.openapi import errors
from timbre.http.responses import Json
from timbre.http.routes.keys import Admin
from timbre.http.schemas import Answer
from timbre.service.keys.master_key import MasterKeys
from timbre.service.upkeep.retention_periods import rules
from timbre.settings import Settings
from timbre.store.queries import queries
from timbre.store.schema import HEAD

router = APIRouter()
_SQL: Final = queries("server")


class RetentionRule(Answer):
    """How long one kind of thing is kept."""

    name: str = Field(examples=["output_hours"])
    setting: str = Field(description="Environment variable that says so.", examples=["TIMBRE_OUTPUT_HOURS"])
    value: float = Field(ge=0, examples=[24])
    unit: Literal["seconds", "hours", "days", "months"]
    text: str = Field(examples=["Browsers stay signed in for 30 days."])


class ServerState(Answer):
    """What this server is."""

    version: str = Field(examples=["0.1.0"])
    schema_version: str = Field(alias="schema", description="Version of the database.", examples=["0002"])
    model: str = Field(description="The setting `TIMBRE_MODEL`.", examples=["auto"])
    default_pack: str | None = Field(description="The pack of jobs that name none; null if it is not on disk.")
    device: Literal["cpu", "cuda"]
    workers: int = Field(ge=0, description="Worker processes that are alive.")
    people: int = Field(ge=0, description="People in the team's gallery.")
    storage: str = Field(description="`folder`, or the kind of bucket: `s3`, `gs`, `az`.", examples=["folder"])
    master_key: bool = Field(description="Whether there is a key to protect voiceprints with; people need it.")
    retention: list[RetentionRule]


@router.get(
    "/v1/server", operation_id="getServer", response_model=ServerState, responses=errors(), summary="Look at the server"
)
async def get_server(known: Admin, here: State_) -> Response:
    """Answer what this server is: versions, models, workers, how long things are kept, and how many people it knows."""
    workers = await here.database.all(_SQL["workers"], {"seconds": here.settings.stalled_seconds})
    people = await here.database.one(_SQL["people"], {"team": known.team})
    return Json(
        {
            "version": timbre.__version__,
            "schema": HEAD,
            "model": here.settings.model,
            "defaultPack": await here.pulls.default(),
            "device": here.settings.device,
            "workers": len(workers),
            "people": people["total"] if people else 0,
            "storage": _storage(here.settings),
            "masterKey": _has_master_key(here.settings),
            "retention": [asdict(rule) for rule in rules(here.settings)],
        }
    )


def _storage(settings: Settings) -> str:
    return urlsplit(settings.storage_url).scheme if settings.storage_url else "folder"


def _has_master_key(settings: Settings) -> bool:
    try:
        MasterKeys.load(settings)
    except (MasterKeyMissing, MasterKeyInvalid):
        return False
    return True
