"""The OpenAPI document: request bodies, which the routes read by themselves, and every error by name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import timbre
from timbre.errors import (
    BudgetSpent,
    IdempotencyConflict,
    JobUnknown,
    KeyRejected,
    RangeUnsatisfiable,
    RequestInvalid,
    RequestTooLarge,
    ScopeMissing,
    ServiceError,
    ServiceUnavailable,
    StorageFull,
    TooManyRequests,
    UploadTooSlow,
    WordsMissing,
)
from timbre.http.caller import SESSION_COOKIE
from timbre.http.openai_errors import error_body
from timbre.http.schemas import JOB_ID, ApiError, ValidationErrorResponse
from timbre.service.accounts.requests import KeyRequest, SecretRequest, SessionRequest
from timbre.service.decisions.requests import DecisionRequest, StepRequest
from timbre.service.files.requests import MediaRequest
from timbre.service.jobs.label_requests import LabelRequest, TranscriptRequest
from timbre.service.jobs.requests import (
    ChangeJobsRequest,
    ChangeRequest,
    ExportJobsRequest,
    JobsRequest,
    MergeVoicesRequest,
    RematchRequest,
)
from timbre.service.live.requests import StreamRequest
from timbre.service.people.requests import (
    CreateSpeakerRequest,
    MergeSpeakersRequest,
    SampleRequest,
    UpdateSpeakerRequest,
    UpgradeGalleryRequest,
)
from timbre.service.people.search_requests import SearchRequest
from timbre.service.requests.body import Request
from timbre.service.requests.submissions import DiarizeRequest, IdentifyRequest, VoiceprintRequest
from timbre.service.review.requests import RenameRequest, ReviewRequest
from timbre.service.upkeep.keeping_requests import KeepingRequest

_REFERENCE: Final = "#/components/schemas/{model}"
_REQUESTS: Final[tuple[type[Request], ...]] = (
    DiarizeRequest,
    IdentifyRequest,
    VoiceprintRequest,
    LabelRequest,
    TranscriptRequest,
    MediaRequest,
    KeyRequest,
    SecretRequest,
    SessionRequest,
    CreateSpeakerRequest,
    UpdateSpeakerRequest,
    MergeSpeakersRequest,
    UpgradeGalleryRequest,
    SampleRequest,
    ChangeRequest,
    JobsRequest,
    ChangeJobsRequest,
    ExportJobsRequest,
    KeepingRequest,
    ReviewRequest,
    RenameRequest,
    RematchRequest,
    MergeVoicesRequest,
    DecisionRequest,
    StepRequest,
    SearchRequest,
    StreamRequest,
)
_DESCRIPTION: Final = """\
Who spoke when, by name, on your own machine. The routes of the hosted pyannoteAI service behave as they do there;
those it does not have say so. Send `Authorization: Bearer sk_…` with every request; browsers that are signed in send
the cookie of their session instead. Every error is JSON with a `message`, and every answer names its request in
`X-Request-Id`.
"""
_KEYED: Final = (400, 401, 403, 429, 503)
_UNKEYED: Final = (503,)
_ERRORS: Final[dict[int, str]] = {
    400: "A field is wrong",
    401: "The API key is missing, wrong or revoked",
    402: "The team's budget for this month is used up",
    403: "The key does not have the scope, or the link has expired",
    404: "It is not here: never was, was deleted, or belongs to another team",
    408: "The upload came too slowly",
    409: "It contradicts what is there, such as a name or an Idempotency-Key that is in use, or a newer revision",
    413: "More was sent than is allowed",
    416: "There is nothing of this part; `Content-Range` says how long the recording is",
    502: "The recogniser gave no words; the job has who speaks",
    429: "Too many requests; `Retry-After` says when to go on",
    503: "The server is not ready; `Retry-After` says when to try again",
    507: "The disk of the server has no room for recordings",
}
_EXAMPLES: Final[dict[int, ServiceError]] = {
    401: KeyRejected(),
    402: BudgetSpent(),
    403: ScopeMissing(),
    404: JobUnknown(),
    408: UploadTooSlow(),
    409: IdempotencyConflict(),
    413: RequestTooLarge(),
    416: RangeUnsatisfiable(1_048_576),
    429: TooManyRequests(1),
    502: WordsMissing(),
    503: ServiceUnavailable(),
    507: StorageFull(),
}
_COUNT: Final = {"type": "integer", "minimum": 0}
_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-Id": {
        "description": "Names this request in the log of the server.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
    "X-RateLimit-Limit": {"description": "Requests a minute; absent without a limit.", "schema": _COUNT},
    "X-RateLimit-Remaining": {"description": "Requests left in this minute.", "schema": _COUNT},
    "X-RateLimit-Reset": {"description": "Seconds until all are there again.", "schema": _COUNT},
    "Set-Cookie": {
        "description": "The session, which scripts cannot read.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Content-Range": {
        "description": "Which bytes of how many, as `bytes 0-1023/4096`.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Retry-After": {"description": "Seconds to wait.", "required": True, "schema": _COUNT},
    "WWW-Authenticate": {"description": "`Bearer`", "required": True, "schema": {"type": "string"}},
    "Idempotency-Replayed": {
        "description": "`true` if this is the job of an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "enum": ["true"]},
    },
}
_RATES: Final = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_HEADERS_OF: Final[dict[int, tuple[str, ...]]] = {
    200: _RATES,
    201: _RATES,
    202: _RATES,
    204: _RATES,
    206: (*_RATES, "Content-Range"),
    416: ("Content-Range",),
    401: ("WWW-Authenticate",),
    429: (*_RATES, "Retry-After"),
    503: ("Retry-After",),
}
_SUBMITS: Final = frozenset({"diarize", "identify", "voiceprint", "label"})
_OF_JOB: Final = {"jobId": "$response.body#/jobId"}
_FOLLOWS: Final[dict[str, dict[str, Any]]] = {
    name: {"operationId": name, "parameters": _OF_JOB} for name in ("getJobById", "deleteJob")
}
# Answers that no model describes, by operation and type.
_STATUS: Final = {
    "type": "object",
    "required": ["status"],
    "properties": {"status": {"type": "string", "enum": ["OK"]}},
}
_OUTPUTS: Final = {
    "anyOf": [
        {"$ref": _REFERENCE.format(model=name)}
        for name in ("IdentificationOutput", "DiarizationOutput", "VoiceprintOutput", "EnrolOutput")
    ]
}
_ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "health": {"application/json": {"schema": _STATUS}},
    "ready": {"application/json": {"schema": _STATUS}},
    "metrics": {"text/plain": {"schema": {"type": "string"}}},
    "exportJob": {"application/json": {"schema": _OUTPUTS}},
    "label": {
        "application/json": {
            "schema": {
                "anyOf": [
                    {"$ref": _REFERENCE.format(model="JobCreated")},
                    {"type": "object", "description": "The transcript, where it is JSON."},
                    {
                        "type": "array",
                        "items": {"type": "object"},
                        "description": "The transcript, where it is a list.",
                    },
                ]
            }
        },
        "application/x-subrip": {"schema": {"type": "string"}},
        "text/vtt": {"schema": {"type": "string"}},
    },
    "followJob": {"text/event-stream": {"example": "event: job\ndata: {…}\n\n"}},
}
_UNDESCRIBED: Final = "Successful Response"


def errors(*more: int, keyed: bool = True) -> dict[int | str, dict[str, Any]]:
    """The errors that a route answers: those of every route with a key, and more."""
    return {status: _error(status) for status in sorted({*more, *(_KEYED if keyed else _UNKEYED)})}


def openai_errors(model: type[BaseModel], *more: int) -> dict[int | str, dict[str, Any]]:
    """The errors that a route with a key answers in the shape of OpenAI's."""
    return {status: _openai_error(model, status) for status in sorted({*more, *_KEYED})}


