"""What the command line prints: times, tables, errors; and which ways of asking for it contradict each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_line import run
from timbre.cli.display.progress import downloading
from timbre.cli.display.tables import Column, Table, plain
from timbre.cli.display.units import clock, percent
from timbre.cli.exits import report
from timbre.cli.measuring.enrolment_list import read_enrolments, some_of
from timbre.errors import AudioEmpty, InputError, ModelMissing, OptionError, TimbreError


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00.00"), (7.4, "0:07.40"), (59.999, "1:00.00"), (3599.994, "59:59.99"), (3723.45, "1:02:03.45")],
)
def test_times_are_read_as_on_a_clock(seconds, text):
    assert clock(seconds) == text


def test_shares_are_in_per_cent_and_may_be_missing():
    assert [percent(0.1234), percent(1.0), percent(None)] == ["12.3 %", "100.0 %", "-"]


def test_tables_are_aligned_also_with_wide_characters():
    columns = (Column("Speaker"), Column("Time", "number"), Column("Sure", "bar"))
    rows = [("Ada", "0:07.40", "100"), ("李雷", "1:00:07.40", "7"), ("Ben", "", "")]
    assert plain(Table(columns, rows, total=("all", "2", ""))).splitlines() == [
        "Speaker        Time  Sure",
        "Ada         0:07.40   100",
        "李雷     1:00:07.40     7",
        "Ben",
        "all               2",
    ]


@pytest.mark.parametrize(
    ("error", "code"),
    [(AudioEmpty(), 1), (OptionError(), 2), (ModelMissing(), 3), (TimbreError(), 3), (ZeroDivisionError(), 3)],
)
def test_every_kind_of_error_has_its_code(error, code):
    assert report(error) == code


def test_an_error_is_one_line_that_names_the_file(capsys):
    report(InputError("Two\n  lines."), Path("a.wav"))
    assert capsys.readouterr().err == "timbre: a.wav: Two lines.\n"


def test_an_error_of_ours_says_so(capsys):
    report(ZeroDivisionError("division by zero"))
    assert capsys.readouterr().err == (
        "timbre: This is a fault of Timbre: ZeroDivisionError: division by zero; run with --debug for the traceback\n"
    )


def test_a_download_without_a_terminal_is_one_line_a_file(capsys):
    with downloading() as progress:
        progress("voices", 0, 2_000_000)
        progress("voices", 1_999_999, 2_000_000)
        progress("voices", 2_000_000, 2_000_000)
    assert capsys.readouterr() == ("voices: 2.0 MB\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.wav", "--json", "--format", "rttm"], "choose one"),
        (["a.wav", "--confidence"], "parts of --json"),
        (["a.wav", "--turn-confidence", "--format", "json"], "parts of --json"),
        (["a.wav", "--probabilities"], "parts of --json"),
        (["a.wav", "-o", "a.odt"], "no format has this extension"),
        (["a.wav", "b.wav", "--format", "srt"], "cannot be told apart"),
        (["a.wav", "b.wav", "-o", "{}/out"], "--format or --json"),
        (["x/a.wav", "y/a.wav", "--json", "-o", "{}/out"], "rename one"),
        (["a.wav", "b.wav", "--json", "-o", "{}/file"], "expected a folder"),
    ],
)
def test_what_cannot_be_given_is_refused_before_any_work(arguments, message, tmp_path):
    (tmp_path / "file").touch()
    ended = run("diarize", *(argument.format(tmp_path) for argument in arguments))
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


@pytest.mark.parametrize(
    ("pairs", "message"),
    [(["ada.voiceprint"], "NAME=FILE"), (["=ada.voiceprint"], "NAME=FILE"), (["Ada="], "NAME=FILE")],
)
def test_a_voiceprint_needs_a_name_and_a_file(pairs, message):
    ended = run("identify", "a.wav", *(f"--voiceprint={pair}" for pair in pairs))
    assert ended.code == 2
    assert message in ended.err


def enrolments(folder: Path, *rows: str) -> Path:
    for name in ("one.flac", "two.flac"):
        (folder / name).touch()
    path = folder / "enrol.csv"
    path.write_text("\n".join(["conversation,speaker,path", *rows]), encoding="utf-8")
    return path


def test_a_list_of_enrolments_collects_the_recordings_of_a_speaker(tmp_path):
    path = enrolments(tmp_path, "standup,Ada,one.flac", "standup,Ben,two.flac", "standup,Ada,two.flac")
    one, two = tmp_path / "one.flac", tmp_path / "two.flac"
    assert read_enrolments(path, tmp_path) == {"standup": {"Ada": (one, two), "Ben": (two,)}}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "nobody"),
        (["standup,,one.flac"], "line 2"),
        (["standup,Ada,one.flac", "standup,Ada,three.flac"], "line 3: .*'three.flac'"),
        (["standup,Ada"], "line 2"),
    ],
)
def test_a_faulty_list_of_enrolments_is_refused_with_the_line(rows, message, tmp_path):
    with pytest.raises(InputError, match=message):
        read_enrolments(enrolments(tmp_path, *rows), tmp_path)


def test_a_share_of_the_speakers_is_chosen_by_the_seed():
    everybody = {"standup": {name: (Path(f"{name}.flac"),) for name in "ABCDEFGH"}}
    chosen = [some_of(everybody, 0.5, seed)["standup"].keys() for seed in (0, 0, 1)]
    assert [len(names) for names in chosen] == [4, 4, 4]
    assert chosen[0] == chosen[1] != chosen[2]
    assert some_of(everybody, 1.0, 0) == everybody
    with pytest.raises(OptionError):
        some_of(everybody, 1.5, 0)
