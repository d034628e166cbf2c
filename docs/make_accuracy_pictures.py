"""Draw the pictures of `docs/reference/accuracy.md` from the figures in benchmarks/results; `make bench-docs` runs it.

The bytes of a drawing change with the version of matplotlib, so each picture keeps a digest of what it shows; a test
compares that with the figures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import numpy as np

from timbre.evaluation.calibration import CalibrationReport, ReliabilityBin
from timbre.evaluation.charts import COLOURS, new_figure, plot_det, plot_reliability, write_figure
from timbre.evaluation.verification import DetCurve

RESULTS: Final = Path(__file__).parents[1] / "benchmarks" / "results"
FOLDER: Final = Path(__file__).parent / "reference" / "pictures"
PARTS: Final = ("missed", "false_alarm", "confusion")
HOUR: Final = 3600.0
INK: Final = "#333333"
BESIDE: Final = "decoding, alone"  # goes on beside the rest, so it is no part of the sum
Draw = Callable[[Any], Any]  # from what is shown to a figure of matplotlib


def pictures(results: Mapping[str, Any]) -> Iterator[tuple[str, Draw, Any]]:
    """Yield the name of each picture, how it is drawn, and what of the results it shows."""
    accuracy = results["accuracy"]
    default = next(iter(accuracy["verification"]))
    yield "diarization", draw_diarization, by_speech(accuracy["diarization"])
    yield "det", draw_curves, det_curves(accuracy["verification"])
    yield "reliability", draw_calibration, accuracy["verification"][default]["leave_one_source_out"]
    if gallery := accuracy.get("gallery"):
        yield "gallery", draw_gallery, gallery["sizes"]
    yield "speed", draw_parts, parts(results["speed"])
    yield "memory", draw_memory, {run["recording_seconds"]: run["peak_mib"] for run in results["memory"].values()}


def by_speech(systems: Mapping[str, Any]) -> dict[str, Any]:
    """Return the error of every system, by the kind of speech."""
    first = next(iter(systems.values()))
    shown = {"all recordings": {name: system["error"] for name, system in systems.items()}}
    for kind, each in first["speech"].items():
        title = f"{kind} ({each['recordings']} {'recording' if each['recordings'] == 1 else 'recordings'})"
        shown[title] = {name: system["speech"][kind]["error"] for name, system in systems.items()}
    return shown


def det_curves(packs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the points of every pack's curves, by the list of trials."""
    curves: dict[str, dict[str, Any]] = {}
    for pack, measured in packs.items():
        for trials in measured["lists"].values():
            for speakers, result in trials["by"].items():
                curves.setdefault(trials["speech"], {})[f"{pack}, {speakers}"] = result["det"]
    return curves


