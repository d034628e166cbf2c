"""Write simulated conversations and their exact turns into a folder that `timbre evaluate` reads.

    python -m training.simulation tuning  build/talk/tuning
    python -m training.simulation testing build/talk/testing
    python -m training.simulation testing build/talk/named --enrol --minutes 8

With `--enrol` everybody is enrolled with some of what they say, as it was spoken, which is then not in the talk, and so
are up to five people who do not talk: enrol.csv lists it for `timbre evaluate identification`. TIMBRE_DATA points to
the labelled speech. The same talk every time.
"""

import argparse
import csv
import os
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.encoder.corpus import is_unseen, read_utterances
from training.simulation.kinds import KINDS, Speech, casts, kept_for_enrolment, pools
from training.simulation.talk import RATE, Talk, conversation

WORK = Path(__file__).parents[2] / "build" / "encoder"
STRANGERS = 5  # who are enrolled beside those who talk


def main() -> None:
    """Write them all."""
    parser = argparse.ArgumentParser(prog="python -m training.simulation", description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("tuning", "testing"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--enrol", action="store_true", help="keep some speech of everybody for enrolment")
    parser.add_argument("--minutes", type=float, default=1_000.0, help="longest conversation")
    arguments = parser.parse_args()
    testing = arguments.what == "testing"
    data = Path(os.environ["TIMBRE_DATA"])
    WORK.mkdir(parents=True, exist_ok=True)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    unseen = is_unseen(data)
    people = pools([said for said in read_utterances(data, WORK) if unseen(said.speaker)], testing=testing)
    rows, number = [], 0
    enrolled = [("conversation", "speaker", "path")]
    for kind in KINDS:
        rng = np.random.default_rng([number, testing])
        for cast in casts(kind, people[kind.source], rng):
            number += 1
            name = f"{number:02}-{kind.name}-{len(cast)}"
            kept = {who: kept_for_enrolment(said) if arguments.enrol else 0 for who, said in cast.items()}
            said = [[*said[kept[who] :]] * kind.repeats for who, said in cast.items()]
            talk = conversation(said, 60 * min(kind.minutes, arguments.minutes), kind.setting, 2 * number + testing)
            _write(talk, arguments.folder / name)
            if arguments.enrol:
                known = {f"P{who:02}": said[: kept[one]] for who, (one, said) in enumerate(cast.items())}
                enrolled += _enrolled(name, {**known, **_strangers(cast, people[kind.source])}, arguments.folder)
            minutes = round(talk.samples.size / RATE / 60, 1)
            rows.append({"name": name, "kind": kind.name, "people": len(cast), "minutes": minutes})
            print(*rows[-1].values(), flush=True)
    with (arguments.folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    if arguments.enrol:
        with (arguments.folder / "enrol.csv").open("w", encoding="utf-8", newline="") as file:
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


if __name__ == "__main__":
    main()
