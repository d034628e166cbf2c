"""Make the calibration of an encoder that ships with Timbre: its centre, its weights and how strangers score.

    python -m training.calibration timbre-voice-1 base > src/timbre/models/calibrations/timbre-voice-1.toml

The centre is 0.65 times the mean embedding of the labelled speakers in TIMBRE_DATA, every set weighing the same however
many speakers it has: the whole mean would take something of every voice with it. The weights are fitted to trials among
speakers whom no encoder of ours was trained on (`training.unseen`) and to degraded copies of them
(`timbre.evaluation.fitting`); how true they are on sources that were left out is said on stderr. How strangers score
comes from the same speakers, each of them being looked for among all labelled ones but themselves. With
`--keep-centre` the centre stays that of the pack, and with `--keep-weights` the weights do too.
"""

import argparse
import csv
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from timbre import Engine
from timbre.cli.measuring.embeddings import Embeddings
from timbre.cli.measuring.encoder_fit import hear_centre, odds_of_strangers, scored
from timbre.errors import InputError
from timbre.evaluation.fitting import CrossValidation, fit, leave_one_source_out
from timbre.evaluation.open_set import fit_strangers
from timbre.models.same_voice import SameVoice, write_same_voice
from training.unseen import everybody, sides, unseen_people, unseen_trials

MOST_RECORDINGS = 3  # of a person, where strangers are looked for
HEAD = """\
# Made by training/calibration.py from speakers of LibriSpeech, speechocean762 and WUW Corpus II.
# `python -m benchmarks accuracy` reports on sources that were left out of the fit.
"""


def centre(engine: Engine, data: Path) -> NDArray[np.float32]:
    """Return the shrunk mean of the sets' means of their speakers' means."""
    people: dict[tuple[str, str], list[Path]] = {}
    with (data / "speakers" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            people.setdefault((row["set"], row["speaker"]), []).append(data / row["path"])
    return hear_centre(engine, people)


def strangers(engine: Engine, data: Path, same_voice: SameVoice) -> NDArray[np.float64]:
    """Return log-odds `[strangers, people]`: every unseen speaker against all other labelled ones."""
    people = {name: calls for of_source in everybody(data).values() for name, calls in of_source.items()}
    unseen = {name for of_source in unseen_people(data).values() for name in of_source}
    parted = {name: sides(calls, MOST_RECORDINGS) for name, calls in sorted(people.items())}
    paths = [path for name, (enrol, test) in parted.items() for path in (*enrol, *(test if name in unseen else ()))]
    voices = Embeddings(engine, paths)
    known, tested, own = [], [], []
    for name, (enrol, test) in parted.items():
        with suppress(InputError):
            known.append(voices.pooled(enrol))
            if name in unseen:
                tested.append(voices.pooled(test))
                own.append(len(known) - 1)
    return odds_of_strangers(known, tested, own, same_voice)


def weighed(engine: Engine, made: SameVoice, data: Path) -> SameVoice:
    """Fit the weights of a calibration whose centre is made, and say how true they are."""
    lists = unseen_trials(data)
    recordings = [
        path for trials in lists.values() for trial in trials for path in (*trial.enrol_paths, trial.test_path)
    ]
    voices = Embeddings(engine.calibrated(made), recordings, copies=True)
    sources, copies = scored(voices, lists)
    show(leave_one_source_out(sources, copies=copies))
    return replace(made, fitted=True, **fit(sources, copies=copies).to_dict())


def show(crossed: CrossValidation) -> None:
    """Say how true the calibration is on sources that were left out."""
    rows = [(part.source, part.report) for part in crossed.sources]
    for name, report in (*rows, ("pooled", crossed.pooled)):
        sys.stderr.write(f"{name:16} Cllr {report.cllr:.3f}  minCllr {report.min_cllr:.3f}  ECE {report.ece:.3f}\n")


def main() -> None:
    """Print the calibration file."""
    parser = argparse.ArgumentParser(description="Make the calibration of an encoder.")
    parser.add_argument("name")
    parser.add_argument("pack")
    parser.add_argument("--keep-centre", action="store_true")
    parser.add_argument("--keep-weights", action="store_true")
    arguments = parser.parse_args()
    name, engine = arguments.name, Engine(arguments.pack)
    data = Path(os.environ["TIMBRE_DATA"])
    current = engine.same_voice
    if arguments.keep_weights:
        fitted = replace(current, name=name)
    else:
        mean = current.centre if arguments.keep_centre else centre(engine, data)
        fitted = weighed(engine, replace(current, name=name, centre=mean), data)
    odds = strangers(engine.calibrated(fitted), data, fitted)
    sys.stdout.write(HEAD + write_same_voice(fit_strangers(odds, fitted)))


if __name__ == "__main__":
    main()
