"""What this server is, for those who run it. Not in the hosted service."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.responses import Response

import timbre
from timbre.errors import MasterKeyInvalid, MasterKeyMissing
from timbre.http.admin_schemas import ServerState
from timbre.http.caller import State_
from timbre.http.openapi import errors
from timbre.http.responses import Json
from timbre.http.routes.keys import Admin
from timbre.service.keys.master_key import MasterKeys
from timbre.service.upkeep.retention_periods import rules
from timbre.settings import Settings
from timbre.store.queries import queries
from timbre.store.queue import Lane
from timbre.store.schema import HEAD

router = APIRouter()
_SQL: Final = queries("server")


@router.get(
    "/v1/server", operation_id="getServer", response_model=ServerState, responses=errors(), summary="Look at the server"
)
async def get_server(known: Admin, here: State_) -> Response:
    """Answer what this server is: versions, models, workers, how long things are kept, and how many people it knows."""
    workers = await here.database.one(_SQL["workers"], {"seconds": here.settings.stalled_seconds})
    people = await here.database.one(_SQL["people"], {"team": known.team})
    return Json(
        {
            "version": timbre.__version__,
            "schema": HEAD,
            "model": here.settings.model,
            "defaultPack": await here.pulls.default(),
            "device": here.settings.device,
            "workers": -(-workers["total"] // len(Lane)) if workers else 0,  # each serves every lane
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
