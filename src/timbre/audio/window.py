"""A stretch of a file as a file of its own, under another header where its own is wrong."""

from __future__ import annotations

import os
from typing import BinaryIO


class Window:
    """Reads and seeks like a file of a head and a stretch of another file."""

    def __init__(self, file: BinaryIO, start: int, end: int, head: bytes = b"") -> None:
        """Open the window.

        Args:
            file: A regular file; its position is left alone.
            start: Where the stretch begins, in bytes.
            end: Where it ends.
            head: What stands before it.
        """
        self._descriptor = file.fileno()
        self._start = start
        self._head = head
        self._size = len(head) + max(0, end - start)
        self._position = 0

    @property
    def size(self) -> int:
        """Length in bytes."""
        return self._size

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, all that is left if it is negative."""
        left = max(0, self._size - self._position)
        size = left if size < 0 else min(size, left)
        data = self._head[self._position : self._position + size]
        if len(data) < size:
            behind = self._position + len(data) - len(self._head)
            data += os.pread(self._descriptor, size - len(data), self._start + behind)
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to an offset from the beginning, from here or from the end; return where that is."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("a seek to before the beginning")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seekable(self) -> bool:
        """Say that one may seek."""
        return True
