"""The log of erasures: what must not come back with an older backup.

It is read from the audit, where an entry is written if and only if something was erased. What is not in it needs none:
retention erases again what is over its time.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from timbre.errors import SampleUnknown, SpeakerUnknown
from timbre.service.accounts import audit
from timbre.service.backups.place import Place, erasures_among, stamp, stamped
from timbre.service.keys.template_protection import Protection
from timbre.service.models.packs import Packs
from timbre.service.people.gallery import Gallery
from timbre.service.upkeep.key_rotation import forget_team
from timbre.settings import Settings
from timbre.store.database import Connection, Database, one
from timbre.store.queries import queries

_SQL: Final = queries("backups")
_JOBS: Final = queries("jobs")
_OVERLAP: Final = timedelta(hours=1)  # longer than a transaction that erases takes to commit


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Something that was erased: `person`, `sample`, `job`, `voices` of a team, or `key`, which was revoked."""

    entry: UUID  # of the audit; of a key its own
    kind: str
    team: UUID
    subject: UUID
    part: UUID | None = None  # the sample, of a person


async def log_erasures(place: Place, connection: Connection, now: datetime) -> int:
    """Write down what was erased since the last log; return how much that is."""
    before = erasures_among(await place.names())
    since = stamped(before[-1]) - _OVERLAP if before else None
    rows = await (await connection.execute(_SQL["erasures"], {"since": since})).fetchall()
    if rows:
        await place.write(_name(stamp(now)), json.dumps(rows, default=str, separators=(",", ":")).encode())
    return len(rows)


async def logged_since(place: Place, moment: str) -> list[Erasure]:
    """All that was erased since a moment, so far as it was written down."""
    logs = [name for name in erasures_among(await place.names()) if name >= moment]
    found = [_erasure(entry) for name in logs for entry in json.loads(await place.read(_name(name)))]
    return list(dict.fromkeys(found))


async def drop_logs(place: Place, before: str) -> None:
    """Drop logs that no backup needs any more: those that were written before a moment."""
    for name in erasures_among(await place.names()):
        if name < before:
            await place.delete(_name(name))


async def erase_again(database: Database, settings: Settings, erasures: Iterable[Erasure]) -> Counter[str]:
    """Erase what is there of all this; return how many of each kind were."""
    gallery = Gallery(database, Protection(database, settings), Packs(settings))
    done = Counter[str]()
    listed = list(erasures)
    # What the audit has already was done before the backup was made; a person, or a team's voices, may be back since.
    known = await database.all(_SQL["in_audit"], {"ids": [erasure.entry for erasure in listed]})
    before = {row["id"] for row in known}
    for erasure in listed:
        if erasure.entry in before:
            continue
        with suppress(SpeakerUnknown, SampleUnknown):
            done[erasure.kind] += await _erase(database, gallery, erasure)
    return +done


async def _erase(database: Database, gallery: Gallery, erasure: Erasure) -> bool:
    about = {"team": erasure.team, "id": erasure.subject}
    match erasure.kind:
        case "person":
            await gallery.erase(erasure.team, erasure.subject)
        case "sample" if erasure.part:
            await gallery.remove_sample(erasure.team, erasure.subject, erasure.part)
        case "voices":
            kept = await forget_team(database, erasure.team)
            return bool(kept.samples or kept.vectors or kept.voices)
        case "job":
            async with database.transaction() as connection:
                await connection.execute(_JOBS["cancel"], about | {"error": "Erased"})
                if await one(connection, _JOBS["erase"], about | {"canceled": True}) is None:
                    return False
                await audit.record(connection, erasure.team, "job.erased", subject=erasure.subject)
        case "key":
            return await database.one(_SQL["revoke"], about) is not None
        case _:
            return False
    return True


def _erasure(entry: dict[str, Any]) -> Erasure:
    ids = {name: UUID(entry[name]) for name in ("entry", "team", "subject")}
    return Erasure(kind=entry["kind"], part=UUID(entry["part"]) if entry["part"] else None, **ids)


def _name(moment: str) -> str:
    return f"erasures/{moment}"
