"""Errors in the shape of OpenAI's, for endpoints that have it: `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from timbre.errors import JobUnsuccessful, RequestInvalid, ServiceError, WordsMissing
from timbre.http.responses import Json

PATHS: Final = "/v1/audio/"
_TYPES: Final = {
    401: ("authentication_error", "invalid_api_key"),
    402: ("insufficient_quota", "insufficient_quota"),
    403: ("permission_error", "insufficient_permissions"),
    413: ("invalid_request_error", "request_too_large"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    502: ("server_error", "recogniser_failed"),
    503: ("server_error", "service_unavailable"),
}
_SERVER: Final = 500
_FAULT: Final = "internal_error"
# Fields of a job's request to those of the form that it came in.
_FIELDS: Final = {
    "transcriptionConfig.language": "language",
    "transcriptionConfig.model": "model",
    "matching.threshold": "threshold",
    "numSpeakers": "num_speakers",
    "minSpeakers": "min_speakers",
    "maxSpeakers": "max_speakers",
    "transcription": "model",
    "url": "file",
}
_REFERENCES: Final = "references"


def has_shape(path: str) -> bool:
    """Whether the endpoint at a path answers errors so."""
    return path.startswith(PATHS)


def openai_error(error: ServiceError, status: int, headers: dict[str, str]) -> Response:
    """An error of one of these endpoints."""
    if isinstance(error, JobUnsuccessful | WordsMissing):
        headers = headers | {"X-Should-Retry": "false"}  # the client would have it heard once more
    body = error_body(error, status)
    return Json(body, _SERVER if body["error"]["type"] == _FAULT else status, headers)


def error_body(error: ServiceError, status: int) -> dict[str, Any]:
    """What an error says that other endpoints answer with a status."""
    if isinstance(error, RequestInvalid):
        fields = [_in_form(field) for field, _ in error.errors]
        told = "; ".join(f"{field}: {message}" for field, (_, message) in zip(fields, error.errors, strict=True))
        return plain_body(status, told, param=fields[0].partition("[")[0])
    if isinstance(error, JobUnsuccessful):
        return plain_body(_SERVER if error.field is None else status, str(error), param=error.field)
    return plain_body(status, str(error))


def plain_body(status: int, message: str, *, param: str | None = None) -> dict[str, Any]:
    """An error by its status alone."""
    kind, code = _TYPES.get(status, (_FAULT if status >= _SERVER else "invalid_request_error", None))
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def _in_form(field: str) -> str:
    if field.startswith(f"{_REFERENCES}."):
        _, number, *rest = field.split(".")
        return f"known_speaker_{'names' if rest == ['label'] else 'references'}[{number}]"
    return _FIELDS.get(field, field)
