"""The process that starts a decoding process for every file, in milliseconds.

Python, NumPy and FFmpeg take longer to load than most short files take to decode. So one process loads them once, never
looks into a file, and forks for each: a decoding process still hears of one file alone and ends with it.

This half runs in that process; `decoding_process.py` holds the other end of its socket. A request is a JSON order with
descriptors: a pipe for reports, a socket of the request's own, the input, and one output or one for each channel. Over
the socket goes the exit code (below 0 a signal) when the decoding process has ended; when the other end closes it, the
process is killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from timbre.audio import MOST_TRACKS, decoder, stream_decoder

_LONGEST_ORDER: Final = 4096  # bytes
_DESCRIPTORS: Final = 3 + MOST_TRACKS
_INPUT: Final = 3  # where the decoding process finds it; the outputs follow


@dataclass(frozen=True, slots=True, kw_only=True)
class _Child:
    """A decoding process, and whom to tell of its end."""

    pid: int
    ended: int  # process descriptor, readable when it has ended
    life: int  # the end of its standard input that keeps it alive
    owner: socket.socket

    @property
    def watched(self) -> tuple[int, int]:
        """The descriptors that say that it has ended, and that its owner wants it to."""
        return self.ended, self.owner.fileno()


def main() -> None:
    """Fork for each request that comes over standard input, until it closes."""
    requests = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    children: dict[int, _Child] = {}  # by what is watched of each: its end, and its owner
    watch = select.poll()
    watch.register(requests, select.POLLIN)
    while True:
        for descriptor, _ in watch.poll():  # requests first, so that no number is used again within a round
            if descriptor == requests.fileno():
                order, descriptors, _, _ = socket.recv_fds(requests, _LONGEST_ORDER, _DESCRIPTORS)
                if not order:
                    return  # and the decoding processes end too: their standard input closes
                if made := _fork(json.loads(order), descriptors):
                    for end in made.watched:
                        children[end] = made
                        watch.register(end, select.POLLIN)
            elif (child := children.get(descriptor)) is None:
                continue  # buried in this round
            elif descriptor == child.ended:
                for end in child.watched:
                    del children[end]
                    watch.unregister(end)
                _bury(child)
            else:
                signal.pidfd_send_signal(child.ended, signal.SIGKILL)
                watch.modify(descriptor, 0)  # it would go on saying so


def _fork(order: dict[str, Any], descriptors: list[int]) -> _Child | None:
    """Start a decoding process; None where the system has no room for one more, which closing its socket tells."""
    life = None
    try:
        reports, owner, *files = descriptors
        waiting, life = os.pipe()
        descriptors.append(waiting)
        pid = os.fork()
        if pid == 0:
            _decode(order, files, reports, waiting)
        ended = os.pidfd_open(pid)
        descriptors.remove(owner)
        return _Child(pid=pid, ended=ended, life=life, owner=socket.socket(fileno=owner))
    except (OSError, ValueError):
        if life is not None:
            os.close(life)
        return None
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _decode(order: dict[str, Any], files: Sequence[int], reports: int, life: int) -> NoReturn:
    """Be the decoding process: keep its own descriptors, none of other requests', and never return."""
    code = 1
    try:
        # First out of the way of the numbers they shall have, then to them.
        after = _INPUT + len(files)
        kept = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, after) for descriptor in (life, reports, *files)]
        for number, descriptor in zip((0, 1, *range(_INPUT, after)), kept, strict=True):
            os.dup2(descriptor, number)
        os.closerange(after, os.sysconf("SC_OPEN_MAX"))
        be = stream_decoder.main if order.get("stream") else decoder.main
        be(order | {"input": _INPUT, "outputs": list(range(_INPUT + 1, after))})
        code = 0
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    finally:
        os._exit(code)


def _bury(child: _Child) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
    with contextlib.suppress(OSError):  # nobody wants to know any more
        child.owner.send(str(code).encode())
    child.owner.close()
    os.close(child.ended)
    os.close(child.life)
