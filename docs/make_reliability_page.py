"""Write `docs/reference/reliability.md` from benchmarks/results/chaos.json and load.json; `make bench-docs` runs it.

The words stand in `reliability_page.txt`, and every number comes from the results. A test compares the page with what
this writes.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

DOCS: Final = Path(__file__).parent
PAGE: Final = DOCS / "reference" / "reliability.md"
WORDS: Final = DOCS / "reliability_page.txt"
RESULTS: Final = DOCS.parent / "benchmarks" / "results"
NAMES: Final = ("chaos", "load")
WIDTH: Final = 120
# What the issue of each scenario is called on the page, in the order of the page, and how often a full run does it.
CHAOS: Final = {
    "workers": "workers killed",
    "frozen": "workers frozen",
    "apis": "API killed",
    "database": "PostgreSQL killed",
    "serve": "`timbre serve` killed part by part",
    "storage": "way to the storage cut",
    "poison": "spoiled recordings",
    "deadly": "a recording that kills",
    "disk": "disk full",
    "memory": "memory short",
    "clocks": "clocks set",
}
Json = Mapping[str, Any]
Row = tuple[str, ...]


def page(reports: Mapping[str, Json]) -> str:
    """The whole page."""
    chaos, load = (reports[name]["figures"] for name in NAMES)
    return WORDS.read_text("utf-8").format(
        machine=_machine(reports),
        commands=_commands(reports),
        claim=_claim(chaos),
        done=_done(chaos),
        accounts=_accounts(chaos),
        poison=_said(_poison, chaos.get("poison")),
        deadly=_said(_deadly, chaos.get("deadly")),
        left_out=_left_out(chaos),
        mixed=_said(_mixed, load.get("mixed")),
        polling=_said(_polling, load.get("polling")),
        uploads=_said(_uploads, load.get("uploads")),
        giant=_said(_giant, load.get("giant")),
        soak=_said(_soak, load.get("soak")),
    )


def _said(say: Callable[[Json], str], figures: Json | None) -> str:
    return _wrapped("(Not measured on this machine.)") if figures is None else say(figures)


def _machine(reports: Mapping[str, Json]) -> str:
    loads = [each["load"] for report in reports.values() for each in report["figures"].values() if "load" in each]
    machine = reports["chaos"]["machine"]
    return _wrapped(
        f"Measured on {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, Python"
        f" {machine['python']}. With other work on it, it had a load of {min(loads):.0f} to {max(loads):.0f} meanwhile:"
        " speeds and delays would be others without that, and what became of jobs would not."
    )


def _commands(reports: Mapping[str, Json]) -> str:
    rows = [
        (name, scenario, figures["date"], f"`{figures['command']}`", f"{figures['took_seconds']} s", _load(figures))
        for name in NAMES
        for scenario, figures in reports[name]["figures"].items()
    ]
    return _table(("", "scenario", "on", "command", "took", "load"), rows)


def _load(figures: Json) -> str:
    return f"{figures['load']:.0f}" if "load" in figures else ""


def _ran(chaos: Json) -> dict[str, Json]:
    return {name: chaos[name] for name in CHAOS if name in chaos and "left_out" not in chaos[name]}


def _claim(chaos: Json) -> str:
    ran = _ran(chaos)
    jobs, times = (sum(each[name] for each in ran.values()) for name in ("jobs", "times"))
    lost, doubled, others, faults = (
        sum(each[name] for each in ran.values())
        for name in ("lost", "doubled", "otherwise_than_undisturbed", "faults_in_logs")
    )
    late = [CHAOS[name] for name, each in ran.items() if _latest(each) > each["bound_seconds"]]
    bound = f"except for: {', '.join(late)}" if late else "without exception"
    return _wrapped(
        f"Of {_number(jobs)} jobs that were accepted while something was broken {_number(times)} times, {lost} were"
        f" lost, {doubled} were done, counted or told twice, and {others} ended otherwise than they do undisturbed."
        f" They ended within the lease and 30 s, {bound}. The logs have {faults} faults that were not foreseen."
    )


def _latest(each: Json) -> float:
    """By clocks that were set nothing is told of a single job, only how long after them all had ended."""
    return float(each["latest_seconds"] if "latest_seconds" in each else each["all_had_ended_after_seconds"])


def _done(chaos: Json) -> str:
    return _table(
        ("scenario", "what is done", "times"),
        [(CHAOS[name], each["what"], str(each["times"])) for name, each in _ran(chaos).items()],
    )


def _accounts(chaos: Json) -> str:
    rows = []
    for name, each in _ran(chaos).items():
        bound = f"{_latest(each)} s of {each['bound_seconds']:g}"
        numbers = ("jobs", "hit", "begun_again", "lost", "doubled", "otherwise_than_undisturbed", "webhooks_sent_again")
        rows.append((CHAOS[name], *(str(each[number]) for number in numbers), bound, str(each["faults_in_logs"])))
    titles = (
        "scenario",
        "jobs",
        "hit",
        "begun again",
        "lost",
        "doubled",
        "otherwise",
        "webhooks again",
        "latest",
        "faults",
    )
    return _table(titles, rows)


def _poison(each: Json) -> str:
    ends = ", ".join(f"{number} {how}" for how, number in sorted(each["ends"].items()))
    died = each["workers_that_died"]
    return _wrapped(f"Of {each['times']} spoiled recordings came: {ends}. {died} workers died of them.")


def _deadly(each: Json) -> str:
    return _wrapped(
        f"Of {each['times']} recordings that killed their worker each time, {each['given_up']} were given up after"
        f" three attempts; of {each['beside']} that were heard beside them, {each['beside_that_succeeded']} succeeded."
    )


def _left_out(chaos: Json) -> str:
    missing = [f"{CHAOS[name]} (not run)" for name in CHAOS if name not in chaos]
    missing += [f"{CHAOS[name]} ({each['left_out']})" for name, each in chaos.items() if "left_out" in each]
    return _wrapped(f"Left out: {'; '.join(missing)}.") if missing else ""


def _mixed(each: Json) -> str:
    meter = each["meter"]
    return _wrapped(
        f"{_number(each['jobs'])} jobs were brought in {each['brought_in_seconds']:.0f} s (an answer took"
        f" {each['submit_ms']['median']} ms, 99 % {each['submit_ms']['p99']} ms) and done at {each['jobs_a_second']} a"
        f" second: {each['lost']} lost, {each['doubled']} doubled, {each['otherwise_than_undisturbed']} otherwise than"
        f" one by one. The API took {meter['most_memory_mib']['api']:.0f} MiB at most, the eight workers"
        f" {meter['most_memory_mib']['worker']:.0f} together, the database {meter['most_memory_mib']['database']:.0f};"
        f" there were {meter['most_connections']} connections at most."
    )


def _polling(each: Json) -> str:
    wrong = each["answers_other_than_200"]
    other = ", ".join(f"{number} times {how}" for how, number in wrong.items()) or "all with 200"
    return _wrapped(
        f"{each['clients']} clients, each on a connection of its own, asked {_number(each['requests'])} times while"
        f" {each['jobs']} jobs were done: answered in {each['read_ms']['median']} ms (99 %:"
        f" {each['read_ms']['p99']} ms, longest {each['read_ms']['longest']} ms), {other}."
    )


def _uploads(each: Json) -> str:
    return _wrapped(
        f"{_number(each['uploads'])} uploads of {each['mib_each']} MiB, fifty at a time: {each['uploads_a_second']} a"
        f" second, {each['upload_ms']['median']} ms each (99 %: {each['upload_ms']['p99']} ms);"
        f" {each['other_than_was_sent']} were other than what was sent. The API took"
        f" {each['meter']['most_memory_mib']['api']:.0f} MiB at most."
    )


def _giant(each: Json) -> str:
    memory = each["meter"]["most_memory_mib"]
    return _wrapped(
        f"One upload of {each['bytes'] / 2**30:g} GiB took {each['upload_seconds']} s ({each['mib_a_second']} MiB a"
        f" second), and its {each['hours_of_sound']} hours of sound were heard in {each['heard_in_seconds']} s"
        f" ({each['status']}). The API took {memory['api']:.0f} MiB at most, the worker and its decoder"
        f" {memory['worker']:.0f}."
    )


def _soak(each: Json) -> str:
    rows = []
    for name, said in (("at_rest", "at rest"), ("trickle", "a job every two seconds")):
        meter = each[name]
        slopes = meter["own_mib_an_hour"]
        rows.append(
            (
                said,
                f"{meter['minutes']} min",
                f"{meter['memory_mib']['together']:.0f} MiB",
                *(f"{slopes[part]:+.1f}" for part in ("together", "api", "worker", "database")),
                " → ".join(map(str, meter["descriptors"])),
                " → ".join(map(str, meter["connections"])),
            )
        )
    titles = (
        *("", "for", "memory", "its own rises by MiB an hour: all", "API", "workers", "database"),
        *("descriptors, first → last", "connections"),
    )
    return _table(titles, rows)


def _number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False) + "\n"


def _table(titles: Row, rows: list[Row]) -> str:
    lines = (titles, ("---",) * len(titles), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def measured() -> dict[str, Json]:
    """The reports of both kinds, by name."""
    return {name: json.loads((RESULTS / f"{name}.json").read_text("utf-8")) for name in NAMES}


if __name__ == "__main__":
    PAGE.write_text(page(measured()), encoding="utf-8")
