"""A folder of simulated conversations and their exact turns, as `timbre evaluate` reads it."""

import csv
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.encoder.corpus import is_unseen, read_utterances
from training.simulation.kinds import KINDS, Speech, casts, kept_for_enrolment, pools
from training.simulation.talk import RATE, Talk, conversation

WORK = Path(__file__).parents[2] / "build" / "encoder"
STRANGERS = 5  # who are enrolled beside those who talk


def write_talks(
    data: Path,
    folder: Path,
    *,
    testing: bool,
    enrol: bool = False,
    minutes: float = 1_000.0,
    tell: Callable[[str], None] = print,
) -> None:
    """Write conversations of every kind, the same every time.

    Args:
        data: The labelled speech.
        folder: Where to; manifest.csv lists the conversations with their kinds.
        testing: Whether those for testing, or those for tuning.
        enrol: Whether to keep some of what everybody says for their enrolment, which enrol.csv lists.
        minutes: Longest conversation.
        tell: Told of each conversation.
    """
    WORK.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    unseen = is_unseen(data)
    people = pools([said for said in read_utterances(data, WORK) if unseen(said.speaker)], testing=testing)
    rows, number = [], 0
    enrolled = [("conversation", "speaker", "path")]
    for kind in KINDS:
        rng = np.random.default_rng([number, testing])
        for cast in casts(kind, people[kind.source], rng):
            number += 1
            name = f"{number:02}-{kind.name}-{len(cast)}"
            kept = {who: kept_for_enrolment(said) if enrol else 0 for who, said in cast.items()}
            said = [[*said[kept[who] :]] * kind.repeats for who, said in cast.items()]
            talk = conversation(said, 60 * min(kind.minutes, minutes), kind.setting, 2 * number + testing)
            _write(talk, folder / name)
            if enrol:
                known = {f"P{who:02}": said[: kept[one]] for who, (one, said) in enumerate(cast.items())}
                enrolled += _enrolled(name, {**known, **_strangers(cast, people[kind.source])}, folder)
            lasts = round(talk.samples.size / RATE / 60, 1)
            rows.append({"name": name, "kind": kind.name, "people": len(cast), "minutes": lasts})
            tell(" ".join(map(str, rows[-1].values())))
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    if enrol:
        with (folder / "enrol.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(enrolled)


def _strangers(cast: Speech, everybody: Speech) -> Speech:
    """Return what some people say who do not talk in a conversation, for their enrolment."""
    others = sorted(everybody.keys() - cast.keys())[:STRANGERS]
    return {f"S{number}": everybody[who][: kept_for_enrolment(everybody[who])] for number, who in enumerate(others)}


def _enrolled(conversation: str, people: Speech, folder: Path) -> list[tuple[str, str, str]]:
    """Write what everybody is enrolled with, and return the rows of the list for it."""
    (folder / "enrolled").mkdir(exist_ok=True)
    rows = []
    for name, said in people.items():
        path = folder / "enrolled" / f"{conversation}-{name}.wav"
        _write_samples(np.concatenate(said), path)
        rows.append((conversation, name, str(path.relative_to(folder))))
    return rows


def _write_samples(samples: NDArray[np.int16], path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())


def _write(talk: Talk, path: Path) -> None:
    _write_samples(talk.samples, path.with_suffix(".wav"))
    lines = [
        f"SPEAKER {path.name} 1 {begin:.3f} {end - begin:.3f} <NA> <NA> P{who:02} <NA> <NA>\n"
        for begin, end, who in talk.turns
    ]
    path.with_suffix(".rttm").write_text("".join(lines))
