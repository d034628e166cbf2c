"""Write `docs/reference/accuracy.md` from the figures in benchmarks/results; `make bench-docs` runs it.

The words stand in `accuracy_page.txt`; every number is put into them from the results, or from
benchmarks/published.toml where it is somebody else's. A sentence that compares is made of the figures too, so that it
stays true when they change. A test compares the page with what this writes; `make_accuracy_pictures.py` draws the
pictures.
"""

from __future__ import annotations

import json
import statistics
import textwrap
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

DOCS: Final = Path(__file__).parent
PAGE: Final = DOCS / "reference" / "accuracy.md"
WORDS: Final = DOCS / "accuracy_page.txt"
BENCHMARKS: Final = DOCS.parent / "benchmarks"
NAMES: Final = ("unseen", "accuracy", "streaming", "speed", "memory", "service", "live", "gallery")
PEER: Final = "peer, as it comes"
PARTS: Final = ("missed", "false_alarm", "confusion")
SEARCHES: Final = ("one_client_ms", "four_clients_ms", "in_memory_ms")
CALIBRATED: Final = ("cllr", "min_cllr", "calibration_loss", "ece")
STREAMS: Final = ("plain", "with voiceprints")
DELAYS: Final = {"starts": "a start", "ends": "an end", "first_names": "the first right name"}
MOST_LAG: Final = 1_000  # ms, at which sessions have fallen behind
SECONDS: Final = ("named_rightly", "named_wrongly", "unnamed", "falsely_named", "left_unnamed")
Json = Mapping[str, Any]
Row = tuple[str, ...]


def page(reports: Json, published: Json, training: Json) -> str:
    """The whole page."""
    figures = {name: report["figures"] for name, report in reports.items()}
    accuracy, speed = figures["accuracy"], figures["speed"]
    systems = accuracy["diarization"]
    recordings = _first(systems)["recordings"]
    return WORDS.read_text("utf-8").format(
        machines=_machines(reports),
        foreign=_foreign(figures["unseen"]),
        longest=figures["unseen"]["longest_minutes"],
        recordings=len(recordings),
        minutes=sum(each["duration"] for each in recordings) / 60,
        groups=_groups(systems, accuracy["models"]),
        against_peer=_against_peer(systems, accuracy["models"]),
        kinds=_kinds(systems, accuracy["models"]),
        speakers=_speakers(systems, accuracy),
        trials=_trials(accuracy["verification"]),
        default=next(iter(accuracy["verification"])),
        calibration=_calibration(accuracy["verification"]),
        names=_names(accuracy["identification"]),
        gallery=_gallery(accuracy["gallery"]),
        merging=_merging(accuracy["merging"]),
        unseen=_unseen(training["test speakers"]),
        left_out=_left_out(training.get("left out", {})),
        streaming=_streaming(figures.get("streaming")),
        sessions=_sessions(figures["live"]["sessions"]),
        behind=_behind(figures["live"]["sessions"]),
        silent=_silent(figures["live"].get("silent")),
        speed=_speed(speed["hour_of_mp3"]),
        decoding=min(run["profile"]["decoding, alone"] for runs in speed["hour_of_mp3"].values() for run in runs),
        short=speed["short_files_ms"],
        begin=min(speed["command_line_seconds"]),
        memory=_memory(figures["memory"]),
        service=_service(figures["service"]),
        search=_search(figures["gallery"]["people"]),
        found=figures["gallery"],
        published=_published(published["tables"]),
        worst=_worst(accuracy),
    )


def _machines(reports: Json) -> str:
    rows = []
    for name in reports:
        machine = reports[name]["machine"]
        where = f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB"
        versions = f"Timbre {machine['timbre']}, Python {machine['python']}, ONNX Runtime {machine['onnxruntime']}"
        rows.append((name, reports[name]["date"], where, versions, f"`{reports[name]['command']}`"))
    return _table(("figures", "measured on", "machine", "with", "command"), rows)


