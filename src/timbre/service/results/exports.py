"""Outputs as files: the turns of a job, or what is said in them, in the formats that other tools read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from timbre.errors import ExtraMissing, OutputMissing, RequestInvalid
from timbre.formats import Format, content
from timbre.formats.captions import as_srt, as_vtt
from timbre.service.results.words import WORDS, captions
from timbre.store.database import Row
from timbre.turns import Turn

_WORDLESS: Final = frozenset({Format.RTTM, Format.AUDACITY})  # labels that hold words are no names any more
_SUBTITLES: Final = {"srt": as_srt, "vtt": as_vtt}


def export(output: bytes, job: Row, name: str, *, exclusive: bool = False) -> bytes:
    """Write the turns of an output in the format of this name: by name where the job gave names.

    Where it is known what is said, formats that have room for words get the segments of the transcript; subtitles of
    recognised words come in pieces that can be read meanwhile.

    Args:
        output: JSON, as it is kept.
        job: The job's record.
        name: Of a `Format`.
        exclusive: The turns that never overlap.

    Raises:
        OutputMissing: it has no turns, or none that never overlap.
        RequestInvalid: this server cannot write the format.
    """
    found = json.loads(output)
    if name in _SUBTITLES and found.get(WORDS) and "transcript" not in found:
        return _SUBTITLES[name](captions(found[WORDS])).encode()
    if name not in _WORDLESS and (said := found.get("turnLevelTranscription")):
        turns = [Turn(**{field: item[field] for field in ("start", "end", "speaker", "text")}) for item in said]
        return _written(turns, job, name)
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
    return _written(turns, job, name)


def _written(turns: Iterable[Turn], job: Row, name: str) -> bytes:
    form = Format(name)
    called = (job["title"] if form is Format.DOCX else None) or str(job["id"])  # RTTM's name of it has no spaces
    try:
        return content(turns, form, recording=called, duration=job["duration"] or 0.0)
    except ExtraMissing:
        advice = f'whoever runs it installs `timbre[{form}]`, as `pip install "timbre[{form}]"` does beside Timbre'
        raise RequestInvalid([("format", f"This server lacks what writes {form}; {advice}")]) from None
