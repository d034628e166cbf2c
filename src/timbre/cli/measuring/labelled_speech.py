"""Labelled speech that an encoder is calibrated with: a folder for each person, or a manifest.

    speech/Ada/monday.wav              a folder for each person, as `timbre.cli.measuring.people` reads it

    path,speaker,session,group         or a CSV file, or a folder with one that is called manifest.csv;
    clips/1.mp3,ada,,en                session and group may be left out, and paths start at the file's folder

People are compared within their group, a language or a source: strangers of one language are harder to tell apart, and
what is fitted to some groups is judged by others.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from timbre.cli.measuring.people import People, sessions_in
from timbre.errors import TrialsError

Speech = Mapping[str, People]  # people by group

MANIFEST: Final = "manifest.csv"
_SPEAKER, _PATH, _SESSION = "speaker", "path", "session"
_GROUPS: Final = ("group", "set", "language")
_MOST_SESSIONS: Final = 6  # of a person
_MOST_RECORDINGS: Final = 3  # of a session
_SMALL: Final = 5  # people with two sessions, below which a group is put together with others that are as small
_OTHERS: Final = "others"
FEWEST_PEOPLE: Final = 25  # of whom there are two recordings


def read_speech(place: Path, root: Path | None) -> Speech:
    """Read a folder or a manifest, whose paths start at `root` or beside it; of everybody some recordings are taken.

    Raises:
        TrialsError: the manifest is malformed or names a file that is not there; or there are too few people.
    """
    manifest = place if place.is_file() else place / MANIFEST
    if manifest.is_file():
        speech = _of_manifest(manifest, root or manifest.parent)
    else:
        folders = (folder for folder in sorted(place.iterdir()) if folder.is_dir())
        speech = {"people": {folder.name: sessions for folder in folders if (sessions := sessions_in(folder))}}
    chosen = {group: {name: _some(of) for name, of in people.items()} for group, people in speech.items()}
    _refuse_too_few(place, chosen)
    return _without_small_groups(chosen)


def _of_manifest(manifest: Path, root: Path) -> dict[str, dict[str, list[tuple[Path, ...]]]]:
    found: dict[str, dict[str, dict[str, list[Path]]]] = {}
    try:
        with manifest.open(encoding="utf-8-sig", newline="") as lines:
            for group, speaker, session, path in _rows(lines, manifest, root):
                sessions = found.setdefault(group, {}).setdefault(speaker, {})
                sessions.setdefault(session or str(path), []).append(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TrialsError(f"{manifest}: cannot be read as CSV in UTF-8 ({error}).") from error
    return {
        group: {speaker: [tuple(paths) for paths in sessions.values()] for speaker, sessions in people.items()}
        for group, people in found.items()
    }


def _rows(lines: Iterable[str], manifest: Path, root: Path) -> Iterator[tuple[str, str, str, Path]]:
    rows = csv.DictReader(lines, strict=True)
    if not {_PATH, _SPEAKER} <= set(rows.fieldnames or ()):
        came = ",".join(rows.fieldnames or ())
        raise TrialsError(f"{manifest}, line 1: expected a header with {_PATH},{_SPEAKER}, got {came!r}.")
    for row in rows:
        speaker, name = row[_SPEAKER] or "", row[_PATH] or ""
        if not (speaker and (root / name).is_file()):
            raise TrialsError(
                f"{manifest}, line {rows.line_num}: expected a speaker and a file in {root}, got {speaker!r} and"
                f" {name!r}; name the folder that paths start at with --root."
            )
        group = " ".join(value for column in _GROUPS if (value := row.get(column)))
        yield group or "people", speaker, row.get(_SESSION) or "", root / name


def _some(sessions: Sequence[tuple[Path, ...]]) -> list[tuple[Path, ...]]:
    """Return some sessions of a person; the recordings of the only one are taken for sessions."""
    if len(sessions) == 1:
        sessions = [(path,) for path in sessions[0]]
    step = max(1.0, len(sessions) / _MOST_SESSIONS)
    chosen = [sessions[int(number * step)] for number in range(min(len(sessions), _MOST_SESSIONS))]
    return [session[:_MOST_RECORDINGS] for session in chosen]


def _several(people: People) -> int:
    return sum(len(sessions) > 1 for sessions in people.values())


def _without_small_groups(speech: Speech) -> Speech:
    large = {group: people for group, people in speech.items() if _several(people) >= _SMALL}
    small = {
        f"{group} {name}" if len(speech) > 1 else name: sessions
        for group, people in speech.items()
        if group not in large
        for name, sessions in people.items()
    }
    return {**large, _OTHERS: small} if _several(small) >= _SMALL or not large else large


def _refuse_too_few(place: Path, speech: Speech) -> None:
    several, everybody = (sum(map(count, speech.values())) for count in (_several, len))
    if several < FEWEST_PEOPLE:
        raise TrialsError(
            f"{place}: calibrating an encoder takes {FEWEST_PEOPLE} people with two recordings or more, better some"
            f" hundreds; there are {everybody} people, {several} of them with two. With a few people of your own, move"
            " the calibration in use: `timbre calibrate`."
        )