def _foreign(figures: Json) -> str:
    """Every kind of talk that nothing was trained on, pack by pack."""
    talks = {"all": {key: sum(kind[key] for kind in figures["talks"].values()) for key in ("talks", "minutes")}}
    rows = []
    for kind, talk in (talks | dict(figures["talks"])).items():
        for pack, found in figures["packs"].items():
            error, named = found[kind]["diarization"], (found[kind][share] for share in ("everybody", "half"))
            names = (" / ".join(_known(each[rate]) for rate in ("rightly_rate", "wrongly_rate")) for each in named)
            rows.append(
                (
                    *(kind, f"{talk['talks']}, {talk['minutes']:.0f} min", f"`{pack}`", _error(error)),
                    *(_percent(error["count_exact"]), *names),
                )
            )
    titles = ("talk", "talks", "pack", "error, %", "speakers counted rightly", "everybody enrolled", "half enrolled")
    return _table(titles, rows)


def _known(share: float | None) -> str:
    return "" if share is None else _tenths(share)


def _groups(systems: Json, models: Json) -> str:
    rows = [
        (_code(name, models), models["packs"].get(name, models["peer"]), *_rates(system["groups"]))
        for name, system in systems.items()
    ]
    titles = (f"{group} ({each['recordings']})" for group, each in _first(systems)["groups"].items())
    return _table(("system", "encoder", *titles), rows)


def _kinds(systems: Json, models: Json) -> str:
    rates = zip(*(_rates(system["speech"]) for system in systems.values()), strict=True)
    rows = [
        (kind, str(each["recordings"]), f"{each['error']['total'] / 60:.1f}", *row)
        for (kind, each), row in zip(_first(systems)["speech"].items(), rates, strict=True)
    ]
    return _table(("speech", "recordings", "minutes of speech", *(_code(name, models) for name in systems)), rows)


def _rates(groups: Json) -> Row:
    return tuple(_error(each["error"]) for each in groups.values())


def _error(error: Json) -> str:
    parts = " + ".join(f"{100 * error[part] / error['total']:.1f}" for part in PARTS)
    return f"{100 * error['rate']:.1f} ({parts})"


def _speakers(systems: Json, accuracy: Json) -> str:
    groups = ("real", "put together")
    rows = []
    for name, system in systems.items():
        counted = [system["groups"][group] for group in groups]
        found = list(accuracy["one_speaker"].get(name, {}).values())
        alone = f"{_percent(found.count(1) / len(found))} of {len(found)}" if found else ""
        shares = (f"{_percent(each['count_exact'])} / {_percent(each['count_within_one'])}" for each in counted)
        rows.append((_code(name, accuracy["models"]), *shares, alone))
    return _table(("system", *groups, "one person alone"), rows)


def _against_peer(systems: Json, models: Json) -> str:
    """Compare every pack with the peer, by all errors and by confusion alone."""
    if PEER not in systems:
        return "The peer was left out: its encoder was not on the machine.\n"
    peer = systems[PEER]["error"]
    sentences = []
    for name in models["packs"]:
        error = systems[name]["error"]
        wrong, confused = (_change(error[part], peer[part]) for part in ("rate", "confusion"))
        sentences.append(f"`{name}` makes {wrong} errors than the peer as it comes, and {confused} confusions.")
    return _wrapped(" ".join(sentences))


def _change(ours: float, theirs: float) -> str:
    return f"{_percent(abs(ours / theirs - 1))} {'fewer' if ours <= theirs else 'more'}"


def _trials(packs: Json) -> str:
    rows = []
    for name, trials in _first(packs)["lists"].items():
        for speakers in trials["by"]:
            for pack, measured in packs.items():
                result = measured["lists"][name]["by"][speakers]
                low, high = result["eer_interval"]
                fit = result["calibration"]
                rows.append(
                    (
                        trials["speech"],
                        f"`{pack}`",
                        f"{speakers} ({result['speakers']})",
                        f"{result['targets']} / {result['trials'] - result['targets']}",
                        f"{100 * result['eer']:.2f} % ({100 * low:.1f} to {100 * high:.1f})",
                        f"{100 * result['eer_of_cosine']:.2f} %",
                        f"{result['min_dcf']:.3f}",
                        f"{fit['cllr']:.3f} ({fit['min_cllr']:.3f})",
                    )
                )
    titles = ("trials", "pack", "speakers", "same / different", "EER (95 %)", "of the cosine", "minDCF", "Cllr (least)")
    return _table(titles, rows)


