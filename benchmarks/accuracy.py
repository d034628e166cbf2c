"""How right it is, on the labelled speech that TIMBRE_DATA points to, beside a plain pipeline on the same models.

Diarization is scored strictly: no collar, overlap counts, the whole recording. A third of the recordings was left
out of the searches for parameters and is reported apart; first experiments had seen it, so it is no clean test.
"""

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.material import data_folder, held_out
from benchmarks.monologues import monologues
from benchmarks.peer import P_PERCENTILES, Heard, Peer
from timbre import Engine, Identification, Settings
from timbre.audio.decoding import open_recording
from timbre.cli.embeddings import Embeddings
from timbre.cli.enrolment_list import Enrolments, read_enrolments, some_of
from timbre.errors import ModelMissing
from timbre.evaluation.corpus import Recording, read_corpus
from timbre.evaluation.diarization import DiarizationReport, evaluate_diarization, score_diarization
from timbre.evaluation.fitting import leave_one_source_out
from timbre.evaluation.identification import NamingError, evaluate_identification
from timbre.evaluation.trials import ScoredTrials, read_trials, score_trials
from timbre.evaluation.verification import equal_error_rate, verification_report
from timbre.models.store import Store

PACKS = ("base", "base-segmented")
SEEDS = range(4)
TRIALS = {
    "librispeech": ("librispeech_resemblyzer",),
    "speechocean762": ("speechocean762",),
    "telephone": ("wuw2_telephone_cross_session", "wuw2_telephone_same_session"),
}

Scores = dict[str, DiarizationReport]


def run(console: Console, *, full: bool) -> dict[str, Any]:
    """Measure, print and return everything; nothing where there is no labelled speech."""
    del full
    data = data_folder()
    if data is None:
        console.print(
            "Accuracy needs labelled speech: let TIMBRE_DATA point to a folder with conversations/ and trials/."
        )
        return {}
    engines = dict(_engines(console))
    return {
        "diarization": diarization(console, data, engines),
        "one_speaker": one_speaker(console, data, engines),
        "verification": verification(console, data, engines["base"]),
        "identification": identification(console, data, engines),
    }


def _engines(console: Console) -> Iterable[tuple[str, Engine]]:
    for pack in PACKS:
        try:
            yield pack, Engine(pack)
        except ModelMissing as error:
            console.print(f"{pack} is left out: {error}")


def diarization(console: Console, data: Path, engines: Mapping[str, Engine]) -> dict[str, Any]:
    """Score every pack and the peer: as it comes, and at the threshold that is best on these very recordings."""
    corpus = read_corpus(data / "conversations")
    systems: dict[str, Callable[[Path], Any]] = {pack: engine.diarize for pack, engine in engines.items()}
    reports: Scores = {name: evaluate_diarization(corpus, run) for name, run in systems.items()}
    reports |= _peer(corpus)
    kinds = _kinds(data)
    groups: dict[str, Callable[[str], bool]] = {
        "all": lambda name: name in kinds,
        "real": lambda name: kinds[name] == "real",
        "not real": lambda name: kinds[name] != "real",
        "held out": held_out,
        "tuned on": lambda name: not held_out(name),
    }
    table = Table(
        "system", *groups, "count ±1", title="Strict diarization error rate, % (missed + false alarm + confusion)"
    )
    for name, report in reports.items():
        simulated = [score.count_within_one for score in report.recordings if kinds[score.recording] == "simulated"]
        cells = [_rate(report, keep) for keep in groups.values()]
        table.add_row(name, *cells, f"{100 * np.mean(simulated):.0f} %")
    console.print(table)
    return {name: report.to_dict() for name, report in reports.items()}


def _peer(corpus: tuple[Recording, ...]) -> Scores:
    """Run the peer; its models are the ones of our base pack."""
    settings = Settings()
    store = Store(settings)
    peer = Peer(store.path("silero-vad-6"), store.path("ge2e"))
    heard: dict[str, tuple[Heard, float]] = {}
    for recording in corpus:
        with open_recording(recording.audio, settings=settings) as audio:
            heard[recording.name] = peer.hear(audio.read(0, audio.samples)), audio.duration

    def score(p_percentile: float | None) -> DiarizationReport:
        return DiarizationReport(
            recordings=tuple(
                score_diarization(
                    recording.reference,
                    peer.turns(heard[recording.name][0], p_percentile=p_percentile),
                    recording=recording.name,
                    duration=heard[recording.name][1],
                )
                for recording in corpus
            )
        )

    swept = {p: score(p) for p in P_PERCENTILES}
    best = min(swept, key=lambda p: swept[p].error.rate)
    return {"peer, as it comes": score(None), f"peer, best threshold ({best})": swept[best]}


