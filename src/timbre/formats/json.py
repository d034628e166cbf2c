"""JSON in the shape of the API's answers.

    {"diarization": [{"speaker": "Ada", "start": 0.5, "end": 2.0}]}

A turn's confidence, and what is said in it, stand beside its times where they are known.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from timbre.errors import FormatError
from timbre.formats.fields import Place, in_milliseconds, lasting
from timbre.turns import Turn


def dumps(turns: Iterable[Turn], *, recording: str, duration: float) -> str:  # noqa: ARG001 - the API states neither
    """Write the turns as the API's `diarization`."""
    segments = [_segment(turn) for turn in in_milliseconds(turns)]
    return json.dumps({"diarization": segments}, ensure_ascii=False, indent=2) + "\n"


def loads(text: str) -> tuple[Turn, ...]:
    """Read the `identification` if there is one, else the `diarization`; a bare list of segments will do.

    A whole job as the API returns it, with its result under `output`, is read too.

    Raises:
        FormatError: this is not JSON, has no such list, or a segment in it is malformed.
    """
    return _turns(*_segments(_document(text)))


def loads_exclusive(text: str) -> tuple[Turn, ...]:
    """Read `exclusiveDiarization`, by the names of `voiceprints`; where there is none, what `loads` reads.

    Raises:
        FormatError: as `loads`.
    """
    return exclusive_turns(_document(text))


def exclusive_turns(document: Any) -> tuple[Turn, ...]:
    """Return what `loads_exclusive` reads, of JSON that has been parsed."""
    path, result = _result(document)
    if isinstance(result, dict) and isinstance(result.get("exclusiveIdentification"), list):
        return _turns(f"{path}.exclusiveIdentification", result["exclusiveIdentification"])
    if not isinstance(result, dict) or not isinstance(result.get("exclusiveDiarization"), list):
        return _turns(*_segments(document))
    voices = [voice for voice in result.get("voiceprints") or () if isinstance(voice, dict)]
    names = {voice.get("speaker"): voice.get("match") for voice in voices if isinstance(voice.get("match"), str)}
    turns = _turns(f"{path}.exclusiveDiarization", result["exclusiveDiarization"])
    return tuple(replace(turn, speaker=names.get(turn.speaker) or turn.speaker) for turn in turns)


def _document(text: str) -> Any:
    try:
        # As float, a number of ten thousand digits is infinite and refused, rather than an error of its own.
        return json.loads(text, parse_int=float)
    except json.JSONDecodeError as error:
        raise FormatError(f"JSON, line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise FormatError("JSON: expected a list of segments, got lists in lists without end") from error


def _turns(path: str, segments: list[Any]) -> tuple[Turn, ...]:
    return lasting(_turn(f"{path}[{index}]", segment) for index, segment in enumerate(segments))


def _segment(turn: Turn) -> dict[str, Any]:
    segment: dict[str, Any] = {"speaker": turn.speaker, "start": turn.start, "end": turn.end}
    if turn.confidence is not None:
        segment["confidence"] = dict(turn.confidence)
    if turn.text is not None:
        segment["text"] = turn.text
    return segment


def _segments(document: Any) -> tuple[str, list[Any]]:
    if isinstance(document, list):
        return "$", document
    path, result = _result(document)
    for key in ("identification", "diarization"):
        if isinstance(result, dict) and isinstance(result.get(key), list):
            return f"{path}.{key}", result[key]
    came = sorted(result) if isinstance(result, dict) else result
    raise Place(f"JSON, {path}").error('a list of segments, or an object that has one as "diarization"', came)


def _result(document: Any) -> tuple[str, Any]:
    """The result in a whole job, or what is one itself."""
    if isinstance(document, dict) and isinstance(document.get("output"), dict):
        return "$.output", document["output"]
    return "$", document


def _turn(path: str, segment: Any) -> Turn:
    place = Place(f"JSON, {path}")
    if not isinstance(segment, dict):
        raise place.error('an object with "speaker", "start" and "end"', segment)
    speaker = segment.get("speaker")
    if not isinstance(speaker, str):
        raise Place(f"JSON, {path}.speaker").error("the name of a speaker", speaker)
    start, end = (_seconds(f"{path}.{key}", segment.get(key)) for key in ("start", "end"))
    turn = place.turn(start, end, speaker)
    confidence = segment.get("confidence")
    if confidence is None:
        return turn
    return Turn(start=start, end=end, speaker=speaker, confidence=_confidence(f"{path}.confidence", confidence))


def _seconds(path: str, value: Any) -> float:
    if not _is_number(value):
        raise Place(f"JSON, {path}").error("a number of seconds", value)
    return float(value)


def _confidence(path: str, value: Any) -> dict[str, int]:
    scores = value.values() if isinstance(value, dict) else [None]
    if not all(_is_number(score) for score in scores):
        raise Place(f"JSON, {path}").error("a number from 0 to 100 for each speaker", value)
    return {speaker: round(score) for speaker, score in value.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
