"""The models of the server: what there is, what is on disk, and pulling more. Not in the hosted service."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path
from pydantic import Field
from starlette.responses import Response

from timbre.http.caller import State_, caller
from timbre.http.limits import Group
from timbre.http.openapi import errors
from timbre.http.responses import Json, timestamp
from timbre.http.routes.keys import Admin
from timbre.http.schemas import Answer, Bytes, Fraction, Time
from timbre.http.state import State
from timbre.models.store import FileStatus, PackStatus
from timbre.service.accounts.teams import Caller, Scope
from timbre.store.database import Row

router = APIRouter()
Lister = Annotated[Caller, Depends(caller(Scope.JOBS_READ, Group.READ))]


class ModelFile(Answer):
    """One file of a pack."""

    name: str = Field(examples=["redimnet2-b3"])
    kind: Literal["vad", "segmenter", "encoder"]
    on_disk: bool
    bytes: Bytes | None = Field(description="Size of the download; null where it was not published.")
    licence: str = Field(description="SPDX identifier.", examples=["MIT"])
    shipped: bool = Field(description="Whether it comes with Timbre.")
    note: str | None = Field(description="What to know before using it; null if there is nothing.")


class Pull(Answer):
    """How the last pull of a pack goes or went."""

    state: Literal["running", "succeeded", "failed"]
    machine: str = Field(description="Name of the machine whose disk the files go to.", examples=["api-1"])
    file: str | None = Field(description="What is being fetched, or was last; null before the first.")
    fraction: Fraction = Field(examples=[0.42])
    started_at: Time
    ended_at: Time | None = Field(description="Null while it runs.")
    error: str | None = Field(description="Why it failed; null unless it did.")


class ModelPack(Answer):
    """A segmenter and an encoder that go together."""

    name: str = Field(examples=["standard"])
    description: str
    complete: bool = Field(description="Whether everything that it needs is on the disk of the machine that answers.")
    bytes: Bytes | None = Field(description="Size of what it needs; null where it was not published.")
    licences: list[str] = Field(examples=[["MIT"]])
    files: list[ModelFile] = Field(description="Alternatives included: of several segmenters one is needed.")
    pull: Pull | None = Field(description="Null if it was never pulled over HTTP.")


class ListedModel(Answer):
    """A pack, as clients of OpenAI's API list models."""

    id: str = Field(examples=["standard"])
    object: Literal["model"]
    created: int = Field(description="0: a pack is as old as its version of Timbre.", examples=[0])
    owned_by: str = Field(alias="owned_by", examples=["timbre"])


class Models(Answer):
    """The packs of models, the best first."""

    object: Literal["list"] = Field(description="With `data`, for clients of OpenAI's API.")
    data: list[ListedModel] = Field(description="The packs that are complete, by name.")
    model: str = Field(
        description="The setting `TIMBRE_MODEL`; `auto` takes the first complete pack.", examples=["auto"]
    )
    default: str | None = Field(description="The pack of jobs that name none; null if it is not on disk.")
    recogniser: str | None = Field(
        description="The model that recognises words, as the server's settings name it; null where nothing does, and"
        " jobs cannot have `transcription`.",
        examples=["whisper-1"],
    )
    recognisers: list[str] = Field(
        description="The models that jobs can choose for their words, this one first.", examples=[["whisper-1"]]
    )
    offline: bool = Field(description="Whether downloads are forbidden by `TIMBRE_OFFLINE`.")
    packs: list[ModelPack]


@router.get("/v1/models", operation_id="listModels", response_model=Models, responses=errors(), summary="List models")
async def list_models(known: Lister, here: State_) -> Response:
    """List the packs of models, the best first: what is on this machine, how large, under which licence.

    Only keys with the scope `admin` are told how the last pulls went.
    """
    return Json(await _models(here, pulls=Scope.ADMIN in known.scopes))


@router.post(
    "/v1/models/{pack}/pull",
    operation_id="pullModel",
    status_code=202,
    response_model=Models,
    responses=errors(404, 409),
    summary="Pull a pack of models",
)
async def pull_model(
    pack: Annotated[str, Path(description="Name of the pack.", examples=["standard"])], known: Admin, here: State_
) -> Response:
    """Begin to download what a pack still needs, to the machine that answers; `GET /v1/models` tells how far it is."""
    await here.pulls.begin(pack, known)
    return Json(await _models(here), 202)


async def _models(here: State, *, pulls: bool = True) -> dict[str, Any]:
    told = await here.pulls.pulls() if pulls else {}
    packs = await here.pulls.packs()
    return {
        "object": "list",
        "data": [
            {"id": status.pack.name, "object": "model", "created": 0, "owned_by": "timbre"}
            for status in packs
            if status.complete
        ],
        "model": here.settings.model,
        "default": await here.pulls.default(),
        "recogniser": here.settings.recogniser,
        "recognisers": list(here.settings.recognisers),
        "offline": here.settings.offline,
        "packs": [_pack(here, status, told.get(status.pack.name)) for status in packs],
    }


def _pack(here: State, status: PackStatus, pull: Row | None) -> dict[str, Any]:
    needed = here.pulls.needed(status)
    sizes = [file.bytes for file in needed]
    return {
        "name": status.pack.name,
        "description": status.pack.description,
        "complete": status.complete,
        "bytes": None if None in sizes else sum(size or 0 for size in sizes),
        "licences": sorted({file.licence for file in needed}),
        "files": [_file(file) for file in status.files],
        "pull": pull
        and {
            "state": pull["state"],
            "machine": pull["machine"],
            "file": pull["file"],
            "fraction": round(pull["fraction"], 3),
            "startedAt": timestamp(pull["started_at"]),
            "endedAt": timestamp(pull["ended_at"]),
            "error": pull["error"],
        },
    }


def _file(status: FileStatus) -> dict[str, Any]:
    return {
        "name": status.file.name,
        "kind": status.file.kind,
        "onDisk": status.state == "present",
        "bytes": status.file.bytes,
        "licence": status.file.licence,
        "shipped": status.file.shipped,
        "note": status.file.note,
    }
