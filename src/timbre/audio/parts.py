"""The parts of a file that are a recording each, where FFmpeg would stop before the end or not begin.

Files get joined end to end, headers promise less than was written after them, something else stands before the
beginning, and RIFX files and some of Sun's have a byte order that FFmpeg takes for the other. A look at the chunks that
such files are made of tells; samples are not read.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from timbre.audio.window import Window

_LONGEST_PREAMBLE: Final = 1 << 20  # bytes before a recording in which its beginning is looked for
_MOST_PARTS: Final = 10_000
_MOST_CHUNKS: Final = 100_000  # in one part
_BOX: Final = 8  # bytes of the header of a box of MP4
_OBJECT: Final = 24  # the same of an object of ASF or Wave64
_LONGEST_ID: Final = 4  # bytes of the name of an element of Matroska
_LONGEST_VINT: Final = 8  # the same of its length
_MOST_ELEMENTS: Final = 1_000_000  # of a Matroska file
_PADDING: Final = 1 << 16  # bytes of zeros at once that are looked at behind the last chunk
_UNLIMITED: Final = 0xFFFFFFFF
_UNKNOWN: Final = (0, _UNLIMITED)  # lengths that were written before they were known
_TRAILERS: Final = (b"TAG", b"ID3", b"APETAGEX", b"LYRICS")  # tags behind the last chunk
_EBML: Final = b"\x1a\x45\xdf\xa3"
_W64: Final = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_ASF: Final = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"
_BEGINNINGS: Final = (
    (b"RIFF", 8, (b"WAVE", b"AVI ")),
    (b"RIFX", 8, (b"WAVE",)),
    (b"RF64", 8, (b"WAVE",)),
    (b"BW64", 8, (b"WAVE",)),
    (b"FORM", 8, (b"AIFF", b"AIFC")),
    (_W64, 0, (b"",)),
    (_ASF, 0, (b"",)),
    (b"caff\x00\x01", 0, (b"",)),
    (b"fLaC\x00", 0, (b"",)),
    (b"OggS\x00", 0, (b"",)),
    (_EBML, 0, (b"",)),
    (b"ftyp", 0, (b"",)),  # behind the length of its box
    (b".snd\x00", 0, (b"",)),
    (b"dns.", 0, (b"",)),
    (b"\0ds.", 0, (b"",)),
    (b"#!AMR", 0, (b"",)),
    (b"wvpk", 0, (b"",)),
    (b"TTA1", 0, (b"",)),
    (b"MAC ", 0, (b"",)),
    (b"ID3", 0, (b"",)),
)
_GSM_FRAME: Final = 33  # bytes, of which the first four bits are 13
_GSM_FRAMES: Final = 16  # that must look so
_GSM_MARK: Final = 13
_EXTENSIBLE: Final = 0xFFFE  # tag of WAV: the coding stands elsewhere
_SUN: Final = {(1, 16): 3, (1, 24): 4, (1, 32): 5, (3, 32): 6, (3, 64): 7}  # its codings, by tag of WAV and bits


@dataclass(frozen=True, slots=True)
class _Form:
    """How the header of a chunk is written."""

    struct: str  # of its name and the length of its content
    even: bool  # chunks begin at even places

    @property
    def size(self) -> int:
        return struct.calcsize(self.struct)

    def read(self, header: bytes) -> tuple[bytes, int]:
        name, length = struct.unpack(self.struct, header)
        return name, length


_LITTLE: Final = _Form("<4sI", even=True)  # WAV
_BIG: Final = _Form(">4sI", even=True)  # AIFF, RIFX
_LONG: Final = _Form(">4sq", even=False)  # CAF


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A recording inside a file."""

    start: int  # bytes
    end: int
    head: bytes = b""  # stands before it in place of its own header
    demuxer: str | None = None  # FFmpeg's name of its format, where that cannot be seen
    warning: str | None = None

    def opened(self, file: BinaryIO) -> BinaryIO | Window:
        """Return what reads it: the file itself where it is all of it."""
        if self.start == 0 and not self.head and self.end == os.fstat(file.fileno()).st_size:
            file.seek(0)
            return file
        return Window(file, self.start, self.end, self.head)


