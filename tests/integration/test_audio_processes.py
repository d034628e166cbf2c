"""The decoding process ends when it should, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from media import encoded, tones
from timbre.audio import decoding_process as launching
from timbre.audio.decoding import open_recording
from timbre.errors import AudioUnreadable, DecodingInterrupted, InputError, TimbreError
from timbre.settings import Settings

SETTINGS = Settings()


@pytest.fixture(scope="module")
def long_file(tmp_path_factory):
    """Six hours of sound, which nobody decodes in the time of a test."""
    minute = encoded(tones([1000, 1500], 60, 44_100), 44_100, container="adts", codec="aac", bit_rate=32_000)
    path = tmp_path_factory.mktemp("long") / "long.aac"
    with path.open("wb") as file:
        for _ in range(6 * 60):
            file.write(minute)
    yield path
    path.unlink()


def processes(ancestor):
    """Return the processes that come from this one and that nobody has waited for."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
    found, near = set(), {ancestor}
    while near:
        near = {child for child, parent in parents.items() if parent in near}
        found |= near
    return found


@pytest.fixture
def children():
    """A function that returns the decoding processes started in this test."""
    with open_recording(one_second(), settings=SETTINGS) as recording:  # so that there is a launcher
        _ = recording.duration
    before = processes(os.getpid())
    return lambda: processes(os.getpid()) - before


def one_second():
    return encoded(tones([1000], 1, 16_000), 16_000, container="wav", codec="pcm_s16le")


def test_reading_begins_long_before_decoding_ends(long_file, children):
    with open_recording(long_file, settings=SETTINGS) as recording:
        assert len(recording.read(0, 16_000)) == 16_000
        assert recording.decoded < 6 * 3600 * 16_000
        assert len(children()) == 1


def test_closing_early_ends_the_process(long_file, children):
    recording = open_recording(long_file, settings=SETTINGS)
    recording.read(0, 100)

    recording.close()

    assert children() == set()


def test_a_finished_process_is_not_left_as_a_zombie_while_the_recording_is_open(children):
    with open_recording(one_second(), settings=SETTINGS) as recording:
        assert recording.duration == 1
        for thread in threading.enumerate():
            if thread.name == "timbre-decoding":
                thread.join()
        assert children() == set()
        assert len(recording.read(0, 16_000)) == 16_000


def test_the_time_limit_ends_the_process_and_names_the_setting(long_file, children):
    impatient = Settings(decode_seconds=0.3)
    limit = pytest.raises(AudioUnreadable, match=r"0\.3 s.*TIMBRE_DECODE_SECONDS")

    with open_recording(long_file, settings=impatient) as recording, limit:
        _ = recording.duration

    assert children() == set()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_is_ended_from_outside_has_not_heard_the_recording(long_file, children, number):
    with open_recording(long_file, settings=SETTINGS) as recording:
        recording.read(0, 16_000)
        os.kill(children().pop(), number)

        with pytest.raises(DecodingInterrupted, match=f"from outside .signal {number:d}"):
            _ = recording.duration


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_process_that_crashes_leaves_what_it_decoded_and_a_warning(long_file, children, number):
    with open_recording(long_file, settings=SETTINGS) as recording:
        recording.read(0, 16_000)
        os.kill(children().pop(), number)

        assert recording.duration >= 1
        assert "decoding broke down" in recording.warnings[0]
        assert "what follows was not heard" in recording.warnings[0]


def test_a_decoder_that_cannot_run_is_our_fault_and_not_the_files(long_file, monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    monkeypatch.setattr(launching, "_launchers", launching._Launchers())

    with (
        open_recording(long_file, settings=SETTINGS) as recording,
        pytest.raises(TimbreError, match="doctor") as caught,
    ):
        recording.read(0, 1)

    assert not isinstance(caught.value, InputError)
    launching._launchers.stop()


def test_files_share_nothing_but_the_launcher(long_file, children):
    def held(process):
        links = {path.name: path.readlink() for path in Path("/proc", str(process), "fd").iterdir()}
        assert set(links) == {"0", "1", "2", "3", "4"}
        return {links["0"], links["1"], links["4"]}

    with open_recording(long_file, settings=SETTINGS) as one:
        one.read(0, 100)
        first = children().pop()
        with open_recording(long_file, settings=SETTINGS) as other:
            other.read(0, 100)
            second = (children() - {first}).pop()
            assert not held(first) & held(second)
            os.kill(first, signal.SIGKILL)

            with pytest.raises(DecodingInterrupted):
                _ = one.duration
            assert second in children()


def test_a_launcher_that_is_gone_is_replaced(long_file, children):
    launcher = launching._launchers._running[0]
    with open_recording(long_file, settings=SETTINGS) as recording:
        recording.read(0, 100)
        launcher.kill()
        launcher.wait()

        with pytest.raises(DecodingInterrupted, match="try again"):
            _ = recording.duration
    with open_recording(one_second(), settings=SETTINGS) as recording:
        assert recording.duration == 1


def test_a_limit_that_cannot_be_kept_ends_in_an_error_and_not_in_waiting(long_file, children):
    endless = Settings(decode_seconds=1e300)

    with open_recording(long_file, settings=endless) as recording, pytest.raises(TimbreError):
        _ = recording.duration

    assert children() == set()


def test_the_process_dies_with_its_parent(long_file):
    program = (
        "import sys\n"
        "from timbre.audio.decoding import open_recording\n"
        "from timbre.settings import Settings\n"
        "recording = open_recording(sys.argv[1], settings=Settings())\n"
        "recording.read(0, 100)\n"
        "print('decoding', flush=True)\n"
        "sys.stdin.read()\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program, long_file], stdin=pipe, stdout=pipe) as parent:
        parent.stdout.readline()
        left = [os.pidfd_open(process) for process in processes(parent.pid)]
        parent.kill()

    assert len(left) == len(("launcher", "decoder"))
    for process in left:
        ended = select.poll()
        ended.register(process, select.POLLIN)
        assert ended.poll(30_000)
        os.close(process)


def test_the_process_can_open_nothing_and_knows_no_secrets(long_file, children, monkeypatch):
    monkeypatch.setenv("TIMBRE_SECRET", "hush")
    with open_recording(long_file, settings=SETTINGS) as recording:
        recording.read(0, 100)
        process = Path("/proc", str(children().pop()))
        limits = {line[:26].strip(): line[26:].split()[:2] for line in (process / "limits").read_text().splitlines()}
        environment = (process / "environ").read_bytes()

    assert limits["Max open files"] == ["0", "0"]
    assert limits["Max core file size"] == ["0", "0"]
    assert limits["Max file size"][0] == str(2 * 24 * 3600 * 16_000)
    assert limits["Max cpu time"][0] == "900"
    assert limits["Max address space"][0] != "unlimited"
    assert b"hush" not in environment


def test_nothing_is_left_in_the_temporary_folder(long_file, tmp_path):
    with open_recording(long_file, settings=Settings(temp_dir=tmp_path)) as recording:
        recording.read(0, 100)
        assert list(tmp_path.iterdir()) == []
