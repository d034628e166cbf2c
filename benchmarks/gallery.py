"""Searching among many people: how long it takes, how right it is, what it costs, and what a plain comparison takes.

The people are drawn by `benchmarks.voices`, one recording each. Half of the queries are other recordings of some of
them, half are strangers. The service's own search runs on the embedded database, with the settings it has by default,
one voice a query; beside it numpy compares each query with all vectors in memory, in float32, which is also what is
called right. Each number of people is a team, all in one database. A million needs `--full`.
"""

import asyncio
import os
import struct
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.voices import DIMENSION, Voices
from timbre.service.keys.master_key import MasterKeys
from timbre.service.keys.template_protection import Protection
from timbre.service.people.search import Found, Search
from timbre.service.requests.selection import Selection
from timbre.settings import Settings
from timbre.store.database import Database, open_database
from timbre.store.embedded import EmbeddedPostgres
from timbre.store.identifiers import new_id
from timbre.store.schema import migrate

SIZES = (1000, 10_000, 100_000)
MOST = 1_000_000
QUERIES = 1000  # half are of people who are there
CLIENTS = 4
LIMIT = 10  # people a query asks for
WARM = 200  # queries before anything is measured
COMPARED = 100  # queries that numpy is timed with
BATCH = 20_000  # people that are drawn and loaded at a time
BLOCK = 20  # queries whose true nearest are found at a time
SPACE = "0123456789abcdef"
EVERYBODY = Selection()
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"

Vectors = NDArray[np.float32]


def run(console: Console, *, full: bool) -> dict[str, Any]:
    """Measure, print and return everything."""
    figures = asyncio.run(_measure(console, (*SIZES, MOST) if full else SIZES))
    _show(console, figures)
    return figures


async def _measure(console: Console, sizes: Sequence[int]) -> dict[str, Any]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = Settings(data_dir=folder)
        MasterKeys.make(settings)
        embedded = EmbeddedPostgres(folder / "postgres")
        stack.callback(embedded.stop)
        url = embedded.start()
        migrate(url)
        database = await stack.enter_async_context(open_database(url, connections=CLIENTS + 1, application="benchmark"))
        place = _Place(database, settings)
        figures = {}
        for size in sizes:
            began = time.perf_counter()
            figures[str(size)] = await place.measure(size)
            console.print(f"{size} people took {time.perf_counter() - began:.0f} s")
        return {
            "dimension": DIMENSION,
            "limit": LIMIT,
            "queries": QUERIES,
            "versions": await place.versions(),
            "people": figures,
        }


