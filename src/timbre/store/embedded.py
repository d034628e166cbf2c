"""The PostgreSQL that comes with Timbre, in a folder, on a socket that only its owner reaches.

It runs by itself: whoever holds the folder starts it, finds it running, and stops it. Root's runs as a user of its own,
because PostgreSQL refuses root.
"""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from timbre.disk import ANOTHER_FOLDER, needed, written
from timbre.errors import DatabaseUnavailable, DiskFull, SchemaOutdated
from timbre.store.programs import bundled, environment

ROOTS_USER: Final = "pgserver"  # that root's database runs as
_CONFIGURATION: Final = """\
listen_addresses = ''
port = {port}
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 300
shared_buffers = {cache}MB
jit = off
log_min_messages = warning
log_error_verbosity = terse
wal_recycle = off
"""
_INCLUDE: Final = "include_if_exists = 'timbre.conf'"
_INITDB: Final = (
    *("--username=postgres", "--auth=trust", "--encoding=UTF8"),
    *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),  # whatever the environment says
)
# Of the machine's memory an eighth is for what is read again and again, as far as it is used at all: an index of a
# million people is 0.8 GB, and a search that finds its pages only in the system's cache takes three times as long.
_CACHE_SHARE: Final = 8
_CACHE: Final = (64, 1024)  # MiB, least and most
_MEMORY_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
_PORT: Final = 5432
_SOCKET: Final = f".s.PGSQL.{_PORT}"
_LONGEST_SOCKET: Final = 107  # bytes that the path of a socket may have
_TRIES: Final = 12
_PAUSE: Final = 0.25  # seconds; after a crash the parts of the old server take a moment to go
_PATIENCE: Final = 120  # seconds until it is ready; it may have much to make good after a crash
_POLITE: Final = 4  # seconds to stop in, before it is stopped the hard way
_PID_FILE: Final = "postmaster.pid"
_SOCKETS_LINE, _STATUS_LINE = 4, 7  # of that file
_GRAVE: Final = re.compile(r"\b(?:FATAL|PANIC): ")  # in its log: it ends for this
_NO_ROOM: Final = os.strerror(errno.ENOSPC)
_ROOM: Final = 16 << 20  # bytes: a part of its journal; with less it does not start
_X_OTHERS: Final = stat.S_IXOTH


