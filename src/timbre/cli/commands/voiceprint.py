"""`timbre voiceprint`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timbre.cli import options
from timbre.cli.display.output import check_place, json_line, write
from timbre.cli.display.tables import Column, Table, show
from timbre.cli.display.units import NOTHING
from timbre.cli.exits import report, warn
from timbre.cli.inputs.loading import load_engine
from timbre.errors import AudioError, EnrolmentRefused

if TYPE_CHECKING:
    from timbre.identification.voiceprint import Voiceprint


def voiceprint(
    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="RECORDING",
            help="Recordings of one person alone; several make a better voiceprint.",
            callback=options.all_given,
        ),
    ],
    *,
    max_seconds: Annotated[
        float | None, typer.Option(help="Longest recording that is accepted, in seconds; inf for any.")
    ] = 30.0,
    excerpt: Annotated[bool, typer.Option("--excerpt", help="Take the best part of a longer recording.")] = False,
    channel: options.Channel = None,
    model: options.Model = None,
    device: options.Device = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON in the shape of the API's output, and the quality.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write the voiceprint to; stdout if left out.")
    ] = None,
) -> None:
    """Learn one person's voice, and say how good the recordings are."""
    if output is not None:
        check_place(output)
    engine = load_engine(model, device)
    try:
        made = engine.voiceprint(list(recordings), max_seconds=max_seconds, excerpt=excerpt, channel=channel)
    except (AudioError, EnrolmentRefused) as error:
        raise typer.Exit(report(error, recordings[0] if len(recordings) == 1 else None)) from error
    if output is not None:
        write(output, f"{made}\n")
    if json:
        typer.echo(json_line(_document(made, recordings)), nl=False)
        return
    if output is None:
        typer.echo(str(made))
    else:
        show(_quality(made, recordings))
    for recording, quality in zip(recordings, made.quality, strict=True):
        for sentence in quality.advice:
            warn(sentence, recording)


def _document(made: Voiceprint, recordings: list[Path]) -> dict[str, Any]:
    quality = [
        {"recording": str(recording), **quality.to_dict()}
        for recording, quality in zip(recordings, made.quality, strict=True)
    ]
    return {**made.to_dict(), "quality": quality}


def _quality(made: Voiceprint, recordings: list[Path]) -> Table:
    rows = [
        (
            str(recording),
            f"{quality.speech_seconds:.1f} s",
            f"{quality.level:.0f} dBFS",
            f"{quality.clipped:.2%}",
            NOTHING if quality.snr is None else f"{quality.snr:.0f} dB",
            str(quality.single_speaker),
        )
        for recording, quality in zip(recordings, made.quality, strict=True)
    ]
    return Table(
        columns=(
            Column("Recording"),
            Column("Speech", "number"),
            Column("Level", "number"),
            Column("Clipped", "number"),
            Column("Above noise", "number"),
            Column("One person", "bar"),
        ),
        rows=rows,
    )
