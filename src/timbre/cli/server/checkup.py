"""A look at a server from behind: its database, tables, workers, queue, storage, disk, and where accounts are."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from timbre.errors import SchemaOutdated, TimbreError

if TYPE_CHECKING:
    from timbre.settings import Settings
    from timbre.store.database import Database

_LONG: Final = 600.0  # seconds that an entry waits before it is worth a word
_LEAST_FREE: Final = 2 << 30  # bytes
_PROBE: Final = "doctor-probe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of one check."""

    subject: str
    state: Literal["ok", "missing", "broken"]
    detail: str
    remedy: str = ""  # what helps, mostly a command


async def look_at(url: str, settings: Settings) -> list[Finding]:
    """Look at the server whose database is at this address."""
    from timbre.store.database import open_database  # noqa: PLC0415

    try:
        async with open_database(url, connections=2, application="timbre doctor") as database:
            findings = [await _database(database), await _tables(database)]
            if findings[-1].state == "ok":
                findings += [finding async for finding in _work(database, settings)]
    except TimbreError as error:
        findings = [Finding(subject="database", state="broken", detail=str(error))]
    return [*findings, await _storage(settings), *_disk(settings), *await accounts(settings)]


async def _database(database: Database) -> Finding:
    row = await database.one(
        b"SELECT current_setting('server_version') AS version,"
        b" (SELECT extversion FROM pg_extension WHERE extname = 'vector') AS vector,"
        b" pg_size_pretty(pg_database_size(current_database())) AS size"
    )
    known = row or {"version": "?", "vector": None, "size": "?"}
    detail = f"PostgreSQL {known['version']}, pgvector {known['vector'] or 'missing'}, {known['size']}"
    if known["vector"] is None:
        return Finding(subject="database", state="broken", detail=detail, remedy="install pgvector; timbre migrate")
    return Finding(subject="database", state="ok", detail=detail)


async def _tables(database: Database) -> Finding:
    from timbre.store.schema import HEAD, check_schema  # noqa: PLC0415

    try:
        async with database.transaction() as connection:
            await check_schema(connection)
    except SchemaOutdated as error:
        return Finding(subject="tables", state="broken", detail=str(error), remedy="timbre migrate")
    return Finding(subject="tables", state="ok", detail=f"good for version {HEAD}")


async def _work(database: Database, settings: Settings) -> AsyncIterator[Finding]:
    import timbre  # noqa: PLC0415
    from timbre.store.queries import queries  # noqa: PLC0415
    from timbre.store.queue import Lane  # noqa: PLC0415

    sql = queries("server")
    workers = await database.all(sql["workers"], {"seconds": settings.stalled_seconds})
    for worker in workers:
        detail = f"{','.join(worker['lanes'])}; {worker['model'] or 'no model'} on {worker['device']}"
        other = worker["version"] != timbre.__version__
        yield Finding(
            subject=f"worker {worker['name']}",
            state="broken" if other else "ok",
            detail=f"{detail}; version {worker['version']}",
            remedy=f"restart it: this program is {timbre.__version__}" if other else "",
        )
    waiting = {row["lane"]: row for row in await database.all(sql["waiting"])}
    for lane in Lane:
        served = sum(lane.value in worker["lanes"] for worker in workers)
        entry = waiting.get(lane.value, {"total": 0, "seconds": 0.0})
        seconds = float(entry["seconds"])
        detail = f"{served} workers, {entry['total']} wait, the first for {seconds:.0f} s"
        if not served:
            remedy = f"timbre worker --lanes {lane.value}"
            yield Finding(subject=f"lane {lane.value}", state="missing", detail=detail, remedy=remedy)
        else:
            slow = seconds > _LONG
            yield Finding(
                subject=f"lane {lane.value}",
                state="broken" if slow else "ok",
                detail=detail,
                remedy="start more workers for it, or see in their logs what holds them up" if slow else "",
            )


async def accounts(settings: Settings) -> list[Finding]:
    """Whether the provider by whose accounts people sign in says what it has to, if there is one."""
    if settings.oidc_issuer is None:
        return []
    from timbre.cli.server.logs import no_log  # noqa: PLC0415
    from timbre.errors import ProviderUnavailable  # noqa: PLC0415
    from timbre.service.outside.provider import Provider  # noqa: PLC0415

    provider = Provider(settings)
    try:
        with no_log():
            keys = await provider.keys()
    except ProviderUnavailable as error:
        remedy = "look at TIMBRE_OIDC_ISSUER and TIMBRE_OIDC_NETWORKS"
        return [Finding(subject="accounts", state="broken", detail=error.reason, remedy=remedy)]
    finally:
        await provider.close()
    detail = f"{settings.oidc_issuer} signs with {len(keys)} keys that are known here"
    return [Finding(subject="accounts", state="ok" if keys else "broken", detail=detail)]


async def _storage(settings: Settings) -> Finding:
    from timbre.service.files.storage import open_storage  # noqa: PLC0415

    async def probe() -> AsyncIterator[bytes]:
        yield b"probe"

    name = f"{_PROBE}-{os.urandom(8).hex()}"
    try:
        storage = open_storage(settings)
        await storage.put(name, probe(), most_bytes=16)
        found = b"".join([piece async for piece in storage.chunks(name)])
        await storage.delete(name)
    except TimbreError as error:
        return Finding(subject="storage", state="broken", detail=str(error))
    where = settings.storage_url.partition("?")[0] if settings.storage_url else str(settings.data_dir / "media")
    state: Literal["ok", "broken"] = "ok" if found == b"probe" else "broken"
    return Finding(subject="storage", state=state, detail=f"written to and read from, {where}")


def _disk(settings: Settings) -> list[Finding]:
    if settings.database_url and settings.storage_url:
        return []  # neither lies here
    free = shutil.disk_usage(settings.data_dir).free if settings.data_dir.exists() else 0
    full = free < _LEAST_FREE
    return [
        Finding(
            subject="disk",
            state="broken" if full else "ok",
            detail=f"{free / 1e9:.1f} GB free at {settings.data_dir}",
            remedy="make room: the database lies there too" if full else "",
        )
    ]
