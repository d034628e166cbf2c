"""Recordings of people, one's own: what `timbre calibrate` learns from without a list of trials.

    people/Ada/monday.wav          each recording is a session of its own,
    people/Ada/phone/one.wav       and so is each folder in a person's folder
    people/Ben/monday.wav

A list of enrolments names people as well; each of its recordings is a session.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Final

from timbre.cli.measuring.enrolment_list import read_enrolments
from timbre.errors import TrialsError
from timbre.evaluation.corpus import AUDIO_EXTENSIONS
from timbre.evaluation.trials import Trial

FEWEST_PEOPLE: Final = 10  # with recordings of two sessions
_LISTED: Final = 5  # names that an error repeats
_MOST_SAME: Final = 20  # trials of one person
_MOST_DIFFERENT: Final = 100  # trials of one person with others

People = Mapping[str, Sequence[tuple[Path, ...]]]  # the sessions of each person


def read_people(place: Path, root: Path | None) -> People:
    """Read a folder with a folder for each person, or a list of enrolments whose paths start at `root` or beside it.

    Raises:
        TrialsError: there are fewer than ten people of whom there are recordings of two sessions.
        InputError: the list cannot be read, or names a file that is not there.
    """
    if place.is_dir():
        people = {folder.name: sessions_in(folder) for folder in sorted(place.iterdir()) if folder.is_dir()}
        people = {name: sessions for name, sessions in people.items() if sessions}
    else:
        listed: dict[str, dict[Path, None]] = {}
        for speakers in read_enrolments(place, root or place.parent).values():
            for name, paths in speakers.items():
                listed.setdefault(name, {}).update(dict.fromkeys(paths))
        people = {name: [(path,) for path in paths] for name, paths in listed.items()}
    _refuse_too_few(place, people)
    return people


def trials_of(people: People) -> tuple[Trial, ...]:
    """Compare every session with every other one of its person, and with sessions of others, all alike often.

    What was said in one session is too alike to tell how alike a voice is on another day, so within one there are no
    trials.
    """
    chance = Random(0)  # noqa: S311 - a choice, not a secret
    trials = []
    for name, sessions in people.items():
        others = [session for other, theirs in people.items() if other != name for session in theirs]
        same = [(one, other) for one, other in combinations(sessions, 2)]
        different = [(one, other) for one in sessions for other in others]
        for label, pairs, most in ((True, same, _MOST_SAME), (False, different, _MOST_DIFFERENT)):
            for one, other in chance.sample(pairs, min(most, len(pairs))):
                trials.append(Trial(same=label, enrol_speaker=name, enrol_paths=one, test_path=other[0]))
    return tuple(trials)


def parted(people: People, folds: int) -> list[People]:
    """Part the people into groups, so that each can be held out."""
    names = sorted(people)
    Random(0).shuffle(names)  # noqa: S311
    return [{name: people[name] for name in names[fold::folds]} for fold in range(folds)]


def sessions_in(folder: Path) -> list[tuple[Path, ...]]:
    """Return the recordings in a person's folder, by session."""
    sessions = []
    for entry in sorted(folder.iterdir()):
        paths = sorted(entry.rglob("*")) if entry.is_dir() else [entry]
        if recordings := tuple(path for path in paths if path.is_file() and path.suffix.lower() in AUDIO_EXTENSIONS):
            sessions.append(recordings)
    return sessions


def _refuse_too_few(place: Path, people: People) -> None:
    enough = [name for name, sessions in people.items() if len(sessions) > 1]
    if len(enough) >= FEWEST_PEOPLE:
        return
    single = [name for name, sessions in people.items() if len(sessions) == 1]
    advice = f"add {FEWEST_PEOPLE - len(enough)} more people with recordings of two days each"
    if single:
        more = f" and {len(single) - _LISTED} others" if len(single) > _LISTED else ""
        advice += f", or a recording of another day of {', '.join(single[:_LISTED])}{more}"
    raise TrialsError(
        f"{place}: a calibration needs {FEWEST_PEOPLE} people with recordings of two sessions or more;"
        f" there are {len(people)} people, {len(enough)} of them with two; {advice}."
    )
