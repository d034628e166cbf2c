"""`timbre diarize`."""

from __future__ import annotations

from functools import partial

from timbre.cli import options
from timbre.cli.display.output import presentation
from timbre.cli.inputs.loading import load_engine
from timbre.cli.inputs.recordings import hear_all
from timbre.cli.inputs.tracks import read_tracks


def diarize(
    recordings: options.Recordings,
    *,
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
) -> None:
    """Say who spoke when, with anonymous labels."""
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
    hear = partial(
        load_engine(model, device).diarize,
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
