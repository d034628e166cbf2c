"""Outputs as files: the turns of a job in the formats that other tools read."""

from __future__ import annotations

import json
from typing import Final

from timbre.errors import OutputMissing
from timbre.formats import Format, dumps
from timbre.formats.captions import as_srt, as_text, as_vtt
from timbre.service.results.words import WORDS, captions
from timbre.store.database import Row
from timbre.turns import Turn

PLAIN: Final = "txt"
_OF_WORDS: Final = {"srt": as_srt, "vtt": as_vtt, PLAIN: as_text}


def export(output: bytes, job: Row, name: str, *, exclusive: bool = False) -> str:
    """Write the turns of an output in the format of this name: by name where the job gave names.

    Subtitles have the words, where the output has words.

    Args:
        output: JSON, as it is kept.
        job: The job's record.
        name: Of a `Format`, or `txt` for what is said as plain text.
        exclusive: The turns that never overlap.

    Raises:
        OutputMissing: it has no turns, or none that never overlap, or no words.
    """
    found = json.loads(output)
    if name in _OF_WORDS and WORDS in found:
        return _OF_WORDS[name](captions(found[WORDS]))
    if name == PLAIN:
        raise OutputMissing("This job's output has no words; submit one with `transcription: true`.")
    names = {item["speaker"]: item["match"] for item in found.get("voiceprints", ()) if item["match"]}
    kinds = ("exclusiveIdentification", "exclusiveDiarization") if exclusive else ("identification", "diarization")
    segments = next((found[kind] for kind in kinds if kind in found), None)
    if segments is None:
        wanted = "`exclusive: true`" if exclusive else "diarize or identify"
        raise OutputMissing(f"This job's output has no such turns; submit one with {wanted}.")
    turns = [
        Turn(start=item["start"], end=item["end"], speaker=names.get(item["speaker"], item["speaker"]))
        for item in segments
    ]
    return dumps(turns, Format(name), recording=str(job["id"]), duration=job["duration"] or 0.0)
