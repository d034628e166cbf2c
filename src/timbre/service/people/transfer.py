"""Taking a gallery to another server: a line of JSON a person, with the voiceprints of their samples.

    {"name": "Ada", "tags": ["board"], "consent": null, "reviewDate": null, "samples": [{"voiceprint": "VE1C…", …}]}

An import adds to what is there: people who have the name of a line get its samples, without those
they have. Clips stay behind.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final
from uuid import UUID

from timbre.errors import RequestInvalid, ServiceUnavailable, TimbreError
from timbre.identification.voiceprint import Voiceprint
from timbre.service.accounts import audit
from timbre.service.people.gallery import Gallery
from timbre.service.people.person import Changes, Person, quality_json
from timbre.service.people.requests import ExportedSpeaker
from timbre.service.people.samples import Origin
from timbre.service.requests.body import parse
from timbre.store.database import Connection, Database

MOST_ERRORS: Final = 1000  # that an import tells of
_MOST_FAULTS: Final = 10  # of a line, that an error tells of
LONGEST_LINE: Final = 4 << 20  # bytes; a person's samples of one model are 20 kB
_PAGE: Final = 100  # people of an export that are read at a time
_LINES: Final = 50  # of an import in one transaction
_BYTES: Final = 1 << 20  # likewise


@dataclass(kw_only=True)
class Imported:
    """What became of the lines of an import."""

    created: int = 0
    updated: int = 0  # people who were there and now have more
    samples: int = 0  # that were added
    failed: int = 0  # lines at fault
    errors: list[tuple[int, str]] = field(default_factory=list)  # line, counted from 1, and why; the first thousand

    def refuse(self, line: int, reason: str) -> None:
        """Note that a line is at fault."""
        self.failed += 1
        if len(self.errors) < MOST_ERRORS:
            self.errors.append((line, reason))


class GalleryTransfer:
    """Exports and imports of every team's gallery."""

    def __init__(self, database: Database, gallery: Gallery) -> None:
        self._database = database
        self._gallery = gallery

    async def export(self, team: UUID, *, key: UUID | None = None) -> AsyncIterator[bytes]:
        """The lines of a gallery, the oldest people first, so that an import makes them in the same order.

        Raises:
            MasterKeyMissing, TemplateUnreadable: voiceprints cannot be read.
        """
        async with self._database.transaction() as connection:
            await audit.record(connection, team, "speakers.exported", key=key)
        async for people in self._gallery.walk(team, _PAGE):
            templates = await self._gallery.templates(team, [person.id for person in people])
            for person in people:
                yield _line(person, templates)

    async def import_(self, team: UUID, pieces: AsyncIterator[bytes], *, key: UUID | None = None) -> Imported:
        """Add the people of an export; a line that is at fault stops no other.

        Args:
            team: Whose gallery they come into.
            pieces: The lines as they arrive, cut anywhere.
            key: The API key that asks for it.

        Raises:
            MasterKeyMissing, TemplateUnreadable: voiceprints cannot be protected; what came before stays.
        """
        imported = Imported()
        batch: list[tuple[int, bytes]] = []
        async for number, line in _lines(pieces, imported):
            batch.append((number, line))
            if len(batch) >= _LINES or sum(len(text) for _, text in batch) >= _BYTES:
                await self._take(team, batch, imported, key)
                batch = []
        await self._take(team, batch, imported, key)
        imported.errors.sort()
        return imported

    async def _take(self, team: UUID, batch: Iterable[tuple[int, bytes]], imported: Imported, key: UUID | None) -> None:
        read = []
        for number, line in batch:
            try:
                read.append((number, parse(ExportedSpeaker, line, webhook_http=False)[0]))
            except RequestInvalid as error:
                imported.refuse(number, reason(error))
        async with self._gallery.changing(team) as connection:
            for number, speaker in read:
                try:
                    async with connection.transaction():
                        await self._add(connection, team, speaker, imported, key)
                except ServiceUnavailable:
                    raise
                except TimbreError as error:
                    imported.refuse(number, str(error))

    async def _add(
        self, connection: Connection, team: UUID, speaker: ExportedSpeaker, imported: Imported, key: UUID | None
    ) -> None:
        tags, consent = speaker.tags, None if speaker.consent is None else speaker.consent.value
        there = await self._gallery.find(team, speaker.name, connection)
        changed = False
        if there is None:
            id_ = await self._gallery.create(
                team,
                name=speaker.name,
                tags=tags,
                consent=consent,
                review_on=speaker.review_date,
                key=key,
                connection=connection,
            )
        else:
            id_ = there.id
            more = Changes(
                tags=(*there.tags, *(tag for tag in tags if tag not in there.tags)),
                consent=there.consent or consent,
                review_on=there.review_on or speaker.review_date,
            )
            await self._gallery.update(team, id_, key=key, connection=connection, **more)
            changed = more != Changes(tags=there.tags, consent=there.consent, review_on=there.review_on)
        added = 0
        for sample in speaker.samples:
            origin = Origin(source="voiceprint", quality=sample.quality, created_at=sample.created_at)
            voiceprint = Voiceprint.from_text(sample.voiceprint)
            added += (await self._gallery.add_samples(connection, team, id_, voiceprint, origin, key=key))[1]
        imported.created += there is None
        imported.updated += there is not None and (changed or added > 0)
        imported.samples += added


def reason(error: RequestInvalid) -> str:
    """Say what is wrong with a line; of thousands of faults the first."""
    faults = [f"{at}: {fault}" for at, fault in error.errors]
    more = len(faults) - _MOST_FAULTS
    return "; ".join(faults[:_MOST_FAULTS]) + (f"; and {more} more" if more > 0 else "")


def _line(person: Person, templates: dict[UUID, str]) -> bytes:
    document: dict[str, Any] = {
        "name": person.name,
        "tags": person.tags,
        "consent": person.consent and person.consent.to_json(),
        "reviewDate": person.review_on and person.review_on.isoformat(),
        "samples": [
            {
                "voiceprint": templates[sample.id],
                "quality": quality_json(sample.quality),
                "createdAt": sample.created_at.astimezone(UTC).isoformat(),
            }
            for sample in person.samples
            if sample.id in templates  # not one that was removed just now
        ],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


async def _lines(pieces: AsyncIterator[bytes], imported: Imported) -> AsyncIterator[tuple[int, bytes]]:
    """The lines that are not empty, with their numbers; of one that is too long nothing is kept."""
    number, line, long = 1, bytearray(), False
    async for piece in pieces:
        first, *others = piece.split(b"\n")
        line += first
        for other in others:
            if long or len(line) > LONGEST_LINE:
                imported.refuse(number, f"Expected at most {LONGEST_LINE >> 20} MiB in a line")
            elif line.strip():
                yield number, bytes(line)
            number, line, long = number + 1, bytearray(other), False
        if len(line) > LONGEST_LINE:
            line, long = bytearray(), True
    if long:
        imported.refuse(number, f"Expected at most {LONGEST_LINE >> 20} MiB in a line")
    elif line.strip():
        yield number, bytes(line)
