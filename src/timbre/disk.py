"""The disk: files that take their name when they are whole, and what to say where it refuses."""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from timbre.errors import DiskFull, PathUnusable

ANOTHER_FOLDER: Final = "name another folder with --data-dir"
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_FORBIDDEN: Final = frozenset({errno.EACCES, errno.EPERM})
_BLOCKED: Final = frozenset({errno.EEXIST, errno.ENOTDIR, errno.ENOENT, errno.ELOOP})


def is_full(error: BaseException) -> bool:
    """Whether it says that a disk, or somebody's share of it, is full."""
    return isinstance(error, OSError) and error.errno in _FULL


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Open a file to write: it has its name when the block has ended well; until then what was there before stays.

    What is no regular file, as `/dev/stdout` or a named pipe, is written to as it is; so is a file in a folder in which
    nothing new may be made.

    Raises:
        OSError: it cannot be written.
    """
    path = Path(os.path.realpath(path))  # a link stays one
    before = path.stat() if path.exists() else None
    if before and not (stat.S_ISREG(before.st_mode) and _may_write(path.parent)):
        with path.open("wb") as file:
            yield file
        return
    if before and not _may_write(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    draft = path.with_name(f".timbre-{os.urandom(8).hex()}")
    try:
        with draft.open("xb") as file:
            yield file
        if before:
            with suppress(PermissionError):  # the owner of one's own file is oneself
                os.chown(draft, before.st_uid, before.st_gid)
            draft.chmod(stat.S_IMODE(before.st_mode))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def needed(path: Path, otherwise: str = ANOTHER_FOLDER) -> Iterator[None]:
    """Let the block make, open or write a file or folder that a server cannot do without.

    Args:
        path: Which.
        otherwise: What helps who cannot or will not mend it.

    Raises:
        DiskFull: there is no room for it.
        PathUnusable: something stands in its way, or forbids it; the message says what.
    """
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DiskFull(refusal(path, error, otherwise)) from error
        raise PathUnusable(refusal(path, error, otherwise)) from error


def refusal(path: Path, error: OSError, otherwise: str = ANOTHER_FOLDER) -> str:
    """Say why a file or folder cannot be used, and what to do about it."""
    reason, remedy = _in_the_way(path, error) or _refused(error)
    return f"{path} cannot be used ({reason}); {remedy}, or {otherwise}."


def _may_write(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=True)


def _in_the_way(path: Path, error: OSError) -> tuple[str, str] | None:
    if error.errno not in _BLOCKED:
        return None
    for place in (*reversed(path.parents), path):
        what = "it" if place == path else place
        if place.is_symlink() and not place.exists():
            return f"{what} is a link to nowhere", "mend or remove it"
        if place.exists() and not place.is_dir():
            return f"{what} is not a folder", "move it away"
    return None


def _refused(error: OSError) -> tuple[str, str]:
    reason = error.strerror or str(error)
    if is_full(error):
        return "the disk is full", "make room"
    if error.errno == errno.EISDIR:
        return "it is a folder", "move it away"
    if error.errno in _FORBIDDEN:
        return reason, f"let the user {_user()} write there"
    return reason, "make it writable"


def _user() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # one without a name, as in some containers
        return str(os.geteuid())
