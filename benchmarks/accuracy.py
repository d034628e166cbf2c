"""How right it is, on the labelled speech that TIMBRE_DATA points to, beside a plain pipeline.

Diarization is scored strictly: no collar, overlap counts, the whole recording. A third of the recordings was left
out of the searches for parameters and is reported apart; first experiments had seen it, so it is no clean test.
No encoder of ours was trained on any speaker of the conversations.
"""

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.gallery_size import gallery, merging
from benchmarks.material import data_folder, held_out
from benchmarks.monologues import monologues
from benchmarks.peer import P_PERCENTILES, Heard, Peer
from benchmarks.verification import verification
from timbre import Engine, Identification, Settings
from timbre.audio.decoding import open_recording
from timbre.cli.measuring.embeddings import Embeddings
from timbre.cli.measuring.enrolment_list import Enrolments, read_enrolments, some_of
from timbre.errors import ModelMissing, ModelUnknown
from timbre.evaluation.corpus import Recording, read_corpus
from timbre.evaluation.diarization import DiarizationReport, evaluate_diarization, score_diarization
from timbre.evaluation.identification import NamingError, evaluate_identification
from timbre.models.catalogue import catalogue
from timbre.models.store import Store

PEER_ENCODER = "ge2e"
PACKS = ("base", "base-segmented", "ge2e")
SEEDS = range(4)
SPEECH = {  # what is spoken, by how the names of conversations begin
    "ami": "meetings",
    "librimix": "English",
    "sim_enzh": "accented English",
    "sim_en": "English",
    "sim_tel": "telephone",
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
        "models": {
            "packs": {pack: catalogue().pack(pack).encoder.name for pack in engines},
            "peer": PEER_ENCODER,
        },
        "diarization": diarization(console, data, engines),
        "one_speaker": one_speaker(console, data, engines),
        "verification": verification(console, data, engines),
        "identification": identification(console, data, engines),
        "gallery": gallery(console, data, engines["base"]),
        "merging": merging(console, data, engines["base"]),
    }


def _engines(console: Console) -> Iterable[tuple[str, Engine]]:
    for pack in PACKS:
        try:
            yield pack, Engine(pack)
        except (ModelMissing, ModelUnknown) as error:
            console.print(f"{pack} is left out: {error}")


def diarization(console: Console, data: Path, engines: Mapping[str, Engine]) -> dict[str, Any]:
    """Score every pack and the peer: as it comes, and at the threshold that is best on these very recordings."""
    corpus = read_corpus(data / "conversations")
    systems: dict[str, Callable[[Path], Any]] = {pack: engine.diarize for pack, engine in engines.items()}
    reports: Scores = {name: evaluate_diarization(corpus, run) for name, run in systems.items()}
    try:
        reports |= _peer(corpus)
    except ModelMissing as error:
        console.print(f"The peer is left out: {error}")
    kinds = _kinds(data)
    groups: dict[str, Callable[[str], bool]] = {
        "all": lambda name: name in kinds,
        "real": lambda name: kinds[name] == "real",
        "put together": lambda name: kinds[name] != "real",
        "held out": held_out,
        "tuned on": lambda name: not held_out(name),
    }
    speech = {name: _speech(name, kind) for name, kind in kinds.items()}
    results = {
        name: {
            **report.to_dict(),
            "groups": _grouped(report, groups),
            "speech": _grouped(report, {each: _is(speech, each) for each in dict.fromkeys(speech.values())}),
        }
        for name, report in reports.items()
    }
    for title, key in (("groups of recordings", "groups"), ("kinds of speech", "speech")):
        columns = list(next(iter(results.values()))[key])
        table = Table("system", *columns, title=f"Strict error rate, % (missed + false alarm + confusion), by {title}")
        for name, result in results.items():
            table.add_row(name, *(_rate(result[key][column]) for column in columns))
        console.print(table)
    return results


def _peer(corpus: tuple[Recording, ...]) -> Scores:
    """Run the peer, with its own encoder whatever the packs have."""
    settings = Settings()
    store = Store(settings)
    peer = Peer(store.path("silero-vad-6"), store.path(PEER_ENCODER))
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


def _speech(name: str, kind: str) -> str:
    return next((speech for prefix, speech in SPEECH.items() if name.startswith(prefix)), f"other, {kind}")


def _is(speech: Mapping[str, str], kind: str) -> Callable[[str], bool]:
    return lambda name: speech[name] == kind


def _grouped(report: DiarizationReport, groups: Mapping[str, Callable[[str], bool]]) -> dict[str, Any]:
    """Return the error and the counts of each group that has recordings."""
    results = {}
    for group, keep in groups.items():
        if kept := tuple(score for score in report.recordings if keep(score.recording)):
            whole = DiarizationReport(recordings=kept)
            results[group] = {
                "recordings": len(kept),
                "error": whole.error.to_dict(),
                "count_exact": whole.count_exact,
                "count_within_one": whole.count_within_one,
            }
    return results


def _rate(group: Mapping[str, Any]) -> str:
    error = group["error"]
    if not error["total"]:
        return "no speech"
    parts = (error[part] / error["total"] for part in ("missed", "false_alarm", "confusion"))
    return f"{100 * error['rate']:.1f} ({' + '.join(f'{100 * part:.1f}' for part in parts)})"


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
