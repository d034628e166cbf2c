"""The OpenAPI document: request bodies, which the routes read by themselves, and every error by name."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

import timbre
from timbre.http.schemas import ApiError, ValidationErrorResponse
from timbre.service.requests import DiarizeRequest, IdentifyRequest, MediaRequest, Request, VoiceprintRequest

_REFERENCE: Final = "#/components/schemas/{model}"
_REQUESTS: Final[tuple[type[Request], ...]] = (DiarizeRequest, IdentifyRequest, VoiceprintRequest, MediaRequest)
_DESCRIPTION: Final = """\
Who spoke when, by name, on your own machine. The routes of the hosted pyannoteAI service behave as they do there;
those it does not have say so. Send `Authorization: Bearer sk_…` with every request.
"""
_ERRORS: Final[dict[int, tuple[type, str]]] = {
    400: (ValidationErrorResponse, "A field is wrong"),
    401: (ApiError, "The API key is missing, wrong or revoked"),
    402: (ApiError, "The team's budget for this month is used up"),
    403: (ApiError, "The key does not have the scope, or the link has expired"),
    404: (ApiError, "It is not here: never was, was deleted, or belongs to another team"),
    409: (ApiError, "The Idempotency-Key was used for another request"),
    413: (ApiError, "More was sent than is allowed"),
    429: (ApiError, "Too many requests; `Retry-After` says when to go on"),
    503: (ApiError, "The server is not ready; `Retry-After` says when to try again"),
}
_KEYED: Final = (400, 401, 403, 429, 503)


def errors(*more: int, keyed: bool = True) -> dict[int | str, dict[str, Any]]:
    """The errors that a route answers: those of every route with a key, and more."""
    statuses = sorted({*more, *(_KEYED if keyed else (503,))})
    return {status: {"model": _ERRORS[status][0], "description": _ERRORS[status][1]} for status in statuses}


def takes(model: type[Request]) -> dict[str, Any]:
    """What a route takes as its body."""
    reference = {"$ref": _REFERENCE.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}}


def install_openapi(app: FastAPI) -> None:
    """Make an app describe itself so."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title="Timbre", version=timbre.__version__, description=_DESCRIPTION, routes=app.routes
            )
            _, definitions = models_json_schema([(model, "validation") for model in _REQUESTS], ref_template=_REFERENCE)
            components = schema.setdefault("components", {})
            components["schemas"] = dict(sorted({**components["schemas"], **definitions["$defs"]}.items()))
            components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
            for name in ("HTTPValidationError", "ValidationError"):
                components["schemas"].pop(name, None)
            for path in schema["paths"].values():
                for operation in path.values():
                    operation["responses"].pop("422", None)
                    if "401" in operation["responses"]:
                        operation["security"] = [{"key": []}]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