def find_parts(file: BinaryIO) -> Iterator[Part]:
    """Yield the parts of a regular file, in their order; a file that shows no other is one part."""
    size = os.fstat(file.fileno()).st_size
    start = 0
    for _ in range(_MOST_PARTS):
        part = _part(file, start, size)
        if not _begins(_read(file, part.end, 16)):
            yield part if part.head else replace(part, end=size)
            return
        yield part
        start = part.end


def find_beginning(file: BinaryIO) -> Part | None:
    """Return the part of a file that begins behind something else, None if there is none."""
    size = os.fstat(file.fileno()).st_size
    data = _read(file, 0, _LONGEST_PREAMBLE)
    found = []
    for magic, distance, kinds in _BEGINNINGS:
        at = data.find(magic, 1)
        while at >= 0:
            start = at - 4 if magic == b"ftyp" else at
            if start > 0 and data[at + distance :].startswith(kinds):
                found.append(start)
                break
            at = data.find(magic, at + 1)
    if not found:
        return None
    start = min(found)
    part = _part(file, start, size)
    passed = f"{start} bytes before the recording are something else, and were passed over"
    return replace(part, warning="; ".join(filter(None, (passed, part.warning))))


def _begins(data: bytes) -> bool:
    """Tell whether a recording begins like this."""
    return data[4:8] == b"ftyp" or any(
        data.startswith(magic) and data[distance:].startswith(kinds)
        for magic, distance, kinds in _BEGINNINGS
        if magic not in (b"ftyp", b"ID3")
    )


def _part(file: BinaryIO, start: int, size: int) -> Part:
    head = _read(file, start, 32)
    if head[8:12] == b"WAVE":
        part = _wave(file, start, size)
    elif head[8:12] in (b"AIFF", b"AIFC"):
        part = _aiff(file, start, size)
    elif head[:4] in (b"dns.", b"\0ds."):
        part = _little_endian_sun(head, start, size)
    elif head[:4] == b"caff":
        part = _core_audio(file, start, size)
    elif head[4:8] == b"ftyp":
        part = Part(start=start, end=_last(_boxes(file, start, size), size))
    elif head.startswith(_EBML):
        part = Part(start=start, end=_end_of_matroska(file, start, size))
    elif head.startswith(_W64):
        part = _wave64(file, start, size)
    elif head.startswith(_ASF):
        part = Part(start=start, end=_last(_objects(file, start, size), size))
    elif head[:4] == b"TTA1":
        part = Part(start=start, end=_end_of_tta(file, start, head, size))
    elif start == 0 and _is_gsm(_read(file, 0, _GSM_FRAME * _GSM_FRAMES)):
        part = Part(start=0, end=size, demuxer="gsm")
    else:
        part = Part(start=start, end=size)
    return part


def _wave(file: BinaryIO, start: int, size: int) -> Part:
    swapped = _read(file, start, 4) == b"RIFX"
    form = _BIG if swapped else _LITTLE
    long_size, coding = None, b""
    for name, at, length in _chunks(file, start + 12, size, form):
        if name == b"ds64":
            long_size = struct.unpack("<Q", _read(file, at + 8, 8).ljust(8, b"\0"))[0]
        elif name == b"fmt ":
            coding = _read(file, at, min(length, 40))
        elif name == b"data":
            promised = long_size if length == _UNLIMITED and long_size else length
            unknown = promised in _UNKNOWN or promised >= size - at
            end = size if unknown else at + promised
            rest = size if unknown else _end(file, at, end, size, form)
            stale = None if rest is not None else _stale(promised, size - at)
            if swapped and (header := _big_endian(coding)):
                return Part(start=at, end=size if stale else end, head=header, warning=stale)
            if stale:
                head = _read(file, start, at - 4 - start) + struct.pack("<I", _UNLIMITED)
                if long_size:
                    head = head.replace(struct.pack("<Q", long_size), struct.pack("<Q", size - at), 1)
                return Part(start=at, end=size, head=head, warning=stale)
            return Part(start=start, end=size if rest is None else rest)
    return Part(start=start, end=size)


