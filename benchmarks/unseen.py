"""How right it is on speech that it was not made on, on the labelled speech that TIMBRE_DATA points to.

Conversations are simulated (see training/simulation) from people and, for some kinds, from languages that entered no
training of an encoder; what else was chosen while they were looked at is said on the page of figures. Everybody who
talks is enrolled with ten seconds, and five people who do not talk are too; then only a random half of those who talk.
"""

import csv
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.material import data_folder
from timbre import Engine, Identification
from timbre.cli.measuring.embeddings import Embeddings
from timbre.cli.measuring.enrolment_list import Enrolments, read_enrolments, some_of
from timbre.errors import ModelMissing
from timbre.evaluation.corpus import Recording, read_corpus
from timbre.evaluation.diarization import DiarizationReport, evaluate_diarization
from timbre.evaluation.identification import NamingReport, evaluate_identification
from timbre.identification.voiceprint import Voiceprint

PACKS = ("base", "base-segmented")
THRESHOLD = 50.0
MINUTES = 5.0  # of the longest conversation, as it comes
ALL = "all"


def run(console: Console, *, full: bool) -> dict[str, Any]:
    """Measure, print and return everything; nothing where there is no labelled speech."""
    data = data_folder()
    if data is None:
        console.print("What was not made on is measured on labelled speech: let TIMBRE_DATA point to it.")
        return {}
    try:
        from training.simulation.folder import write_talks  # noqa: PLC0415 - with torch, which is not needed elsewhere
    except ModuleNotFoundError as error:
        console.print(f"The talk is made with torch ({error}): run this in the environment of `make encoder`.")
        return {}
    minutes = 1_000.0 if full else MINUTES
    with TemporaryDirectory() as path:
        folder = Path(path)
        write_talks(data, folder, testing=True, enrol=True, minutes=minutes, tell=lambda _: None)
        with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
            talks = list(csv.DictReader(file))
        corpus, everybody = read_corpus(folder), read_enrolments(folder / "enrol.csv", folder)
        kinds = {talk["name"]: talk["kind"] for talk in talks}
        figures: dict[str, Any] = {
            "longest_minutes": minutes,
            "talks": {
                kind: {"talks": len(own), "minutes": sum(float(talk["minutes"]) for talk in own)}
                for kind, own in _by_kind(talks).items()
            },
            "packs": {},
        }
        for pack in PACKS:
            try:
                engine = Engine(pack)
            except ModelMissing as error:
                console.print(f"{pack} is left out: {error}")
                continue
            figures["packs"][pack] = _measured(engine, corpus, everybody, kinds)
            _show(console, pack, figures["packs"][pack])
    return figures


def _by_kind(talks: Iterable[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    kinds: dict[str, list[dict[str, str]]] = {}
    for talk in talks:
        kinds.setdefault(talk["kind"], []).append(talk)
    return kinds


def _measured(
    engine: Engine, corpus: tuple[Recording, ...], everybody: Enrolments, kinds: Mapping[str, str]
) -> dict[str, Any]:
    voices = Embeddings(engine, [path for people in everybody.values() for paths in people.values() for path in paths])
    people = {
        talk: {name: voices.voiceprint(paths) for name, paths in known.items()} for talk, known in everybody.items()
    }
    half = {
        talk: {name: known[name] for name in some_of({talk: _who_talk(known)}, 0.5, 0)[talk]}
        for talk, known in everybody.items()
    }
    diarized = evaluate_diarization(corpus, engine.diarize)
    named = {"everybody": _named(engine, corpus, people, people), "half": _named(engine, corpus, people, half)}
    return {
        kind: {
            "diarization": _of_diarization(diarized, chosen),
            **{share: _of_names(report, chosen) for share, report in named.items()},
        }
        for kind, chosen in _chosen(kinds).items()
    }


def _who_talk(known: Mapping[str, tuple[Path, ...]]) -> dict[str, tuple[Path, ...]]:
    return {name: paths for name, paths in known.items() if name.startswith("P")}


def _chosen(kinds: Mapping[str, str]) -> dict[str, Callable[[str], bool]]:
    def of(kind: str) -> Callable[[str], bool]:
        return lambda name: kinds[name] == kind

    return {ALL: lambda name: name in kinds, **{kind: of(kind) for kind in dict.fromkeys(kinds.values())}}


def _named(
    engine: Engine,
    corpus: tuple[Recording, ...],
    people: Mapping[str, Mapping[str, Voiceprint]],
    enrolled: Mapping[str, Collection[str]],
) -> NamingReport:
    def identify(recording: Recording) -> Identification:
        known = {name: people[recording.name][name] for name in enrolled[recording.name]}
        return engine.identify(recording.audio, known, threshold=THRESHOLD)

    return evaluate_identification(corpus, identify, enrolled)


def _of_diarization(report: DiarizationReport, chosen: Callable[[str], bool]) -> dict[str, Any]:
    part = DiarizationReport(recordings=tuple(one for one in report.recordings if chosen(one.recording)))
    return {**part.error.to_dict(), "count_exact": part.count_exact, "count_within_one": part.count_within_one}


def _of_names(report: NamingReport, chosen: Callable[[str], bool]) -> dict[str, Any]:
    return NamingReport(recordings=tuple(one for one in report.recordings if chosen(one.recording))).error.to_dict()


def _show(console: Console, pack: str, figures: Mapping[str, Any]) -> None:
    table = Table(
        "talk", "error", "count right", "named rightly", "wrongly", "half enrolled: rightly", "wrongly", title=pack
    )
    for kind, found in figures.items():
        rates = [found["diarization"]["rate"], found["diarization"]["count_exact"]]
        for share in ("everybody", "half"):
            rates += [found[share]["rightly_rate"], found[share]["wrongly_rate"]]
        table.add_row(kind, *("" if rate is None else f"{100 * rate:.1f} %" for rate in rates))
    console.print(table)
