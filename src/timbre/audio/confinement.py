"""What a decoding process may not do, by a filter of system calls (seccomp) and by another user, where there are such.

The limits of `decoder.py` leave it no descriptor to open anything with. This takes away what needs none: signals to
other processes, looking into them, other programs, processes of its own. No library is needed: the filter is a handful
of instructions for the kernel.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import struct
from typing import Final

_NOBODY: Final = 65_534

# Numbers of system calls, which differ from one kind of processor to another; the first is what the kernel calls it.
_DENIED: Final = {
    "x86_64": (0xC000003E, (41, 59, 101, 129, 200, 248, 249, 250, 297, 298, 310, 311, 321, 322, 323, 424, 425, 434)),
    "aarch64": (0xC00000B7, (198, 221, 117, 138, 130, 217, 218, 219, 240, 241, 270, 271, 280, 281, 282, 424, 425, 434)),
}  # sockets, execve(at), ptrace, process_vm_*, other ways of signals, keys, perf, bpf, userfaultfd, pidfd_*, io_uring
_SIGNALS: Final = {"x86_64": (62, 234), "aarch64": (129, 131)}  # kill, tgkill: to itself, as to abort, and nobody else
_FORKS: Final = {"x86_64": (57, 58), "aarch64": ()}  # fork, vfork
_CLONE: Final = {"x86_64": 56, "aarch64": 220}  # threads are made by it too, and may be
_CLONE3: Final = 435  # its flags cannot be looked at; without it, clone is tried
_CLONE_THREAD: Final = 0x10000
_X32: Final = 0x40000000  # numbers of another kind, of which the filter would know nothing

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # instructions
_NUMBER_AT, _MACHINE_AT, _FIRST_ARGUMENT_AT = 0, 4, 16  # where the kernel puts what is asked
_ALLOW: Final = 0x7FFF0000
_FAIL: Final = 0x00050000  # and an error number
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2


def confine() -> None:
    """Give up for good what decoding does not need; where the system has no such thing, nothing is given up."""
    with contextlib.suppress(OSError):
        os.setsid()  # no terminal, and no group whose signals it shares
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setresgid(_NOBODY, _NOBODY, _NOBODY)
            os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    if program := _program(platform.machine(), os.getpid()):
        _install(program)


def _program(machine: str, pid: int) -> bytes:
    """The filter as the kernel reads it; nothing for kinds of processors whose numbers are not known here."""
    if machine not in _DENIED:
        return b""
    kind, denied = _DENIED[machine]
    refuse = _instruction(_RETURN, _FAIL | errno.EPERM)
    allow = _instruction(_RETURN, _ALLOW)
    steps = [
        _instruction(_LOAD, _MACHINE_AT),
        _instruction(_EQUAL, kind, yes=1),
        allow,
        _instruction(_LOAD, _NUMBER_AT),
        _instruction(_AT_LEAST, _X32, no=1),
        refuse,
        _instruction(_EQUAL, _CLONE3, no=1),
        _instruction(_RETURN, _FAIL | errno.ENOSYS),
    ]
    for number in (*denied, *_FORKS[machine]):
        steps += [_instruction(_EQUAL, number, no=1), refuse]
    for number in _SIGNALS[machine]:
        steps += [
            _instruction(_EQUAL, number, no=4),
            _instruction(_LOAD, _FIRST_ARGUMENT_AT),
            _instruction(_EQUAL, pid, yes=1),
            refuse,
            allow,
        ]
    steps += [
        _instruction(_EQUAL, _CLONE[machine], no=3),
        _instruction(_LOAD, _FIRST_ARGUMENT_AT),
        _instruction(_ANY_BIT, _CLONE_THREAD, yes=1),
        refuse,
        allow,
    ]
    return b"".join(steps)


def _instruction(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    """An instruction; a comparison skips so many of those behind it."""
    return struct.pack("=HBBI", code, yes, no, value)


def _install(program: bytes) -> None:
    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.c_char_p))

    libc = ctypes.CDLL(None, use_errno=True)
    filter_ = Program(len(program) // len(_instruction(0, 0)), program)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(filter_), 0, 0)
