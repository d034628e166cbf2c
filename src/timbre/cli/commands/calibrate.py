"""`timbre calibrate`: fit what turns scores into confidence to one's own people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timbre.cli import options
from timbre.cli.display.output import check_place, json_line, write
from timbre.cli.exits import warn
from timbre.cli.inputs.loading import load_engine
from timbre.errors import OptionError

if TYPE_CHECKING:
    from timbre.cli.measuring.people import People
    from timbre.engine import Engine
    from timbre.evaluation.calibration import CalibrationReport
    from timbre.evaluation.trials import ScoredTrials
    from timbre.models.same_voice import SameVoice

_FOLDS = 5  # groups of speakers, each held out once, where there is only one source of trials


def calibrate(
    material: Annotated[
        list[Path],
        typer.Argument(
            metavar="TRIALS",
            help="Lists of trials; or a folder with a folder of recordings for each person; or a list of enrolments.",
            exists=True,
        ),
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write, for TIMBRE_CALIBRATION.")],
    root: options.Root = None,
    model: options.Model = None,
    json: options.AsJson = False,
) -> None:
    """Fit the calibration to people of your own, and say how true it is on sources or people held out."""
    from timbre.cli.display.reports import show_held_out  # noqa: PLC0415
    from timbre.models.same_voice import write_same_voice  # noqa: PLC0415

    check_place(output)
    people = _people(material, root)
    engine = load_engine(model)
    made = _from_people(engine, people) if people is not None else _from_lists(engine, material, root)
    write(output, write_same_voice(made.calibration))
    if json:
        typer.echo(json_line(made.document), nl=False)
        return
    show_held_out(made.parts, made.pooled, made.before)
    typer.echo(f"\nWritten to {output}; it is used while TIMBRE_CALIBRATION names it.")
    if made.pooled.cllr >= made.before.cllr:
        warn("On what was held out it is no better than the calibration in use; keep that.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    calibration: SameVoice
    weights: dict[str, float]
    parts: dict[str, CalibrationReport]  # of each source, if there are several
    held_out: dict[str, Any]  # for JSON
    pooled: CalibrationReport
    before: CalibrationReport  # of the calibration in use

    @property
    def document(self) -> dict[str, Any]:
        return {"calibration": self.weights, "held_out": self.held_out, "before": self.before.to_dict()}


def _people(material: list[Path], root: Path | None) -> People | None:
    """Return the people of a folder or a list of enrolments; None for lists of trials."""
    from timbre.cli.measuring.enrolment_list import COLUMNS  # noqa: PLC0415
    from timbre.cli.measuring.people import read_people  # noqa: PLC0415

    first = material[0]
    if first.is_file():
        header = first.read_bytes().partition(b"\n")[0].decode("utf-8-sig", "replace").strip().split(",")
        if not set(COLUMNS) <= set(header):
            return None
    if len(material) > 1:
        raise OptionError("Give one folder of people, or one list of enrolments; or lists of trials alone.")
    return read_people(first, root)


def _from_lists(engine: Engine, lists: list[Path], root: Path | None) -> _Made:
    from timbre.cli.measuring.runs import score_lists  # noqa: PLC0415
    from timbre.evaluation.fitting import fit, leave_one_source_out  # noqa: PLC0415

    sources = score_lists(engine, lists, root)
    fitted = fit(sources)
    weights: dict[str, Any] = fitted.to_dict()
    held_out = leave_one_source_out(sources if len(sources) > 1 else by_speakers(sources[0], _FOLDS))
    return _Made(
        calibration=replace(engine.same_voice, fitted=True, **weights),
        weights=weights,
        parts={part.source: part.report for part in held_out.sources},
        held_out=held_out.to_dict(),
        pooled=held_out.pooled,
        before=_measure([engine.same_voice] * len(sources), sources),
    )


def _from_people(engine: Engine, people: People) -> _Made:
    """Move the calibration in use to some people; each fifth of them is judged by what the others give."""
    from timbre.cli.measuring.people import parted  # noqa: PLC0415
    from timbre.cli.measuring.runs import score_people  # noqa: PLC0415
    from timbre.evaluation.refitting import refit  # noqa: PLC0415
    from timbre.models.same_voice import WEIGHTS  # noqa: PLC0415

    groups = parted(people, _FOLDS)
    others = [{name: people[name] for name in people if name not in group} for group in groups]
    everybody, *scored = score_people(engine, [people, *groups, *others])
    moved = [refit(engine.same_voice, trials) for trials in scored[_FOLDS:]]
    calibration = refit(engine.same_voice, everybody)
    pooled = _measure(moved, scored[:_FOLDS])
    return _Made(
        calibration=calibration,
        weights={name: getattr(calibration, name) for name in WEIGHTS},
        parts={},
        held_out={"sources": [], "pooled": pooled.to_dict()},
        pooled=pooled,
        before=_measure([engine.same_voice] * _FOLDS, scored[:_FOLDS]),
    )


def by_speakers(source: ScoredTrials, folds: int) -> list[ScoredTrials]:
    """Part the trials of one source by who is enrolled, so that each part can be held out as a source can."""
    import numpy as np  # noqa: PLC0415

    _, people = np.unique(source.speakers, return_inverse=True)
    return [source.part(f"speakers {fold + 1}/{folds}", people % folds == fold) for fold in range(folds)]


def _measure(calibrations: Sequence[SameVoice], sources: Sequence[ScoredTrials]) -> CalibrationReport:
    import numpy as np  # noqa: PLC0415

    from timbre.evaluation.calibration import calibration_report  # noqa: PLC0415

    llrs = [
        same_voice.log_odds(source.cosines, source.enrol, source.test)
        for same_voice, source in zip(calibrations, sources, strict=True)
    ]
    return calibration_report(np.concatenate(llrs), np.concatenate([source.same for source in sources]))
