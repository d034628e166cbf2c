"""Write simulated conversations and their exact turns into a folder that `timbre evaluate diarization` reads.

    python -m training.simulation tuning  build/talk/tuning
    python -m training.simulation testing build/talk/testing

TIMBRE_DATA points to the labelled speech. The same talk every time.
"""

import argparse
import csv
import os
import wave
from pathlib import Path

import numpy as np

from training.encoder.corpus import is_unseen, read_utterances
from training.simulation.kinds import KINDS, casts, pools
from training.simulation.talk import RATE, Talk, conversation

WORK = Path(__file__).parents[2] / "build" / "encoder"


def main() -> None:
    """Write them all."""
    parser = argparse.ArgumentParser(prog="python -m training.simulation", description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("tuning", "testing"))
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    testing = arguments.what == "testing"
    data = Path(os.environ["TIMBRE_DATA"])
    WORK.mkdir(parents=True, exist_ok=True)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    unseen = is_unseen(data)
    people = pools([said for said in read_utterances(data, WORK) if unseen(said.speaker)], testing=testing)
    rows, number = [], 0
    for kind in KINDS:
        rng = np.random.default_rng([number, testing])
        for cast in casts(kind, people[kind.source], rng):
            number += 1
            talk = conversation(cast, 60 * kind.minutes, kind.setting, 2 * number + testing)
            name = f"{number:02}-{kind.name}-{len(cast)}"
            _write(talk, arguments.folder / name)
            minutes = round(talk.samples.size / RATE / 60, 1)
            rows.append({"name": name, "kind": kind.name, "people": len(cast), "minutes": minutes})
            print(*rows[-1].values(), flush=True)
    with (arguments.folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def _write(talk: Talk, path: Path) -> None:
    with wave.open(str(path.with_suffix(".wav")), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(talk.samples.tobytes())
    lines = [
        f"SPEAKER {path.name} 1 {begin:.3f} {end - begin:.3f} <NA> <NA> P{who:02} <NA> <NA>\n"
        for begin, end, who in talk.turns
    ]
    path.with_suffix(".rttm").write_text("".join(lines))


if __name__ == "__main__":
    main()