def _calibration(packs: Json) -> str:
    rows = [
        (source, f"`{pack}`", *(f"{report[name]:.3f}" for name in CALIBRATED))
        for pack, measured in packs.items()
        for source, report in measured["leave_one_source_out"].items()
    ]
    return _table(("left out of the fit", "pack", "Cllr", "least Cllr", "difference", "ECE"), rows)


def _names(packs: Json) -> str:
    rows = []
    for pack, halves in packs.items():
        whole = _shares({part: sum(half[part] for half in halves) for part in SECONDS})
        single = zip(*map(_shares, halves), strict=True)
        ranges = (f"({_tenths(min(each))} to {_tenths(max(each))})" for each in single)
        rows.append((f"`{pack}`", *map(" ".join, zip(map(_tenths, whole), ranges, strict=True))))
    titles = ("pack", "of enrolled people's speech: named rightly", "of all: named wrongly", "of strangers': named")
    return _table(titles, rows)


def _shares(half: Json) -> tuple[float, float, float]:
    """Return the shares of known speech named rightly, of all speech named wrongly, of strangers' speech named."""
    known = half["named_rightly"] + half["named_wrongly"] + half["unnamed"]
    unknown = half["falsely_named"] + half["left_unnamed"]
    wrong = half["named_wrongly"] + half["falsely_named"]
    return half["named_rightly"] / known, wrong / (known + unknown), half["falsely_named"] / unknown


def _gallery(gallery: Json) -> str:
    named = [share.replace("_", " ") for share in _first(gallery["sizes"])]
    kinds = {"": gallery["sizes"], ", simulated": gallery["simulated"]}
    rows = [
        (f"{int(people):,}".replace(",", " ") + kind, *map(_tenths, shares.values()))
        for kind, sizes in kinds.items()
        for people, shares in sizes.items()
    ]
    return _table(("people enrolled", *named), rows)


def _merging(enrolled: Json) -> str:
    rows = [
        (who, *(", ".join(f"{100 * draw[name]:.1f}" for draw in draws) for name in ("der", "confusion")))
        for who, draws in enrolled.items()
    ]
    return _table(("enrolled", "error, %", "of it confusion, %"), rows)


def _unseen(sources: Json) -> str:
    rows = [
        (
            source,
            str(each["people"]),
            *(f"{each[name]:.2f} %" for name in ("ge2e", "ours")),
            _gained(each["ours"], each["ge2e"]),
        )
        for source, each in sources.items()
    ]
    return _table(("speech", "people", "GE2E", "ours", "change"), rows)


def _left_out(trained: Json) -> str:
    """What carries over to speech that the training did not hear at all, where that was measured."""
    if not trained:
        return ""
    rows = [
        (source, *(f"{each[name]:.2f} %" for name in ("ge2e", "left out", "trained on")))
        for source, each in trained["eer"].items()
    ]
    said = (
        f"Short trainings of {trained['steps']} steps, with one kind of speech left out altogether, say what carries"
        " over to speech that is new to it:"
    )
    return f"\n{_wrapped(said)}\n{_table(('speech', 'GE2E', 'trained without it', 'trained with it'), rows)}"


def _gained(now: float, before: float) -> str:
    return f"{100 * (now / before - 1):+.0f} %" if before else ""


def _streaming(figures: Json | None) -> str:
    if figures is None:
        return _wrapped("These figures are still to be measured, by `python -m benchmarks streaming --full`.")
    memory = figures["memory"]
    grown = _wrapped(
        f"One stream of {memory['hours']:g} h took {memory['rss_mib_after_10_minutes']:.0f} MiB after ten minutes and"
        f" {memory['rss_mib_last']:.0f} MiB in the end: {memory['mib_an_hour_after_10_minutes']:.2f} MiB an hour."
    )
    times = _wrapped(
        "Times are those of the sound; a server adds what it is behind. The first right name is counted in seconds of"
        " that person's speech."
    )
    parts = (_latencies(figures), times, _delays(figures), _first_names(figures["with voiceprints"]), grown)
    return "\n".join(parts)


