"""Where output goes that cannot go anywhere: a full disk is named in one line, and who reads no more is let go."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TextIO

import pytest

from command_line import SAMPLES, TIMBRE, Ended, run
from machine import FULL, files_of_at_most
from server import Server
from timbre.cli import main
from timbre.cli.exits import finish, tell

SAID = "timbre: The disk is full; make room, and do this once more.\n"
RECORDING = SAMPLES / "enrol" / "Ada.flac"
DISK, UNREAD = 3, 141  # exit codes
COMMANDS = [
    ["--help"],
    ["diarize", "--help"],
    ["version"],
    ["models", "list"],
    ["models", "list", "--json"],
    ["diarize", RECORDING],
    ["diarize", RECORDING, "--json"],
    ["diarize", RECORDING, "--format", "rttm"],
    ["voiceprint", RECORDING],
]
OF_A_SERVER = [
    ["keys", "list"],
    ["keys", "create", "unseen"],
    ["speakers", "list"],
    ["speakers", "export"],
    ["usage"],
    ["usage", "--json"],
]


def run_into(out: TextIO, *arguments: object) -> Ended:
    """Run `timbre` in this process, with a stream of the system's for its output."""
    err = io.StringIO()
    with out, redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return Ended(code=int(exit_.value.code or 0), out="", err=err.getvalue())


def unread() -> TextIO:
    """A pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "w")


@pytest.fixture(scope="module")
def somebody(server: Server) -> str:
    """The data folder of a server that knows somebody, so that there is something to export."""
    server.run("speakers", "create", "Somebody of the streams")
    return str(server.folder)


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda words: " ".join(map(str, words[:3])))
def test_a_full_disk_is_named_and_a_reader_that_went_is_not(arguments: Sequence[object]):
    assert run_into(FULL.open("w"), *arguments) == Ended(code=DISK, out="", err=SAID)
    ended = run_into(unread(), *arguments)
    assert (ended.code, ended.err) == (UNREAD, "")


@pytest.mark.parametrize("arguments", OF_A_SERVER, ids=" ".join)
def test_so_it_is_for_commands_of_a_server(somebody: str, arguments: Sequence[str]):
    assert run_into(FULL.open("w"), *arguments, "--data-dir", somebody) == Ended(code=DISK, out="", err=SAID)
    ended = run_into(unread(), *arguments, "--data-dir", somebody)
    assert (ended.code, ended.err) == (UNREAD, "")


@pytest.mark.parametrize("arguments", [["version"], ["models", "no-such-command"]], ids=["result", "error"])
def test_nothing_is_added_when_the_interpreter_ends(arguments: list[str]):
    """What the streams still hold then fails once more, and would give 120 and a traceback."""
    with FULL.open("w") as full:
        ended = subprocess.run([*TIMBRE, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert (ended.returncode, ended.stderr.count("\n")) == ((DISK, 1) if arguments == ["version"] else (2, 4))
        silent = subprocess.run([*TIMBRE, *arguments], stdout=full, stderr=full, check=False)
        assert silent.returncode == DISK


def test_what_fails_only_in_the_end_is_an_error(capsys: pytest.CaptureFixture[str]):
    with FULL.open("w") as full, redirect_stdout(full):
        sys.stdout.write("held back")
        assert finish(0) == DISK
    assert capsys.readouterr().err == SAID
    with unread() as gone, redirect_stdout(gone):
        sys.stdout.write("held back")
        assert finish(0) == UNREAD
    assert capsys.readouterr().err == ""


def test_what_was_said_beside_a_result_does_not_spoil_it():
    with FULL.open("w") as full, redirect_stderr(full):
        tell("a warning", err=True)
        assert finish(0) == 0


# Files


def test_a_full_disk_under_a_file_is_named(somebody: str):
    said = f"timbre: {FULL}: cannot be written, as the disk is full; make room.\n"
    for ended in (
        run("diarize", RECORDING, "--format", "rttm", "-o", FULL),
        run("voiceprint", RECORDING, "-o", FULL),
        run("speakers", "export", "-o", FULL, "--data-dir", somebody),
    ):
        assert ended == Ended(code=DISK, out="", err=said)


def test_an_export_that_does_not_fit_leaves_the_one_before(somebody: str, tmp_path: Path):
    file = tmp_path / "people.jsonl"
    file.write_text("before")
    with files_of_at_most(20):
        ended = run("speakers", "export", "-o", file, "--data-dir", somebody)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"timbre: {file}: cannot be written (File too large).\n"
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]
