"""Pictures of the measures: the DET curve and the reliability diagram, as PNG or SVG by the file's extension.

`draw_det` and `draw_reliability` write a picture each. A picture of several panels, or of something else in the same
hand, begins with `new_figure` and ends with `write_figure`; `plot_det` and `plot_reliability` fill its panels.

The same values give the same SVG, byte for byte. Nothing here touches pyplot or settings of matplotlib that
outlast the call.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from timbre.disk import written
from timbre.errors import OptionError
from timbre.evaluation.calibration import BINS, CalibrationReport
from timbre.evaluation.verification import DetCurve
from timbre.extras import needing

# Okabe & Ito's colours, which people with any kind of colour vision can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_GREY = "#808080"
_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
_SHOWN = (0.0005, 0.6)  # error rates between which the DET curve is drawn
_NEVER = 1e-6  # stands for an error rate of 0, which has no place on a probit axis
_DOTS_PER_INCH = 150


def draw_det(curves: Mapping[str, DetCurve], path: str | Path) -> None:
    """Draw DET curves, by their names, on probit axes with the equal error rates marked.

    Raises:
        OptionError: the path ends neither in .png nor in .svg.
        ExtraMissing: matplotlib is not installed.
        OSError: the picture cannot be written.
    """
    _kind(path)  # before the work, not after it
    figure = new_figure(6.0, 6.0)
    plot_det(figure.add_subplot(), curves)
    write_figure(figure, path)


def plot_det(axes: Any, curves: Mapping[str, DetCurve]) -> None:
    """Plot DET curves, by their names, into axes of matplotlib."""
    axes.plot(_probit(_SHOWN), _probit(_SHOWN), color=_GREY, linewidth=0.8, linestyle=":", label="equal errors")
    for i, (name, curve) in enumerate(curves.items()):
        colour, rate = COLOURS[i % len(COLOURS)], curve.equal_error_rate
        label = f"{name} (EER {100 * rate:.1f} %)"
        axes.plot(_probit(curve.false_alarm), _probit(curve.miss), color=colour, linewidth=1.6)
        axes.plot(_probit([rate]), _probit([rate]), color=colour, marker="o", markersize=6, label=label)
    ticks, names = _probit(_TICKS), [f"{100 * tick:g}" for tick in _TICKS]
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    axes.set(xlim=_probit(_SHOWN), ylim=_probit(_SHOWN), aspect="equal", title="Misses against false alarms")
    axes.set_xlabel("False alarms: different people accepted (%)")
    axes.set_ylabel("Misses: same person refused (%)")
    axes.legend(loc="upper right")


def draw_reliability(reports: Mapping[str, CalibrationReport], path: str | Path) -> None:
    """Draw what share is true against what was predicted, and below it how often that was predicted.

    Reports are drawn by their names; both kinds of trials count the same, as they do in the reports.

    Raises:
        OptionError: the path ends neither in .png nor in .svg.
        ExtraMissing: matplotlib is not installed.
        OSError: the picture cannot be written.
    """
    _kind(path)
    figure = new_figure(6.0, 7.5)
    truth, often = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    plot_reliability(truth, often, reports)
    write_figure(figure, path)


def plot_reliability(truth: Any, often: Any, reports: Mapping[str, CalibrationReport]) -> None:
    """Plot reliability into one pair of axes of matplotlib: what is true above, how often it was predicted below."""
    truth.plot([0, 1], [0, 1], color=_GREY, linewidth=0.8, linestyle=":", label="perfect")
    width = 0.8 / BINS / max(1, len(reports))
    for i, (name, report) in enumerate(reports.items()):
        colour = COLOURS[i % len(COLOURS)]
        label = f"{name} (Cllr {report.cllr:.3f}, min {report.min_cllr:.3f}, ECE {report.ece:.3f})"
        filled = [part for part in report.bins if part.trials]
        predicted, observed = [part.predicted for part in filled], [part.observed for part in filled]
        truth.plot(
            predicted, observed, color=colour, marker="o", markersize=5, linewidth=1.4, label=label, clip_on=False
        )
        left = [part.lower + 0.1 / BINS + i * width for part in report.bins]
        often.bar(left, [100 * part.weight for part in report.bins], width=width, align="edge", color=colour)
    truth.set(xlim=(0, 1), ylim=(0, 1), title="Reliability of the probabilities")
    truth.set_ylabel("Observed share of same-person trials")
    truth.legend(loc="upper left", fontsize="small")
    often.set_xlabel("Predicted probability that it is the same person")
    often.set_ylabel("Balanced trials (%)")


def new_figure(width: float, height: float) -> Any:
    """Return an empty figure of matplotlib, in inches.

    Raises:
        ExtraMissing: matplotlib is not installed.
    """
    with needing("evaluation"):
        from matplotlib.figure import Figure  # noqa: PLC0415

    return Figure(figsize=(width, height), layout="constrained")


def write_figure(figure: Any, path: str | Path, *, description: str | None = None) -> None:
    """Write a figure with the grid and the frames of all pictures; an SVG keeps `description` as its metadata.

    Raises:
        OptionError: the path ends neither in .png nor in .svg.
        OSError: the picture cannot be written.
    """
    from matplotlib import rc_context  # noqa: PLC0415

    kind = _kind(path)
    for axes in figure.axes:
        axes.grid(visible=True, color="#DDDDDD", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend() is not None:
            axes.get_legend().get_frame().set_linewidth(0.0)
    # Without a salt SVG has random names, and without this entry the time at which it was written. Text stays text: it
    # can be searched and read aloud, and the files are a third of the size.
    with rc_context({"svg.hashsalt": "timbre", "svg.fonttype": "none", "font.sans-serif": ["DejaVu Sans", "Verdana"]}):
        metadata = {"Date": None, "Description": description} if kind == "svg" else None
        with written(Path(path)) as file:
            figure.savefig(file, format=kind, dpi=_DOTS_PER_INCH, metadata=metadata)


def _kind(path: str | Path) -> str:
    kind = Path(path).suffix.lower().removeprefix(".")
    if kind not in {"png", "svg"}:
        raise OptionError(f"{path}: a picture's file ends in .png or .svg")
    return kind


def _probit(rates: Any) -> NDArray[np.float64]:
    """Return the standard normal quantiles of error rates, on which a DET curve of normal scores is straight."""
    from scipy.special import ndtri  # noqa: PLC0415

    return np.asarray(ndtri(np.clip(rates, _NEVER, 1.0 - _NEVER)), dtype=np.float64)
