"""A server to measure: `timbre serve` on a folder that is thrown away."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

UNLIMITED = {"TIMBRE_SUBMITS_PER_MINUTE": "0", "TIMBRE_READS_PER_MINUTE": "0"}


@dataclass(frozen=True, kw_only=True)
class Served:
    """A running server."""

    host: str
    port: int
    key: str
    ready_seconds: float  # from the command to readiness
    process: psutil.Process

    @property
    def pss_mib(self) -> dict[str, float]:
        """Memory by part, pages shared between processes counted once (proportional set size)."""
        parts: dict[str, float] = {}
        for process in [self.process, *self.process.children(recursive=True), *_database(self.process)]:
            name = _part(process.cmdline())
            parts[name] = parts.get(name, 0.0) + process.memory_full_info().pss / 2**20
        return {name: round(size, 1) for name, size in sorted(parts.items())}


@contextmanager
def served(folder: Path | None = None, settings: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Run a server while the block runs."""
    with tempfile.TemporaryDirectory() as own:
        data = folder or Path(own)
        command = [sys.executable, "-m", "timbre", "serve", "--port", "0", "--data-dir", str(data)]
        begin = time.perf_counter()
        process = subprocess.Popen(
            command, env={**os.environ, **UNLIMITED, **(settings or {})}, stdout=subprocess.PIPE, text=True
        )
        host, port, key = "", 0, ""
        for line in process.stdout or ():
            if found := re.search(r"ready on http://(\S+):(\d+);", line):
                host, port = found[1], int(found[2])
            if found := re.search(r"API key +(sk_\S+)", line):
                key = found[1]
            if "Ctrl-C" in line:
                break
        ready = time.perf_counter() - begin
        try:
            yield Served(host=host, port=port, key=key, ready_seconds=ready, process=psutil.Process(process.pid))
        finally:
            process.terminate()
            process.communicate()


def _database(server: psutil.Process) -> list[psutil.Process]:
    """The embedded database is no child of the server: it is to outlive a crash."""
    pid = int(Path(server.cmdline()[-1], "postgres", "postmaster.pid").read_text().split()[0])
    postgres = psutil.Process(pid)
    return [postgres, *postgres.children(recursive=True)]


def _part(command: list[str]) -> str:
    line = " ".join(command)
    for part in ("serve", "api", "worker"):
        if f"timbre {part}" in line:
            return part
    return "database"
