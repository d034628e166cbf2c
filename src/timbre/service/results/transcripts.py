"""Transcripts in outputs: labelled by the turns of the same output, and again whenever those get other names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from timbre.formats.json import exclusive_turns
from timbre.service.results.words import attribute_again
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


@contextmanager
def labels_kept(output: dict[str, Any]) -> Iterator[None]:
    """Label what is said in an output again, if anything is, when the block has changed who speaks."""
    text = output.get("transcript")
    before = {turn.speaker for turn in exclusive_turns(output)} if text is not None else set()
    yield
    attribute_again(output)
    if text is None:
        return
    # With its names it may have become larger than a transcript may come in.
    transcript = Transcript(text, looks_like(text))
    output["transcript"] = transcript.labelled(exclusive_turns(output), names=before)
