"""Bringing the gallery to the model that the server hears with. Not in the hosted service."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from timbre.http.caller import Body, State_, parsed
from timbre.http.openapi import errors, takes
from timbre.http.responses import Json, timestamp
from timbre.http.routes.speakers.samples import Reader, Writer
from timbre.http.routes.speakers.schemas import GalleryUpgradeState
from timbre.service.people.requests import UpgradeGalleryRequest
from timbre.service.upkeep.gallery_upgrade import MOST_NAMED, Standing

router = APIRouter()


@router.get(
    "/v1/speakers/upgrade",
    operation_id="getGalleryUpgrade",
    response_model=GalleryUpgradeState,
    responses=errors(),
    summary="How the gallery stands to the server's model",
)
async def get_gallery_upgrade(known: Reader, here: State_) -> Response:
    """Answer which encoder people are compared by, who is known to an earlier one alone, and how an upgrade goes."""
    return Json(upgrade_state(await here.upgrade.standing(known.team)))


@router.post(
    "/v1/speakers/upgrade",
    operation_id="upgradeGallery",
    status_code=202,
    response_model=GalleryUpgradeState,
    responses=errors(409, 413),
    openapi_extra=takes(UpgradeGalleryRequest, required=False),
    summary="Bring the gallery to the server's model",
)
async def upgrade_gallery(known: Writer, body: Body, here: State_) -> Response:
    """Embed everybody again, from the clips that are kept of them, with the encoder that the server hears with now.

    A worker does it; `GET` tells how far it is. Meanwhile people are compared, enrolled and erased as before; then all
    change over at once. Where nothing is to be done, or it is being done already, the answer just says how it stands.
    """
    wanted, _ = await parsed(here, UpgradeGalleryRequest, body or b"{}")
    await here.upgrade.ask(known.team, without_them=wanted.without_them, key=known.key, queue=here.queue)
    return Json(upgrade_state(await here.upgrade.standing(known.team)), 202)


def upgrade_state(standing: Standing) -> dict[str, Any]:
    """How a gallery stands, as the wire has it."""
    run = standing.run
    return {
        "encoder": standing.encoder,
        "serverEncoder": standing.own,
        "needed": standing.needed,
        "earlier": len(standing.earlier),
        "samples": standing.samples,
        "withoutClip": len(standing.without_clip),
        "withoutClipSpeakers": [
            {"speakerId": str(row["id"]), "name": row["name"]} for row in standing.without_clip[:MOST_NAMED]
        ],
        "run": run
        and {
            "state": run["state"],
            "done": run["done"],
            "total": run["total"],
            "startedAt": timestamp(run["asked_at"]),
            "endedAt": timestamp(run["ended_at"]),
            "error": run["error"],
        },
    }
