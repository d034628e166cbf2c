"""Many recordings at once: to tag, to keep, to delete, to take as files."""

from __future__ import annotations

import asyncio
import io
import mimetypes
import re
import zipfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from timbre.errors import JobUnknown, MediaUnknown, OutputMissing, RequestInvalid
from timbre.formats import Format
from timbre.service.files.media_types import extension
from timbre.service.files.storage import Storage
from timbre.service.jobs.jobs import Jobs
from timbre.service.jobs.requests import ChangeJobsRequest, ExportJobsRequest
from timbre.service.requests.values import MOST_TAGS
from timbre.service.results.exports import export
from timbre.store.database import Database, Row
from timbre.store.queries import queries

_SQL: Final = queries("jobs")
_LONGEST_STEM: Final = 100  # characters of a file's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """What became of jobs that were to go."""

    deleted: tuple[UUID, ...] = ()
    canceled: tuple[UUID, ...] = ()  # they had not ended
    missing: tuple[UUID, ...] = ()  # the team has none of these ids


class Archive:
    """The recordings of every team, several at a time."""

    def __init__(self, database: Database, jobs: Jobs, storage: Storage) -> None:
        self._database = database
        self._jobs = jobs
        self._storage = storage

    async def tags(self, team: UUID) -> list[Row]:
        """The tags that jobs of a team bear: `tag`, and `jobs`, how many."""
        return await self._database.all(_SQL["tags"], {"team": team})

    async def change(self, team: UUID, change: ChangeJobsRequest) -> list[UUID]:
        """Keep jobs, let them go or tag them; return those of them that the team has.

        Raises:
            RequestInvalid: one would have more tags than a recording can have; none is changed then.
        """
        arguments = {
            "team": team,
            "ids": list(change.jobs),
            "kept": change.kept,
            "add": list(change.add_tags),
            "remove": list(change.remove_tags),
        }
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(_SQL["change_many"], arguments)).fetchall()
            if any(row["tags"] > MOST_TAGS for row in rows):
                raise RequestInvalid([("addTags", f"A recording has at most {MOST_TAGS} tags; one would have more")])
        return [row["id"] for row in rows]

    async def delete(self, team: UUID, jobs: Sequence[UUID], *, key: UUID | None = None) -> Deleted:
        """Cancel jobs that have not ended, and erase those that have with all that is kept of them."""
        deleted, canceled, missing = list[UUID](), list[UUID](), list[UUID]()
        for job in jobs:
            try:
                (canceled if await self._jobs.delete(team, job, canceled=True, key=key) else deleted).append(job)
            except JobUnknown:
                missing.append(job)
        return Deleted(deleted=tuple(deleted), canceled=tuple(canceled), missing=tuple(missing))

    async def export(self, team: UUID, wanted: ExportJobsRequest) -> AsyncIterator[bytes]:
        """Begin a zip file with the outputs of jobs, and with their recordings where those are wanted.

        Nothing of it is kept but what is on its way. What cannot be had is left out, and named in it.

        Raises:
            OutputMissing: none of them has an output.
        """
        pieces = self._pieces(team, wanted)
        return _with_first(await anext(pieces), pieces)

    async def _pieces(self, team: UUID, wanted: ExportJobsRequest) -> AsyncGenerator[bytes]:
        names, left_out, sink = set[str](), list[str](), _Sink()
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as packed:
            for job in wanted.jobs:
                try:
                    row, output = await self._jobs.output_text(team, job)
                    files = await asyncio.to_thread(_files, row, output, wanted.formats)
                except (JobUnknown, OutputMissing) as error:
                    left_out.append(f"{job}: {error}\n")
                    continue
                stem = _free(_stem(row), names)
                for end, content in files:
                    await asyncio.to_thread(packed.writestr, stem + end, content)
                    yield sink.taken()
                if wanted.recordings:
                    try:
                        async with aclosing(self._recording(team, row, stem, packed)) as steps:
                            async for _ in steps:
                                yield sink.taken()
                    except MediaUnknown as error:
                        left_out.append(f"{job}: {error}\n")
            if not names:
                raise OutputMissing("None of these jobs has an output that can be taken as a file.")
            if left_out:
                packed.writestr("left-out.txt", "".join(left_out))
        yield sink.taken()

    async def _recording(self, team: UUID, row: Row, stem: str, packed: zipfile.ZipFile) -> AsyncGenerator[None]:
        """Write what a job heard, as it was uploaded, a part with each step.

        Raises:
            MediaUnknown: it is not kept.
        """
        recording = await self._jobs.recording(team, row["id"])
        chunks = self._storage.chunks(recording.object)
        head = await anext(chunks, b"")
        entry = zipfile.ZipInfo(stem + _extension(row["title"] or "", head), row["created_at"].timetuple()[:6])
        with packed.open(entry, "w", force_zip64=True) as file:  # it may be larger than 4 GB; sound does not shrink
            file.write(head)
            async for chunk in chunks:
                yield
                await asyncio.to_thread(file.write, chunk)
        yield


class _Sink(io.RawIOBase):
    """Takes what is written, until it is taken away; nobody goes back in it."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._written += data
        return len(data)

    def taken(self) -> bytes:
        """What was written since this was asked last."""
        written = bytes(self._written)
        self._written.clear()
        return written


async def _with_first(first: bytes, others: AsyncGenerator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(others):
        yield first
        async for piece in others:
            yield piece


def _files(row: Row, output: bytes, formats: Sequence[Format]) -> list[tuple[str, bytes]]:
    """The output in each format, with the end of the file's name."""
    return [
        (
            Format(each).extension,
            output if each is Format.JSON else export(output, row, each),
        )
        for each in formats
    ]


def _stem(row: Row) -> str:
    """Return the title of a recording as a file can be called, without the extension that it had."""
    title = re.sub(r"\.\w{1,5}$", "", row["title"] or "")
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "-", title).strip(" .-")[:_LONGEST_STEM] or str(row["id"])


def _extension(title: str, head: bytes) -> str:
    """How the name of a recording ends: as its title does where that names a kind of recording, or by how it begins."""
    kind = mimetypes.guess_type(PurePath(title).name)[0] or ""
    return PurePath(title).suffix if kind.startswith(("audio/", "video/")) else extension(head)


def _free(stem: str, names: set[str]) -> str:
    """Return a name that no other file has, in whatever case, and take it."""
    name, number = stem, 1
    while name.casefold() in names:
        number += 1
        name = f"{stem} ({number})"
    names.add(name.casefold())
    return name