def _latencies(streaming: Json) -> str:
    ways = [streaming[name] for name in STREAMS]
    rows = [
        (
            f"{latency} s",
            *(_tenths(way["error"][latency]) for way in ways),
            *(_tenths(way["held_out"]["error"][latency]) for way in ways),
        )
        for latency in ways[0]["error"]
    ]
    wholes = (_tenths(way["whole"]) for way in ways)
    rows.append(("whole recordings", *wholes, *(_tenths(way["held_out"]["whole"]) for way in ways)))
    return _table(("latency", *STREAMS, *(f"held out, {name}" for name in STREAMS)), rows)


def _delays(streaming: Json) -> str:
    rows = [
        (f"{said}, {name}", *(_seconds(value) for value in streaming[name][figure].values()))
        for figure, said in DELAYS.items()
        for name in STREAMS
        if streaming[name][figure]["p50"] is not None
    ]
    return _table(("told after", "median", "90 %", "95 %", "99 %"), rows)


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"


def _first_names(named: Json) -> str:
    return _wrapped(
        f"Of {named['known_people']} people whose voiceprints were given, {named['named_within_4_s']} had their own"
        f" name, confirmed, within 4 s of their speech. Of known people's speech {_tenths(named['named_rightly'])} was"
        f" under their name a second later, of all speech {_tenths(named['named_wrongly'])} under somebody else's."
        f" Turns whose speaker was another later: {named['revised_a_minute']:.1f} a minute."
    )


def _sessions(sessions: Iterable[Json]) -> str:
    rows = [
        (
            str(each["sessions"]),
            f"{each['lag_median_ms']} ms",
            f"{each['lag_p99_ms']} ms",
            _tenths(each["processor_share_a_session"]),
            str(each["ended_by_the_server"]),
        )
        for each in sessions
    ]
    return _table(("sessions", "lag, median", "lag, 99 %", "of a core, each", "ended by the server"), rows)


def _behind(sessions: Iterable[Json]) -> str:
    kept = [each["sessions"] for each in sessions if each["lag_p99_ms"] <= MOST_LAG and not each["ended_by_the_server"]]
    last = max(each["sessions"] for each in sessions)
    if not kept or max(kept) == last:
        return f"{last} kept up; more were not tried."
    return f"{max(kept)} kept up, {last} fell behind."


def _silent(silent: Json | None) -> str:
    if silent is None:
        return ""
    codes = " and ".join(f"{number} with {code}" for code, number in silent["close_codes"].items())
    return "\n" + _wrapped(
        f"{_grouped(silent['streams'])} streams that were opened at once and sent nothing were closed, {codes}. One"
        f" that spoke beside them lagged by {silent['beside_them_lag_p99_ms']} ms at most; the API took"
        f" {silent['api_pss_mib_before']:.0f} MiB before and {silent['api_pss_mib_after']:.0f} MiB after."
    )


def _speed(runs: Json) -> str:
    rows = []
    for cores, each in runs.items():
        best = min(each, key=lambda run: float(run["seconds"]))
        taken = " / ".join(f"{run['seconds']:.1f}" for run in each)
        times = f"{best['recording_seconds'] / best['seconds']:.0f} times"
        rows.append((cores, taken, times, *(f"{seconds:.1f} s" for seconds in best["stages"].values())))
    stages = _first(runs)[0]["stages"]
    return _table(("cores", "seconds of each run", "real time", *stages), rows)


def _memory(runs: Json) -> str:
    rows = [
        (length, str(run["cores"]), f"{run['peak_mib']} MiB", f"{run['seconds']:.0f} s") for length, run in runs.items()
    ]
    return _table(("recording", "cores", "peak", "taken"), rows)


