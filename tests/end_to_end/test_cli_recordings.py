"""`timbre voiceprint`, `diarize` and `identify` on the sample speech, as a user runs them."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from command_line import SAMPLES, run, started
from media import wav
from timbre import Engine, Voiceprint, formats

CONVERSATION = SAMPLES / "conversation.ogg"
ADA, BEN = SAMPLES / "enrol" / "Ada.flac", SAMPLES / "enrol" / "Ben.flac"
NAMES = ("Ada", "Ben", "Callum", "Dan")
BASE = ("--model", "base")


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("base")


@pytest.fixture(scope="module")
def voiceprints(tmp_path_factory) -> Path:
    """A folder with the voiceprint of each voice of the conversation, made by the command line."""
    folder = tmp_path_factory.mktemp("voiceprints")
    for name in NAMES:
        ended = run("voiceprint", SAMPLES / "enrol" / f"{name}.flac", "-o", folder / f"{name}.voiceprint", *BASE)
        assert (ended.code, ended.err) == (0, "")
        assert f"{name}.flac" in ended.out
    return folder


def people(folder: Path, *names: str) -> list[str]:
    return [f"--voiceprint={name}={folder / name}.voiceprint" for name in names]


def test_everybody_is_named_in_the_table(voiceprints):
    ended = run("identify", CONVERSATION, *people(voiceprints, *NAMES), "--threshold", 50, *BASE)
    assert (ended.code, ended.err) == (0, "")
    turns, speakers = ended.out.removesuffix("\n\n").split("\n\n")
    title, header, first = turns.splitlines()[:3]
    assert title.startswith(f"{CONVERSATION}: 1:58.85, ")
    assert header.split() == ["Start", "End", "Speaker", "Confidence"]
    assert re.fullmatch(r"0:00\.\d\d  0:07\.\d\d  Ada +\d+", first.strip())
    matched = [line.split()[-2] for line in speakers.splitlines()[1:] if "unknown" not in line]
    assert sorted(matched) == [*NAMES]


def test_a_stranger_stays_unknown_and_the_nearest_voiceprint_is_named(voiceprints):
    ended = run("identify", ADA, *people(voiceprints, "Dan"), "--threshold", 50, *BASE)
    assert "unknown, nearest to Dan" in ended.out


def test_json_is_what_python_gives(voiceprints, engine):
    options = ("--threshold", 60, "--no-exclusive", "--num-speakers", 4, "--vad-sensitivity", -1)
    wanted = ("--exclusive-turns", "--confidence", "--turn-confidence", "--probabilities")
    ended = run("identify", CONVERSATION, *people(voiceprints, "Ada", "Ben"), *options, "--json", *wanted, *BASE)
    result = engine.identify(
        CONVERSATION,
        {name: voiceprints / f"{name}.voiceprint" for name in ("Ada", "Ben")},
        threshold=60,
        exclusive=False,
        num_speakers=4,
        vad_sensitivity=-1,
        probabilities=True,
    )
    assert ended.code == 0
    assert json.loads(ended.out) == result.to_dict(exclusive=True, confidence=True, turn_level_confidence=True)


def test_several_recordings_give_a_line_each_and_a_failure_stops_none(tmp_path, engine):
    text, empty = tmp_path / "text.wav", tmp_path / "empty.mp3"
    text.write_text("This is no recording.")
    empty.touch()
    ended = run("diarize", text, ADA, empty, BEN, "--json", *BASE)
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert lines == [{"recording": str(path), **engine.diarize(path).to_dict()} for path in (ADA, BEN)]
    assert [line.split(": ")[:2] for line in ended.err.splitlines()] == [["timbre", str(text)], ["timbre", str(empty)]]
    assert ended.code == 1


def test_each_recording_is_written_into_a_folder_under_its_name(tmp_path, engine):
    folder = tmp_path / "new" / "turns"
    ended = run("diarize", ADA, BEN, "--format", "textgrid", "-o", folder, *BASE)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert sorted(path.name for path in folder.iterdir()) == ["Ada.TextGrid", "Ben.TextGrid"]
    assert formats.read(folder / "Ben.TextGrid") == plainly(engine.diarize(BEN).turns)


def test_one_recording_is_written_in_the_format_of_the_extension(tmp_path, engine):
    ended = run("diarize", ADA, "-o", tmp_path / "turns.srt", "--exclusive-turns", *BASE)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    assert formats.read(tmp_path / "turns.srt") == plainly(engine.diarize(ADA).exclusive_turns)


def plainly(turns):
    """What a file keeps of turns."""
    return tuple(replace(turn, start=round(turn.start, 3), end=round(turn.end, 3), confidence=None) for turn in turns)


def test_a_format_goes_to_stdout_and_rttm_holds_several_recordings(engine):
    ended = run("diarize", ADA, BEN, "--format", "rttm", *BASE)
    assert ended.out == "".join(
        formats.dumps(result.turns, "rttm", recording=path.stem, duration=result.duration)
        for path in (ADA, BEN)
        for result in [engine.diarize(path)]
    )


def test_silence_has_no_turns_and_a_warning(tmp_path):
    silence = tmp_path / "silence.wav"
    silence.write_bytes(wav(bytes(96_000), rate=16_000))
    ended = run("diarize", silence, *BASE)
    assert (ended.code, ended.out) == (0, f"{silence}: 0:03.00, 0 speakers\n\n")
    assert ended.err == f"timbre: {silence}: warning: No speech was found\n"


def test_a_voiceprint_goes_to_stdout_and_is_that_of_python(engine):
    ended = run("voiceprint", ADA, ADA, *BASE)
    assert (ended.code, ended.out) == (0, f"{engine.voiceprint([ADA, ADA])}\n")


def test_a_voiceprint_as_json_has_the_quality_of_each_recording(tmp_path, engine):
    path = tmp_path / "Ada.voiceprint"
    ended = run("voiceprint", ADA, "--json", "-o", path, *BASE)
    made = engine.voiceprint(ADA)
    quality = [{"recording": str(ADA), **made.quality[0].to_dict()}]
    assert json.loads(ended.out) == {**made.to_dict(), "quality": quality}
    assert str(Voiceprint.load(path)) == str(made)


def test_a_long_recording_is_refused_unless_its_length_is_allowed():
    refused = run("voiceprint", CONVERSATION, *BASE)
    assert refused.code == 1
    assert refused.err.startswith(f"timbre: {CONVERSATION}: The recording lasts 118.8 s")
    assert run("voiceprint", ADA, "--max-seconds", 15, *BASE).code == 1
    assert run("voiceprint", ADA, "--max-seconds", "inf", *BASE).code == 0


def test_a_foreign_voiceprint_ends_the_command_before_the_next_recording(tmp_path, voiceprints):
    foreign = replace(Voiceprint.load(voiceprints / "Ada.voiceprint"), space="0123456789abcdef")
    foreign.save(tmp_path / "Ada.voiceprint")
    ended = run("identify", ADA, BEN, *people(tmp_path, "Ada"), *BASE)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("timbre: Ada: this voiceprint was made by another encoder")
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["diarize", ADA, "--num-speakers", 2, "--max-speakers", 3, *BASE], 2, "num_speakers says it all"),
        (["diarize", ADA, "--vad-sensitivity", 6, *BASE], 2, "vad_sensitivity"),
        (["diarize", ADA, "--channel", 7, *BASE], 1, f"timbre: {ADA}: "),
        (["diarize", ADA, "--format", "pages", *BASE], 2, "pages"),
        (["diarize", ADA, "--model", "nosuch"], 3, "There is no pack 'nosuch'"),
        (["diarize", *BASE], 2, "RECORDING"),
        (["identify", ADA, *BASE], 2, "voiceprint"),
        (["identify", ADA, "--voiceprint", "Ada=nosuch.voiceprint", *BASE], 1, "nosuch.voiceprint"),
        (["voiceprint", ADA, "-o", "/nosuch/folder/Ada.voiceprint", *BASE], 2, "cannot be written"),
        (["nosuch"], 2, "nosuch"),
    ],
)
def test_what_is_wrong_is_said_and_has_its_code(arguments, code, message):
    ended = run(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert message in ended.err


def test_a_name_cannot_be_given_twice(voiceprints):
    ended = run("identify", ADA, *people(voiceprints, "Ada", "Ada"), *BASE)
    assert ended.code == 2
    assert "Ada has a voiceprint already" in ended.err


def test_a_setting_that_cannot_be_is_named(monkeypatch):
    monkeypatch.setenv("TIMBRE_THREADS", "many")
    ended = run("diarize", ADA, *BASE)
    assert ended.code == 2
    assert ended.err.startswith("timbre: TIMBRE_THREADS: Input should be a valid integer")


def test_a_folder_for_temporary_files_that_is_not_there_is_no_fault_of_the_input(monkeypatch):
    monkeypatch.setenv("TIMBRE_TEMP_DIR", "/nosuch/folder")
    assert run("diarize", ADA, *BASE).code == 3


def test_on_a_terminal_there_are_bars_and_colour():
    master, terminal = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    with started("diarize", ADA, *BASE, stdout=terminal, stderr=terminal, env=environment) as process:
        os.close(terminal)
        shown = drained(master).decode()
    assert process.returncode == 0
    assert f"{ADA.name}: voices" in shown
    assert re.search("SPEAKER_00 +\x1b\\[32m━{8,}", shown)


def drained(descriptor: int) -> bytes:
    """All that is written to a terminal until its other end is closed."""
    data = b""
    while True:
        try:
            data += os.read(descriptor, 1 << 16)
        except OSError:
            os.close(descriptor)
            return data


def test_an_interrupt_ends_with_130():
    with started("diarize", "/dev/stdin", *BASE, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(bytes(1 << 20))  # more than a pipe holds: it is being read when this returns
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, out, err) == (130, b"", b"")


def test_a_reader_who_has_read_enough_causes_no_noise():
    reader, writer = os.pipe()
    os.close(reader)
    with started("models", "list", stdout=writer) as process:
        os.close(writer)
        assert process.communicate()[1] == b""


def test_the_traceback_is_shown_when_asked_for():
    with started("--debug", "diarize", "nosuch.wav", *BASE, stdout=subprocess.PIPE) as process:
        err = process.communicate()[1].decode()
    assert process.returncode == 1
    assert "Traceback (most recent call last)" in err
    assert err.splitlines()[-1].startswith("timbre: nosuch.wav: Could not load audio")


def test_the_name_of_a_recording_need_not_be_text(tmp_path):
    odd = tmp_path / os.fsdecode(b"n\xe4me.flac")
    shutil.copyfile(ADA, odd)
    with started("diarize", odd, BEN, "--json", *BASE, stdout=subprocess.PIPE) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out.splitlines()[0])["recording"] == str(odd)
