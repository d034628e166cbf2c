"""Results in the shapes of these endpoints."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any, Final

from timbre.formats import Format, dumps
from timbre.formats.captions import Caption, as_srt, as_text, as_vtt
from timbre.http.routes.audio.hearing import Result
from timbre.service.results.words import LANGUAGE, TURNS, WORDS, captions
from timbre.turns import Turn

_LETTERS: Final = 26


def diarization(result: Result) -> dict[str, Any]:
    """Who speaks when, by name where they have one."""
    return {"duration": round(result.duration, 3), "segments": [*_segments(result)]}


def verbose_diarization(result: Result) -> dict[str, Any]:
    """As `diarization`, with ids, and with what is known of every speaker."""
    voices = [
        {
            "speaker": voice["match"] or voice["speaker"],
            "label": voice["speaker"],
            "match": voice["match"],
            "speaker_id": voice.get("speakerId"),
            "confidence": voice["confidence"],
        }
        for voice in result.output.get("voiceprints", ())
    ]
    segments = [{"id": number, **segment} for number, segment in enumerate(_segments(result))]
    answer = {"task": "diarize", **diarization(result), "segments": segments, "speakers": voices}
    return _with_warning(result, answer)


def rttm(result: Result) -> str:
    """The turns as NIST's RTTM."""
    turns = [Turn(start=one["start"], end=one["end"], speaker=one["speaker"]) for one in _segments(result)]
    return dumps(turns, Format.RTTM, recording=result.name, duration=result.duration)


def diarized(result: Result) -> dict[str, Any]:
    """As `diarized_json` has it: every turn with its speaker, strangers as A, B and so on."""
    turns = _lettered(result.output[TURNS])
    answer = {
        "task": "transcribe",
        "duration": round(result.duration, 3),
        "text": as_text(_captions(turns)).rstrip("\n"),
        "segments": [_diarized_segment(number, turn) for number, turn in enumerate(turns)],
        "usage": usage(result),
    }
    return _with_warning(result, answer)


def verbose(result: Result, *, words: bool) -> dict[str, Any]:
    """`verbose_json`: segments, and words if they are wanted, each with its speaker."""
    said = _lettered(result.output[WORDS])
    answer: dict[str, Any] = {
        "task": "transcribe",
        "language": result.output.get(LANGUAGE, "unknown"),
        "duration": round(result.duration, 3),
        "text": spoken(result, labels=False),
        "segments": [
            {"id": number, "start": one.start, "end": one.end, "text": one.text, "speaker": one.speaker}
            for number, one in enumerate(captions(said))
        ],
        "usage": usage(result),
    }
    if words:
        answer["words"] = [
            {"word": word["text"], **{key: word[key] for key in ("start", "end", "speaker")}} for word in said
        ]
    return _with_warning(result, answer)


def spoken(result: Result, *, labels: bool | None) -> str:
    """What is said, with who says it before each turn.

    Args:
        result: With words.
        labels: Whether speakers are named; None for where there are several.
    """
    turns = _lettered(result.output[TURNS])
    if labels is None:
        labels = len({turn["speaker"] for turn in turns}) > 1
    if labels:
        return as_text(_captions(turns)).rstrip("\n")
    return " ".join(turn["text"] for turn in turns)


def subtitles(result: Result, kind: str, *, labels: bool | None) -> str:
    """`srt` or `vtt`, with who speaks in every cue unless that is unwanted."""
    write: Callable[[Sequence[Caption]], str] = as_srt if kind == "srt" else as_vtt
    said = _lettered(result.output[WORDS])
    shown = [*captions(said)]
    if labels is False:
        shown = [Caption(start=one.start, end=one.end, speaker=None, text=one.text) for one in shown]
    return write(shown)


def events(result: Result, *, segments: bool, labels: bool | None) -> Iterator[dict[str, Any]]:
    """What a stream tells: texts piece by piece, segments with their speakers, and the whole in the end."""
    turns = _lettered(result.output[TURNS])
    named = segments or labels or (labels is None and len({turn["speaker"] for turn in turns}) > 1)
    for number, turn in enumerate(turns):
        text = f"{turn['speaker']}: {turn['text']}\n" if named else f"{turn['text']} "
        delta = {"type": "transcript.text.delta", "delta": text}
        if segments:
            segment = _diarized_segment(number, turn)
            yield {**delta, "segment_id": segment["id"]}
            yield segment
        else:
            yield delta
    whole = spoken(result, labels=bool(named))
    yield {"type": "transcript.text.done", "text": whole, "usage": usage(result)}


def usage(result: Result) -> dict[str, Any]:
    """What was heard, in whole seconds."""
    return {"type": "duration", "seconds": math.ceil(result.duration)}


def server_sent(event: Mapping[str, Any]) -> bytes:
    """An event of a stream."""
    return b"data: " + json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


def _segments(result: Result) -> Iterator[dict[str, Any]]:
    for turn in result.output.get("identification", result.output["diarization"]):
        yield {"start": turn["start"], "end": turn["end"], "speaker": turn["speaker"]}


def _diarized_segment(number: int, turn: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "transcript.text.segment",
        "id": f"seg_{number:03d}",
        **{key: turn[key] for key in ("start", "end", "text", "speaker")},
    }


def _lettered(lines: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give strangers a letter each, in order of appearance, that is nobody's name."""
    names = {line["speaker"] for line in lines}
    free = (letters for number in count() if (letters := _letters(number)) not in names)
    given: dict[str, str] = {}
    return [{**line, "speaker": _called(line["speaker"], given, free)} for line in lines]


def _called(speaker: str, given: dict[str, str], free: Iterator[str]) -> str:
    if not speaker.startswith("SPEAKER_"):  # which nobody can be named
        return speaker
    if speaker not in given:
        given[speaker] = next(free)
    return given[speaker]


def _letters(number: int) -> str:
    text = ""
    while number >= 0:
        text = chr(ord("A") + number % _LETTERS) + text
        number = number // _LETTERS - 1
    return text


def _captions(turns: Sequence[Mapping[str, Any]]) -> Iterator[Caption]:
    for turn in turns:
        yield Caption(start=turn["start"], end=turn["end"], speaker=turn["speaker"], text=turn["text"])


def _with_warning(result: Result, answer: dict[str, Any]) -> dict[str, Any]:
    warning = result.output.get("warning")
    return answer if warning is None else {**answer, "warning": warning}
