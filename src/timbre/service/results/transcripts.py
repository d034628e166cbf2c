"""Transcripts in outputs: labelled by the turns of the same output, and again whenever those get other names.

Beside the text stand its segments and words with who says them, as `turnLevelTranscription` and
`wordLevelTranscription`; the speaker is empty where nobody of those who speak says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from timbre.formats.json import exclusive_turns
from timbre.service.results.words import NO_READINGS, attribute_again
from timbre.transcripts import Transcript, TranscriptFormat, loads, looks_like


def labelled(
    transcript: str, output: Mapping[str, Any], form: TranscriptFormat | None = None, *, duration: float | None = None
) -> tuple[str, tuple[str, ...]]:
    """Write into a transcript who speaks as an output has it: by `exclusiveDiarization`, or else by all turns.

    Returns:
        The text, and what was mended in it or does not fit the recording, of `duration` seconds.

    Raises:
        FormatError: the transcript is malformed; says where.
    """
    read = loads(transcript, form)
    return read.labelled(exclusive_turns(output), duration=duration), read.warnings


def write_transcript(
    output: dict[str, Any],
    text: str,
    form: TranscriptFormat | None = None,
    *,
    names: Iterable[str] = (),
    duration: float | None = None,
) -> tuple[str, ...]:
    """Put a transcript into an output, with who says what by its turns; `names` as `Transcript.labelled` has them.

    Returns:
        What was mended in it or does not fit the recording, of `duration` seconds.

    Raises:
        FormatError: it is malformed; says where.
    """
    transcript = loads(text, form)
    _write(output, transcript, names, duration)
    return transcript.warnings


def _write(output: dict[str, Any], transcript: Transcript, names: Iterable[str], duration: float | None = None) -> None:
    output["transcript"] = transcript.labelled(exclusive_turns(output), names=names, duration=duration)
    output["turnLevelTranscription"] = [
        {"start": said.start, "end": said.end, "text": said.text, "speaker": said.speaker or ""}
        for said in transcript.said
    ]
    words = [
        {"start": word.start, "end": word.end, "text": word.text, "speaker": said.speaker or ""}
        for said in transcript.said
        for word in said.words
    ]
    output.pop("wordLevelTranscription", None)
    if words:
        output["wordLevelTranscription"] = words


def remove_transcript(output: dict[str, Any]) -> None:
    """Take a transcript out of an output."""
    for key in ("transcript", "turnLevelTranscription", "wordLevelTranscription"):
        output.pop(key, None)


@contextmanager
def labels_kept(output: dict[str, Any], readings: Mapping[int, str] = NO_READINGS) -> Iterator[None]:
    """Label what is said in an output again, if anything is, when the block has changed who speaks.

    Args:
        output: To be changed.
        readings: How words that were recognised read, as `write_words` has it.
    """
    text = output.get("transcript")
    before = {turn.speaker for turn in exclusive_turns(output)} if text is not None else set()
    yield
    if text is None:
        attribute_again(output, readings)
        return
    # With its names it may have become larger than a transcript may come in.
    transcript = Transcript(text, looks_like(text))
    _write(output, transcript, before)
