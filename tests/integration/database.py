"""A real PostgreSQL for tests: one server for all of them, a fresh and migrated database on it for every one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import psycopg
import pytest

from data_folder import DATABASE, put_database
from timbre.service.accounts.teams import Caller, Teams
from timbre.service.accounts.usage import Usage
from timbre.service.files.media import Media
from timbre.service.files.storage import Storage, open_storage
from timbre.service.jobs.attempts import Attempts
from timbre.service.jobs.jobs import Jobs
from timbre.service.keys.secrets import Secrets
from timbre.service.models.packs import Packs
from timbre.service.outside.webhooks import Webhooks
from timbre.settings import Settings
from timbre.store.database import Database, Row, open_database
from timbre.store.embedded import EmbeddedPostgres
from timbre.store.identifiers import new_id
from timbre.store.queue import Queue

TEMPLATE = "template_of_tests"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a server that has a migrated database to copy."""
    # Not in pytest's own folder: another run of it by root closes that to the user that root's database runs as.
    with TemporaryDirectory() as folder:
        put_database(Path(folder))
        embedded = EmbeddedPostgres(Path(folder, DATABASE))
        address = embedded.start()
        try:
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE postgres")
            yield address
        finally:
            embedded.stop()


@pytest.fixture
def url(postgres: str) -> Iterator[str]:
    """The address of a database of the test's own."""
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        yield named(postgres, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def named(address: str, name: str) -> str:
    """The address of another database on the same server."""
    return address.replace("/postgres?", f"/{name}?", 1)


@dataclass(frozen=True, kw_only=True)
class Service:
    """The service's rules on a database, without HTTP."""

    database: Database
    queue: Queue
    storage: Storage
    media: Media
    usage: Usage
    webhooks: Webhooks
    jobs: Jobs
    attempts: Attempts
    caller: Caller
    settings: Settings

    async def rows(self, query: str, **arguments: Any) -> list[Row]:
        async with self.database.transaction() as connection:
            cursor = await connection.execute(query.encode(), arguments)
            return await cursor.fetchall() if cursor.description else []

    async def empty(self, *tables: str) -> bool:
        return not [row for table in tables for row in await self.rows(f"TABLE {table}")]

    async def row(self, job: UUID) -> Row:
        (row,) = await self.rows("SELECT * FROM jobs WHERE id = %(job)s", job=job)
        return row

    async def entries(self) -> list[tuple[str, str]]:
        """Lanes and states of all entries in the queue, in the order they were made."""
        rows = await self.rows("SELECT queue_name, status::text AS status FROM procrastinate_jobs ORDER BY id")
        return [(row["queue_name"], row["status"]) for row in rows]


@asynccontextmanager
async def opened(url: str, folder: Path, **given: Any) -> AsyncIterator[Service]:
    """The service on this database, with a team and a key of its own."""
    settings = Settings(data_dir=folder, **given)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(url, connections=24, application="test"))
        queue = Queue(database)
        await queue.open()
        storage, usage, webhooks = open_storage(settings), Usage(database), Webhooks(database, queue, settings)
        media = Media(database, storage, Secrets(database), settings)
        teams = Teams(database)
        key = await teams.create_key("test", team=f"team {new_id()}")
        rules = {"usage": usage, "webhooks": webhooks, "settings": settings}
        yield Service(
            database=database,
            queue=queue,
            storage=storage,
            media=media,
            jobs=Jobs(database, queue, media=media, storage=storage, packs=Packs(settings), **rules),
            attempts=Attempts(database, queue, **rules),
            caller=await teams.authenticate(f"Bearer {key}"),
            **rules,
        )


class Line:
    """A line to the server that can be cut at the worst moment: after a commit, before its answer."""

    def __init__(self, url: str, folder: Path) -> None:
        self._server = f"{parse_qs(urlsplit(url).query)['host'][0]}/.s.PGSQL.5432"
        self._socket = folder / ".s.PGSQL.5432"
        self.url = f"{url.partition('?')[0]}?host={folder}&port=5432"
        self.cuts = 0  # how many commits more go unanswered

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Carry connections while the block runs."""
        carried = set[asyncio.Task[None]]()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task
            carried.add(task)
            try:
                await self._carry(reader, writer)
            finally:
                writer.close()

        async with await asyncio.start_unix_server(accept, self._socket):
            yield
            for task in carried:
                task.cancel()
            await asyncio.gather(*carried, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(self._server)
        cut = False

        async def forth() -> None:
            nonlocal cut
            while data := await reader.read(1 << 16):
                if b"COMMIT" in data and self.cuts:
                    self.cuts -= 1
                    cut = True
                back.write(data)
            back.close()

        sending = asyncio.create_task(forth())
        try:
            while data := await there.read(1 << 16):
                if cut:
                    return
                writer.write(data)
        finally:
            sending.cancel()
            back.close()
