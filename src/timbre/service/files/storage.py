"""Where recordings lie: a folder of this machine, or a bucket of an object store.

    storage = open_storage(settings)
    await storage.put("3f/3f2a…", request.stream(), most_bytes=2**30)
    async with storage.local_copy("3f/3f2a…", settings.temp_dir) as path:
        ...

Names are the server's own and random, never what a client sent. An object appears whole or not at all, and takes the
place of the one before in one step. Nothing here holds more than a few parts of an object in memory.

The object store is called in threads, through its blocking functions: the asynchronous ones end in threads that Python
does not know, and a process that exits just then is aborted.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing, asynccontextmanager, contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, BinaryIO, Literal, ParamSpec, TypeVar, cast
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, LocalStore, S3Store, from_url

from timbre.audio.temporary import temporary_file
from timbre.disk import is_full, needed
from timbre.errors import (
    MediaUnknown,
    OptionError,
    RequestTooLarge,
    ServerError,
    ServiceUnavailable,
    StorageFull,
    TimbreError,
)
from timbre.settings import Settings

if TYPE_CHECKING:
    from obstore.store import ClientConfig

__all__ = ["Storage", "open_bucket", "open_place", "open_storage"]

PART_BYTES = 5 * 2**20  # what S3 takes as a part at least
MOST_PARTS = 10_000  # what S3 takes at most of one object
PIECE_BYTES = 2**20  # read and handed on at once
CALL_THREADS = 8  # for what ends soon, as writing a piece to a file does
UPLOAD_THREADS = 16  # for what takes as long as the bucket
ABORT_SECONDS = 10.0  # an upload that is given up has this long to take back its parts
COPY_PREFIX = "timbre-media-"
_DRAFTS = 10**12  # so that two of one name are not the same

_NAME = re.compile(r"[a-z0-9-]+(/[a-z0-9-]+)*")
_UNFINISHED = re.compile(r".+#\d+")  # as the local store calls an object while it is written
_VARIABLES = {"s3": "AWS_", "gs": "GOOGLE_", "az": "AZURE_"}
_CLIENT_OPTIONS = ("allow_http", "allow_invalid_certificates", "proxy_url", "proxy_excludes")

Bucket = S3Store | GCSStore | AzureStore

Item = TypeVar("Item")
Options = ParamSpec("Options")


def open_storage(settings: Settings) -> Storage:
    """Open the storage that the settings name, and see that it can be reached.

    Raises:
        OptionError: the URL of the storage is malformed or of an unknown kind.
        PathUnusable, DiskFull: the folder cannot be made, or not written to.
        ServerError: the bucket cannot be listed.
    """
    if settings.storage_url is not None:
        return Storage(open_bucket(settings.storage_url), temp_dir=settings.temp_dir)
    return _open_folder(settings.data_dir.absolute() / "media", "name another data folder with TIMBRE_DATA_DIR")


def open_place(where: str | Path) -> Storage:
    """Open another place for objects: a folder, or the URL of a bucket as in `TIMBRE_STORAGE_URL`.

    Raises:
        as `open_storage`
    """
    if isinstance(where, str):
        return Storage(open_bucket(where, "The address of the bucket"))
    return _open_folder(where.absolute(), "name another folder")


def _open_folder(folder: Path, otherwise: str) -> Storage:
    try:
        with needed(folder, otherwise):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        return Storage(LocalStore(folder), folder=folder)
    except BaseError as error:
        raise ServerError(f"Nothing can be stored in {folder}: {_reason(error)}.") from error


class Storage:
    """Objects by name; made by `open_storage`. Used from one event loop at a time.

    A name is made of `a-z`, `0-9` and `-`, with `/` between folders; any other raises ValueError. Where the storage
    does not answer, every method raises `ServiceUnavailable`.
    """

    def __init__(self, store: Bucket | LocalStore, *, folder: Path | None = None, temp_dir: Path | None = None) -> None:
        self._store = store
        self._folder = folder
        self._temp_dir = temp_dir
        self._calls = ThreadPoolExecutor(CALL_THREADS, "storage")
        self._uploads = ThreadPoolExecutor(UPLOAD_THREADS, "upload")

    async def put(self, name: str, chunks: AsyncIterator[bytes], *, most_bytes: int) -> int:
        """Store what `chunks` yields under this name, in place of what was there; return its length in bytes.

        When `chunks` raises, or this call is canceled, what was there before stays. Until all of it has arrived it is
        written to a file, a piece at a time, so that a slow peer holds neither a thread nor memory.

        Raises:
            RequestTooLarge: there are more than `most_bytes`; nothing was stored.
            StorageFull: the disk has no room for it; nothing was stored.
        """
        _check(name)
        async with aclosing(_pieces(chunks, most_bytes)) as pieces:
            if self._folder is None:
                with _reported():
                    file = await self._call(temporary_file, self._temp_dir)
                with file:
                    size = await self._written(file, pieces)
                    await self._sent(name, file, size)
                return size
            path = self._folder / name
            draft = path.with_name(f"{path.name}#{secrets.randbelow(_DRAFTS)}")
            try:
                with _reported():
                    file = await self._call(_begun, draft)
                with file:
                    size = await self._written(file, pieces)
                with _reported():
                    await self._call(draft.replace, path)
            except BaseException:
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
                raise
            return size

    async def _written(self, file: BinaryIO, pieces: AsyncIterator[bytes]) -> int:
        """Write pieces to a file as they come; return their bytes."""
        size = 0
        async for piece in pieces:
            writing = asyncio.ensure_future(self._call(file.write, piece))
            try:
                with _reported():
                    await asyncio.shield(writing)
            except asyncio.CancelledError:
                await asyncio.wait({writing})  # the file is closed next
                raise
            size += len(piece)
        with _reported():
            await self._call(file.flush)
        return size

    async def _sent(self, name: str, file: BinaryIO, size: int) -> None:
        """Bring a file that is whole into the bucket."""
        file.seek(0)
        if size < PART_BYTES:
            with _reported():
                await self._call(obstore.put, self._store, name, file.read(), use_multipart=False)
            return
        parts = _Parts(file)
        part_bytes = max(PART_BYTES, -(-size // MOST_PARTS))
        draw = partial(obstore.put, self._store, name, parts, chunk_size=part_bytes, max_concurrency=2)
        upload = asyncio.get_running_loop().run_in_executor(self._uploads, draw)
        try:
            await asyncio.wait({upload})
        except BaseException:
            # A canceled upload would leave its parts in the bucket, unseen and paid for; one that fails removes them.
            parts.given_up.set()
            await asyncio.wait({upload}, timeout=ABORT_SECONDS)
            raise
        with _reported():
            upload.result()

    async def size(self, name: str) -> int | None:
        """Return the length of an object in bytes, None where there is none."""
        _check(name)
        try:
            with _reported(reading=True):
                return (await self._call(obstore.head, self._store, name))["size"]
        except MediaUnknown:
            return None

    async def delete(self, name: str) -> None:
        """Delete an object; it is no error when there is none."""
        _check(name)
        with suppress(MediaUnknown), _reported(reading=True):
            await self._call(obstore.delete, self._store, name)

    async def names(self) -> AsyncIterator[tuple[str, datetime, int]]:
        """Yield name, time of the last change (UTC) and length in bytes of every object, in no order.

        Files that cannot be the server's own, by their names, are left out.
        """
        with _reported():
            async for page in self._drawn(obstore.list(self._store, chunk_size=1000)):
                for meta in page:
                    if _NAME.fullmatch(meta["path"]):
                        yield meta["path"], meta["last_modified"], meta["size"]

    async def chunks(self, name: str, part: tuple[int, int] | None = None) -> AsyncIterator[bytes]:
        """Yield the content of an object in order, about 1 MiB at a time.

        Args:
            name: Of the object.
            part: The first byte and the one behind the last; at least one. All of them if left out.

        Raises:
            MediaUnknown: there is no such object.
        """
        _check(name)
        with _reported(reading=True):
            content = await self._call(obstore.get, self._store, name, options={"range": part} if part else None)
            async for chunk in self._drawn(content.stream(min_chunk_size=PIECE_BYTES)):
                yield chunk

    @asynccontextmanager
    async def local_copy(self, name: str, folder: Path | None) -> AsyncIterator[Path]:
        """Give a file to read the object from: its own, or one in `folder` (the system's if None) until left.

        Raises:
            MediaUnknown: there is no such object.
            TimbreError: the copy cannot be written.
        """
        path = self.path(name)
        if path is not None:
            if await self.size(name) is None:
                raise MediaUnknown
            yield path
            return
        with ExitStack() as stack:
            with _copying():
                file = stack.enter_context(tempfile.NamedTemporaryFile(prefix=COPY_PREFIX, dir=folder))
                async for chunk in self.chunks(name):
                    await asyncio.to_thread(file.write, chunk)
                await asyncio.to_thread(file.flush)
            yield Path(file.name)

    def path(self, name: str) -> Path | None:
        """Return where the object's file is or would be, None where objects are not files of this machine."""
        _check(name)
        return None if self._folder is None else self._folder / name

    async def presign(self, method: Literal["GET", "PUT"], name: str, seconds: int) -> str | None:
        """Return a link that lets anyone read or write this object for so many seconds.

        None where the storage has no such links that a bare request can use: on the local folder, and for PUT on Azure,
        which insists on a header of its own.
        """
        _check(name)
        if isinstance(self._store, LocalStore) or (method == "PUT" and isinstance(self._store, AzureStore)):
            return None
        with _reported():
            return await self._call(obstore.sign, self._store, method, name, timedelta(seconds=seconds))

    async def _call(self, function: Callable[Options, Item], *args: Options.args, **options: Options.kwargs) -> Item:
        return await asyncio.get_running_loop().run_in_executor(self._calls, partial(function, *args, **options))

    async def _drawn(self, items: Iterator[Item]) -> AsyncIterator[Item]:
        while (item := await self._call(next, items, None)) is not None:
            yield item

    async def clear_unfinished(self, before: datetime, folder: Path | None) -> int:
        """Remove what processes left that were killed while they wrote; return how many files that were.

        These are half-written objects of the local folder, and copies in `folder` (the system's if None), when they
        were last written to before this time. Half-written objects of a bucket are for its own lifecycle rules.
        """
        return await asyncio.to_thread(self._clear_unfinished, before.timestamp(), folder)

    def _clear_unfinished(self, before: float, folder: Path | None) -> int:
        left = list(Path(folder or tempfile.gettempdir()).glob(f"{COPY_PREFIX}*"))
        if self._folder is not None:
            left += [path for path in self._folder.rglob("*#*") if _UNFINISHED.fullmatch(path.name)]
        removed = 0
        for path in left:
            with suppress(OSError):
                if path.stat().st_mtime < before:
                    path.unlink()
                    removed += 1
        return removed


class _Parts:
    """A file in pieces, for the upload's thread, which draws them one by one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.given_up = Event()  # set, it makes the upload fail, so that it cleans up after itself

    def __iter__(self) -> Iterator[bytes]:
        while piece := self._file.read(PIECE_BYTES):
            if self.given_up.is_set():
                raise InterruptedError("the upload was given up")
            yield piece


def _begun(draft: Path) -> BinaryIO:
    draft.parent.mkdir(parents=True, exist_ok=True)
    return draft.open("xb")


async def _pieces(chunks: AsyncIterator[bytes], most_bytes: int) -> AsyncGenerator[bytes, None]:
    """Yield the same bytes in larger pieces, none of them empty."""
    total, held, gathered = 0, 0, list[bytes]()
    async for chunk in chunks:
        total += len(chunk)
        if total > most_bytes:
            raise RequestTooLarge(f"This is larger than the {most_bytes:,} bytes allowed; send less.")
        held += len(chunk)
        gathered.append(chunk)
        if held >= PIECE_BYTES:
            yield b"".join(gathered)
            held, gathered = 0, []
    if held:
        yield b"".join(gathered)


def open_bucket(url: str, called: str = "TIMBRE_STORAGE_URL") -> Bucket:
    """Open a bucket, and see that it can be listed.

    Raises:
        OptionError: the URL is malformed or of an unknown kind; the message calls it so.
        ServerError: it cannot be listed.
    """
    scheme = url.partition("://")[0]
    if scheme not in _VARIABLES:
        raise OptionError(
            f"{called} begins with {scheme!r}; give s3://bucket/prefix, gs://… or az://…, or leave it out to use a"
            " folder."
        )
    try:
        parts = urlsplit(url)
        shown = f"{scheme}://{parts.hostname or ''}{parts.path}"
        probe, store = (_connect(url, scheme, retries) for retries in (2, 10))
    except (BaseError, ValueError) as error:
        raise OptionError(
            f"{called} cannot be used ({_reason(error)}); it must look like s3://bucket/prefix,"
            f" and the variables {_VARIABLES[scheme]}… must fit it."
        ) from error
    try:
        next(iter(obstore.list(probe)), None)
    except (BaseError, OSError) as error:
        raise ServerError(
            f"Nothing can be stored in {shown} ({_reason(error)}); check {called}, that the bucket exists,"
            f" and the credentials and endpoint in the variables {_VARIABLES[scheme]}…"
        ) from error
    return store


def _connect(url: str, scheme: str, retries: int) -> Bucket:
    # Client options given here take the place of all that the environment says, so those are carried over.
    carried = {option: os.environ.get(f"{_VARIABLES[scheme]}{option.upper()}") for option in _CLIENT_OPTIONS}
    options = {option: value for option, value in carried.items() if value is not None}
    limits = {"connect_timeout": "5s", "read_timeout": "60s", "timeout": "6h"}  # of a request, and its whole answer
    store = from_url(
        url,
        client_options=cast("ClientConfig", limits | options),
        retry_config={"max_retries": retries, "retry_timeout": timedelta(seconds=60)},
    )
    return cast("Bucket", store)


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"expected an object name of a-z, 0-9, - and /, got {name!r}")


def _reason(error: Exception) -> str:
    """Return what the store says went wrong; the lines after the first are for its own developers."""
    lines = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return lines.partition("\n")[0].strip()


@contextmanager
def _reported(*, reading: bool = False) -> Iterator[None]:
    """Turn the store's errors into ours; the reason stays with the cause, as it names addresses within."""
    try:
        yield
    except (BaseError, OSError) as error:
        if is_full(error):
            raise StorageFull from error
        if reading and isinstance(error, FileNotFoundError):
            raise MediaUnknown from error
        raise ServiceUnavailable("The storage of media cannot be used now; try again soon.") from error


@contextmanager
def _copying() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise TimbreError(
            f"A recording cannot be copied to the temporary folder ({_reason(error)});"
            " make room, or set TIMBRE_TEMP_DIR."
        ) from error
