"""A pool of connections to PostgreSQL, and transactions on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Self

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from timbre.errors import DatabaseUnavailable, ServiceUnavailable

Connection = AsyncConnection[DictRow]
Row = DictRow
_WAIT: Final = 5.0  # seconds for a free connection
_GIVE_UP: Final = 2.0  # seconds after which the pool itself no longer waits for a connection, but makes a new one
_PATIENCE: Final = 30.0  # seconds for the first connection: a database that is away says so sooner, a busy one may not
_PAUSES: Final = (0.1, 0.2, 0.4, 0.6, 0.7)  # seconds between these attempts: many connections come back at once
# What a connection that broke raises; the last one where it stood still in a transaction, and the database ended it.
BROKEN: Final = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.IdleInTransactionSessionTimeout)
_LIMIT: Final = b"SELECT set_config('idle_in_transaction_session_timeout', %s, false)"


class _Connection(AsyncConnection[DictRow]):
    """A connection that is there at once when the database comes back; a pool by itself waits longer and longer."""

    @classmethod
    async def connect(cls, conninfo: str = "", **options: Any) -> Self:
        """Connect, trying for a while."""
        for pause in _PAUSES:
            try:
                return await super().connect(conninfo, **options)
            except psycopg.OperationalError:
                await asyncio.sleep(pause)
        return await super().connect(conninfo, **options)


class Database:
    """What the service asks the database through."""

    def __init__(self, pool: AsyncConnectionPool[Connection]) -> None:
        self.pool = pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection, in a transaction that commits when the block ends well.

        Raises:
            ServiceUnavailable: the database cannot be reached, or broke off.
        """
        async with self._connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            async with self.pool.connection() as connection:
                yield connection
        except (PoolTimeout, *BROKEN) as error:
            raise ServiceUnavailable("The database does not answer; try again soon.") from error

    async def one(self, query: bytes, arguments: Mapping[str, Any] | None = None) -> Row | None:
        """The first row of a query, in a transaction of its own."""
        async with self._connection() as connection:
            return await one(connection, query, arguments)

    async def all(self, query: bytes, arguments: Mapping[str, Any] | None = None) -> list[Row]:
        """All rows of a query, in a transaction of its own."""
        async with self._connection() as connection:
            return await (await connection.execute(query, arguments)).fetchall()

    @asynccontextmanager
    async def apart(self) -> AsyncIterator[Connection]:
        """A connection of its own that commits by itself, for what takes long or changes the session.

        Raises:
            ServiceUnavailable: the database cannot be reached, or broke off.
        """
        try:
            async with await _Connection.connect(
                self.pool.conninfo,  # type: ignore[arg-type]
                autocommit=True,
                row_factory=dict_row,
            ) as connection:
                yield connection
        except BROKEN as error:
            raise ServiceUnavailable("The database does not answer; try again soon.") from error

    async def listen(self, channel: str) -> AsyncIterator[str]:
        """The payloads of a channel's notifications as they come, on a connection of its own.

        Raises:
            psycopg.OperationalError: the connection broke; what came meanwhile is lost.
        """
        connection = await AsyncConnection.connect(self.pool.conninfo, autocommit=True)  # type: ignore[arg-type]
        async with connection:
            await connection.execute(b"LISTEN " + channel.encode())
            yield ""  # from here on nothing is missed
            async for notification in connection.notifies():
                yield notification.payload


async def one(connection: Connection, query: bytes, arguments: Mapping[str, Any] | None = None) -> Row | None:
    """The first row of a query, in the transaction of a connection."""
    cursor = await connection.execute(query, arguments)
    return await cursor.fetchone() if cursor.description else None


def unavailable(error: Exception) -> DatabaseUnavailable:
    """The error that says why the database cannot be reached; what stands in its address may be secret."""
    if isinstance(error, psycopg.ProgrammingError) and error.sqlstate is None:  # of no server, but of the address
        return DatabaseUnavailable(
            "TIMBRE_DATABASE_URL is not the address of a PostgreSQL; expected postgresql://user:password@host/name."
        )
    return DatabaseUnavailable(
        f"The database cannot be reached: {str(error) or 'it does not answer'}; check TIMBRE_DATABASE_URL."
    )


@asynccontextmanager
async def open_database(
    url: str, *, connections: int, application: str, silence: float = 0.0
) -> AsyncIterator[Database]:
    """Open a pool.

    Args:
        url: Of PostgreSQL.
        connections: At most so many.
        application: What the database calls them in its own lists.
        silence: Seconds that a transaction may stand still; then the database ends it, so that a process that is
            frozen holds nothing that others wait for. 0 for any time.

    Raises:
        DatabaseUnavailable: it cannot be reached.
    """

    async def configure(connection: Connection) -> None:
        # Spares single statements two trips to the database; not by an argument, as the queue gives that itself.
        await connection.set_autocommit(True)
        if silence:
            await connection.execute(_LIMIT, [f"{round(1000 * silence)}ms"])

    pool = AsyncConnectionPool[Connection](
        url,
        connection_class=_Connection,
        min_size=1,
        max_size=connections,
        timeout=_WAIT,
        reconnect_timeout=_GIVE_UP,
        kwargs={"row_factory": dict_row, "application_name": application},
        configure=configure,
        check=AsyncConnectionPool.check_connection,
        open=False,
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            await (await _Connection.connect(url)).close()
            await pool.open(wait=True, timeout=_PATIENCE)
    except (TimeoutError, PoolTimeout, psycopg.Error) as error:
        await pool.close()
        raise unavailable(error) from error
    try:
        yield Database(pool)
    finally:
        await pool.close()