def parts(speed: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return where the seconds of the fastest run went, by the number of cores."""
    fastest = {cores: min(runs, key=lambda run: run["seconds"]) for cores, runs in speed["hour_of_mp3"].items()}
    names = dict.fromkeys(part for run in fastest.values() for part in run["profile"] if part != BESIDE)
    return {cores: {part: run["profile"].get(part, 0.0) for part in names} for cores, run in fastest.items()}


def draw_diarization(shown: Mapping[str, Mapping[str, Any]]) -> Any:
    """Draw a panel a kind of speech with a bar a system, stacked of what was missed, made up and confused."""
    figure = new_figure(8.0, 0.9 + sum(0.45 + 0.26 * len(systems) for systems in shown.values()))
    heights = [1.5 + len(systems) for systems in shown.values()]
    panels = figure.subplots(len(shown), 1, sharex=True, height_ratios=heights, squeeze=False)[:, 0]
    for axes, (kind, systems) in zip(panels, shown.items(), strict=True):
        rows = {name: {part: 100 * error[part] / error["total"] for part in PARTS} for name, error in systems.items()}
        stack(axes, rows, "{:.1f}")
        axes.set_title(kind, loc="left", fontweight="bold", fontsize="medium")
    panels[-1].set_xlabel("Strict diarization error rate (% of speech)")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=len(PARTS), frameon=False)
    return figure


def draw_curves(shown: Mapping[str, Mapping[str, Any]]) -> Any:
    """Draw a panel of DET curves a list of trials."""
    columns = 2
    rows = -(-len(shown) // columns)
    most = max(len(curves) for curves in shown.values())
    figure = new_figure(10.0, (5.4 + 0.2 * most) * rows)
    figure.set_layout_engine("compressed")  # the panels are square
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).flat
    for axes, (name, curves) in zip(panels, shown.items(), strict=False):
        plot_det(axes, {each: det(points) for each, points in curves.items()})
        axes.set_title(name)
        axes.label_outer()
        legend_below(axes, axes, -0.1)
    for axes in list(panels)[len(shown) :]:
        axes.remove()
    return figure


def draw_calibration(shown: Mapping[str, Any]) -> Any:
    """Draw the reliability of each source when it is left out of the fit."""
    figure = new_figure(7.0, 8.0)
    truth, often = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    plot_reliability(truth, often, {name: report(each) for name, each in shown.items()})
    truth.set_title("Each source left out of the fit")
    truth.get_legend().remove()
    legend_below(often, truth, -0.4)
    return figure


def draw_parts(shown: Mapping[str, Mapping[str, float]]) -> Any:
    """Draw where the time of an hour of mp3 goes, a bar a number of cores."""
    figure = new_figure(8.0, 1.3 + 0.5 * len(shown))
    axes = figure.add_subplot()
    stack(axes, {"1 core" if cores == "1" else f"{cores} cores": parts for cores, parts in shown.items()}, "{:.1f} s")
    axes.set_xlabel("Seconds for an hour of mp3")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    return figure


def draw_gallery(shown: Mapping[str, Mapping[str, float]]) -> Any:
    """Draw each share against the number of people enrolled."""
    figure = new_figure(8.0, 4.0)
    axes = figure.add_subplot()
    people = [int(size) for size in shown]
    for colour, share in zip(cycle(COLOURS), next(iter(shown.values())), strict=False):
        values = [100 * each[share] for each in shown.values()]
        axes.plot(people, values, color=colour, marker="o", linewidth=1.6, label=share.replace("_", " "))
    axes.set_xscale("log")
    axes.set_xticks(people, [str(size) for size in people])
    axes.minorticks_off()
    axes.set(xlabel="People enrolled (logarithmic)", ylabel="Share (%)", ylim=(0, 100))
    axes.legend(loc="best")
    return figure


def draw_memory(shown: Mapping[float, float]) -> Any:
    """Draw the peak of memory against the length of the recording."""
    figure = new_figure(8.0, 3.6)
    axes = figure.add_subplot()
    hours, peaks = zip(*((seconds / HOUR, peak) for seconds, peak in sorted(shown.items())), strict=True)
    axes.plot(hours, peaks, color=COLOURS[0], marker="o", markersize=6, linewidth=1.6)
    for hour, peak in zip(hours, peaks, strict=True):
        axes.annotate(f"{peak:.0f}", (hour, peak), (0, 8), textcoords="offset points", ha="center", color=INK)
    axes.set_xscale("log")
    axes.set_xticks(hours, [f"{60 * hour:.0f} min" if hour < 0.9 else f"{hour:.3g} h" for hour in hours])  # noqa: PLR2004
    axes.minorticks_off()
    axes.set(
        xlabel="Length of the recording (logarithmic)",
        ylabel="Peak memory of the process (MiB)",
        ylim=(0, 1.15 * max(peaks)),
    )
    return figure


def stack(axes: Any, rows: Mapping[str, Mapping[str, float]], form: str) -> None:
    """Draw a bar a row from the top down, stacked of its parts, with the sum at its end."""
    names = list(rows)
    left = np.zeros(len(names))
    for colour, part in zip(cycle(COLOURS), next(iter(rows.values())), strict=False):
        lengths = np.array([rows[name][part] for name in names])
        look = {"color": colour, "edgecolor": "white", "linewidth": 0.8, "label": part.replace("_", " ")}
        axes.barh(names, lengths, left=left, height=0.72, **look)
        left += lengths
    for place, end in enumerate(left):
        shift = {"xytext": (4, 0), "textcoords": "offset points"}
        axes.annotate(form.format(end), (end, place), **shift, va="center", color=INK, fontsize="small")
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.tick_params(axis="y", length=0, grid_alpha=0)


def legend_below(axes: Any, shown: Any, height: float) -> None:
    """Put the legend of what is `shown` under axes, where it hides no curve."""
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, height)}
    axes.legend(*shown.get_legend_handles_labels(), **place, fontsize="small")


def det(points: Mapping[str, list[float]]) -> DetCurve:
    """Return a curve from its points; thresholds are not kept, for none is drawn."""
    false_alarm, miss = np.array(points["false_alarm"]), np.array(points["miss"])
    return DetCurve(thresholds=np.full(len(miss), np.nan), false_alarm=false_alarm, miss=miss)


def report(figures: Mapping[str, Any]) -> CalibrationReport:
    """Return what `CalibrationReport.to_dict` wrote."""
    bins = tuple(ReliabilityBin(**part) for part in figures["bins"])
    return CalibrationReport(
        bins=bins, **{name: figures[name] for name in ("trials", "targets", "cllr", "min_cllr", "ece")}
    )


def results() -> dict[str, Any]:
    """Return the figures of every benchmark, by its name."""
    files = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(RESULTS.glob("*.json"))}
    return {name: file["figures"] for name, file in files.items() if "figures" in file}


def digest(shown: Any) -> str:
    """Return what a picture says of the figures that it shows."""
    return f"figures {hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:16]}"


def main() -> None:
    """Draw every picture, and remove those that are drawn no more."""
    FOLDER.mkdir(exist_ok=True)
    drawn = set()
    for name, draw, shown in pictures(results()):
        path = FOLDER / f"{name}.svg"
        write_figure(draw(shown), path, description=digest(shown))
        drawn.add(path)
    for path in set(FOLDER.glob("*.svg")) - drawn:
        path.unlink()


if __name__ == "__main__":
    main()
