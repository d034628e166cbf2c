"""`timbre transcribe`."""

from __future__ import annotations

import json as json_
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timbre.cli import options
from timbre.cli.display.output import check_place, json_line, show_file, write
from timbre.cli.display.progress import hearing
from timbre.cli.exits import warn
from timbre.cli.inputs.loading import load_engine, read_settings
from timbre.cli.inputs.tracks import read_tracks
from timbre.cli.inputs.voiceprint_files import read_voiceprints
from timbre.cli.options import DataDir
from timbre.cli.server.gallery import Team, looked_up
from timbre.cli.server.words import recognising
from timbre.errors import OptionError
from timbre.formats import Format, docx, form_of

if TYPE_CHECKING:
    from timbre.diarization.diarization import Diarization
    from timbre.identification.identification import Identification
    from timbre.recognition.transcription import Transcription

NOTHING_RECOGNISES = (
    "Nothing here recognises words: set TIMBRE_ASR_URL to a server that does, or TIMBRE_ASR_MODEL to a model of the"
    " extra `asr`. `timbre label` takes a transcript made elsewhere."
)


def transcribe(
    recording: Annotated[
        Path, typer.Argument(metavar="RECORDING", help="Audio or video file.", callback=options.file_given)
    ],
    *,
    language: Annotated[
        str | None, typer.Option(help="What is spoken, such as en.", show_default="found out by the recogniser")
    ] = None,
    recogniser: Annotated[
        str | None, typer.Option(help="Model that recognises the words.", show_default="TIMBRE_ASR_MODEL")
    ] = None,
    voiceprint: options.Voiceprints = None,
    speakers: options.Speakers = None,
    threshold: options.Threshold = None,
    num_speakers: options.NumSpeakers = None,
    min_speakers: options.MinSpeakers = None,
    max_speakers: options.MaxSpeakers = None,
    tracks: options.Tracks = "mixed",
    model: options.Model = None,
    device: options.Device = None,
    json: options.Json = False,
    format: Annotated[  # noqa: A002 - typer names the option after it
        Format | None,
        typer.Option(help="Format to give what is said in.", show_default="by the file's extension, else txt"),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write, in the format of its extension.")
    ] = None,
    team: Team = "default",
    data_dir: DataDir = None,
) -> None:
    """Say who says what, with the recogniser that the settings name."""
    form = _form(output, format, json=json)
    settings = read_settings()
    if recogniser is not None:
        settings = settings.model_copy(update={"asr_model": recogniser, "asr_models": ()})
    if settings.recogniser is None:
        raise OptionError(NOTHING_RECOGNISES)
    chosen = read_tracks(tracks)
    people = read_voiceprints(voiceprint or ())
    engine = load_engine(model, device)
    with (
        looked_up(speakers, engine, team, data_dir) as (gallery, engine),
        recognising(recording, settings, language=language, tracks=chosen) as words,
        hearing(str(recording)) as progress,
    ):
        hear = partial(engine.identify, voiceprints=people, gallery=gallery, threshold=threshold)
        result = (hear if people or gallery else engine.diarize)(
            recording,
            num_speakers=num_speakers,
            min_speakers=min_speakers,
            max_speakers=max_speakers,
            tracks=chosen,
            progress=words.watched(progress),
        )
        progress("words", 0.0)
        found = words.by(result.exclusive_turns)
    for warning in filter(None, (*result.warnings, *found.faults)):
        warn(warning, recording)
    said = _said(result, found)
    held = json_line(said).encode() if form is None else _written(said, form, recording, result.duration)
    if output is None:
        show_file(held)
    else:
        write(output, held)


def _form(output: Path | None, form: Format | None, *, json: bool) -> Format | None:
    """What to write, checked before any work; None for the output object of the API."""
    if json and form is not None:
        raise OptionError("--json and --format are two ways of giving what is said; choose one.")
    if output is not None:
        check_place(output)
    if json:
        return None
    if form is None:
        known = None if output is None else form_of(output)
        if output is not None and known is None:
            raise OptionError(f"{output}: no format has this extension; name one with --format.")
        form = Format.TXT if known in {None, Format.AUDACITY} else known  # words are no labels
    if form is Format.DOCX:
        docx.check()
    return form


def _said(result: Diarization | Identification, found: Transcription) -> dict[str, Any]:
    """The output of the API, with the words."""
    from timbre.service.results.words import LANGUAGE, write_words  # noqa: PLC0415

    output = result.to_dict(exclusive=True)
    write_words(output, found.words)
    if found.language:
        output[LANGUAGE] = found.language
    return output


def _written(said: dict[str, Any], form: Format, recording: Path, duration: float) -> bytes:
    from timbre.service.results.exports import export  # noqa: PLC0415

    about = {"id": recording.stem, "title": recording.stem, "duration": duration}
    return export(json_.dumps(said).encode(), about, form)
