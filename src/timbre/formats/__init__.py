"""Turns as files: one module a format, each with `dumps`, all but plain text with `loads`; and this registry of them.

Word's documents are no text: they have `content` alone.

>>> from timbre.turns import Turn
>>> print(dumps([Turn(start=0.5, end=2.0, speaker="Ada")], "csv", recording="meeting", duration=2.0), end="")
start,end,speaker
0.500,2.000,Ada
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from timbre.disk import written
from timbre.errors import FormatError, OptionError
from timbre.formats import audacity, csv, docx, eaf, json, rttm, srt, textgrid, txt, vtt
from timbre.turns import Turn

__all__ = ["Format", "content", "dumps", "form_of", "read", "write"]


class Format(StrEnum):
    """The formats by name."""

    RTTM = "rttm"
    SRT = "srt"
    VTT = "vtt"
    TEXTGRID = "textgrid"
    EAF = "eaf"
    AUDACITY = "audacity"
    CSV = "csv"
    JSON = "json"
    TXT = "txt"
    DOCX = "docx"

    @property
    def extension(self) -> str:
        """The end of its files' names, with the dot."""
        return _EXTENSIONS[self]


def dumps(turns: Iterable[Turn], name: Format | str, *, recording: str, duration: float) -> str:
    """Write turns as text in the format of this name.

    Args:
        turns: the turns, in any order.
        name: a `Format` or its name.
        recording: name of the recording, for the formats that state it.
        duration: length of the recording in seconds, for the formats that state it.

    Raises:
        OptionError: there is no format of this name, or it is no text.
    """
    form = _named(name)
    if form is Format.DOCX:
        raise OptionError("docx is no text; write it to a file")
    return _MODULES[form].dumps(turns, recording=recording, duration=duration)


def content(turns: Iterable[Turn], name: Format | str, *, recording: str, duration: float) -> bytes:
    """Return what a file in the format of this name holds; the arguments are those of `dumps`.

    Raises:
        OptionError: there is no format of this name.
        ExtraMissing: a package that it needs is not installed.
    """
    if _named(name) is Format.DOCX:
        return docx.content(turns, recording=recording, duration=duration)
    return dumps(turns, name, recording=recording, duration=duration).encode("utf-8", "backslashreplace")


def write(
    turns: Iterable[Turn],
    path: str | Path,
    *,
    recording: str,
    duration: float,
    name: Format | str | None = None,
) -> None:
    """Write turns to a file, whole or not at all, in the format of this name or else of the path's extension.

    Raises:
        OptionError: there is no format of this name, or none with this extension.
        ExtraMissing: a package that it needs is not installed.
        OSError: the file cannot be written.
    """
    path = Path(path)
    form = _named(name) if name is not None else form_of(path)
    if form is None:
        raise OptionError(f"{path}: no format has this extension; use one of {_ENDS}")
    held = content(turns, form, recording=recording, duration=duration)
    with written(path) as file:
        file.write(held)


def read(path: str | Path, *, exclusive: bool = False) -> tuple[Turn, ...]:
    """Read the turns of a file, in the format of its extension.

    Args:
        path: the file.
        exclusive: whether to take those turns that never overlap, by name, from JSON that has them.

    Raises:
        FormatError: no format has this extension, the file is no text, or it is malformed; says where.
        OSError: the file cannot be read.
    """
    path = Path(path)
    form = form_of(path)
    if form is None or form not in _READERS:
        raise FormatError(f"{path}: expected a file that ends in {_READ}")
    loads = json.loads_exclusive if exclusive and form is Format.JSON else _READERS[form]
    try:
        return loads(_decoded(path.read_bytes()))
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: expected text in UTF-8, got byte {error.object[error.start]:#04x}") from error
    except FormatError as error:
        raise FormatError(f"{path}: {error}") from error


def form_of(path: Path) -> Format | None:
    """The format that a file has by the extension of its name; None if there is none."""
    return next((form for form, end in _EXTENSIONS.items() if end.lower() == path.suffix.lower()), None)


class _Module(Protocol):
    def dumps(self, turns: Iterable[Turn], *, recording: str, duration: float) -> str: ...


_MODULES: Mapping[Format, _Module] = {
    Format.RTTM: rttm,
    Format.SRT: srt,
    Format.VTT: vtt,
    Format.TEXTGRID: textgrid,
    Format.EAF: eaf,
    Format.AUDACITY: audacity,
    Format.CSV: csv,
    Format.JSON: json,
    Format.TXT: txt,
}
_READERS: Mapping[Format, Callable[[str], tuple[Turn, ...]]] = {
    Format.RTTM: rttm.loads,
    Format.SRT: srt.loads,
    Format.VTT: vtt.loads,
    Format.TEXTGRID: textgrid.loads,
    Format.EAF: eaf.loads,
    Format.AUDACITY: audacity.loads,
    Format.CSV: csv.loads,
    Format.JSON: json.loads,
}
_EXTENSIONS: Mapping[Format, str] = {
    Format.RTTM: ".rttm",
    Format.SRT: ".srt",
    Format.VTT: ".vtt",
    Format.TEXTGRID: ".TextGrid",
    Format.EAF: ".eaf",
    Format.AUDACITY: ".txt",
    Format.CSV: ".csv",
    Format.JSON: ".json",
    Format.TXT: ".txt",  # by the extension alone it is Audacity's
    Format.DOCX: ".docx",
}

_ENDS = ", ".join(dict.fromkeys(_EXTENSIONS.values()))
_READ = ", ".join(dict.fromkeys(_EXTENSIONS[form] for form in _READERS))


def _named(name: Format | str) -> Format:
    try:
        return Format(name)
    except ValueError as error:
        raise OptionError(f"There is no format {name!r}; use one of {', '.join(Format)}") from error


def _decoded(content: bytes) -> str:
    # Praat saves as UTF-16 what ASCII cannot hold.
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")
