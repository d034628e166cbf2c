"""Errors as answers: JSON with `message`, and the status that clients of the hosted service know."""

from __future__ import annotations

import re
from functools import cache
from typing import Final
from uuid import UUID

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from timbre.errors import (
    BudgetSpent,
    IdempotencyConflict,
    JobUnsuccessful,
    KeyInUse,
    KeyRejected,
    LinkRejected,
    NameTaken,
    NothingToStep,
    NotKept,
    OriginRejected,
    PullRefused,
    QuotaSpent,
    RangeUnsatisfiable,
    RequestInvalid,
    RequestTooLarge,
    RevisionStale,
    SamplesFull,
    ScopeMissing,
    ServiceError,
    ServiceUnavailable,
    SignInRejected,
    SpacesDiffer,
    StorageFull,
    StreamRefused,
    TooManyRequests,
    UpgradeRefused,
    UploadRefused,
    UploadTooSlow,
    VoiceDecided,
    WordsMissing,
)
from timbre.http.openai_errors import has_shape, openai_error, plain_body
from timbre.http.responses import Json
from timbre.http.routes.web import is_for_people, unknown_page

STATUS: Final[dict[type[ServiceError], int]] = {
    RequestInvalid: 400,
    KeyRejected: 401,
    BudgetSpent: 402,
    ScopeMissing: 403,
    LinkRejected: 403,
    SignInRejected: 403,
    OriginRejected: 403,
    StreamRefused: 403,
    NotKept: 404,
    IdempotencyConflict: 409,
    RevisionStale: 409,
    VoiceDecided: 409,
    NothingToStep: 409,
    NameTaken: 409,
    KeyInUse: 409,
    PullRefused: 409,
    UpgradeRefused: 409,
    SpacesDiffer: 409,
    SamplesFull: 409,
    JobUnsuccessful: 400,
    UploadTooSlow: 408,
    UploadRefused: 409,
    RequestTooLarge: 413,
    QuotaSpent: 413,
    RangeUnsatisfiable: 416,
    TooManyRequests: 429,
    WordsMissing: 502,
    ServiceUnavailable: 503,
    StorageFull: 507,
}
_log: Final = structlog.get_logger("timbre.http")
_RETRY_SOON: Final = 2  # seconds
_NOT_FOUND: Final = 404
_METHOD_NOT_ALLOWED: Final = 405
_SHOWN: Final = 100  # characters of a path that an error repeats


def install_errors(app: FastAPI) -> None:
    """Make an app answer its errors so."""
    app.add_exception_handler(ServiceError, _service_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


def api_error(status: int, message: str, request_id: UUID | str, headers: dict[str, str] | None = None) -> Response:
    """An error that has nothing to do with a field."""
    return Json({"requestId": str(request_id), "message": message}, status, headers)


def error_at(
    path: str, status: int, message: str, request_id: UUID | str, headers: dict[str, str] | None = None
) -> Response:
    """An error that has nothing to do with a field, in the shape of the endpoints at a path."""
    if has_shape(path):
        return Json(plain_body(status, message), status, headers)
    return api_error(status, message, request_id, headers)


def status_of(error: ServiceError) -> int:
    """The status that an error is answered with."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


async def _service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)  # noqa: S101 - it is registered for nothing else
    if has_shape(request.scope["path"]):
        return openai_error(error, status_of(error), _headers(error))
    if isinstance(error, RequestInvalid):
        fields = [{"field": field, "message": message} for field, message in error.errors]
        return Json({"message": str(error), "errors": fields}, STATUS[RequestInvalid])
    if isinstance(error, RevisionStale):
        told = {"requestId": str(request.state.request_id), "message": str(error), "revision": error.revision}
        return Json(told | {"changes": list(error.changes)}, STATUS[RevisionStale])
    if isinstance(error, ServiceUnavailable):
        _log.warning("unavailable", request=str(request.state.request_id), cause=repr(error.__cause__ or error))
    return api_error(status_of(error), str(error), request.state.request_id, _headers(error))


def _headers(error: ServiceError) -> dict[str, str]:
    """The headers that belong to an error."""
    headers = {}
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, ServiceUnavailable):
        headers["Retry-After"] = str(_RETRY_SOON)
    if isinstance(error, RangeUnsatisfiable):
        headers["Content-Range"] = f"bytes */{error.size}"
    if isinstance(error, KeyRejected):
        headers["WWW-Authenticate"] = "Bearer"
    return headers


async def _validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for nothing else
    fields = [
        {"field": ".".join(str(part) for part in fault["loc"][1:]) or "request", "message": fault["msg"]}
        for fault in error.errors()
    ]
    return Json({"message": "Invalid request", "errors": fields}, STATUS[RequestInvalid])


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for nothing else
    headers = dict(error.headers or {})
    if error.status_code == _NOT_FOUND and is_for_people(request):
        if page := unknown_page(request):
            return page
        headers["Vary"] = "Accept"
    path = request.scope["path"]
    shown = path if len(path) <= _SHOWN else f"{path[:_SHOWN]}…"
    message = f"{error.detail}: there is no {request.method} {shown}; /openapi.json lists what there is"
    if error.status_code == _METHOD_NOT_ALLOWED and (methods := _methods(request.app, path)):
        headers["Allow"] = ", ".join(methods)  # the router names those of one route alone
    return error_at(path, error.status_code, message, request.state.request_id, headers)


def _methods(app: FastAPI, path: str) -> list[str]:
    """What can be done at a path, as the app describes itself; a path without parameters is nothing else."""
    paths = app.openapi()["paths"]
    templates = [path] if path in paths else [each for each in paths if _pattern(each).fullmatch(path)]
    return sorted(method.upper() for template in templates for method in paths[template])


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(re.escape(part) for part in re.split(r"\{[^}]*\}", template)))
