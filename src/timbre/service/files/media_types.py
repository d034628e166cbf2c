"""What kind of file a recording is, by how it begins: what clients say of it counts for nothing.

Anything that is not sound answers `application/octet-stream`, so that no browser takes it for a page.
"""

from __future__ import annotations

import re
from typing import Final

HEAD: Final = 64  # bytes that tell
UNKNOWN: Final = "application/octet-stream"
_KINDS: Final = (
    (re.compile(rb"(RIFF|RF64|BW64)....WAVE", re.DOTALL), "audio/wav", ".wav"),
    (re.compile(rb"fLaC"), "audio/flac", ".flac"),
    (re.compile(rb"OggS"), "audio/ogg", ".ogg"),
    (re.compile(rb"ID3|\xff[\xfb\xfa\xf3\xf2\xe3\xe2]"), "audio/mpeg", ".mp3"),
    (re.compile(rb"\xff[\xf1\xf9]"), "audio/aac", ".aac"),
    (re.compile(rb"....ftyp", re.DOTALL), "audio/mp4", ".m4a"),
    (re.compile(rb"\x1a\x45\xdf\xa3"), "audio/webm", ".webm"),
    (re.compile(rb"FORM....AIF[FC]", re.DOTALL), "audio/aiff", ".aiff"),
    (re.compile(rb"caff"), "audio/x-caf", ".caf"),
    (re.compile(rb"#!AMR"), "audio/amr", ".amr"),
    (re.compile(rb"\.snd"), "audio/basic", ".au"),
)


def media_type(head: bytes) -> str:
    """The media type of a file that begins with these bytes."""
    return next((kind for pattern, kind, _ in _KINDS if pattern.match(head)), UNKNOWN)


def extension(head: bytes) -> str:
    """The end of the name of a file that begins with these bytes, with the dot; none where it is not known."""
    return next((end for pattern, _, end in _KINDS if pattern.match(head)), "")
