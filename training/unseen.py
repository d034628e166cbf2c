"""The labelled speakers whom no encoder of ours was trained on, and trials among them.

An encoder parts the voices it was trained on better than others, so whatever says how sure it is must come from other
people: the third that is kept for testing, and the speakers of the test conversations.
"""

import csv
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from timbre.evaluation.trials import Trial
from training.encoder.corpus import is_unseen

SOURCES = {  # the sets that the calibration is fitted to, and what they are called
    "librispeech_resemblyzer": "librispeech",
    "speechocean762": "speechocean762",
    "wuw2_telephone": "telephone",
}
ENROLLED = (1, 3)  # utterances that make a person's voiceprint, one after the other
TESTS = 6  # of the same person, for each of these
IMPOSTORS = 12  # utterances of others, likewise

People = Mapping[str, Mapping[str, Sequence[Path]]]  # recordings by speaker and session


def everybody(data: Path) -> dict[str, dict[str, dict[str, list[Path]]]]:
    """Return the recordings of every speaker by source, speaker and session."""
    people: dict[str, dict[str, dict[str, list[Path]]]] = {source: {} for source in SOURCES.values()}
    with (data / "speakers" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["set"] not in SOURCES:
                continue
            sessions = people[SOURCES[row["set"]]].setdefault(row["speaker"], {})
            sessions.setdefault(row["session"], []).append(data / row["path"])
    return people


def unseen_people(data: Path) -> dict[str, dict[str, dict[str, list[Path]]]]:
    """Return the recordings of every unseen speaker by source, speaker and session."""
    unseen = is_unseen(data)
    return {
        source: {name: sessions for name, sessions in people.items() if unseen(name)}
        for source, people in everybody(data).items()
    }


def sides(sessions: Mapping[str, Sequence[Path]], most: int) -> tuple[list[Path], list[Path]]:
    """Return at most so many recordings of a speaker to enrol, and as many to be heard in.

    They are of the first and the last session where there are several, else every other one; who has only one is heard
    in the recording that is enrolled.
    """
    first, *_, last = [*sessions.values(), next(reversed(sessions.values()))]
    enrol, test = (first, last) if len(sessions) > 1 else (first[::2], first[1::2] or first)
    return list(enrol[:most]), list(test[:most])


def unseen_trials(data: Path) -> dict[str, list[Trial]]:
    """Return the trials of every source: each person in the same and in other sessions, and against others."""
    return {source: list(_trials(people)) for source, people in unseen_people(data).items()}


def _trials(people: People) -> Iterator[Trial]:
    chance = random.Random(0)  # noqa: S311 - a choice, not a secret
    said = {name: [path for paths in sessions.values() for path in paths] for name, sessions in people.items()}
    for name, sessions in people.items():
        others = [path for other, paths in said.items() if other != name for path in paths]
        for paths in sessions.values():
            for count in ENROLLED:
                enrolled = tuple(paths[:count])
                rest = [path for path in said[name] if path not in enrolled]
                if len(enrolled) < count or not rest:
                    continue
                for same, tests in (
                    (True, chance.sample(rest, min(TESTS, len(rest)))),
                    (False, chance.sample(others, min(IMPOSTORS, len(others)))),
                ):
                    for test in tests:
                        yield Trial(same=same, enrol_speaker=name, enrol_paths=enrolled, test_path=test)
