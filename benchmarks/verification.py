"""Is it the same voice? The trials of the labelled speech, of all speakers and of the test speakers apart.

Test speakers are the third that no encoder of ours was trained on, by the hash of their names; a trial belongs to
them if both of its sides do. Calibrations are fitted to unseen speakers alone, and measured on them. Packs that share
a voice space give the same scores, so the first one stands for all.
"""

import csv
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.special import ndtri

from benchmarks.material import held_out
from timbre import Engine
from timbre.cli.measuring.embeddings import Embeddings
from timbre.errors import TrialsError
from timbre.evaluation.calibration import CalibrationReport
from timbre.evaluation.degradation import PAIRS
from timbre.evaluation.fitting import leave_one_source_out
from timbre.evaluation.trials import ScoredTrials, Trial, read_trials, score_trials
from timbre.evaluation.verification import DetCurve, det_curve, equal_error_rate, verification_report
from training.unseen import unseen_trials

SOURCES = {  # lists of trials, each with what is spoken in it
    "librispeech": {"librispeech_resemblyzer": "read English (LibriSpeech)"},
    "speechocean762": {"speechocean762": "learners of English (speechocean762)"},
    "telephone": {
        "wuw2_telephone_cross_session": "telephone, enrolled in another call",
        "wuw2_telephone_same_session": "telephone, enrolled in the same call",
    },
}
ALL, TEST = "all speakers", "test speakers"
POINTS = 100  # of a DET curve, at most
DRAWN = (3e-4, 0.7)  # error rates beyond which a DET curve needs no points

Scored = dict[str, list[ScoredTrials]]  # by source, one a list


def verification(console: Console, data: Path, engines: Mapping[str, Engine]) -> dict[str, Any]:
    """Measure every voice space: each list of trials, and the calibration with each source left out of its fit."""
    spaces: dict[str, str] = {}
    for pack, engine in engines.items():
        spaces.setdefault(engine.space, pack)
    return {pack: _of_pack(console, data, pack, engines[pack]) for pack in spaces.values()}


def _of_pack(console: Console, data: Path, pack: str, engine: Engine) -> dict[str, Any]:
    scored = _scored(data, engine)
    table = Table(
        *("list", "speakers", "trials", "refused", "EER % (95 %)", "of cosine", "minDCF", "Cllr", "minCllr", "ECE"),
        title=f"Verification, {pack}: of the calibrated score, and the EER of the cosine alone",
    )
    spoken = {name: speech for lists in SOURCES.values() for name, speech in lists.items()}
    measured: dict[str, dict[str, Any]] = {name: {"speech": speech, "by": {}} for name, speech in spoken.items()}
    for kept, sources in scored.items():
        for trials in (part for parts in sources.values() for part in parts):
            result = _measured(trials, engine)
            measured[trials.source]["by"][kept] = result
            table.add_row(trials.source, kept, *_cells(result))
    console.print(table)
    return {"lists": measured, "leave_one_source_out": _left_out(console, pack, data, engine)}


def _scored(data: Path, engine: Engine) -> dict[str, Scored]:
    """Score the trials of all speakers, and those of the test speakers; a recording is heard once."""
    lists = {name: read_trials(data / "trials" / f"{name}.csv", data) for names in SOURCES.values() for name in names}
    every = [path for trials in lists.values() for trial in trials for path in (*trial.enrol_paths, trial.test_path)]
    voices = Embeddings(engine, every)
    tested = _test_speakers(data)
    scored: dict[str, Scored] = {ALL: {}, TEST: {}}
    for source, names in SOURCES.items():
        for name in names:
            of_test_speakers = [
                trial for trial in lists[name] if held_out(trial.enrol_speaker) and trial.test_path in tested
            ]
            for kept, trials in ((ALL, lists[name]), (TEST, of_test_speakers)):
                if _both_kinds(trials):
                    scored[kept].setdefault(source, []).append(score_trials(trials, voices.pooled, source=name))
    return scored


def _test_speakers(data: Path) -> set[Path]:
    """Return the recordings of test speakers."""
    with (data / "speakers" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return {data / row["path"] for row in csv.DictReader(file) if held_out(row["speaker"])}


def _both_kinds(trials: Sequence[Trial]) -> bool:
    return {trial.same for trial in trials} == {True, False}


def _measured(trials: ScoredTrials, engine: Engine) -> dict[str, Any]:
    odds = engine.same_voice.log_odds(trials.cosines, trials.enrol, trials.test)
    return {
        **verification_report(odds, trials.same, speakers=trials.speakers).to_dict(),
        "eer_of_cosine": equal_error_rate(trials.cosines, trials.same),
        "speakers": len(np.unique(trials.speakers)),
        "refused": len(trials.refused),
        "det": thinned(det_curve(odds, trials.same)),
    }


def thinned(curve: DetCurve) -> dict[str, list[float]]:
    """Return at most POINTS points of a curve, evenly along it as it is drawn, with those around the EER."""
    x, y = (ndtri(np.clip(rates, *DRAWN)) for rates in (curve.false_alarm, curve.miss))
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))])
    after = int(np.argmax(curve.false_alarm <= curve.miss))
    evenly = np.searchsorted(way, np.linspace(0.0, way[-1], POINTS - 2))
    points = np.unique([*evenly.tolist(), after - 1, after])
    return {
        "false_alarm": curve.false_alarm[points].round(6).tolist(),
        "miss": curve.miss[points].round(6).tolist(),
    }


def _cells(result: Mapping[str, Any]) -> tuple[str, ...]:
    low, high = result["eer_interval"]
    calibration = result["calibration"]
    return (
        str(result["trials"]),
        str(result["refused"]),
        f"{100 * result['eer']:.2f} ({100 * low:.2f}-{100 * high:.2f})",
        f"{100 * result['eer_of_cosine']:.2f}",
        f"{result['min_dcf']:.3f}",
        *(f"{calibration[name]:.3f}" for name in ("cllr", "min_cllr", "ece")),
    )


def _left_out(console: Console, pack: str, data: Path, engine: Engine) -> dict[str, Any]:
    """Measure on each source the calibration that the others give: fitted as the one that ships, to unseen speakers."""
    lists = unseen_trials(data)
    every = [path for trials in lists.values() for trial in trials for path in (*trial.enrol_paths, trial.test_path)]
    voices = Embeddings(engine, every, copies=True)
    sources = [score_trials(trials, voices.pooled, source=source).both_ways() for source, trials in lists.items()]
    copies = []
    for (source, trials), pair in product(lists.items(), PAIRS):
        enrol, test = (partial(voices.pooled, copy=kind) for kind in pair)
        with suppress(TrialsError):  # telephone recordings have no telephone copy
            copies.append(score_trials(trials, enrol, embed_test=test, source=source).both_ways())
    crossed = leave_one_source_out(sources, copies=copies)
    reports = {held.source: held.report for held in crossed.sources} | {"pooled": crossed.pooled}
    _print_left_out(console, pack, reports)
    return {name: report.to_dict() for name, report in reports.items()}


def _print_left_out(console: Console, pack: str, reports: Mapping[str, CalibrationReport]) -> None:
    table = Table(
        *("left out", "Cllr", "minCllr", "difference", "ECE"),
        title=f"Calibration with one source left out of the fit, {pack}",
    )
    for name, report in reports.items():
        values = (report.cllr, report.min_cllr, report.calibration_loss, report.ece)
        table.add_row(name, *(f"{value:.3f}" for value in values))
    console.print(table)
