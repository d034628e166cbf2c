"""Temporary files for sound: without a name, so that nothing is left behind whatever happens."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import BinaryIO, cast

from timbre.errors import DiskFull, TimbreError


def temporary_file(folder: Path | None) -> BinaryIO:
    """Open a file, in this folder or the system's, that is gone when the last process closes it.

    Raises:
        TimbreError: the folder cannot be written to.
    """
    try:
        return cast("BinaryIO", tempfile.TemporaryFile(dir=folder))
    except OSError as error:
        raise TimbreError(_text(error.strerror)) from error


def storage_error(reason: str | None) -> DiskFull:
    """Return the error that says that sound has no place to go."""
    return DiskFull(_text(reason))


def _text(reason: str | None) -> str:
    return f"Sound cannot be stored in the temporary folder ({reason}); make room, or set TIMBRE_TEMP_DIR."
