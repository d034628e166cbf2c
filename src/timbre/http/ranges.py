"""Parts of a file: the `Range` header (RFC 9110, 2022, section 14), as players send it to move about in a recording."""

from __future__ import annotations

import re
from typing import Final

from timbre.errors import RangeUnsatisfiable

_RANGE: Final = re.compile(r"\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*", re.ASCII | re.IGNORECASE)
_DIGITS: Final = 18  # more than any file has bytes


def parse_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Read what part of a file is wanted.

    Args:
        header: As it was sent; None if it was not.
        size: Of the file, in bytes.

    Returns:
        The first byte and the one behind the last. None for the whole file, also where the header is none that we know
        or asks for several parts: then it may be passed over.

    Raises:
        RangeUnsatisfiable: there is nothing of this part.
    """
    found = _RANGE.fullmatch(header or "")
    if found is None or found[1] == found[2] == "" or max(map(len, found.groups())) > _DIGITS:
        return None
    if found[1] == "":
        start, stop = max(0, size - int(found[2])), size
    else:
        start, stop = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None
    if start >= stop:
        raise RangeUnsatisfiable(size)
    return start, stop
