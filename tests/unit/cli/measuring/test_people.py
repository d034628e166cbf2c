"""Recordings of people as trials: sessions, what is compared, and what is too little."""

from pathlib import Path

import pytest

from timbre.cli.measuring.people import parted, read_people, trials_of
from timbre.errors import TrialsError


def folder(root: Path, people: int, sessions: int = 2) -> Path:
    for person in range(people):
        for session in range(sessions):
            path = root / f"p{person:02}" / f"day{session}" / "one.wav"
            path.parent.mkdir(parents=True)
            path.touch()
    return root


def test_recordings_and_folders_of_a_person_are_sessions(tmp_path: Path) -> None:
    folder(tmp_path, 10)
    (tmp_path / "p00" / "day0" / "two.wav").touch()
    (tmp_path / "p00" / "alone.flac").touch()
    (tmp_path / "p00" / "notes.txt").touch()
    (tmp_path / "nobody").mkdir()
    people = read_people(tmp_path, None)
    assert len(people) == 10
    names = [[path.name for path in session] for session in people["p00"]]
    assert names == [["alone.flac"], ["one.wav", "two.wav"], ["one.wav"]]


def test_trials_never_compare_within_a_session(tmp_path: Path) -> None:
    trials = trials_of(read_people(folder(tmp_path, 10), None))
    assert sum(trial.same for trial in trials) == 10
    assert sum(not trial.same for trial in trials) == 10 * 36
    for trial in trials:
        enrolled, tested = trial.enrol_paths[0], trial.test_path
        assert trial.same == (enrolled.parts[-3] == tested.parts[-3])
        assert enrolled != tested


def test_a_list_of_enrolments_names_people_too(tmp_path: Path) -> None:
    folder(tmp_path, 10)
    rows = [f"{talk},p{p:02},p{p:02}/day{day}/one.wav" for talk in "ab" for p in range(10) for day in (0, 1)]
    (tmp_path / "enrol.csv").write_text("conversation,speaker,path\n" + "\n".join(rows))
    people = read_people(tmp_path / "enrol.csv", None)
    assert [len(sessions) for sessions in people.values()] == [2] * 10


def test_too_few_people_are_refused_with_what_to_add(tmp_path: Path) -> None:
    folder(tmp_path / "few", 7)
    with pytest.raises(TrialsError, match=r"needs 10 people .* there are 7 people, 7 .* add 3 more people"):
        read_people(tmp_path / "few", None)
    folder(tmp_path / "once", 12, sessions=1)
    with pytest.raises(TrialsError, match=r"12 people, 0 of them .* another day of p00, .* p04 and 7 others"):
        read_people(tmp_path / "once", None)


def test_everybody_is_in_one_group(tmp_path: Path) -> None:
    groups = parted(read_people(folder(tmp_path, 11), None), 5)
    assert sorted(name for group in groups for name in group) == [f"p{person:02}" for person in range(11)]
    assert min(len(group) for group in groups) == 2