class EmbeddedPostgres:
    """A server on a data folder; outlives the process that started it unless it is stopped."""

    def __init__(self, folder: Path) -> None:
        self._folder = Path(os.path.realpath(folder))
        self._new = f"{self._folder.name}.new-"  # how the names of folders begin in which it is being made

    def exists(self) -> bool:
        """Whether it was ever made."""
        return (self._folder / "PG_VERSION").exists()

    def start(self) -> str:
        """Start it, or find it running; return its address.

        Raises:
            DatabaseUnavailable: it does not start; the message has the end of its log.
            SchemaOutdated: a PostgreSQL of another version made it.
            PathUnusable, DiskFull: its files cannot be made or written.
        """
        try:
            for left in self._folder.parent.glob(f"{glob.escape(self._new)}*"):
                shutil.rmtree(left, ignore_errors=True)  # by one that was killed; it may even be filled still
            with needed(self._folder):
                there = self.exists()
            if there:
                self._check_version()
            else:
                self._create()
            return self._start()
        except (OSError, subprocess.SubprocessError, KeyError) as error:
            raise DatabaseUnavailable(f"The embedded database in {self._folder} does not start: {error}") from error

    def url(self) -> str | None:
        """Its address if it runs and is ready, whoever started it."""
        lines = self._pid_file()
        if len(lines) <= _STATUS_LINE or lines[_STATUS_LINE].strip() != "ready" or not self.running():
            return None
        sockets = quote(os.fsencode(lines[_SOCKETS_LINE]), safe="/")
        return f"postgresql://postgres@/postgres?host={sockets}&port={_PORT}"

    def running(self) -> bool:
        """Whether it runs, ready or not."""
        lines = self._pid_file()
        pid = lines[0].strip() if lines else ""
        return pid.isdecimal() and _is_postgres(int(pid), self._folder)

    def stop(self) -> None:
        """Stop it; what was committed stays."""
        if not self.running():
            return
        for mode in ("fast", "immediate"):
            if self._run("pg_ctl", "-w", "-t", str(_POLITE), "-m", mode, "-D", ".", "stop") is None:
                break
        if not _fits(self._folder):
            with suppress(OSError):
                self._sockets().rmdir()

    def _check_version(self) -> None:
        """See that this PostgreSQL can read the files; they change with each great version."""
        with needed(self._folder):
            made_by = (self._folder / "PG_VERSION").read_text("ascii").strip()
        ours = str(bundled()[0])
        if made_by != ours:
            raise SchemaOutdated(
                f"The database in {self._folder} was made by PostgreSQL {made_by}, and this Timbre comes with {ours};"
                f" run the version of Timbre that used it last, or {ANOTHER_FOLDER}."
            )

    def _create(self) -> None:
        """Make the database beside its folder, so that there is a whole one or none."""
        with needed(self._folder):
            if self._folder.exists() and any(self._folder.iterdir()):
                raise DatabaseUnavailable(
                    f"{self._folder} holds files, but no database; move them away, or {ANOTHER_FOLDER}."
                )
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            new = Path(tempfile.mkdtemp(prefix=self._new, dir=self._folder.parent))
        try:
            self._give_away(new)
            if fault := self._run("initdb", *_INITDB, "-D", str(new), folder=new):
                self._check_room(fault)
                raise DatabaseUnavailable(f"The embedded database in {self._folder} cannot be made: {fault}")
            with needed(self._folder):
                with (new / "postgresql.conf").open("a", encoding="utf-8") as file:
                    file.write(f"\n{_INCLUDE}\n")
                new.rename(self._folder)
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def _start(self) -> str:
        deadline = time.monotonic() + _PATIENCE
        fault: str | None = ""
        log = self._folder / "log"
        before = log.stat().st_size if log.exists() else 0
        tries = 0
        while (url := self.url()) is None:
            if not self.running():
                if tries == _TRIES:
                    said = _said(log, before) or fault or ""
                    self._check_room(said)
                    raise DatabaseUnavailable(f"The embedded database in {self._folder} does not start: {said}")
                tries += 1
                sockets = self._sockets()
                self._configure(sockets)
                self._bury(sockets)
                fault = self._run("pg_ctl", "-w", "-s", "-t", str(_PATIENCE), "-l", "log", "-D", ".", "start")
            if time.monotonic() > deadline:
                raise DatabaseUnavailable(
                    f"The embedded database in {self._folder} is not ready after {_PATIENCE} s: {_said(log, before)}"
                )
            if self.url() is None:
                time.sleep(_PAUSE)
        return url

    def _bury(self, sockets: Path) -> None:
        """Remove what one that was killed left: its number, which may be another process's now, and its orphans."""
        for path in (self._folder / _PID_FILE, sockets / f"{_SOCKET}.lock"):
            path.unlink(missing_ok=True)
        for process in Path("/proc").iterdir():
            if process.name.isdecimal() and _is_postgres(int(process.name), self._folder, unknown=False):
                with suppress(ProcessLookupError):
                    os.kill(int(process.name), signal.SIGKILL)  # they hold the memory that the next one needs

    def _configure(self, sockets: Path) -> None:
        self._give_away(self._folder)
        own = self._folder / "timbre.conf"
        # A list of paths in double quotes, within a string in single ones.
        listed = str(sockets).replace('"', '""').replace("\\", "\\\\").replace("'", "''")
        text = _CONFIGURATION.format(port=_PORT, sockets=f'"{listed}"', cache=_cache())
        with needed(own), written(own) as file:
            file.write(os.fsencode(text))
        own.chmod(0o644)

    def _sockets(self) -> Path:
        """A folder whose path will do for sockets."""
        if _fits(self._folder):
            return self._folder
        name = f"timbre-{hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:16]}"
        place = Path(tempfile.gettempdir()) / name
        if not _fits(place):
            place = Path("/tmp") / name  # noqa: S108 - checked to be ours
        with suppress(FileExistsError):
            place.mkdir(mode=0o700)
            self._give_away(place)
        found = place.lstat()
        owner = self._user.pw_uid if self._user else os.geteuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise DatabaseUnavailable(
                f"{place}, for the database's socket, belongs to somebody else; remove it, or name a data folder with a"
                " shorter path."
            )
        return place

    def _run(self, program: str, *arguments: str, folder: Path | None = None) -> str | None:
        """Run a program of PostgreSQL in the data folder; return what it complained of if it failed."""
        options: dict[str, Any] = {"env": environment()}
        if self._user:
            options |= {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        # A file and not a pipe: the server keeps it open. A session of its own: Ctrl-C is not for the server.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                [self._programs / program, *arguments],
                cwd=folder or self._folder,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
                check=False,
                **options,
            )
            said.seek(0)
            lines = said.read().decode("utf-8", "replace").split("\n")
        return " / ".join(line for line in lines[-8:] if line.strip()) if done.returncode else None

    @cached_property
    def _programs(self) -> Path:
        programs = bundled()[1]
        if self._user:
            _open_way(programs)
            for path in (programs.parent, *programs.parent.rglob("*")):
                mode = path.stat().st_mode
                wanted = mode | stat.S_IROTH | (_X_OTHERS if mode & stat.S_IXUSR else 0)
                if mode != wanted:
                    path.chmod(wanted)
        return programs

    @cached_property
    def _user(self) -> pwd.struct_passwd | None:
        """Whom the database runs as, if that is not ourselves."""
        if os.geteuid() != 0:
            return None
        try:
            return pwd.getpwnam(ROOTS_USER)
        except KeyError:
            command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ROOTS_USER]
            try:
                subprocess.run(command, check=True, capture_output=True)
                return pwd.getpwnam(ROOTS_USER)
            except (OSError, subprocess.SubprocessError, KeyError) as error:
                raise DatabaseUnavailable(
                    "PostgreSQL does not run as root, and there is no user for it; make one with"
                    f" `useradd --system {ROOTS_USER}`, or run Timbre as another user."
                ) from error

    def _give_away(self, folder: Path) -> None:
        if self._user:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)
            _open_way(folder)

    def _pid_file(self) -> list[str]:
        try:
            return (self._folder / _PID_FILE).read_bytes().decode("utf-8", "surrogateescape").splitlines()
        except OSError:
            return []

    def _check_room(self, said: str) -> None:
        """Tell a full disk from other faults: by what a program complained of, if it had the room to do so."""
        if _NO_ROOM in said or shutil.disk_usage(self._folder.parent).free < _ROOM:
            raise DiskFull(f"There is no room for the database in {self._folder}; make some, or {ANOTHER_FOLDER}.")


