"""`timbre identify`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from timbre.cli import options
from timbre.cli.exits import warn
from timbre.cli.gallery import Hall, Team, open_gallery
from timbre.cli.loading import load_engine
from timbre.cli.output import presentation
from timbre.cli.recordings import hear_all
from timbre.cli.serve import DataDir
from timbre.errors import OptionError

if TYPE_CHECKING:
    from timbre.identification.voiceprint import Voiceprint


def identify(
    recordings: options.Recordings,
    *,
    voiceprint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="A person who may speak, and the voiceprint that `timbre voiceprint` wrote; once for each person.",
            show_default=False,
        ),
    ] = None,
    speakers: Annotated[
        list[str] | None,
        typer.Option(
            metavar="all|SPEAKER|tag:TAG",
            help="People of the gallery who may speak: all, a name or id, or a tag; several times for more.",
            show_default=False,
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            help="Confidence from 0 to 100 from which a name is given; 50 is likelier right than not.",
            show_default="0, with --speakers 50",
        ),
    ] = None,
    exclusive: Annotated[
        bool, typer.Option("--exclusive/--no-exclusive", help="Give each name to at most one speaker.")
    ] = True,
    merge_speakers: Annotated[
        bool,
        typer.Option(
            "--merge-speakers/--no-merge-speakers", help="Make one speaker of those that match the same voiceprint."
        ),
    ] = True,
    num_speakers: options.NumSpeakers = None,
    min_speakers: options.MinSpeakers = None,
    max_speakers: options.MaxSpeakers = None,
    channel: options.Channel = None,
    channels: options.Channels = "mixed",
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
    people = _people(voiceprint or [])
    engine = load_engine(model, device)
    with _hall(speakers, engine.space, team, data_dir) as hall:
        hear = partial(
            engine.identify,
            voiceprints=people,
            gallery=hall,
            threshold=threshold,
            exclusive=exclusive,
            merge_speakers=merge_speakers,
            num_speakers=num_speakers,
            min_speakers=min_speakers,
            max_speakers=max_speakers,
            channel=channel,
            channels=channels,
            vad_sensitivity=vad_sensitivity,
            crosstalk_sensitivity=crosstalk_sensitivity,
            probabilities=probabilities,
        )
        hear_all(recordings, hear, wanted)


@contextmanager
def _hall(speakers: list[str] | None, space: str, team: str, data_dir: Path | None) -> Iterator[Hall | None]:
    """The people of the gallery who are looked up; None if nobody is."""
    if not speakers:
        yield None
        return
    with open_gallery(team, data_dir) as gallery:
        hall = Hall(gallery, space, gallery.select(speakers))
        if not hall.people:
            warn("nobody is looked for: these people have no samples that the model can compare with voices")
        yield hall


def _people(pairs: list[str]) -> dict[str, Voiceprint]:
    """Read the voiceprints of `NAME=FILE`.

    Raises:
        OptionError: a pair is none, or a name comes twice.
        VoiceprintMalformed: a file is not a voiceprint.
    """
    from timbre.identification.voiceprint import Voiceprint  # noqa: PLC0415

    people: dict[str, Voiceprint] = {}
    for pair in pairs:
        name, equals, path = pair.partition("=")
        if not (name and equals and path):
            raise OptionError(f"--voiceprint {pair}: expected NAME=FILE, such as Ada=ada.voiceprint.")
        if name in people:
            raise OptionError(
                f"--voiceprint {pair}: {name} has a voiceprint already; one can be made from several recordings."
            )
        people[name] = Voiceprint.load(Path(path))
    return people
