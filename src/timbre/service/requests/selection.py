"""Which people of a team are meant: all, some by their ids, or those who bear a tag.

On the wire: `"all"`, `["0190…", "0191…"]` or `{"tags": ["board"]}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from timbre.errors import RequestInvalid, SpeakerUnknown
from timbre.service.requests.values import LONGEST_TAG, MOST_TAGS, a_tag, expect, refuse, shortened
from timbre.store.database import Database
from timbre.store.queries import queries

_SQL: Final = queries("selection")
ALL: Final = "all"
MOST_SPEAKERS: Final = 10_000
_EXPECTED: Final = 'an object {"tags": […]}, a list of ids of people, or "all"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Some people of a team; everybody if nothing is given."""

    ids: tuple[UUID, ...] | None = None
    tags: tuple[str, ...] | None = None  # people who bear any of them

    def to_json(self) -> str | tuple[str, ...] | dict[str, tuple[str, ...]]:
        """Return it as it is sent."""
        if self.ids is not None:
            return tuple(str(speaker) for speaker in self.ids)
        return ALL if self.tags is None else {"tags": self.tags}


async def check_selection(database: Database, team: UUID, selection: Selection, labels: Sequence[str]) -> None:
    """Make sure that people are there, and that the labels of voiceprints that come with them are no names of people.

    Raises:
        RequestInvalid: somebody is not, or a label is.
    """
    faults = []
    if selection.ids is not None:
        rows = await database.all(_SQL["unknown"], {"team": team, "ids": list(selection.ids)})
        faults += [(f"speakers.{row['place'] - 1}", str(SpeakerUnknown())) for row in rows]
    message = "Expected a label that is not the name of a person of the gallery, got {!r}"
    for label in await taken(database, team, labels):
        faults.append((f"voiceprints.{labels.index(label)}.label", message.format(shortened(label))))
    if faults:
        raise RequestInvalid(faults)


async def taken(database: Database, team: UUID, labels: Sequence[str]) -> list[str]:
    """Those of some labels that are names of people of a team, in whatever case."""
    if not labels:
        return []
    return [row["label"] for row in await database.all(_SQL["taken"], {"team": team, "labels": list(labels)})]


def read_selection(came: object) -> Selection:
    """Read a selection as it is sent; refuses what is none."""
    if isinstance(came, Selection):
        return came
    if came == ALL:
        return Selection()
    if isinstance(came, list | tuple):
        _some(came, MOST_SPEAKERS, "ids of people", "")
        return Selection(ids=tuple(_id(each, str(at)) for at, each in enumerate(came)))
    if not isinstance(came, dict) or came.get("tags") is None:
        expect(_EXPECTED, came)
    tags = came["tags"]
    if not isinstance(tags, list | tuple):
        expect("a list of tags", tags, "tags")
    _some(tags, MOST_TAGS, "tags", "tags")
    return Selection(tags=tuple(a_tag(each, f"tags.{at}") for at, each in enumerate(tags)))


def _some(came: list[Any] | tuple[Any, ...], most: int, what: str, at: str) -> None:
    if not 1 <= len(came) <= most:
        refuse(f"Expected 1 to {most} {what}, got {len(came)}", at)


def _id(came: object, at: str) -> UUID:
    try:
        return UUID(came if isinstance(came, str) else "")
    except ValueError:
        expect("the id of a person", came, at)


_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "string", "enum": [ALL]},
        {
            "type": "array",
            "items": {"type": "string", "format": "uuid"},
            "minItems": 1,
            "maxItems": MOST_SPEAKERS,
        },
        {
            "type": "object",
            "properties": {
                "tags": {
                    "type": "array",
                    "items": {"type": "string", "minLength": 1, "maxLength": LONGEST_TAG},
                    "minItems": 1,
                    "maxItems": MOST_TAGS,
                }
            },
            "required": ["tags"],
        },
    ]
}
Speakers = Annotated[
    Selection, BeforeValidator(read_selection), PlainSerializer(Selection.to_json), WithJsonSchema(_SCHEMA)
]
