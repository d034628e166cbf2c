"""Make the calibration of an encoder that ships with Timbre: its centre and its four numbers.

    python training/calibration.py ge2e base > src/timbre/models/calibrations/ge2e.toml

The centre is 0.65 times the mean embedding of the labelled speakers in TIMBRE_DATA, every set weighing the same however
many speakers it has: the whole mean would take something of every voice with it. The numbers are fitted to all trials
there (`timbre.evaluation.fitting`). About ten minutes on two cores.
"""

import csv
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from timbre import Engine
from timbre.cli.embeddings import Embeddings
from timbre.errors import NoSpeech
from timbre.evaluation.fitting import fit
from timbre.evaluation.trials import read_trials, score_trials
from timbre.models.same_voice import SameVoice, write_same_voice

SHRINKAGE = 0.65
UNCENTRED = {"fitted": False, "score_weight": 10.0, "enrol_weight": 0.0, "test_weight": 0.0, "bias": 0.0}
HEAD = """\
# Made by training/calibration.py from the speakers and trials of LibriSpeech, speechocean762 and WUW Corpus II.
# `python -m benchmarks accuracy` reports on sources that were left out of the fit.
"""


def centre(engine: Engine, data: Path) -> NDArray[np.float32]:
    """Return the shrunk mean of the sets' means of their speakers' means."""
    with (data / "speakers" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    voices = Embeddings(engine, [data / row["path"] for row in rows])
    speakers: dict[str, dict[str, list[NDArray[np.float32]]]] = {}
    for row in rows:
        with suppress(NoSpeech):
            vector, _ = voices.pooled([data / row["path"]])
            speakers.setdefault(row["set"], {}).setdefault(row["speaker"], []).append(vector)
    means = [np.mean([np.mean(vectors, axis=0) for vectors in of_set.values()], axis=0) for of_set in speakers.values()]
    return np.asarray(SHRINKAGE * np.mean(means, axis=0), np.float32)


def with_same_voice(pack: str, same_voice: SameVoice, folder: Path) -> Engine:
    """Load a pack with this calibration instead of its own."""
    path = folder / "calibration.toml"
    path.write_text(write_same_voice(same_voice))
    settings = Engine(pack).settings
    return Engine(pack, settings=settings.model_copy(update={"calibration": path}))


def main(name: str, pack: str) -> None:
    """Print the calibration file."""
    data = Path(os.environ["TIMBRE_DATA"])
    folder = Path(os.environ.get("TMPDIR", "/tmp"))  # noqa: S108 - the system's folder where none is named
    dimension = Engine(pack).same_voice.centre.size
    plain = SameVoice(name=name, centre=np.zeros(dimension, np.float32), **UNCENTRED)
    made = replace(plain, centre=centre(with_same_voice(pack, plain, folder), data))
    engine = with_same_voice(pack, made, folder)
    scored = []
    for path in sorted((data / "trials").glob("*.csv")):
        trials = read_trials(path, data)
        voices = Embeddings(engine, [wav for trial in trials for wav in (*trial.enrol_paths, trial.test_path)])
        scored.append(score_trials(trials, voices.pooled, source=path.stem))
    fitted = replace(made, fitted=True, **fit(scored).to_dict())
    sys.stdout.write(HEAD + write_same_voice(fitted))


if __name__ == "__main__":
    main(*sys.argv[1:])
