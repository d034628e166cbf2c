"""Many recordings at once: to tag, to keep, to delete, to take as files."""

from __future__ import annotations

import asyncio
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Final
from uuid import UUID

from timbre.errors import JobUnknown, OutputMissing, RequestInvalid
from timbre.formats import Format
from timbre.service.jobs.jobs import Jobs
from timbre.service.jobs.requests import ChangeJobsRequest, ExportJobsRequest
from timbre.service.requests.values import MOST_TAGS
from timbre.service.results.exports import export
from timbre.settings import Settings
from timbre.store.database import Database, Row
from timbre.store.queries import queries

Archived = SpooledTemporaryFile[bytes]
_SQL: Final = queries("jobs")
_IN_MEMORY: Final = 8 << 20  # bytes of an archive file that are held there before they go to disk
_LONGEST_STEM: Final = 100  # characters of a file's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """What became of jobs that were to go."""

    deleted: tuple[UUID, ...] = ()
    canceled: tuple[UUID, ...] = ()  # they had not ended
    missing: tuple[UUID, ...] = ()  # the team has none of these ids


class Archive:
    """The recordings of every team, several at a time."""

    def __init__(self, database: Database, jobs: Jobs, settings: Settings) -> None:
        self._database = database
        self._jobs = jobs
        self._settings = settings

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
                (canceled if await self._jobs.delete(team, job, key=key) else deleted).append(job)
            except JobUnknown:
                missing.append(job)
        return Deleted(deleted=tuple(deleted), canceled=tuple(canceled), missing=tuple(missing))

    async def export(self, team: UUID, wanted: ExportJobsRequest) -> Archived:
        """Write the outputs of jobs into a zip file, from whose beginning it is to be read.

        Those without an output are left out, and named in it.

        Raises:
            OutputMissing: none of them has an output.
        """
        file = SpooledTemporaryFile[bytes](
            max_size=_IN_MEMORY, dir=str(self._settings.temp_dir) if self._settings.temp_dir else None
        )
        try:
            return await self._write(team, wanted, file)
        except BaseException:
            file.close()
            raise

    async def _write(self, team: UUID, wanted: ExportJobsRequest, file: Archived) -> Archived:
        names, left_out = set[str](), list[str]()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            for job in wanted.jobs:
                try:
                    row, output = await self._jobs.output_text(team, job)
                    files = await asyncio.to_thread(_files, row, output, wanted.formats)
                except (JobUnknown, OutputMissing) as error:
                    left_out.append(f"{job}: {error}\n")
                    continue
                stem = _free(_stem(row), names)
                for extension, text in files:
                    await asyncio.to_thread(packed.writestr, stem + extension, text)
            if not names:
                raise OutputMissing("None of these jobs has an output that can be taken as a file.")
            if left_out:
                packed.writestr("left-out.txt", "".join(left_out))
        file.seek(0)
        return file


def _files(row: Row, output: bytes, formats: Sequence[Format]) -> list[tuple[str, bytes]]:
    """The output in each format, with the end of the file's name."""
    return [
        (
            Format(each).extension,
            output if each is Format.JSON else export(output, row, each).encode(),
        )
        for each in formats
    ]


def _stem(row: Row) -> str:
    """Return the title of a recording as a file can be called, without the extension that it had."""
    title = re.sub(r"\.\w{1,5}$", "", row["title"] or "")
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]+', "-", title).strip(" .-")[:_LONGEST_STEM] or str(row["id"])


def _free(stem: str, names: set[str]) -> str:
    """Return a name that no other file has, in whatever case, and take it."""
    name, number = stem, 1
    while name.casefold() in names:
        number += 1
        name = f"{stem} ({number})"
    names.add(name.casefold())
    return name
