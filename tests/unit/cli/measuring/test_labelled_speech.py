"""Labelled speech for calibrating an encoder: folders, manifests, groups, and what is too little."""

from pathlib import Path

import pytest

from timbre.cli.measuring.labelled_speech import read_speech
from timbre.errors import TrialsError


def manifest(root: Path, groups: dict[str, int], recordings: int = 2, *, sessions: bool = True) -> Path:
    rows = ["path,speaker,language,session"]
    for language, people in groups.items():
        for person in range(people):
            for number in range(recordings):
                path = root / f"{language}{person}-{number}.wav"
                path.touch()
                rows.append(f"{path.name},{language}{person},{language},{f'day{number}' if sessions else 'day0'}")
    path = root / "manifest.csv"
    path.write_text("\n".join(rows))
    return path


def test_a_manifest_parts_people_by_language_and_puts_small_groups_together(tmp_path: Path) -> None:
    manifest(tmp_path, {"et": 12, "fi": 9, "hu": 3, "mt": 4})
    speech = read_speech(tmp_path, None)
    assert {group: len(people) for group, people in speech.items()} == {"et": 12, "fi": 9, "others": 7}
    assert speech["et"]["et0"] == [(tmp_path / "et0-0.wav",), (tmp_path / "et0-1.wav",)]
    assert "hu hu0" in speech["others"]


def test_recordings_of_the_only_session_are_compared_all_the_same(tmp_path: Path) -> None:
    speech = read_speech(manifest(tmp_path, {"et": 25}, sessions=False), None)
    assert all(len(sessions) == 2 for sessions in speech["et"].values())


def test_a_folder_for_each_person_is_one_group(tmp_path: Path) -> None:
    for person in range(25):
        for day in range(8):
            path = tmp_path / f"p{person:02}" / f"{day}.flac"
            path.parent.mkdir(exist_ok=True)
            path.touch()
    speech = read_speech(tmp_path, None)
    assert list(speech) == ["people"]
    assert [path.name for (path,) in speech["people"]["p00"]] == [
        "0.flac",
        "1.flac",
        "2.flac",
        "4.flac",
        "5.flac",
        "6.flac",
    ]


def test_too_little_and_malformed_manifests_are_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        TrialsError, match=r"takes 25 people .* there are 6 people, 6 of them with two.*timbre calibrate"
    ):
        read_speech(manifest(tmp_path, {"et": 6}), None)
    listed = tmp_path / "listed.csv"
    listed.write_text("file,speaker\na.wav,ada\n")
    with pytest.raises(TrialsError, match=r"line 1: expected a header with path,speaker, got 'file,speaker'"):
        read_speech(listed, None)
    listed.write_text("path,speaker\na.wav,ada\n")
    with pytest.raises(TrialsError, match=r"line 2: .* got 'ada' and 'a.wav'; .* --root"):
        read_speech(listed, None)
