"""Identifiers: of records, which sort by the time they were made, and of workers."""

from __future__ import annotations

import os
import socket
import time
from uuid import UUID

_MILLISECOND = 1_000_000  # nanoseconds


def new_id() -> UUID:
    """A UUID of version 7 (RFC 9562, 2024): 48 bits of milliseconds, 12 of their fraction, then random ones.

    With the fraction, those that one process makes one after the other sort so.
    """
    milliseconds, rest = divmod(time.time_ns(), _MILLISECOND)
    value = milliseconds << 80 | 0x7 << 76 | (rest << 12) // _MILLISECOND << 64
    return UUID(int=value | 0x2 << 62 | int.from_bytes(os.urandom(8)) >> 2)


def worker_name(pid: int) -> str:
    """What a worker process of this machine is called in the database."""
    return f"{socket.gethostname()}:{pid}"
