"""Where decoded sound goes: samples at their places in files, alone or mixed with others.

Silence takes no room: where it would be written, the file has a hole.
"""

from __future__ import annotations

import errno
import os
from typing import BinaryIO

import numpy as np

from timbre.audio import SAMPLE_RATE
from timbre.audio.converter import Block, Converters, Mono16
from timbre.audio.temporary import storage_error
from timbre.errors import AudioTooLong


class Lane:
    """What a track goes through: from pieces to 16 kHz in one file, or in one for each channel."""

    def __init__(self, converters: Converters, files: list[BinaryIO], shares: int) -> None:
        """Begin at the beginning of files.

        Args:
            converters: That turn its pieces into as many outputs as there are files.
            files: To write to.
            shares: How many lanes share each file; it holds their average.
        """
        self.converters = converters
        self.samples = 0  # at 16 kHz, up to the end of what was written
        self._files = files
        self._shares = shares
        self._at = 0  # where the next samples go
        self._base = 0  # where the part of the file began

    def begin_part(self, at: int) -> None:
        """Let times count from a place, in samples at 16 kHz, from now on."""
        self._at = self._base = at

    def take(self, block: Block, rate: int, start: float | None, full_scale: float) -> None:
        """Write what becomes ready of a block that begins at `start`, in seconds, or where the one before ended.

        Raises:
            DiskFull: there is no room.
        """
        if start is not None:
            self.finish()
            self._at = max(self._at, self._base + round(start * SAMPLE_RATE))
        self._put(self.converters.convert(block, rate, full_scale))

    def finish(self) -> None:
        """Write what the converters kept back."""
        self._put(self.converters.finish())

    def _put(self, blocks: list[Mono16]) -> None:
        for block, file in zip(blocks, self._files, strict=True):
            if block.size:
                _write(file, self._at, block if self._shares == 1 else self._shared(file, block))
        if blocks[0].size:
            self._at += len(blocks[0])
            self.samples = self._at

    def _shared(self, file: BinaryIO, block: Mono16) -> Mono16:
        """Return the samples of a file with the share of a block in them."""
        there = np.frombuffer(os.pread(file.fileno(), block.nbytes, 2 * self._at), np.int16)
        mixed = np.rint(block / self._shares)
        mixed[: len(there)] += there
        return np.clip(mixed, -32_768, 32_767).astype(np.int16)


def check_room(files: list[BinaryIO], samples: int) -> None:
    """Ask for room before it is used.

    Raises:
        DiskFull: there is none for so many samples in each of the files.
    """
    disk = os.fstatvfs(files[0].fileno())
    free, needed = disk.f_bavail * disk.f_frsize, 2 * samples * len(files)
    if free < needed:
        raise storage_error(f"{needed >> 20} MiB are needed, and {free >> 20} are free")


def fill_up(files: list[BinaryIO], samples: int) -> None:
    """Let files end at a place; what nothing was written to is silence.

    Raises:
        DiskFull: there is no room.
    """
    try:
        for file in files:
            os.truncate(file.fileno(), 2 * samples)
    except OSError as error:
        raise storage_error(error.strerror) from error


def _write(file: BinaryIO, at: int, block: Mono16) -> None:
    data, offset = memoryview(block.tobytes()), 2 * at
    try:
        if not block.any() and os.fstat(file.fileno()).st_size <= offset:
            os.truncate(file.fileno(), offset + len(data))
            return
        while data:
            written = os.pwrite(file.fileno(), data, offset)
            data, offset = data[written:], offset + written
    except OSError as error:
        if error.errno == errno.EFBIG:  # the process may write no more than the longest recording
            raise AudioTooLong from error
        raise storage_error(error.strerror) from error
