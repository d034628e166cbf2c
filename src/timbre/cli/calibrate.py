"""`timbre calibrate`: fit what turns scores into confidence to trials of one's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timbre.cli import options
from timbre.cli.loading import load_engine
from timbre.cli.output import check_place, json_line, write

if TYPE_CHECKING:
    from timbre.evaluation.calibration import CalibrationReport
    from timbre.evaluation.fitting import FittedCalibration
    from timbre.evaluation.trials import ScoredTrials
    from timbre.models.same_voice import SameVoice

_FOLDS = 5  # groups of speakers, each held out once, where there is only one source


def calibrate(
    trials: options.Trials,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, for TIMBRE_CALIBRATION.")],
    root: options.Root = None,
    model: options.Model = None,
    json: options.AsJson = False,
) -> None:
    """Fit the calibration to trials of your own, and say how true it is on sources or speakers held out."""
    from timbre.cli.measuring import score_lists  # noqa: PLC0415
    from timbre.cli.reports import show_held_out  # noqa: PLC0415
    from timbre.evaluation.fitting import fit, leave_one_source_out  # noqa: PLC0415
    from timbre.models.same_voice import write_same_voice  # noqa: PLC0415

    check_place(output)
    engine = load_engine(model)
    sources = score_lists(engine, trials, root)
    fitted = fit(sources)
    held_out = leave_one_source_out(sources if len(sources) > 1 else by_speakers(sources[0], _FOLDS))
    before = _measure(engine.same_voice, sources)
    write(output, write_same_voice(_applied(fitted, engine.same_voice)))
    if json:
        document = {"calibration": fitted.to_dict(), "held_out": held_out.to_dict(), "before": before.to_dict()}
        typer.echo(json_line(document), nl=False)
    else:
        show_held_out({part.source: part.report for part in held_out.sources}, held_out.pooled, before)
        typer.echo(f"\nWritten to {output}; it is used while TIMBRE_CALIBRATION names it.")


def by_speakers(source: ScoredTrials, folds: int) -> list[ScoredTrials]:
    """Part the trials of one source by who is enrolled, so that each part can be held out as a source can."""
    import numpy as np  # noqa: PLC0415

    _, people = np.unique(source.speakers, return_inverse=True)
    parts = []
    for fold in range(folds):
        inside = people % folds == fold
        parts.append(
            replace(
                source,
                source=f"speakers {fold + 1}/{folds}",
                same=source.same[inside],
                cosines=source.cosines[inside],
                enrol_seconds=source.enrol_seconds[inside],
                test_seconds=source.test_seconds[inside],
                speakers=source.speakers[inside],
                refused=(),
            )
        )
    return parts


def _applied(fitted: FittedCalibration, current: SameVoice) -> SameVoice:
    """Return the fitted coefficients with the centre of the embeddings that they were fitted to."""
    return replace(
        current,
        fitted=True,
        score_weight=fitted.score_weight,
        enrol_weight=fitted.enrol_weight,
        test_weight=fitted.test_weight,
        bias=fitted.bias,
    )


def _measure(same_voice: SameVoice, sources: tuple[ScoredTrials, ...]) -> CalibrationReport:
    import numpy as np  # noqa: PLC0415

    from timbre.evaluation.calibration import calibration_report  # noqa: PLC0415

    llrs = [same_voice.log_odds(source.cosines, source.enrol_seconds, source.test_seconds) for source in sources]
    return calibration_report(np.concatenate(llrs), np.concatenate([source.same for source in sources]))