def _aiff(file: BinaryIO, start: int, size: int) -> Part:
    for name, at, length in _chunks(file, start + 12, size, _BIG):
        if name == b"SSND" and length not in _UNKNOWN and length < size - at:
            rest = _end(file, at, at + length, size, _BIG)
            if rest is not None:
                return Part(start=start, end=rest)
            head = _read(file, start, at - 4 - start) + struct.pack(">I", min(size - at, 0x7FFFFFFF))
            return Part(start=at, end=size, head=head, warning=_stale(length, size - at))
    return Part(start=start, end=size)


def _core_audio(file: BinaryIO, start: int, size: int) -> Part:
    for name, at, length in _chunks(file, start + 8, size, _LONG):
        if name == b"data" and 0 < length < size - at:
            rest = _end(file, at, at + length, size, _LONG)
            if rest is not None:
                return Part(start=start, end=rest)
            head = _read(file, start, at - 8 - start) + struct.pack(">q", -1)
            return Part(start=at, end=size, head=head, warning=_stale(length, size - at))
    return Part(start=start, end=size)


def _wave64(file: BinaryIO, start: int, size: int) -> Part:
    at = start + _OBJECT + 16  # behind the header of the whole and the name of its kind
    for _ in range(_MOST_CHUNKS):
        data = _read(file, at, _OBJECT)
        length = int.from_bytes(data[16:24], "little")
        if len(data) < _OBJECT or length < _OBJECT or at + length > size:
            break
        after = at + (length + 7) // 8 * 8
        rest = _read(file, after, 16)
        if (
            data.startswith(b"data\xf3\xac")
            and len(rest) == len(_W64)
            and rest[4:8] not in (b"\x2e\x91\xcf\x11", b"\xf3\xac\xd3\x11")
        ):
            if _is_padding(file, after, size):
                break
            head = _read(file, start, at + 16 - start) + struct.pack("<Q", size - at)
            warning = _stale(length - _OBJECT, size - at - _OBJECT)
            return Part(start=at + _OBJECT, end=size, head=head, warning=warning)
        if not rest or rest == _W64:
            return Part(start=start, end=min(after, size))
        at = after
    return Part(start=start, end=size)


def _little_endian_sun(head: bytes, start: int, size: int) -> Part:
    """Show a file of Sun's in the order of DEC's machines as WAV."""
    offset, _, coding, rate, channels = struct.unpack("<5I", head[4:24].ljust(20, b"\0"))
    tag, bits = next((kind for kind, number in _SUN.items() if number == coding), (0, 0))
    if not tag:
        return Part(start=start, end=size)
    block = channels * bits // 8
    shape = struct.pack("<HHIIHH", tag, channels & 0xFFFF, rate, rate * block & 0xFFFFFFFF, block & 0xFFFF, bits)
    wave = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0" + shape + b"data\xff\xff\xff\xff"
    return Part(start=start + offset, end=size, head=wave)


def _big_endian(coding: bytes) -> bytes | None:
    """Return a header of Sun's, whose samples are big-endian, for the `fmt ` chunk of a RIFX file."""
    tag, channels, rate, _, _, bits = struct.unpack(">HHIIHH", coding[:16].ljust(16, b"\0"))
    if tag == _EXTENSIBLE:
        tag = int.from_bytes(coding[24:26], "big")
    number = _SUN.get((tag, bits)) or {6: 27, 7: 1}.get(tag)
    return struct.pack(">4s5I", b".snd", 24, _UNLIMITED, number, rate, channels) if number else None


def _stale(promised: int, held: int) -> str:
    return f"the header promises {promised} bytes of sound, and {held} follow it; all were heard"