def takes(model: type[Request], *, required: bool = True) -> dict[str, Any]:
    """What a route takes as its body, which may be left out where it is not required."""
    reference = {"$ref": _REFERENCE.format(model=model.__name__)}
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": reference}}}}


def install_openapi(app: FastAPI) -> None:
    """Make an app describe itself so."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _error(status: int) -> dict[str, Any]:
    example = _EXAMPLES.get(status)
    if example is None:
        return {"model": ValidationErrorResponse, "description": _ERRORS[status]}
    content = {"application/json": {"example": {"requestId": JOB_ID, "message": str(example)}}}
    return {"model": ApiError, "description": _ERRORS[status], "content": content}


def _openai_error(model: type[BaseModel], status: int) -> dict[str, Any]:
    example = _EXAMPLES.get(status) or RequestInvalid([("file", "Expected a recording, got an empty file")])
    content = {"application/json": {"example": error_body(example, status)}}
    return {"model": model, "description": _ERRORS[status], "content": content}


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title="Timbre", version=timbre.__version__, description=_DESCRIPTION, routes=app.routes)
    _, definitions = models_json_schema([(model, "validation") for model in _REQUESTS], ref_template=_REFERENCE)
    components = document.setdefault("components", {})
    models = {**components["schemas"], **definitions["$defs"]}
    for name in ("HTTPValidationError", "ValidationError"):
        models.pop(name, None)
    for model in models.values():
        for part in model.get("properties", {}).values():
            part.pop("title", None)  # `Jobid` tells nobody more than `jobId`
    components["schemas"] = dict(sorted(models.items()))
    components["headers"] = _HEADERS
    key = {"type": "http", "scheme": "bearer", "description": "An API key, as `timbre keys create` makes them."}
    cookie = {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "The session of a browser; what changes something needs the header `X-Timbre-Web: 1` beside it.",
    }
    components["securitySchemes"] = {"key": key, "session": cookie}
    for operation in _operations(document):
        _complete(operation, components["schemas"])
    return document


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def _complete(operation: dict[str, Any], models: dict[str, Any]) -> None:
    """Say of an operation what its route does not."""
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = _never_null(parameter["schema"])
    responses = operation["responses"]
    responses.pop("422", None)
    keyed = "401" in responses
    if keyed:
        operation["security"] = [{"key": []}, {"session": []}]
    for status, response in responses.items():
        if response["description"] == _UNDESCRIBED:
            response["description"] = _description(response, models)
        names = [name for name in _HEADERS_OF.get(int(status), ()) if keyed or name not in _RATES]
        if status == "200":
            response.setdefault("content", {}).update(_ANSWERS.get(operation["operationId"], {}))
            if operation["operationId"] in _SUBMITS:
                names.append("Idempotency-Replayed")
                response["links"] = _FOLLOWS
        if operation["operationId"] == "signIn" and status == "201":
            names = ["Set-Cookie"]
        response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-Id", *names)}


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is there or it is not; nobody can send null."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    own = {name: value for name, value in schema.items() if name != "title"}
    if len(kinds) != 1:
        return own
    del own["anyOf"]
    return {**kinds[0], **own}


def _description(response: dict[str, Any], models: dict[str, Any]) -> str:
    reference = response.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
    model = models.get(reference.rpartition("/")[2], {})
    return str(model.get("description", "Done"))