def _service(figures: Json) -> str:
    voiceprint = figures["voiceprint_of_10_s"]
    paced, fast, read = (
        figures[name] for name in ("submit_paced", "submit_as_fast_as_they_can", "read_job_as_fast_as_they_can")
    )
    first, later = (figures[f"ready_seconds_{start}_start"] for start in ("first", "later"))
    rows = [
        (f"{paced['clients']} clients submit {paced['per_second']:.0f} jobs a second", _answered(paced)),
        (f"{fast['clients']} clients submit as fast as they are answered", _answered(fast)),
        (f"{read['clients']} clients read a job as fast as they are answered", _answered(read)),
        ("a queued job begins", f"after {statistics.median(voiceprint['pick_up_ms']):.0f} ms (median)"),
        (
            "a voiceprint of 10 s is done",
            f"after {statistics.median(voiceprint['submit_to_result_seconds']):.2f} s (median)",
        ),
        ("ready after the first start / a later one", f"{first:.1f} s / {later:.1f} s"),
        ("memory at rest, all processes", f"{sum(figures['idle_pss_mib'].values()):.0f} MiB"),
    ]
    return _table(("", ""), rows)


def _answered(load: Json) -> str:
    return (
        f"{load['per_second']:.0f} a second, after {load['median_ms']:.0f} ms (median), {load['p99_ms']:.0f} ms (99 %)"
    )


def _search(sizes: Json) -> str:
    rows = []
    for people, each in sizes.items():
        times = (f"{each[name]['p50']:.1f} / {each[name]['p99']:.1f} ms" for name in SEARCHES)
        built = (
            "none" if each["index_seconds"] is None else f"{each['index_mib']:.0f} MiB in {each['index_seconds']:.0f} s"
        )
        found = (f"{each['recall']:.4f}", f"{100 * each['own_person_first']['search']:.1f} %")
        rows.append((_grouped(int(people)), *times, *found, f"{each['table_mib']:.0f} MiB", built))
    names = ("people", "one client", "four clients", "numpy, in memory", "recall", "own first", "table", "index")
    return _table(names, rows)


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _published(tables: Iterable[Json]) -> str:
    parts = []
    for each in tables:
        rows = [(row["system"], *row["figures"], row["source"]) for row in each["rows"]]
        parts += [f"### {each['title']}\n", _wrapped(each["protocol"])]
        parts.append(_table(("system", *each["columns"], "source"), rows))
    return "\n".join(parts)


def _worst(accuracy: Json) -> str:
    """Name the speech on which the default pack did worst."""
    pack, measured = next(iter(accuracy["verification"].items()))
    eers = {trials["speech"]: trials["by"]["all speakers"]["eer"] for trials in measured["lists"].values()}
    rates = {kind: each["error"]["rate"] for kind, each in accuracy["diarization"][pack]["speech"].items()}
    voices, turns = (max(rates_, key=lambda kind: float(rates_[kind])) for rates_ in (eers, rates))
    return _wrapped(
        f"Of what was measured here, `{pack}` mixes up voices most in “{voices}” (EER {_tenths(eers[voices])}), and "
        f"who speaks when it gets wrong most in “{turns}” ({_tenths(rates[turns])} of the speech)."
    ).rstrip("\n")


def _first(named: Json) -> Any:
    return next(iter(named.values()))


def _code(name: str, models: Json) -> str:
    return f"`{name}`" if name in models["packs"] else name


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _tenths(share: float) -> str:
    return f"{100 * share:.1f} %"


def _wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False) + "\n"


def _table(titles: Iterable[str], rows: Iterable[Row]) -> str:
    head = tuple(titles)
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join((lines[0], f"|{'---|' * len(head)}", *lines[1:])) + "\n"


def measured() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return the report of every benchmark, by its name, what others published, and the log of the training."""
    results = {name: BENCHMARKS / "results" / f"{name}.json" for name in NAMES}
    reports = {name: json.loads(path.read_text("utf-8")) for name, path in results.items() if path.exists()}
    training = json.loads((DOCS.parent / "training" / "encoder" / "log.json").read_text("utf-8"))
    return reports, tomllib.loads((BENCHMARKS / "published.toml").read_text("utf-8")), training


if __name__ == "__main__":
    PAGE.write_text(page(*measured()), encoding="utf-8")
