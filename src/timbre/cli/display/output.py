"""Results on their way out: as tables for people, as JSON, or as turns in a format; to stdout, a file or a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from timbre.cli.exits import warn
from timbre.disk import is_full, written
from timbre.errors import DiskFull, OptionError
from timbre.formats import Format, content, docx

if TYPE_CHECKING:
    from timbre.diarization.diarization import Diarization
    from timbre.identification.identification import Identification


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """How the results of a command are asked for."""

    json: bool  # the API's output object
    form: Format | None  # of the turns; tables for people where it is None and JSON is not asked for
    output: Path | None  # a folder, if `named`; else a file, or stdout
    named: bool  # whether each result goes under the name of its recording
    exclusive: bool = False  # the view in which turns never overlap
    confidence: bool = False  # JSON has the curve
    turn_confidence: bool = False  # JSON has how sure each turn is

    def give(self, result: Diarization | Identification, recording: Path) -> None:
        """Print or write a result.

        Raises:
            OptionError, DiskFull: the file cannot be written.
        """
        if self.json:
            self._put(self._json(result, recording), recording, ".json")
        elif self.form is not None:
            turns = result.exclusive_turns if self.exclusive else result.turns
            held = content(turns, self.form, recording=recording.stem, duration=result.duration)
            self._put(held, recording, self.form.extension)
        else:
            from timbre.cli.display.summary import show_result  # noqa: PLC0415

            show_result(result, recording, exclusive=self.exclusive)
        if not self.json:
            for warning in result.warnings:
                warn(warning, recording)

    def _json(self, result: Diarization | Identification, recording: Path) -> str:
        output = result.to_dict(
            exclusive=self.exclusive, confidence=self.confidence, turn_level_confidence=self.turn_confidence
        )
        return json_line({"recording": str(recording), **output} if self.named else output)

    def _put(self, text: str | bytes, recording: Path, extension: str) -> None:
        if self.output is None:
            show_file(text)
        elif self.named:
            write(self.output / (recording.stem + extension), text)
        else:
            write(self.output, text)


def presentation(
    recordings: Sequence[Path],
    *,
    json: bool,
    form: Format | None,
    output: Path | None,
    exclusive: bool,
    confidence: bool,
    turn_confidence: bool,
    probabilities: bool,
) -> Presentation:
    """Check what is asked for together, before any work is done.

    Raises:
        OptionError: options contradict each other, or results would end up in one place.
        ExtraMissing: what writes the format is not installed.
    """
    if json and form is not None:
        raise OptionError("--json and --format are two ways of giving turns; choose one.")
    if (confidence or turn_confidence or probabilities) and not json:
        raise OptionError("--confidence, --turn-confidence and --probabilities are parts of --json; add it.")
    named = len(recordings) > 1 or (output is not None and output.is_dir())
    if output is not None and named:
        _prepare_folder(output, recordings)
        if not json and form is None:
            raise OptionError(f"{output}: say with --format or --json what to write into the folder.")
    elif output is not None:
        check_place(output)
        form = form or (None if json else _format_of(output))
    elif named and form not in {None, Format.RTTM}:
        raise OptionError(f"Several recordings in one {form} cannot be told apart; name a folder with --output.")
    if form is Format.DOCX:
        docx.check()
    return Presentation(
        json=json,
        form=form,
        output=output,
        named=named,
        exclusive=exclusive,
        confidence=confidence,
        turn_confidence=turn_confidence,
    )


def show_file(held: str | bytes) -> None:
    """Print what a file would hold; text as text, in whatever encoding is printed."""
    if isinstance(held, bytes):
        with suppress(UnicodeDecodeError):
            held = held.decode()
    typer.echo(held, nl=False)


def json_line(document: Mapping[str, Any]) -> str:
    """Return JSON on one line."""
    return json.dumps(document, ensure_ascii=False) + "\n"


def check_place(path: Path) -> None:
    """Refuse before the work a file that could not be written after it; raises OptionError."""
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise OptionError(f"{path}: cannot be written; expected a file in a folder that exists.")


def write(path: Path, content: str | bytes) -> None:
    """Write a file that an option names, whole or not at all, text in UTF-8; raises OptionError and DiskFull."""
    with writing(path), written(path) as file:
        file.write(content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Write in the block what an option names.

    Raises:
        OptionError: it cannot be written.
        DiskFull: there is no room for it.
    """
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DiskFull(f"{path}: cannot be written, as the disk is full; make room.") from error
        raise OptionError(f"{path}: cannot be written ({error.strerror}).") from error


def _prepare_folder(folder: Path, recordings: Sequence[Path]) -> None:
    names: dict[str, Path] = {}
    for recording in recordings:
        other = names.setdefault(recording.stem, recording)
        if other is not recording:
            raise OptionError(f"{other} and {recording} would both be written as {recording.stem}; rename one.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"{folder}: expected a folder, as there are several recordings.") from error


def _format_of(path: Path) -> Format:
    for form in Format:
        if form.extension.lower() == path.suffix.lower():
            return form
    extensions = ", ".join(dict.fromkeys(form.extension for form in Format))
    raise OptionError(f"{path}: no format has this extension; use one of {extensions}, or --format.")
