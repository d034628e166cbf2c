"""What can be asked about how long recordings are kept."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from timbre.service.requests.body import Request
from timbre.service.requests.values import a_tag, expect

MOST_DAYS: Final = 36_500
MOST_RULES: Final = 100  # of tags, in one request
FOREVER: Final = "forever"
Days = int | Literal["forever"]
_DAYS: Final = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": MOST_DAYS}, {"const": FOREVER}]}
_DAYS_OR_NULL: Final = {"anyOf": [*_DAYS["anyOf"], {"type": "null"}]}


def _days(came: object, at: str = "") -> object:
    if came == FOREVER:
        return came
    if isinstance(came, bool) or not isinstance(came, int) or not 1 <= came <= MOST_DAYS:
        expect(f'"{FOREVER}", or 1 to {MOST_DAYS} days', came, at)
    return came


def _rules(came: object) -> object:
    if not isinstance(came, dict) or len(came) > MOST_RULES:
        expect(f"an object of at most {MOST_RULES} tags", came)
    for tag, days in came.items():
        a_tag(tag)
        if days is not None:
            _days(days, tag)
    return came


def _api(came: object) -> object:
    return None if came == "server" else _days(came)


class KeepingRequest(Request):
    """Say how long recordings are kept; what is left out stays as it is."""

    web: Annotated[Days, BeforeValidator(_days), WithJsonSchema(_DAYS)] | None = Field(
        None, description="Those that came through the web app: days after they were heard, or `forever`."
    )
    api: (
        Annotated[
            Days | None,
            BeforeValidator(_api),
            WithJsonSchema({"anyOf": [*_DAYS["anyOf"], {"const": "server"}]}),
        ]
        | None
    ) = Field(None, description="Those that came through the API; `server` for as long as the server's settings say.")
    tags: (
        Annotated[
            dict[str, Days | None],
            BeforeValidator(_rules),
            WithJsonSchema({"type": "object", "additionalProperties": _DAYS_OR_NULL, "maxProperties": MOST_RULES}),
        ]
        | None
    ) = Field(
        None,
        description="Those that bear a tag, which goes before how they came; of several tags the longest time counts."
        " Null takes the rule of a tag away.",
        examples=[{"interviews": 365, "board": "forever"}],
    )
