"""A machine that refuses: rights that mean something also where root runs the tests, and a disk that fills up."""

from __future__ import annotations

import os
import pwd
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

FULL = Path("/dev/full")  # on which no byte has room
NOBODY = 65534


@contextmanager
def another_user() -> Iterator[tuple[Path, str]]:
    """Be somebody else than root while the block runs, with a folder of their own; gives that, and their name.

    What is imported must have been before: Python itself may lie where only root may look.
    """
    root = os.geteuid() == 0
    with TemporaryDirectory() as path:
        folder = Path(path)
        if root:
            os.chown(folder, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield folder, pwd.getpwuid(os.geteuid()).pw_name
        finally:
            if root:
                os.seteuid(0)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes, as on a disk that fills up while it is written to."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
