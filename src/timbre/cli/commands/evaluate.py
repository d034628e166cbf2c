"""`timbre evaluate`: how well the engine does on recordings of which the truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timbre.cli import options
from timbre.cli.display.output import check_place, json_line, writing
from timbre.cli.inputs.loading import load_engine
from timbre.errors import InputError, OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.cli.measuring.enrolment_list import Enrolments
    from timbre.evaluation.corpus import Recording
    from timbre.evaluation.trials import ScoredTrials
    from timbre.evaluation.verification import VerificationReport

app = typer.Typer(
    help="Measure the engine on recordings of which the truth is known.", no_args_is_help=True, rich_markup_mode=None
)

_PICTURES = (".png", ".svg")


@app.command()
def diarization(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Audio files with an RTTM file of the same name each.", exists=True, file_okay=False
        ),
    ],
    *,
    model: options.Model = None,
    json: options.AsJson = False,
) -> None:
    """Strict diarization error rate with its parts, and how often the speakers are counted rightly."""
    from timbre.cli.display.reports import show_diarization  # noqa: PLC0415
    from timbre.cli.measuring.runs import diarize_corpus  # noqa: PLC0415
    from timbre.evaluation.corpus import read_corpus  # noqa: PLC0415

    corpus = read_corpus(folder)
    report = diarize_corpus(load_engine(model), corpus)
    if json:
        typer.echo(json_line(report.to_dict()), nl=False)
    else:
        show_diarization(report)


@app.command()
def streaming(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Audio files with an RTTM file of the same name each.", exists=True, file_okay=False
        ),
    ],
    *,
    enrol: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Who is enrolled, and with what: CSV with the columns conversation,speaker,path.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    root: options.Root = None,
    threshold: Annotated[float, typer.Option(help="Confidence from 0 to 100 from which a name is given.")] = 50.0,
    model: options.Model = None,
    json: options.AsJson = False,
) -> None:
    """How well recordings are heard as live streams: errors by latency, names, and how late all is told."""
    from timbre.cli.display.reports import show_streaming  # noqa: PLC0415
    from timbre.cli.measuring.enrolment_list import read_enrolments  # noqa: PLC0415
    from timbre.cli.measuring.runs import stream_corpus  # noqa: PLC0415
    from timbre.evaluation.corpus import read_corpus  # noqa: PLC0415

    enrolled = {} if enrol is None else read_enrolments(enrol, root or enrol.parent)
    report, whole = stream_corpus(load_engine(model), read_corpus(folder), enrolled, threshold)
    if json:
        typer.echo(json_line({**report.to_dict(), "offline": whole.error.rate}), nl=False)
    else:
        show_streaming(report, whole)


@app.command()
def verification(
    trials: options.Trials,
    *,
    root: options.Root = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw NAME-det and NAME-reliability for this NAME.svg or NAME.png."),
    ] = None,
    model: options.Model = None,
    json: options.AsJson = False,
) -> None:
    """Equal error rate, detection cost and calibration on lists of trials."""
    from timbre.cli.display.reports import show_verification  # noqa: PLC0415
    from timbre.cli.measuring.runs import score_lists  # noqa: PLC0415
    from timbre.evaluation.verification import verification_report  # noqa: PLC0415

    if plot is not None:
        _check_picture(plot)
    engine = load_engine(model)
    sources = {source.source: source for source in score_lists(engine, trials, root)}
    llrs = {
        name: engine.same_voice.log_odds(source.cosines, source.enrol, source.test) for name, source in sources.items()
    }
    reports = {
        name: verification_report(llrs[name], source.same, speakers=source.speakers) for name, source in sources.items()
    }
    if json:
        documents = [_document(source, reports[name]) for name, source in sources.items()]
        typer.echo(json_line({"sources": documents}), nl=False)
    else:
        show_verification(reports)
    if plot is not None:
        _draw(plot, sources, llrs, reports)


@app.command()
def identification(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="A folder of audio files and their RTTM files, which needs --enrol; or a list of trials.",
            exists=True,
        ),
    ],
    *,
    enrol: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Who is enrolled, and with what: CSV with the columns conversation,speaker,path.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    root: options.Root = None,
    enrolled_fraction: Annotated[
        float, typer.Option(help="Share of each conversation's listed speakers to enrol, chosen at random.")
    ] = 1.0,
    threshold: Annotated[float, typer.Option(help="Confidence from 0 to 100 from which a name is given.")] = 50.0,
    seed: Annotated[int, typer.Option(help="Seed of what is chosen at random.")] = 0,
    model: options.Model = None,
    json: options.AsJson = False,
) -> None:
    """How much speech gets the right name; with a list of trials, how often people are found in galleries."""
    from timbre.cli.display.reports import show_galleries, show_naming  # noqa: PLC0415
    from timbre.cli.measuring.runs import name_corpus, search_galleries  # noqa: PLC0415
    from timbre.evaluation.trials import read_trials  # noqa: PLC0415

    if path.is_dir():
        corpus, enrolled = _conversations(path, enrol, root, enrolled_fraction, seed)
        report = name_corpus(load_engine(model), corpus, enrolled, threshold)
        if json:
            typer.echo(json_line(report.to_dict()), nl=False)
        else:
            show_naming(report)
    else:
        results = search_galleries(load_engine(model), read_trials(path, root or path.parent), seed)
        if json:
            typer.echo(json_line({"galleries": [result.to_dict() for result in results]}), nl=False)
        else:
            show_galleries(results)


def _conversations(
    folder: Path, enrol: Path | None, root: Path | None, fraction: float, seed: int
) -> tuple[list[Recording], Enrolments]:
    """Return the listed recordings of a folder, and who is enrolled for each."""
    from timbre.cli.measuring.enrolment_list import read_enrolments, some_of  # noqa: PLC0415
    from timbre.evaluation.corpus import read_corpus  # noqa: PLC0415

    if enrol is None:
        raise OptionError(f"{folder}: say with --enrol who is enrolled.")
    listed = read_enrolments(enrol, root or enrol.parent)
    corpus = [recording for recording in read_corpus(folder) if recording.name in listed]
    missing = sorted(listed.keys() - {recording.name for recording in corpus})
    if missing:
        raise InputError(f"{enrol}: there is no conversation {missing[0]} in {folder}.")
    return corpus, some_of(listed, fraction, seed)


def _document(source: ScoredTrials, report: VerificationReport) -> dict[str, Any]:
    refused = [{"recording": str(path), "reason": reason} for path, reason in source.refused]
    return {"source": source.source, **report.to_dict(), "refused": refused}


def _check_picture(path: Path) -> None:
    """Refuse before the work what would fail after it."""
    from timbre.extras import needing  # noqa: PLC0415

    if path.suffix.lower() not in _PICTURES:
        raise OptionError(f"{path}: a picture's file ends in .png or .svg.")
    check_place(path)
    with needing("evaluation"):
        import matplotlib as _  # noqa: F401, ICN001, PLC0415


def _draw(
    path: Path,
    sources: Mapping[str, ScoredTrials],
    llrs: Mapping[str, NDArray[Any]],
    reports: Mapping[str, VerificationReport],
) -> None:
    from timbre.evaluation.charts import draw_det, draw_reliability  # noqa: PLC0415
    from timbre.evaluation.verification import det_curve  # noqa: PLC0415

    curves = {name: det_curve(llrs[name], source.same) for name, source in sources.items()}
    calibrations = {name: report.calibration for name, report in reports.items()}
    with writing(path):
        draw_det(curves, path.with_stem(f"{path.stem}-det"))
        draw_reliability(calibrations, path.with_stem(f"{path.stem}-reliability"))
