"""What a caller may hand us as a recording."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from timbre.audio.temporary import temporary_file
from timbre.errors import AudioUnreadable, TimbreError

Samples = tuple[npt.NDArray[Any], float]
"""Samples and their rate in Hz. Floats have full scale at ±1, integers of 8 to 32 bits at the ends of their type; the
shape is [n], [n, channels], or [channels, n] where that cannot be mistaken."""

FileSource = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO
"""A path, the bytes of a file, or a binary file object, read from where it stands."""

AudioSource = FileSource | Samples

_MOST_CHANNELS = 64  # a longer side of an array is time


def as_channels(samples: object) -> npt.NDArray[Any]:
    """View an array of samples as [channels, n].

    Raises:
        AudioUnreadable: the dtype or the shape is none of those of `Samples`.
    """
    array = np.asarray(samples)
    if array.dtype.kind not in "fiu" or (array.dtype.kind != "f" and array.dtype.itemsize > np.int32().itemsize):
        raise AudioUnreadable(f"Expected an array of floats, or of integers up to 32 bits, got one of {array.dtype}.")
    if array.ndim == 1:
        return array[np.newaxis, :]
    if array.ndim != np.ndim([[]]):
        raise AudioUnreadable(f"Expected an array of shape [n] or [n, channels], got one of shape {array.shape}.")
    rows, columns = array.shape
    return array if rows < columns and rows <= _MOST_CHANNELS else array.T


def check_kind(source: object) -> None:
    """Refuse what is none of the kinds of `AudioSource`.

    Raises:
        AudioUnreadable: says what was expected and what came.
    """
    if isinstance(source, tuple):
        if len(source) == len(("samples", "rate")) and isinstance(source[1], int | float | np.number):
            return
    elif isinstance(source, str | os.PathLike | bytes | bytearray | memoryview) or hasattr(source, "read"):
        return
    what = f"a tuple of {len(source)}" if isinstance(source, tuple) else type(source).__name__
    raise AudioUnreadable(f"Could not load audio: expected a path, bytes, a binary file or (array, rate), got {what}.")


@contextmanager
def opened(source: FileSource, temp_dir: Path | None) -> Iterator[BinaryIO]:
    """Open a source as a regular file at its beginning; what is not one already is copied to a temporary one.

    Raises:
        AudioUnreadable: there is no such file, or it may not be read.
        TimbreError: there is no room for the copy.
    """
    if isinstance(source, str | os.PathLike):
        with _opened_path(source) as file:
            kind = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(kind):
                yield file
                return
            if stat.S_ISCHR(kind) or stat.S_ISBLK(kind):
                raise AudioUnreadable(f"Could not load audio: '{os.fspath(source)}' is a device and not a file.")
            source = _copied(file, temp_dir)
    else:
        source = _copied(source, temp_dir)
    with source:
        yield source


def _opened_path(path: str | os.PathLike[str]) -> BinaryIO:
    try:
        return Path(path).open("rb", buffering=0)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise AudioUnreadable(f"Could not load audio: '{os.fspath(path)}' cannot be opened ({reason}).") from error


def _copied(source: bytes | bytearray | memoryview | BinaryIO, temp_dir: Path | None) -> BinaryIO:
    copy = temporary_file(temp_dir)
    try:
        if isinstance(source, bytes | bytearray | memoryview):
            copy.write(source)
        else:
            shutil.copyfileobj(source, copy, 1 << 20)
        copy.seek(0)
    except BaseException as error:
        copy.close()
        if isinstance(error, OSError):
            raise TimbreError(f"The recording cannot be copied to a temporary file ({error.strerror}).") from error
        raise
    return copy
