"""What a decoding process may not do any more, tried in a process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

TRIES = """
import os, socket, sys, threading
from timbre.audio.confinement import confine
parent, session = os.getppid(), os.getsid(0)
confine()
def refused(act):
    try:
        act()
    except PermissionError:
        return True
    return False
print(os.getsid(0) != session, os.geteuid() != 0)
print(refused(lambda: os.kill(parent, 0)), refused(lambda: socket.socket()))
print(refused(lambda: os.execv(sys.executable, ["python"])), refused(os.fork), refused(lambda: os.pidfd_open(parent)))
os.kill(os.getpid(), 0)  # itself, as to abort
thread = threading.Thread(target=print, args=("a thread",))
thread.start()
thread.join()
sys.stdout.flush()
os.abort()
"""


@pytest.mark.skipif(platform.machine() not in {"x86_64", "aarch64"}, reason="the filter knows no other processors")
def test_what_decoding_does_not_need_is_given_up() -> None:
    done = subprocess.run([sys.executable, "-c", TRIES], capture_output=True, text=True, check=False)
    assert done.stdout.split("\n")[:4] == ["True True", "True True", "True True True", "a thread"], done.stderr
    assert done.returncode == -6
