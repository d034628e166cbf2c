"""What a caller may hand us as a recording."""

from __future__ import annotations

import inspect
import io
import os
import stat
from collections.abc import Iterator, Mapping
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
_BLOCK = 1 << 20  # bytes, copied at once
_UNMARKED = {".g722": "g722", ".722": "g722", ".g729": "g729", ".g723": "g723_1", ".tco": "g723_1", ".rco": "g723_1"}


def as_channels(samples: object) -> npt.NDArray[Any]:
    """View an array of samples as [channels, n].

    Raises:
        AudioUnreadable: the dtype or the shape is none of those of `Samples`.
    """
    try:
        array = np.asarray(samples)
    except (ValueError, TypeError, RuntimeError) as error:  # ragged lists, tensors of a GPU or with gradients
        raise AudioUnreadable(f"Expected an array of samples, got what makes none ({error}).") from error
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
        if len(source) == len(("samples", "rate")) and _is_rate(source[1]):
            return
    elif isinstance(source, str | os.PathLike | bytes | bytearray | memoryview):
        return
    elif callable(getattr(source, "read", None)):
        if fault := _fault_of_file(source):
            raise AudioUnreadable(f"Could not load audio: expected a binary file, got {fault}.")
        return
    raise AudioUnreadable(
        f"Could not load audio: expected a path, bytes, a binary file or (array, rate), got {_told(source)}."
    )


def named_demuxer(source: FileSource) -> str | None:
    """Return FFmpeg's name of a format that only the name of a file tells, as nothing in it does."""
    name = source if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
    if not isinstance(name, str | os.PathLike):
        return None
    return _UNMARKED.get(os.path.splitext(os.fsdecode(name))[1].lower())  # noqa: PTH122 - a name may be any text


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


def _is_rate(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _told(source: object) -> str:
    """Say what came, and what is to be done with it where that is known."""
    kind = type(source).__name__
    if isinstance(source, tuple):
        swapped = len(source) == len(("rate", "samples")) and _is_rate(source[0])
        return f"a tuple of {len(source)}" + ("; the array comes first, then the rate" if swapped else "")
    if inspect.isawaitable(source):
        return f"{kind}, which is to be awaited first"
    if isinstance(source, np.ndarray):
        return f"{kind}; give it with its rate in Hz, as (array, rate)"
    if isinstance(source, Mapping):
        return f"{kind}; take the array and the rate out of it, as (array, rate)"
    return kind


def _fault_of_file(source: Any) -> str | None:
    """Say why a file object cannot be read from, None if it seems that it can."""
    kind = type(source).__name__
    if inspect.iscoroutinefunction(source.read):
        return f"{kind}, whose read() is to be awaited; give the bytes that it returns, or the `file` inside an upload"
    if isinstance(source, io.TextIOBase):
        return f"text ({kind}); open the file in binary mode, with 'rb'"
    if getattr(source, "closed", False) is True:
        return f"one that is closed ({kind})"
    return None


def _opened_path(path: str | os.PathLike[str]) -> BinaryIO:
    try:
        return Path(path).open("rb", buffering=0)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise AudioUnreadable(f"Could not load audio: '{os.fspath(path)}' cannot be opened ({reason}).") from error


def _copied(source: bytes | bytearray | memoryview | BinaryIO, temp_dir: Path | None) -> BinaryIO:
    copy = temporary_file(temp_dir)
    try:
        for block in [source] if isinstance(source, bytes | bytearray | memoryview) else _blocks(source):
            try:
                copy.write(block)
            except OSError as error:
                raise TimbreError(f"The recording cannot be copied to a temporary file ({error.strerror}).") from error
        copy.seek(0)
    except BaseException:
        copy.close()
        raise
    return copy


def _blocks(source: BinaryIO) -> Iterator[bytes]:
    """Yield what a file object holds from where it stands.

    Raises:
        AudioUnreadable: it cannot be read, or stands at its end.
    """
    kind = type(source).__name__
    first = True
    while True:
        try:
            block = source.read(_BLOCK)
        except Exception as error:  # a file object may be anybody's code
            raise AudioUnreadable(
                f"Could not load audio: read({_BLOCK}) of the file object ({kind}) fails with"
                f" {type(error).__name__}: {error}; give its bytes."
            ) from error
        if not isinstance(block, bytes | bytearray | memoryview):
            if inspect.iscoroutine(block):
                block.close()
            raise AudioUnreadable(
                f"Could not load audio: expected bytes from read() of the file object ({kind}), got"
                f" {type(block).__name__}."
            )
        if not block:
            if first and (position := _position(source)):
                raise AudioUnreadable(
                    f"Could not load audio: the file object ({kind}) stands at its end, at position {position};"
                    " rewind it with seek(0)."
                )
            return
        first = False
        yield block


def _position(source: BinaryIO) -> int:
    try:
        return source.tell()
    except Exception:  # noqa: BLE001 - one that cannot tell stands nowhere
        return 0
