"""`timbre label`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from timbre.cli import options
from timbre.cli.display.output import check_place, write
from timbre.cli.display.progress import hearing
from timbre.cli.exits import warn
from timbre.cli.inputs.loading import load_engine
from timbre.cli.inputs.tracks import read_tracks
from timbre.cli.inputs.voiceprint_files import read_voiceprints
from timbre.cli.options import DataDir
from timbre.cli.server.gallery import Team, looked_up
from timbre.errors import OptionError
from timbre.formats import Format, read
from timbre.transcripts import read as read_transcript
from timbre.turns import Turn


def label(
    transcript: Annotated[
        Path,
        typer.Argument(
            metavar="TRANSCRIPT",
            help="SRT, WebVTT, CTM, STM, text with times, or JSON of Whisper and others.",
            callback=options.file_given,
        ),
    ],
    recording: Annotated[
        Path,
        typer.Argument(
            metavar="RECORDING",
            help="Audio or video file; or who speaks in it, as RTTM, JSON or another of the formats.",
            callback=options.file_given,
        ),
    ],
    *,
    voiceprint: options.Voiceprints = None,
    speakers: options.Speakers = None,
    threshold: options.Threshold = None,
    num_speakers: options.NumSpeakers = None,
    min_speakers: options.MinSpeakers = None,
    max_speakers: options.MaxSpeakers = None,
    channel: options.Channel = None,
    channels: options.Channels = "mixed",
    tracks: options.Tracks = "mixed",
    model: options.Model = None,
    device: options.Device = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write, in the format of the transcript.")
    ] = None,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Write into a transcript who speaks."""
    if output is not None:
        check_place(output)
    found = read_transcript(transcript)
    if recording.suffix.lower() in {form.extension.lower() for form in Format}:
        if voiceprint or speakers:
            raise OptionError(f"{recording}: says already who speaks; give the recording itself to compare voices.")
        turns: Iterable[Turn] = read(recording, exclusive=True)
        duration = None
    else:
        people = read_voiceprints(voiceprint or ())
        engine = load_engine(model, device)
        with (
            looked_up(speakers, engine, team, data_dir) as (gallery, engine),
            hearing(str(recording)) as progress,
        ):
            hear = partial(engine.identify, voiceprints=people, gallery=gallery, threshold=threshold)
            result = (hear if people or gallery else engine.diarize)(
                recording,
                num_speakers=num_speakers,
                min_speakers=min_speakers,
                max_speakers=max_speakers,
                channel=channel,
                channels=channels,
                tracks=read_tracks(tracks),
                progress=progress,
            )
        turns, duration = result.exclusive_turns, result.duration
        for warning in result.warnings:
            warn(warning, recording)
    text = found.labelled(turns, duration=duration)
    for warning in found.warnings:
        warn(warning, transcript)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write(output, found.encoding.encode(text))
