"""A database as SQL, compressed: how it leaves one PostgreSQL and enters another.

`pg_dump` and `psql` come with Timbre. They are of the newest PostgreSQL, so they read every server that Timbre runs on,
and what they write is text, which every later one reads.
"""

from __future__ import annotations

import asyncio
import os
import zlib
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import IO, Any, Final

from psycopg.conninfo import conninfo_to_dict

from timbre.errors import BackupError, BackupUnreadable
from timbre.store.programs import bundled, environment

_PIECE: Final = 1 << 20  # bytes
_SERVICE: Final = "timbre"
_ENDED: Final = 5.0  # seconds for a program that was told to end
# Written by the newest pg_dump, and not known to PostgreSQL 16 and before; a new session has none anyway.
_TIMEOUT: Final = b"SET transaction_timeout = 0;\n"
_GZIP: Final = 31  # of zlib: with the header of gzip


async def dump(url: str, snapshot: str) -> AsyncIterator[bytes]:
    """Yield the database at this address as it was in a snapshot, as SQL in gzip.

    Raises:
        BackupError: it cannot be read.
    """
    options = ("--no-owner", "--no-privileges", "--no-comments", "--no-statistics", "--compress=gzip:6")
    async with _running("pg_dump", url, *options, f"--snapshot={snapshot}", stdin=DEVNULL, stdout=PIPE) as process:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        while piece := await process.stdout.read(_PIECE):
            yield piece


async def load(url: str, pieces: AsyncIterator[bytes], then: bytes) -> None:
    """Fill the empty database at this address with what `dump` gave: all of it, or nothing.

    Args:
        url: Of the database.
        pieces: What `dump` gave.
        then: SQL that is part of the same transaction.

    Raises:
        BackupError: the database refuses it.
        BackupUnreadable: it is not whole.
    """
    options = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--file=-")
    async with _running("psql", url, *options, stdin=PIPE, stdout=DEVNULL) as process:
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        try:
            async for text in _unpacked(pieces):
                process.stdin.write(text)
                await process.stdin.drain()
            process.stdin.write(then)
            await process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            pass  # it ended, and says why
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.close()
            await process.stdin.wait_closed()


async def _unpacked(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    unpacker = zlib.decompressobj(_GZIP)
    first = True
    try:
        async for piece in pieces:
            text = unpacker.decompress(piece)
            if first and text:
                text, first = text.replace(_TIMEOUT, b"", 1), False
            yield text
    except zlib.error:
        raise BackupUnreadable from None
    if not unpacker.eof:
        raise BackupUnreadable


@asynccontextmanager
async def _running(program: str, url: str, *options: str, **streams: Any) -> AsyncIterator[Process]:
    """Run a program on a database; what it complained of is raised when the block has ended."""
    with _service(url) as known, TemporaryFile() as said:
        process = await asyncio.create_subprocess_exec(
            bundled()[1] / program, *options, env=known, stderr=said, start_new_session=True, **streams
        )
        try:
            yield process
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                with suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), _ENDED)
        if process.returncode:
            raise BackupError(f"{program} failed: {_complaint(said)}")


@contextmanager
def _service(url: str) -> Iterator[dict[str, str]]:
    """An environment that names a database; its password stands in no list of processes."""
    with TemporaryDirectory(prefix="timbre-") as folder:
        file = Path(folder, "service")
        lines = [f"{name}={value}" for name, value in conninfo_to_dict(url).items() if value is not None]
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as writing:  # noqa: PTH123
            writing.write("\n".join([f"[{_SERVICE}]", *lines, ""]))
        yield {**environment(), "PGSERVICEFILE": str(file), "PGSERVICE": _SERVICE}


def _complaint(said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").splitlines()
    return " / ".join(lines[-3:]) or "it says nothing"