def _said(log: Path, before: int) -> str:
    """What a server complained of last, behind so many bytes of its log."""
    try:
        lines = log.read_bytes()[before:].decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return " / ".join([line for line in lines if _GRAVE.search(line)][-2:] or lines[-3:])


def _is_postgres(pid: int, folder: Path, *, unknown: bool = True) -> bool:
    """Whether a process is PostgreSQL in this folder; the number alone may be another's by now."""
    process = Path("/proc") / str(pid)
    try:
        name, _, rest = (process / "stat").read_text("utf-8", errors="replace").rpartition(")")
        if not name.endswith("(postgres"):
            return False
        if rest.split()[0] == "Z":
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)  # it is ours where we are the first process of a container
            return False
        return (process / "cwd").readlink() == folder
    except PermissionError:
        return unknown  # another user's
    except (OSError, IndexError):
        return False


def _cache() -> int:
    """Return the MiB that the server may keep of its files: part of what the machine, or the container, has."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # there is no limit, or none that is a number
        memory = min(memory, int(_MEMORY_LIMIT.read_text()))
    least, most = _CACHE
    return min(max(memory // _CACHE_SHARE >> 20, least), most)


def _fits(folder: Path) -> bool:
    # Clients take a comma for the end of a host's name.
    return "," not in str(folder) and len(os.fsencode(folder / _SOCKET)) <= _LONGEST_SOCKET


def _open_way(path: Path) -> None:
    """Let other users pass through the folders above, as root's database has to."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & _X_OTHERS:
            parent.chmod(mode | _X_OTHERS)