def _end(file: BinaryIO, at: int, end: int, size: int, form: _Form) -> int | None:
    """Return where a part ends whose sound ends at `end`, None if what follows can only be more sound."""
    for follows in dict.fromkeys((at + (end - at + 1) // 2 * 2, end)):
        rest = _read(file, follows, 16)
        if len(rest) < form.size or rest.startswith(_TRAILERS):
            return size
        if _begins(rest):
            return follows
        chunks = list(_chunks(file, follows, size, form, strict=True))
        if chunks:
            return chunks[-1][1] + chunks[-1][2] + chunks[-1][2] % 2
    return size if _is_padding(file, end, size) else None


def _chunks(
    file: BinaryIO, at: int, size: int, form: _Form, *, strict: bool = False
) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, where its content begins, length) of chunks, up to the first that is none.

    Args:
        file: That holds them.
        at: Where the first begins.
        size: Of the file.
        form: Of their headers.
        strict: Leave out a chunk that the file does not hold to its end.
    """
    for _ in range(_MOST_CHUNKS):
        data = _read(file, at, form.size)
        if len(data) < form.size or _begins(_read(file, at, 16)):
            return
        name, length = form.read(data)
        fits = 0 <= length <= size - at - form.size
        if not (name.isascii() and name.decode("ascii").isprintable()) or (strict and not fits):
            return
        yield name, at + form.size, length
        if not fits:
            return
        at += form.size + length + (length % 2 if form.even else 0)


def _boxes(file: BinaryIO, at: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the boxes of an MP4 file, up to one that begins another file."""
    for number in range(_MOST_CHUNKS):
        data = _read(file, at, 16)
        if len(data) < _BOX or (number and data[4:8] == b"ftyp") or not data[4:8].isascii():
            return
        length = int.from_bytes(data[:4], "big")
        if length == 1:
            length = int.from_bytes(data[8:16], "big")
        if not _BOX <= length <= size - at:
            return
        yield data[4:8], at, length
        at += length


def _objects(file: BinaryIO, at: int, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the objects of an ASF file."""
    for number in range(_MOST_CHUNKS):
        data = _read(file, at, _OBJECT)
        if len(data) < _OBJECT or (number and data.startswith(_ASF)):
            return
        length = int.from_bytes(data[16:24], "little")
        if not _OBJECT <= length <= size - at:
            return
        yield data[:16], at, length
        at += length


def _last(chunks: Iterator[tuple[bytes, int, int]], size: int) -> int:
    """Return where the last of chunks ends, the end of the file if there is none."""
    end = size
    for _, at, length in chunks:
        end = at + length if 0 <= length <= size - at else size
    return end


def _end_of_matroska(file: BinaryIO, start: int, size: int) -> int:
    """Return where a Matroska file ends: before the header of another, however long its own parts say they are."""
    at = start
    for _ in range(_MOST_ELEMENTS):
        data = _read(file, at, _LONGEST_ID + _LONGEST_VINT)
        if len(data) < _LONGEST_ID + _LONGEST_VINT or (at > start and data.startswith(_EBML)):
            break
        name = _vint_length(data[0])
        width = _vint_length(data[name]) if name <= _LONGEST_ID else 9
        if width > _LONGEST_VINT:
            return size
        length = int.from_bytes(data[name : name + width], "big") & ~(-1 << 7 * width)
        at += name + width
        if length != (1 << 7 * width) - 1:  # else it is not known, and one goes on inside
            at += length
    return min(at, size)


def _vint_length(first: int) -> int:
    """Return the bytes of a number of Matroska, by the first of them."""
    return 9 - first.bit_length()


def _end_of_tta(file: BinaryIO, start: int, head: bytes, size: int) -> int:
    """Return where a TTA file ends, by the table of its frames."""
    rate, samples = int.from_bytes(head[10:14], "little"), int.from_bytes(head[14:18], "little")
    frames = -(-samples // max(1, 256 * rate // 245))
    if frames > _MOST_CHUNKS:
        return size
    table = _read(file, start + 22, 4 * frames)
    lengths = (int.from_bytes(table[at : at + 4], "little") for at in range(0, len(table), 4))
    end = start + 22 + 4 * frames + 4 + sum(lengths)
    tag = _read(file, end, 32)
    if tag.startswith(b"APETAGEX"):
        end += 32 + int.from_bytes(tag[12:16], "little")
    return min(size, end)


def _is_gsm(data: bytes) -> bool:
    return len(data) >= 4 * _GSM_FRAME and all(byte >> 4 == _GSM_MARK for byte in data[::_GSM_FRAME])


def _is_padding(file: BinaryIO, start: int, size: int) -> bool:
    while start < size:
        data = _read(file, start, _PADDING)
        if data.strip(b"\0"):
            return False
        start += max(1, len(data))
    return True


def _read(file: BinaryIO, start: int, size: int) -> bytes:
    return os.pread(file.fileno(), max(0, size), start)
