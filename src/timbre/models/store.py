"""The store: the folder of model files on this machine.

    store = Store(Settings())
    store.pull("ge2e")
    store.path("ge2e")          # a checked file, ready to be opened

A file lies there under its name in the catalogue and is checked against its sha256 whenever it is asked for.
Files that are shipped with Timbre lie beside this module instead, and nothing is ever written there.
Files that were converted here have the checksum of the result in `manifest.json`. Changes happen under a lock
and by renaming finished files, so any number of processes may share the folder.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from timbre.disk import refusal
from timbre.errors import ModelCorrupt, ModelError, ModelMissing, ModelUnknown
from timbre.models import archive, conversion, download
from timbre.models.archive import MANIFEST, Record, sha256
from timbre.models.catalogue import Catalogue, HubSource, ModelFile, PackFiles, WheelSource, catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from timbre.models.download import Progress
    from timbre.settings import Settings

_LOCK: Final = ".lock"
_WORK: Final = ".work-"  # what a process that was killed leaves behind starts with this
_SHIPPED: Final = Path(__file__).parent / "shipped"
_CONVERSIONS: Final = {"ge2e": conversion.ge2e}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatus:
    """How it stands with one file."""

    file: ModelFile
    state: Literal["present", "missing", "corrupt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackStatus:
    """How it stands with one pack."""

    pack: PackFiles
    complete: bool
    files: tuple[FileStatus, ...]


class Store:
    """The model files of this machine."""

    def __init__(self, settings: Settings, *, models: Catalogue | None = None) -> None:
        self._settings = settings
        self._catalogue = models or catalogue()
        self._folder = settings.models_dir

    def status(self) -> tuple[PackStatus, ...]:
        """Return all packs, the best first, and which of their files are there; checks no checksum."""
        return tuple(
            PackStatus(pack=pack, complete=self.is_complete(pack), files=tuple(map(self._presence, pack.files)))
            for pack in self._catalogue.packs.values()
        )

    def verify(self) -> tuple[FileStatus, ...]:
        """Check every file that is there, and those that must be because they are shipped, against its checksum."""
        expected = (file for file in self._catalogue.files.values() if file.shipped or self.has(file))
        return tuple(
            FileStatus(file=file, state="present" if self._intact(file) else "corrupt" if self.has(file) else "missing")
            for file in expected
        )

    def has(self, file: ModelFile) -> bool:
        """Tell whether a file is there, right or wrong."""
        return self._place(file).is_file()

    def is_complete(self, pack: PackFiles) -> bool:
        """Tell whether all that a pack needs is there: of its segmenters, one."""
        return all(map(self.has, self.needed(pack)))

    def segmenter(self, pack: PackFiles) -> ModelFile | None:
        """Return the best of a pack's segmenters that is there, or the best of all if none is."""
        return next(filter(self.has, pack.segmenters), next(iter(pack.segmenters), None))

    def needed(self, pack: PackFiles) -> tuple[ModelFile, ...]:
        """Return the files without which a pack does not work: of its segmenters, one."""
        segmenter = self.segmenter(pack)
        return (pack.vad, *((segmenter,) if segmenter else ()), pack.encoder)

    def path(self, name: str) -> Path:
        """Return the path of a file by its name in the catalogue, checked.

        Raises:
            ModelUnknown: the catalogue has no such file.
            ModelMissing: it is not there.
            ModelCorrupt: it is not what was published, or not what was converted from it.
        """
        file = self._catalogue.file(name)
        advice = (
            "it comes with Timbre: install Timbre again"
            if file.shipped
            else f"get it with `timbre models pull {self._catalogue.pack_with(file)}`"
        )
        if not self.has(file):
            raise ModelMissing(f"The model {file.name} is not in {self._place(file).parent}; {advice}.")
        if not self._intact(file):
            raise ModelCorrupt(f"{self._place(file)} does not match its checksum; {advice}.")
        return self._place(file)

    def pull(self, pack: str, progress: Progress = download.silent) -> None:
        """Download what a pack still needs.

        Raises:
            ModelUnknown: there is no such pack.
            ModelMissing: something is missing, but downloads are forbidden (`TIMBRE_OFFLINE`).
            ExtraMissing: a file would have to be converted, by a package that is not installed.
            ModelDownloadFailed: a file could not be fetched.
            ModelCorrupt: a file was fetched, but is not the one in the catalogue; or a shipped file is damaged.
        """
        needed = self.needed(self._catalogue.pack(pack))
        for file in needed:
            if file.shipped:
                self.path(file.name)
        if all(map(self._intact, needed)):
            return
        with self._work_folder() as work:
            for file in needed:
                if not self._intact(file):
                    self._fetch(file, work, progress)

    def add(self, path: Path) -> ModelFile:
        """Take in a file that the user has, unless it is shipped, and return which one of the catalogue it is.

        Raises:
            ModelUnknown: no file of the catalogue has its checksum.
            ExtraMissing: it would have to be converted, by a package that is not installed.
        """
        try:
            found = sha256(path)
        except OSError as error:
            raise ModelMissing(f"{path} cannot be read: {error.strerror}.") from error
        for file in self._catalogue.files.values():
            if file.sha256 == found and file.shipped:
                return file
            if file.sha256 == found:
                with self._work_folder() as work:
                    self._install(file, Path(shutil.copyfile(path, work / file.filename)))
                return file
        raise ModelUnknown(f"{path} is none of the files in the catalogue: its sha256 is {found}.")

    def export(self, path: Path) -> tuple[ModelFile, ...]:
        """Write all files of the folder into one archive, and return which they are; each Timbre has the shipped ones.

        Raises:
            ModelMissing: there are none.
            ModelCorrupt: one is damaged.
            ModelError: the archive cannot be written.
        """
        files = tuple(file for file in self._catalogue.files.values() if not file.shipped and self.has(file))
        if not files:
            raise ModelMissing(
                "There is nothing to export: what comes with Timbre is on every machine that has it."
                " Get other models with `timbre models pull`."
            )
        records = {
            file.filename: Record(sha256=sha256(self.path(file.name)), source_sha256=file.sha256) for file in files
        }
        try:
            archive.pack(path, self._folder, records)
        except OSError as error:
            raise ModelError(refusal(path, error, "name another file")) from error
        return files

    def import_(self, path: Path) -> tuple[ModelFile, ...]:
        """Take in all files of an archive, or none if anything in it is wrong, and return which they are.

        An archive of an older Timbre may hold what is shipped by now; that is checked and left out.

        Raises:
            ModelMissing: there is no such archive.
            ModelCorrupt: it is not one that `export` wrote, or it was damaged.
        """
        known = {file.filename: file for file in self._catalogue.files.values()}
        with self._work_folder() as work:
            records = archive.unpack(path, work, expected=known)
            for name, record in records.items():
                _check_origin(known[name], record)
            self._remember({name: record for name, record in records.items() if known[name].conversion}, work)
            taken = tuple(known[name] for name in records if not known[name].shipped)
            for file in taken:
                (work / file.filename).replace(self._place(file))
        return taken

    def _presence(self, file: ModelFile) -> FileStatus:
        return FileStatus(file=file, state="present" if self.has(file) else "missing")

    def _place(self, file: ModelFile) -> Path:
        return (_SHIPPED if file.shipped else self._folder) / file.filename

    def _intact(self, file: ModelFile) -> bool:
        try:
            return sha256(self._place(file)) == self._checksum(file)
        except OSError:
            return False

    def _checksum(self, file: ModelFile) -> str | None:
        """Return the sha256 that a file must have here; None if it was converted from another source, or never."""
        if file.conversion is None:
            return file.sha256
        record = self._manifest().get(file.filename)
        return record.sha256 if record and record.source_sha256 == file.sha256 else None

    def _manifest(self) -> dict[str, Record]:
        try:
            return archive.parse_manifest((self._folder / MANIFEST).read_bytes())
        except (FileNotFoundError, ModelCorrupt):
            return {}

    def _fetch(self, file: ModelFile, work: Path, progress: Progress) -> None:
        if self._settings.offline:
            raise ModelMissing(f"The model {file.name} is not on this machine, and TIMBRE_OFFLINE forbids to get it.")
        if file.conversion is not None:
            conversion.onnx_package()  # where it is missing, say so before the download
        failures: list[ModelError] = []
        for source in file.sources:
            try:
                fetched = self._download(file, source, Path(tempfile.mkdtemp(dir=work)), progress)
                size = fetched.stat().st_size
                progress(file.name, size, size)
                self._install(file, fetched)
                return
            except ModelError as failure:
                failures.append(failure)
        raise failures[0]

    def _download(self, file: ModelFile, source: WheelSource | HubSource, folder: Path, progress: Progress) -> Path:
        if isinstance(source, WheelSource):
            return download.from_wheel(file, source, folder, progress)
        return download.from_hub(file, source, folder, self._settings.hub_endpoint, progress)

    def _install(self, file: ModelFile, path: Path) -> None:
        """Check a fetched file, convert it if that is its way, and put it in its place."""
        found = sha256(path)
        if found != file.sha256:
            raise ModelCorrupt(f"What was fetched as {file.name} has sha256 {found} instead of {file.sha256}.")
        if file.conversion is not None:
            data = _CONVERSIONS[file.conversion](path.read_bytes())
            path.write_bytes(data)
            record = Record(sha256=hashlib.sha256(data).hexdigest(), source_sha256=file.sha256)
            self._remember({file.filename: record}, path.parent)
        path.replace(self._place(file))

    def _remember(self, records: Mapping[str, Record], work: Path) -> None:
        draft = work / "manifest.draft"
        draft.write_bytes(archive.format_manifest(self._manifest() | dict(records)))
        draft.replace(self._folder / MANIFEST)

    @contextmanager
    def _work_folder(self) -> Iterator[Path]:
        """Give a folder to prepare files in, while no other process changes the store."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with (self._folder / _LOCK).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                for stale in self._folder.glob(f"{_WORK}*"):
                    shutil.rmtree(stale, ignore_errors=True)
                with tempfile.TemporaryDirectory(prefix=_WORK, dir=self._folder) as work:
                    yield Path(work)
        except OSError as error:
            raise ModelError(f"The folder of models {refusal(self._folder, error, 'set TIMBRE_MODELS_DIR')}") from error


def _check_origin(file: ModelFile, record: Record) -> None:
    if record.source_sha256 != file.sha256 or (not file.conversion and record.sha256 != file.sha256):
        raise ModelCorrupt(f"The archive's {file.name} is not the one in the catalogue: it has another sha256.")
