"""Folders of audio and RTTM: what is paired, and what is said about what cannot be."""

import pytest

from timbre.errors import FormatError, InputError
from timbre.evaluation.corpus import Recording, read_corpus
from timbre.formats import rttm
from timbre.turns import Turn

ADA = Turn(start=0.5, end=2.0, speaker="Ada")
BOB = Turn(start=1.0, end=3.0, speaker="Bob")


def line(turn, recording="x"):
    return rttm.dumps([turn], recording=recording, duration=4.0)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b.flac").touch()
    (tmp_path / "b.rttm").write_text(line(BOB), encoding="utf-8")
    return tmp_path


def test_pairs_are_read_by_name_and_other_files_passed_over(folder):
    (folder / "a.MP3").touch()
    (folder / "a.RTTM").write_text("", encoding="utf-8")
    (folder / "manifest.csv").touch()
    (folder / "enrol.wav").mkdir()
    assert read_corpus(folder) == (
        Recording(name="a", audio=folder / "a.MP3", reference=()),
        Recording(name="b", audio=folder / "b.flac", reference=(BOB,)),
    )


def test_of_several_recordings_in_one_file_the_one_of_its_name_is_taken(folder):
    (folder / "b.rttm").write_text(line(ADA, "other") + line(BOB, "b"), encoding="utf-8")
    assert read_corpus(folder)[0].reference == (BOB,)
    (folder / "b.rttm").write_text(line(ADA, "other") + line(BOB, "another"), encoding="utf-8")
    with pytest.raises(FormatError, match=r"b\.rttm: expected a recording named b, got another, other"):
        read_corpus(folder)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("c.wav", r"there is no RTTM file for c; add it"),
        ("c.rttm", r"there is no audio file for c; add it"),
        ("b.wav", r"b\.flac and b\.wav are both called b; rename one"),
    ],
)
def test_missing_and_double_counterparts_are_told(folder, extra, message):
    (folder / extra).touch()
    with pytest.raises(InputError, match=message):
        read_corpus(folder)


def test_many_missing_files_are_counted(folder):
    for i in range(8):
        (folder / f"c{i}.wav").touch()
    with pytest.raises(InputError, match=r"no RTTM file for c0, c1, c2, c3, c4 and 3 more; add it"):
        read_corpus(folder)


def test_a_folder_without_pairs_or_that_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="there are no audio files with an RTTM file"):
        read_corpus(tmp_path)
    with pytest.raises(InputError, match="expected a folder"):
        read_corpus(tmp_path / "missing")


def test_errors_of_a_reference_name_the_file_and_the_line(folder):
    (folder / "b.rttm").write_text("SPEAKER b 1 zero 1 <NA> <NA> Ada\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"b\.rttm: RTTM, line 1: expected a start in seconds, got 'zero'"):
        read_corpus(folder)
