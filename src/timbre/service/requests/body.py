"""Reading the body of a request into a value.

Each request is one frozen value. It is read from the body that a client sends with `parse`, and kept with its job
as the JSON object that `model_dump(mode="json", by_alias=True, exclude_none=True)` gives; `model_validate` reads
that again. The rules are those of the hosted service: `null` stands for an option that is left out, and keys that
are not known are passed over and named in a warning.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails, from_json

from timbre.errors import RequestInvalid
from timbre.service.requests.values import expect, shown

REQUIRED: Final = "Expected a value, as this is required, got none"
_NAMES_LISTED: Final = 10  # ignored keys that a warning names
_LONGEST_NAME: Final = 40  # characters of each
_LONGEST_MESSAGE: Final = 200


class Request(BaseModel):
    """What all requests, and the objects in them, have in common."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True, protected_namespaces=()
    )

    @model_validator(mode="before")
    @classmethod
    def _given(cls, came: Any) -> Any:
        if isinstance(came, dict):
            return {key: value for key, value in came.items() if value is not None}
        if not isinstance(came, cls):
            expect("an object", came)
        return came

    def doubts(self) -> Iterator[str]:
        """Say what in this request was probably meant otherwise."""
        yield from ()


M = TypeVar("M", bound=Request)


def parse(model: type[M], body: bytes, *, webhook_http: bool) -> tuple[M, str | None]:
    """Read the body of a request.

    Args:
        model: What is asked for.
        body: As it was sent: JSON in UTF-8.
        webhook_http: Whether a webhook may go to a plain `http://` address.

    Returns:
        The request, and a warning about what was probably not meant: keys that are ignored, a threshold on a scale
        of 0 to 1.

    Raises:
        RequestInvalid: with every field that is at fault, as `voiceprints.0.label`; `body` if it is no JSON object.
    """
    given = _object(body)
    try:
        request = model.model_validate(given, context={"webhook_http": webhook_http}, by_alias=True, by_name=False)
    except ValidationError as error:
        raise RequestInvalid([_explained(detail) for detail in error.errors(include_url=False)]) from None
    ignored = dict.fromkeys(_ignored(given, request.model_dump(by_alias=True)))
    return request, "; ".join(_warnings(request, list(ignored))) or None


def _object(body: bytes) -> dict[str, Any]:
    try:
        given = from_json(body.decode("utf-8"), allow_inf_nan=False)
    except UnicodeDecodeError as error:
        message = f"Expected JSON in UTF-8, got a byte that is none at offset {error.start}"
    except ValueError as error:
        message = f"Expected a JSON object, got {_fault(str(error)) if body.strip() else 'an empty body'}"
    else:
        if isinstance(given, dict):
            return given
        message = f"Expected a JSON object, got {shown(given)}"
    raise RequestInvalid([("body", message)])


def _fault(reason: str) -> str:
    if reason.startswith("recursion limit"):
        return "objects or lists that are nested too deeply"
    if reason.startswith("number out of range"):
        return "a number with too many digits"
    where = re.search(r"line \d+ column \d+", reason)
    return f"text that is not JSON ({where[0]})" if where else "text that is not JSON"


def _explained(detail: ErrorDetails) -> tuple[str, str]:
    path = [str(part) for part in detail["loc"]]
    if detail["type"] == "missing":
        return ".".join(path), REQUIRED
    context = detail.get("ctx", {})
    field = ".".join(part for part in (*path, context["at"]) if part)
    return field or "body", context["message"][:_LONGEST_MESSAGE]


def _ignored(given: Any, known: Any, path: str = "") -> Iterator[str]:
    if isinstance(given, dict) and isinstance(known, dict):
        for key, value in given.items():
            if key in known:
                yield from _ignored(value, known[key], f"{path}{key}.")
            elif value is not None:
                yield f"{path}{_escaped(key)}"
    elif isinstance(given, list) and isinstance(known, tuple):
        # A list in which the same text stood twice is shorter now; texts have no keys that could be ignored.
        for item, known_item in zip(given, known, strict=False):
            yield from _ignored(item, known_item, f"{path.removesuffix('.')}[].")


def _escaped(key: str) -> str:
    name = repr(key[: _LONGEST_NAME + 1])[1:-1]
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _warnings(request: Request, ignored: list[str]) -> Iterator[str]:
    if ignored:
        more = f" and {len(ignored) - _NAMES_LISTED} more" if len(ignored) > _NAMES_LISTED else ""
        yield f"Ignored unknown keys: {', '.join(ignored[:_NAMES_LISTED])}{more}"
    yield from request.doubts()