def _kinds(data: Path) -> dict[str, str]:
    with (data / "conversations" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return {row["name"]: row["kind"] for row in csv.DictReader(file)}


def _rate(report: DiarizationReport, keep: Callable[[str], bool]) -> str:
    kept = tuple(score for score in report.recordings if keep(score.recording))
    if not kept:
        return "none"
    error = DiarizationReport(recordings=kept).error
    parts = (error.missed, error.false_alarm, error.confusion)
    return f"{100 * error.rate:.1f} ({' + '.join(f'{100 * part / error.total:.1f}' for part in parts)})"


def one_speaker(console: Console, data: Path, engines: Mapping[str, Engine]) -> dict[str, Any]:
    """Count the speakers of recordings in which one person talks."""
    found: dict[str, dict[str, int]] = {pack: {} for pack in engines}
    for name, audio in monologues(data):
        for pack, engine in engines.items():
            found[pack][name] = len(engine.diarize(audio).speakers)
    for pack, counts in found.items():
        share = np.mean([count == 1 for count in counts.values()])
        console.print(f"{pack}: {100 * share:.0f} % of {len(counts)} one-speaker recordings are counted as one")
    return found


def verification(console: Console, data: Path, engine: Engine) -> dict[str, Any]:
    """Score the trials of every list, and the calibration with each source left out of its fit in turn."""
    sources, results = [], {}
    table = Table(
        *("list", "trials", "refused", "EER % (95 %)", "of cosine", "minDCF", "Cllr", "minCllr", "ECE"),
        title="Verification, base: of the calibrated score, and the EER of the cosine alone",
    )
    for source, lists in TRIALS.items():
        scored = [_scored(data, name, engine) for name in lists]
        for trials in scored:
            odds = engine.same_voice.log_odds(trials.cosines, trials.enrol_seconds, trials.test_seconds)
            report = verification_report(odds, trials.same, speakers=trials.speakers)
            results[trials.source] = report.to_dict()
            low, high = report.eer_interval
            calibration = report.calibration
            table.add_row(
                trials.source,
                str(len(trials.same)),
                str(len(trials.refused)),
                f"{100 * report.eer:.2f} ({100 * low:.2f}-{100 * high:.2f})",
                f"{100 * equal_error_rate(trials.cosines, trials.same):.2f}",
                f"{report.min_dcf:.3f}",
                *(f"{value:.3f}" for value in (calibration.cllr, calibration.min_cllr, calibration.ece)),
            )
        sources.append(_joined(source, scored))
    console.print(table)
    crossed = leave_one_source_out(sources)
    table = Table(
        "left out", "Cllr", "minCllr", "difference", "ECE", title="Calibration with one source left out of the fit"
    )
    for name, report in [
        *((held.source, held.report) for held in crossed.sources),
        ("all three, pooled", crossed.pooled),
    ]:
        values = (report.cllr, report.min_cllr, report.calibration_loss, report.ece)
        table.add_row(name, *(f"{value:.3f}" for value in values))
    console.print(table)
    return {"lists": results, "leave_one_source_out": crossed.to_dict()}


def _scored(data: Path, name: str, engine: Engine) -> ScoredTrials:
    trials = read_trials(data / "trials" / f"{name}.csv", data)
    voices = Embeddings(engine, [path for trial in trials for path in (*trial.enrol_paths, trial.test_path)])
    return score_trials(trials, voices.pooled, source=name)


def _joined(source: str, parts: list[ScoredTrials]) -> ScoredTrials:
    columns = ("same", "cosines", "enrol_seconds", "test_seconds", "speakers")
    return ScoredTrials(
        source=source, **{column: np.concatenate([getattr(part, column) for part in parts]) for column in columns}
    )


def identification(console: Console, data: Path, engines: Mapping[str, Engine]) -> dict[str, Any]:
    """Name the speakers of conversations of which a random half is enrolled, at threshold 50."""
    everybody = read_enrolments(data / "conversations" / "enrol.csv", data)
    corpus = tuple(recording for recording in read_corpus(data / "conversations") if recording.name in everybody)
    table = Table(
        "pack",
        "known named rightly",
        "named wrongly, of all speech",
        "strangers named",
        title="Half enrolled, threshold 50",
    )
    results = {}
    for pack, engine in engines.items():
        errors = list(_half_enrolled(engine, corpus, everybody))
        known = sum(error.known for error in errors)
        unknown = sum(error.unknown for error in errors)
        right = sum(error.named_rightly for error in errors)
        stranger = sum(error.falsely_named for error in errors)
        wrong = stranger + sum(error.named_wrongly for error in errors)
        shares = (right / known, wrong / (known + unknown), stranger / unknown)
        table.add_row(pack, *(f"{100 * share:.1f} %" for share in shares))
        results[pack] = [error.to_dict() for error in errors]
    console.print(table)
    return results


def _half_enrolled(engine: Engine, corpus: tuple[Recording, ...], everybody: Enrolments) -> Iterable[NamingError]:
    """Identify with another random half of the speakers enrolled for each seed."""
    diarized = {recording.name: engine.diarize(recording.audio) for recording in corpus}
    voices = Embeddings(
        engine, [path for speakers in everybody.values() for paths in speakers.values() for path in paths]
    )
    people = {
        name: {speaker: voices.voiceprint(paths) for speaker, paths in speakers.items()}
        for name, speakers in everybody.items()
    }
    for seed in SEEDS:
        enrolled = some_of(everybody, 0.5, seed)

        def identify(recording: Recording, enrolled: Enrolments = enrolled) -> Identification:
            known = {speaker: people[recording.name][speaker] for speaker in enrolled[recording.name]}
            return engine.name(diarized[recording.name], known, threshold=50)

        yield evaluate_identification(corpus, identify, enrolled).error
