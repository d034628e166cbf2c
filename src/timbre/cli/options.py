"""The options that several commands share, each with its one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from timbre.formats import Format

STANDARD_INPUT: Final = Path("/dev/stdin")


def file_given(path: Path) -> Path:
    """Return the file that a path on the command line names; `-` is standard input.

    Raises:
        BadParameter: it is none.
    """
    path = place_given(path)
    if path.is_dir():
        raise typer.BadParameter(f"'{path}' is a folder.")
    return path


def place_given(path: Path) -> Path:
    """Return the file or folder that a path on the command line names; `-` is standard input.

    Raises:
        BadParameter: there is none.
    """
    found = STANDARD_INPUT if path == Path("-") else path
    if not found.exists():
        raise typer.BadParameter(f"'{path}' does not exist.")
    return found


def all_given(paths: list[Path] | None) -> list[Path] | None:
    """Return what paths on the command line name; `-` is standard input."""
    return None if paths is None else [STANDARD_INPUT if path == Path("-") else path for path in paths]


def _written(path: Path | None) -> Path | None:
    """Return what an output names: None, which is standard output, for `-`."""
    return None if path == Path("-") else path


Recordings = Annotated[
    list[Path],
    typer.Argument(metavar="RECORDING", help="Audio or video files; - is standard input.", callback=all_given),
]

Model = Annotated[
    str | None,
    typer.Option(
        help="Pack of models to use, or auto for the best on this machine.", show_default="TIMBRE_MODEL, or auto"
    ),
]

Device = Annotated[
    Literal["cpu", "cuda"] | None,
    typer.Option(help="Where models run.", show_default="TIMBRE_DEVICE, or cpu"),
]

Voiceprints = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=FILE",
        help="A person who may speak, and the voiceprint that `timbre voiceprint` wrote; once for each person.",
        show_default=False,
    ),
]
Speakers = Annotated[
    list[str] | None,
    typer.Option(
        metavar="all|SPEAKER|tag:TAG",
        help="People of the gallery who may speak: all, a name or id, or a tag; several times for more.",
        show_default=False,
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        help="Confidence from 0 to 100 from which a name is given; 50 is likelier right than not.",
        show_default="0, with --speakers 50",
    ),
]
NumSpeakers = Annotated[int | None, typer.Option(help="Exact number of speakers; instead of a minimum or maximum.")]
MinSpeakers = Annotated[int | None, typer.Option(help="Minimum number of speakers.")]
MaxSpeakers = Annotated[int | None, typer.Option(help="Maximum number of speakers.")]
Channel = Annotated[
    int | None, typer.Option(help="Channel to use, counted from 0, instead of the average of all channels.")
]
Channels = Annotated[
    Literal["mixed", "separate"],
    typer.Option(help="Whether to mix the channels, or to hear each by itself, as the sides of a phone call."),
]
Tracks = Annotated[
    str,
    typer.Option(
        metavar="mixed|separate|N",
        help="Sound tracks of a file that has several: mixed, each heard by itself, or one, counted from 0.",
    ),
]
VadSensitivity = Annotated[float, typer.Option(help="From -5 to 5: above 0 more is heard as speech.")]
CrosstalkSensitivity = Annotated[
    float, typer.Option(help="From -5 to 5: above 0 more is heard as people talking at once.")
]
Probabilities = Annotated[bool, typer.Option("--probabilities", help="Add the probability of every frame to --json.")]

Json = Annotated[bool, typer.Option("--json", help="Print JSON in the shape of the API's output.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
TurnsFormat = Annotated[Format | None, typer.Option(help="Format to give the turns in.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="File to write, in the format of its extension; a folder if there are several inputs.",
        callback=_written,
    ),
]
ExclusiveTurns = Annotated[
    bool, typer.Option("--exclusive-turns", help="Give turns that never overlap; with --json, add them.")
]
Confidence = Annotated[
    bool, typer.Option("--confidence", help="Add to --json how sure the answer is, in frames of 20 ms.")
]
TurnConfidence = Annotated[
    bool, typer.Option("--turn-confidence", help="Add to --json how sure every turn is of each speaker.")
]
Root = Annotated[
    Path | None,
    typer.Option(
        help="Folder that paths in a list are relative to.",
        show_default="the list's own folder",
        exists=True,
        file_okay=False,
    ),
]
Trials = Annotated[
    list[Path],
    typer.Argument(
        metavar="TRIALS",
        help="Lists of trials: CSV with the columns label,enrol_speaker,enrol_paths,test_path.",
        exists=True,
        dir_okay=False,
    ),
]

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder of the database, media and logs.", show_default=False)
]