class _Place:
    """A database with galleries."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._protection = Protection(database, settings)
        self._search = Search(database, self._protection, settings)

    async def measure(self, size: int) -> dict[str, Any]:
        """Fill a gallery, and search in it."""
        voices = Voices(size)
        known = np.empty((size, DIMENSION), np.float32)
        people = np.empty_like(known)
        for start in range(0, size, BATCH):
            part = people[start : start + BATCH]
            part[:] = voices.people(len(part))
            known[start : start + BATCH] = voices.recordings(part)
        own = voices.choice(size, QUERIES // 2)
        asked = voices.recordings(np.concatenate([people[own], voices.people(QUERIES - own.size)]))
        del people
        before = await self._bytes("pg_total_relation_size('speaker_vectors')")
        began = time.perf_counter()
        team, ids = await self._load(known)
        loaded = time.perf_counter()
        async with self._database.apart() as connection:
            await connection.execute("VACUUM ANALYZE speakers, speaker_vectors")
        table = await self._bytes("pg_total_relation_size('speaker_vectors')") - before
        building = time.perf_counter()
        await self._search.tend_indexes()
        built = time.perf_counter()
        index = await self._bytes("pg_total_relation_size('speaker_vectors')") - before - table
        figures: dict[str, Any] = {
            "load_seconds": round(loaded - began, 1),
            "index_seconds": round(built - building, 1) if index else None,
            "table_mib": round(table / 2**20, 1),
            "index_mib": round(index / 2**20, 1),
        }
        await self._ask(team, asked[:WARM], 1)
        found, figures["one_client_ms"] = await self._ask(team, asked, 1)
        _, figures["four_clients_ms"] = await self._ask(team, asked, CLIENTS)
        true = _nearest(known, asked)
        place = {person: at for at, person in enumerate(ids)}
        said = [[place[person.speaker] for person in people_] for people_ in found]
        right = [len({*row} & {*best.tolist()}) / LIMIT for row, best in zip(said, true, strict=True)]
        figures["recall"] = round(float(np.mean(right)), 4)
        figures["own_person_first"] = {
            "search": round(float(np.mean([row[0] == at for row, at in zip(said, own.tolist(), strict=False)])), 3),
            "comparison": round(float(np.mean(true[: own.size, 0] == own)), 3),
        }
        figures["in_memory_ms"] = _compared(known, asked)
        return figures

    async def versions(self) -> dict[str, str]:
        """Return the versions of the database and of its vectors."""
        query = b"SELECT current_setting('server_version') AS postgres, extversion AS vector FROM pg_extension"
        row = await self._database.one(query + b" WHERE extname = 'vector'")
        return {"postgresql": row["postgres"], "pgvector": row["vector"]} if row else {}

    async def _load(self, known: Vectors) -> tuple[UUID, list[UUID]]:
        team = new_id()
        ids = [new_id() for _ in known]
        cipher = await self._protection.cipher(await self._team(team))
        for start in range(0, len(ids), BATCH):
            batch = ids[start : start + BATCH]
            turned = cipher.turn(known[start : start + BATCH]).astype(">f2")
            async with self._database.transaction() as connection:
                cursor = connection.cursor()
                async with cursor.copy("COPY speakers (id, team_id, name) FROM STDIN (FORMAT binary)") as copy:
                    await copy.write(_rows((one.bytes, team.bytes, str(one).encode()) for one in batch))
                columns = "speaker_id, team_id, space, vector"
                async with cursor.copy(f"COPY speaker_vectors ({columns}) FROM STDIN (FORMAT binary)") as copy:
                    head = struct.pack(">HH", DIMENSION, 0)
                    vectors = zip(batch, turned, strict=True)
                    await copy.write(
                        _rows((one.bytes, team.bytes, SPACE.encode(), head + row.tobytes()) for one, row in vectors)
                    )
        return team, ids

    async def _team(self, team: UUID) -> UUID:
        await self._database.one(b"INSERT INTO teams (id, name) VALUES (%(id)s, %(id)s::text)", {"id": team})
        return team

    async def _bytes(self, what: str) -> int:
        row = await self._database.one(f"SELECT {what} AS bytes".encode())
        return int(row["bytes"]) if row else 0

    async def _ask(self, team: UUID, asked: Vectors, clients: int) -> tuple[list[list[Found]], dict[str, float]]:
        """Let clients share the queries, each asking one after the other."""
        found: list[list[Found]] = [[] for _ in asked]
        times = np.zeros(len(asked))

        async def ask(first: int) -> None:
            for at in range(first, len(asked), clients):
                began = time.perf_counter()
                (found[at],) = await self._search.nearest(team, SPACE, asked[at : at + 1], EVERYBODY, LIMIT)
                times[at] = time.perf_counter() - began

        await asyncio.gather(*(ask(first) for first in range(clients)))
        return found, _percentiles(times)


def _rows(rows: Any) -> bytes:
    """Return rows of values as COPY takes them."""
    out = bytearray(_SIGNATURE)
    for row in rows:
        out += struct.pack(">h", len(row))
        for value in row:
            out += struct.pack(">i", len(value)) + value
    return bytes(out + _END)


def _nearest(known: Vectors, asked: Vectors) -> NDArray[np.int64]:
    """Return the numbers of the nearest to each query `[queries, LIMIT]`, best first."""
    found = []
    for start in range(0, len(asked), BLOCK):
        cosines = asked[start : start + BLOCK] @ known.T
        best = np.argpartition(-cosines, LIMIT, axis=1)[:, :LIMIT]
        order = np.argsort(-np.take_along_axis(cosines, best, axis=1), axis=1)
        found.append(np.take_along_axis(best, order, axis=1))
    return np.concatenate(found)


def _compared(known: Vectors, asked: Vectors) -> dict[str, float]:
    times = np.zeros(COMPARED)
    for at, vector in enumerate(asked[:COMPARED]):
        began = time.perf_counter()
        cosines = known @ vector
        best = np.argpartition(-cosines, LIMIT)[:LIMIT]
        best[np.argsort(-cosines[best])]
        times[at] = time.perf_counter() - began
    return _percentiles(times)


def _percentiles(times: NDArray[np.float64]) -> dict[str, float]:
    return {f"p{share}": round(1000 * float(np.percentile(times, share)), 2) for share in (50, 99)}


def _show(console: Console, figures: dict[str, Any]) -> None:
    table = Table(title=f"A search for the {LIMIT} nearest people, {len(os.sched_getaffinity(0))} cores; ms, p50 / p99")
    for column in (
        "people",
        "one client",
        "four clients",
        "recall",
        "numpy in memory",
        "build s",
        "table",
        "index MiB",
    ):
        table.add_column(column, justify="right")
    for size, row in figures["people"].items():
        table.add_row(
            f"{int(size):,}",
            *(
                " / ".join(f"{value:.1f}" for value in row[name].values())
                for name in ("one_client_ms", "four_clients_ms")
            ),
            f"{row['recall']:.4f}",
            " / ".join(f"{value:.1f}" for value in row["in_memory_ms"].values()),
            "" if row["index_seconds"] is None else f"{row['index_seconds']:.0f}",
            f"{row['table_mib']:.0f}",
            f"{row['index_mib']:.0f}",
        )
    console.print(table)
