"""`timbre identify`."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from timbre.cli import options
from timbre.cli.display.output import presentation
from timbre.cli.inputs.loading import load_engine
from timbre.cli.inputs.recordings import hear_all
from timbre.cli.inputs.tracks import read_tracks
from timbre.cli.inputs.voiceprint_files import read_voiceprints
from timbre.cli.options import DataDir
from timbre.cli.server.gallery import Team, looked_up
from timbre.errors import OptionError


def identify(
    recordings: options.Recordings,
    *,
    voiceprint: options.Voiceprints = None,
    speakers: options.Speakers = None,
    threshold: options.Threshold = None,
    exclusive: Annotated[
        bool, typer.Option("--exclusive/--no-exclusive", help="Give each name to at most one speaker.")
    ] = True,
    merge_speakers: Annotated[
        bool,
        typer.Option(
            "--merge-speakers/--no-merge-speakers",
            help="One speaker of those that match a voiceprint, and two of one that matches two.",
        ),
    ] = True,
    num_speakers: options.NumSpeakers = None,
    min_speakers: options.MinSpeakers = None,
    max_speakers: options.MaxSpeakers = None,
    channel: options.Channel = None,
    channels: options.Channels = "mixed",
    tracks: options.Tracks = "mixed",
    vad_sensitivity: options.VadSensitivity = 0.0,
    crosstalk_sensitivity: options.CrosstalkSensitivity = 0.0,
    probabilities: options.Probabilities = False,
    model: options.Model = None,
    device: options.Device = None,
    json: options.Json = False,
    format: options.TurnsFormat = None,  # noqa: A002 - typer names the option after it
    output: options.Output = None,
    exclusive_turns: options.ExclusiveTurns = False,
    confidence: options.Confidence = False,
    turn_confidence: options.TurnConfidence = False,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Say who spoke when, by name."""
    wanted = presentation(
        recordings,
        json=json,
        form=format,
        output=output,
        exclusive=exclusive_turns,
        confidence=confidence,
        turn_confidence=turn_confidence,
        probabilities=probabilities,
    )
    if not (voiceprint or speakers):
        raise OptionError("Say who may speak: --voiceprint NAME=FILE for each person, or --speakers all.")
    people = read_voiceprints(voiceprint or ())
    engine = load_engine(model, device)
    with looked_up(speakers, engine, team, data_dir) as (gallery, engine):
        hear = partial(
            engine.identify,
            voiceprints=people,
            gallery=gallery,
            threshold=threshold,
            exclusive=exclusive,
            merge_speakers=merge_speakers,
            num_speakers=num_speakers,
            min_speakers=min_speakers,
            max_speakers=max_speakers,
            channel=channel,
            channels=channels,
            tracks=read_tracks(tracks),
            vad_sensitivity=vad_sensitivity,
            crosstalk_sensitivity=crosstalk_sensitivity,
            probabilities=probabilities,
        )
        hear_all(recordings, hear, wanted)
