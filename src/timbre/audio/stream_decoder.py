"""The child process that decodes sound as it comes: a stream of WebM or Ogg with Opus in, 16 kHz mono int16 out.

Forked by `launcher.py` as `decoder.py` is, with the same limits; its input and its output are one socket, whose other
end is a live stream's. When there is nothing more to read, it writes what is left, and ends.
"""

from __future__ import annotations

import os
import signal
from typing import Any, Final

import av
from av.error import FFmpegError

from timbre.audio import SAMPLE_RATE
from timbre.audio.decoder import confine, die_with_parent, report

_CONTAINERS: Final = {b"\x1aE\xdf\xa3": "matroska", b"OggS": "ogg"}  # by their first bytes
_HEAD: Final = 4  # bytes
_READ: Final = 4096  # bytes that FFmpeg asks for at once; it gets what there is
_OPTIONS: Final = {"probesize": "32", "analyzeduration": "1"}  # the header says all; waiting for more would be late
EXPECTED: Final = "Expected WebM or Ogg with one track of Opus"


class _Incoming:
    """A file of what comes; it cannot be turned back."""

    def __init__(self, source: int) -> None:
        self._source = source
        self._head = b""
        while len(self._head) < _HEAD and (more := os.read(source, _HEAD - len(self._head))):
            self._head += more
        self.container = _CONTAINERS.get(self._head)

    def read(self, size: int) -> bytes:
        """Return what has come, at most so much; nothing at the end."""
        if self._head:
            head, self._head = self._head[:size], self._head[size:]
            return head
        return os.read(self._source, size)


def main(order: dict[str, Any]) -> None:
    """Decode as ordered, and report on standard output what was wrong, if anything was.

    Args:
        order: `input` and `outputs` (file descriptors), and the limits `memory` (bytes) and `seconds` (of work).
    """
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    die_with_parent()
    confine(order["memory"], order["seconds"], 0)
    try:
        _decode(order["input"], order["outputs"][0])
    except (FFmpegError, ValueError, EOFError, MemoryError) as error:
        report(error=f"{EXPECTED}, got what cannot be decoded ({type(error).__name__}: {error})"[:300])


def _decode(source: int, out: int) -> None:
    incoming = _Incoming(source)
    if incoming.container is None:
        report(error=f"{EXPECTED}, got something else")
        return
    resample = av.AudioResampler("s16", "mono", SAMPLE_RATE)
    with av.open(incoming, "r", format=incoming.container, options=_OPTIONS, buffer_size=_READ) as container:
        tracks = container.streams
        if len(tracks) != 1 or tracks[0].type != "audio" or tracks[0].codec_context.name not in ("opus", "libopus"):
            report(error=f"{EXPECTED}, got something else")
            return
        for frame in container.decode(audio=0):
            for part in resample.resample(frame):
                _write(out, part)
        for part in resample.resample(None):
            _write(out, part)


def _write(out: int, frame: av.AudioFrame) -> None:
    view = memoryview(frame.to_ndarray().tobytes())
    while view:
        view = view[os.write(out, view) :]
