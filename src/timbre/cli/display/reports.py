"""Reports of an evaluation as tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from timbre.cli.display.tables import Column, Table, show
from timbre.cli.display.units import clock, percent

if TYPE_CHECKING:
    from timbre.evaluation.calibration import CalibrationReport
    from timbre.evaluation.diarization import DiarizationError, DiarizationReport
    from timbre.evaluation.identification import NamingError, NamingReport, OpenSetResult
    from timbre.evaluation.streaming import StreamReport
    from timbre.evaluation.verification import VerificationReport


def show_diarization(report: DiarizationReport) -> None:
    """Print every recording, and all of them together."""
    scores = report.recordings
    show(
        _table(
            "Recording",
            *("Duration", "DER", "Missed", "False alarm", "Confusion", "Speakers", "Found"),
            rows=[
                (
                    score.recording,
                    clock(score.duration),
                    *_parts(score.error),
                    str(score.reference_speakers),
                    str(score.hypothesis_speakers),
                )
                for score in scores
            ],
            total=("all", clock(sum(score.duration for score in scores)), *_parts(report.error), "", ""),
        )
    )
    for name, parts in (("By length", report.by_length()), ("By people", report.by_people())):
        if len(parts) > 1:
            typer.echo()
            show(_by(name, parts))
    typer.echo(
        f"\nMean DER of the recordings: {percent(report.mean_rate)}"
        f"\nSpeakers counted exactly: {percent(report.count_exact)}"
        f"\nSpeakers counted within one: {percent(report.count_within_one)}"
    )


def show_streaming(report: StreamReport, whole: DiarizationReport) -> None:
    """Print the errors by latency beside those of whole recordings, then names and delays."""
    rows = [(f"{latency:g} s", percent(report.error(latency))) for latency in report.streams[0].errors]
    show(_table("Latency", "DER", rows=[*rows, ("whole", percent(whole.error.rate))]))

    def seconds(value: float | None) -> str:
        return "-" if value is None else "never" if math.isinf(value) else f"{value:.2f} s"

    figures = (("Starts told after", "starts"), ("Ends told after", "ends"), ("First right name after", "first_names"))
    shares = (0.5, 0.9, 0.95, 0.99)
    typer.echo("")
    show(
        _table(
            "Delay",
            "Number",
            *(f"{share:.0%}" for share in shares),
            rows=[
                (
                    heading,
                    str(len(report.of(figure))),
                    *(seconds(report.quantile(figure, share)) for share in shares),
                )
                for heading, figure in figures
            ],
        )
    )
    rightly, wrongly = report.share("named_rightly", "known"), report.share("named_wrongly", "speech")
    if rightly is not None and wrongly is not None:
        typer.echo(f"\nSpeech of known people named rightly: {percent(rightly)}")
        typer.echo(f"Speech named wrongly: {percent(wrongly)}")
    typer.echo(f"Turns whose speaker was another later: {report.revised_a_minute:.1f} a minute")


def show_verification(reports: Mapping[str, VerificationReport]) -> None:
    """Print every source of trials."""
    show(
        _table(
            "Source",
            *("Trials", "Same person", "EER", "95 % interval", "minDCF", "Cllr", "minCllr", "ECE"),
            rows=[
                (
                    name,
                    str(report.trials),
                    str(report.targets),
                    percent(report.eer),
                    " to ".join(map(percent, report.eer_interval)),
                    f"{report.min_dcf:.3f}",
                    *_calibration(report.calibration),
                )
                for name, report in reports.items()
            ],
        )
    )


def show_naming(report: NamingReport) -> None:
    """Print every recording, and all of them together."""
    show(
        _table(
            "Recording",
            *("Enrolled", "Their speech", "Named rightly", "Wrongly", "Not", "Others' speech", "Named falsely"),
            *("Wrong names",),
            rows=[(score.recording, str(len(score.enrolled)), *_names(score.error)) for score in report.recordings],
            total=("all", "", *_names(report.error)),
        )
    )
    typer.echo(f"\nNames given where nobody is left to bear them: {clock(report.error.named_silence)}")


def show_galleries(results: Sequence[OpenSetResult]) -> None:
    """Print every size of galleries."""
    show(
        _table(
            "People",
            *("Galleries", "Known probes", "Unknown probes", "Rank 1", "Found at 1 % false alarms"),
            rows=[
                (
                    str(result.gallery),
                    str(result.draws),
                    str(result.known_probes),
                    str(result.unknown_probes),
                    percent(result.rank_1),
                    percent(result.detection_and_identification),
                )
                for result in results
            ],
        )
    )


def show_held_out(
    held_out: Mapping[str, CalibrationReport], pooled: CalibrationReport, before: CalibrationReport
) -> None:
    """Print how true a calibration is on what it was not fitted to, and how true the one before it is there."""
    show(
        _table(
            "Held out",
            *("Trials", "Same person", "Cllr", "minCllr", "ECE"),
            rows=[(name, *_counted(report)) for name, report in held_out.items()],
            total=("all", *_counted(pooled)),
        )
    )
    cllr, _, ece = _calibration(before)
    typer.echo(f"\nThe calibration in use until now, on the same trials: Cllr {cllr}, ECE {ece}")


def _table(name: str, *numbers: str, rows: Sequence[Sequence[str]], total: Sequence[str] | None = None) -> Table:
    return Table(columns=(Column(name), *(Column(header, "number") for header in numbers)), rows=rows, total=total)


def _by(name: str, parts: Mapping[str, DiarizationReport]) -> Table:
    """Make a table of parts of a corpus."""
    return _table(
        name,
        *("Recordings", "Duration", "DER", "Missed", "False alarm", "Confusion", "Counted exactly"),
        rows=[
            (
                part,
                str(len(report.recordings)),
                clock(sum(score.duration for score in report.recordings)),
                *_parts(report.error),
                percent(report.count_exact),
            )
            for part, report in parts.items()
        ],
    )


def _parts(error: DiarizationError) -> tuple[str, ...]:
    total = error.total or 1.0
    return (
        percent(error.rate),
        *(percent(part / total) for part in (error.missed, error.false_alarm, error.confusion)),
    )


def _names(error: NamingError) -> tuple[str, ...]:
    return (
        clock(error.known),
        percent(error.rightly_rate),
        _share(error.named_wrongly, error.known),
        _share(error.unnamed, error.known),
        clock(error.unknown),
        _share(error.falsely_named, error.unknown),
        percent(error.wrongly_rate),
    )


def _share(part: float, whole: float) -> str:
    return percent(part / whole if whole else None)


def _counted(report: CalibrationReport) -> tuple[str, ...]:
    return (str(report.trials), str(report.targets), *_calibration(report))


def _calibration(report: CalibrationReport) -> tuple[str, str, str]:
    return f"{report.cllr:.3f}", f"{report.min_cllr:.3f}", f"{report.ece:.3f}"
