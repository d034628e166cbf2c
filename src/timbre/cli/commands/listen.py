"""`timbre listen`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

import typer

from timbre.cli import options
from timbre.cli.display.listening import view
from timbre.cli.inputs.live_sound import microphone, raw, recording
from timbre.cli.inputs.loading import load_engine
from timbre.cli.inputs.voiceprint_files import read_voiceprints
from timbre.cli.options import DataDir
from timbre.cli.server.gallery import Team, looked_up
from timbre.engine import GALLERY_THRESHOLD
from timbre.live.opening import MOST_SPEAKERS


def listen(
    sound: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RECORDING]",
            help="A recording, heard at the speed of time; - is raw sound on standard input; a microphone if left out.",
            show_default=False,
        ),
    ] = None,
    *,
    voiceprint: options.Voiceprints = None,
    speakers: options.Speakers = None,
    threshold: options.Threshold = None,
    max_speakers: Annotated[
        int, typer.Option("--max-speakers", min=1, max=32, help="At most so many voices at a time.")
    ] = MOST_SPEAKERS,
    speed: Annotated[
        float, typer.Option(min=0, help="Of a recording: 2 for twice the speed of time, 0 as fast as it goes.")
    ] = 1.0,
    rate: Annotated[int, typer.Option(help="Samples a second of raw sound.")] = 16_000,
    encoding: Annotated[Literal["s16le", "f32le"], typer.Option(help="Of raw sound, one channel.")] = "s16le",
    model: options.Model = None,
    device: options.Device = None,
    json: Annotated[bool, typer.Option("--json", help="Print every event as a line of JSON.")] = False,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Say who speaks while they speak, until the sound ends or Ctrl-C."""
    people = read_voiceprints(voiceprint or ())
    engine = load_engine(model, device)
    if sound is None:
        pieces = microphone()
    elif sound == Path("-"):
        pieces = raw(rate, encoding)
    else:
        pieces = recording(options.file_given(sound), engine.settings, speed)
    with looked_up(speakers, engine, team, data_dir) as (gallery, engine), view(json=json) as shown:
        stream = engine.stream(
            people,
            gallery=gallery,
            threshold=GALLERY_THRESHOLD if threshold is None else threshold,
            max_speakers=max_speakers,
        )
        with suppress(KeyboardInterrupt):
            for piece in pieces:
                shown.show(stream.push(piece), stream.seconds)
        shown.show(stream.finish(), stream.seconds)
