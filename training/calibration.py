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
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from timbre import Engine
from timbre.cli.measuring.embeddings import Embeddings
from timbre.errors import InputError, NoSpeech, TrialsError
from timbre.evaluation.degradation import PAIRS
from timbre.evaluation.fitting import CrossValidation, fit, leave_one_source_out
from timbre.evaluation.open_set import fit_strangers
from timbre.evaluation.trials import ScoredTrials, Trial, joined, score_trials
from timbre.models.same_voice import SameVoice, Side, write_same_voice
from training.unseen import everybody, sides, unseen_people, unseen_trials

SHRINKAGE = 0.65
UNCENTRED = {"fitted": False, "score_weight": 10.0, "enrol_weight": 0.0, "test_weight": 0.0, "bias": 0.0}
MOST_RECORDINGS = 3  # of a person, for the centre and where strangers are looked for
HEAD = """\
# Made by training/calibration.py from speakers of LibriSpeech, speechocean762 and WUW Corpus II.
# `python -m benchmarks accuracy` reports on sources that were left out of the fit.
"""


def centre(engine: Engine, data: Path) -> NDArray[np.float32]:
    """Return the shrunk mean of the sets' means of their speakers' means."""
    with (data / "speakers" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            row
            for _, said in groupby(csv.DictReader(file), itemgetter("speaker"))
            for row in list(said)[:MOST_RECORDINGS]
        ]
    voices = Embeddings(engine, [data / row["path"] for row in rows])
    speakers: dict[str, dict[str, list[NDArray[np.float32]]]] = {}
    for row in rows:
        with suppress(NoSpeech):
            vector, *_ = voices.pooled([data / row["path"]])
            speakers.setdefault(row["set"], {}).setdefault(row["speaker"], []).append(vector)
    means = [np.mean([np.mean(vectors, axis=0) for vectors in of_set.values()], axis=0) for of_set in speakers.values()]
    return np.asarray(SHRINKAGE * np.mean(means, axis=0), np.float32)


def with_same_voice(pack: str, same_voice: SameVoice, folder: Path) -> Engine:
    """Load a pack with this calibration instead of its own."""
    path = folder / "calibration.toml"
    path.write_text(write_same_voice(same_voice))
    settings = Engine(pack).settings
    return Engine(pack, settings=settings.model_copy(update={"calibration": path}))


def scored(voices: Embeddings, lists: dict[str, Sequence[Trial]]) -> tuple[list[ScoredTrials], list[ScoredTrials]]:
    """Return the trials of every source, and the copies of them."""

    def score(pair: tuple[str | None, str | None]) -> Iterator[ScoredTrials]:
        for name, trials in lists.items():
            with suppress(TrialsError):  # telephone recordings have no telephone copy
                enrol, test = (partial(voices.pooled, copy=kind) for kind in pair)
                yield score_trials(trials, enrol, embed_test=test, source=name)

    sources, copies = [], []
    for pair in ((None, None), *PAIRS):
        parts: dict[str, list[ScoredTrials]] = {}
        for part in score(pair):
            parts.setdefault(part.source, []).append(part)
        (copies if any(pair) else sources).extend(joined(name, some).both_ways() for name, some in parts.items())
    return sources, copies


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
    cosine = np.stack([vector for vector, *_ in tested]) @ np.stack([vector for vector, *_ in known]).T
    enrolled, heard = (
        Side.of(*zip(*((seconds, how) for _, seconds, how in some), strict=True)) for some in (known, tested)
    )
    odds = same_voice.log_odds(cosine, enrolled, heard.column())
    others = np.ones(odds.shape, np.bool_)
    others[np.arange(len(own)), own] = False
    return odds[others].reshape(len(odds), -1)


def weighed(pack: str, made: SameVoice, data: Path, folder: Path) -> SameVoice:
    """Fit the weights of a calibration whose centre is made, and say how true they are."""
    lists = unseen_trials(data)
    recordings = [
        path for trials in lists.values() for trial in trials for path in (*trial.enrol_paths, trial.test_path)
    ]
    voices = Embeddings(with_same_voice(pack, made, folder), recordings, copies=True)
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
    name, pack = arguments.name, arguments.pack
    data = Path(os.environ["TIMBRE_DATA"])
    folder = Path(os.environ.get("TMPDIR", "/tmp"))  # noqa: S108 - the system's folder where none is named
    current = Engine(pack).same_voice
    if arguments.keep_weights:
        fitted = replace(current, name=name)
    else:
        plain = SameVoice(name=name, centre=np.zeros_like(current.centre), **UNCENTRED)
        mean = current.centre if arguments.keep_centre else centre(with_same_voice(pack, plain, folder), data)
        fitted = weighed(pack, replace(plain, centre=mean), data, folder)
    odds = strangers(with_same_voice(pack, fitted, folder), data, fitted)
    sys.stdout.write(HEAD + write_same_voice(fit_strangers(odds, fitted)))


if __name__ == "__main__":
    main()
