"""Sound tracks on the command line: `--tracks separate`, `--tracks 1`."""

from __future__ import annotations

from typing import Literal

from timbre.errors import OptionError


def read_tracks(text: str) -> Literal["mixed", "separate"] | int:
    """Read which sound tracks of a file to hear.

    Raises:
        OptionError: it is neither a word nor a number.
    """
    if text.isascii() and text.isdecimal():
        return int(text)
    match text:
        case "mixed" | "separate":
            return text
    raise OptionError(f"--tracks is mixed, separate, or the number of one, counted from 0, not {text!r}.")
