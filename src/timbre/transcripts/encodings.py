"""From bytes to text and back, so that what is not changed stays the same byte for byte.

UTF-8 with or without a byte order mark, and UTF-16 with one. Old SRT files are in one of many 8-bit encodings and
do not say which: they are read as bytes that stand for themselves, and only names in ASCII can be written to them.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from timbre.errors import FormatError

_EIGHT_BITS: Final = "latin-1"  # gives every byte a character, and back
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file writes its text."""

    name: str = "utf-8"  # of Python's codec
    mark: bytes = b""  # before the text

    def encode(self, text: str) -> bytes:
        """Write text as it was read."""
        return self.mark + text.encode(self.name)

    def check(self, names: Iterable[str]) -> None:
        """Refuse names that cannot be written in it; raises FormatError."""
        if self.name != _EIGHT_BITS:
            return
        for name in names:
            if not name.isascii():
                raise FormatError(f"expected text in UTF-8, as the name {name!r} is to be written; save it as UTF-8.")


def decode(content: bytes, *, eight_bits: bool) -> tuple[str, Encoding]:
    """Read text.

    Args:
        content: A whole file.
        eight_bits: Whether it may be in an 8-bit encoding that nothing names.

    Raises:
        FormatError: it is no text in these encodings.
    """
    mark, name = next(((mark, name) for mark, name in _MARKS if content.startswith(mark)), (b"", "utf-8"))
    try:
        return content[len(mark) :].decode(name), Encoding(name, mark)
    except UnicodeDecodeError as error:
        if eight_bits and not mark and 0 not in content:
            return content.decode(_EIGHT_BITS), Encoding(_EIGHT_BITS)
        at = error.start + len(mark)
        line = content.count(b"\n", 0, at) + 1
        raise FormatError(f"line {line}: expected text in UTF-8, got byte {content[at]:#04x}") from error
