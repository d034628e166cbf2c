"""A server that recognises words, for tests: OpenAI's wire format, and answers from transcripts that are known.

It finds the sound it is sent in recordings whose words it knows, sample by sample, and answers the words in it.
"""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

import numpy as np

import spoken
from far_server import Far, FarRequest, far_server
from server import CONVERSATION
from timbre import Settings
from timbre.audio.decoding import open_recording

RATE = 16_000
PROBE = 1_600  # samples, by which sound is found again


@dataclass
class Recogniser:
    """What it knows, what it was asked, and how it answers.

    Attributes:
        far: The server itself.
        asked: The fields of every request, with `seconds` and `at`, where in the known recording its sound begins.
        answers: Answers instead, given the request and its fields; None for the plain answer.
    """

    far: Far
    asked: list[dict[str, Any]] = field(default_factory=list)
    answers: Callable[[FarRequest, dict[str, Any]], object] | None = None

    def __post_init__(self) -> None:
        with open_recording(CONVERSATION, settings=Settings()) as recording:
            self._sound = recording.pcm(0, recording.samples).tobytes()
        self.far.routes["/v1/audio/transcriptions"] = self.answer

    @property
    def url(self) -> str:
        return f"{self.far.url}/v1"

    def answer(self, request: FarRequest) -> None:
        fields = _fields(request)
        sound = fields.pop("sound")
        fields |= {"seconds": len(sound) / RATE, "at": self.place(sound), "key": request.headers.get("Authorization")}
        self.asked.append(fields)
        if self.answers is None:
            reply(request, self.verbose(fields))
        else:
            self.answers(request, fields)

    def place(self, sound: np.ndarray) -> float | None:
        """Where in the conversation some sound lies, in seconds; None if it is of another recording."""
        middle = len(sound) // 2
        found = self._sound.find(sound[middle : middle + PROBE].tobytes())
        return None if found < 0 or len(sound) < PROBE else (found // 2 - middle) / RATE

    def words(self, fields: dict[str, Any]) -> list[dict[str, Any]]:
        """The words in the sound of a request, with times from its beginning."""
        at = fields["at"]
        if at is None:
            return []
        return [
            {"word": word.text, "start": round(word.start - at, 3), "end": round(word.end - at, 3)}
            for word in spoken.words()
            if at <= (word.start + word.end) / 2 < at + fields["seconds"]
        ]

    def verbose(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The most that a server tells: OpenAI's `verbose_json` with the times of words."""
        words = self.words(fields)
        text = " ".join(word["word"] for word in words)
        bare = [{**word, "word": word["word"].strip(".,?!")} for word in words]
        segment = {"id": 0, "start": 0.0, "end": fields["seconds"], "text": text}
        common = {"task": "transcribe", "language": "english", "duration": fields["seconds"], "text": text}
        return {**common, "segments": [segment], "words": bare}


def reply(request: FarRequest, answer: dict[str, Any], status: int = 200) -> None:
    request.answer(status, json.dumps(answer).encode(), content_type="application/json")


def refuse_forms(recogniser: Recogniser, *, segments: bool) -> Callable[[FarRequest, dict[str, Any]], object]:
    """Answer as servers do that know no times of words, or no times at all."""

    def answer(request: FarRequest, fields: dict[str, Any]) -> None:
        verbose = fields["response_format"] == "verbose_json"
        if fields.get("timestamp_granularities[]") or (verbose and not segments):
            error = {"message": "response_format 'verbose_json' is not compatible with this model", "code": None}
            reply(request, {"error": error}, 400)
            return
        told = recogniser.verbose(fields)
        reply(request, {"text": told["text"], **({"segments": told["segments"]} if verbose else {})})

    return answer


@contextmanager
def running_recogniser() -> Iterator[Recogniser]:
    with far_server() as far:
        yield Recogniser(far)


def _fields(request: FarRequest) -> dict[str, Any]:
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    fields: dict[str, Any] = {}
    for part in message_from_bytes(head + request.body).get_payload():
        name = part.get_param("name", header="Content-Disposition")
        if name == "file":
            with wave.open(io.BytesIO(part.get_payload(decode=True))) as sound:
                assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (RATE, 1, 2)
                fields["sound"] = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
        elif name in fields:
            fields[name] = [*_listed(fields[name]), part.get_payload()]
        else:
            fields[name] = part.get_payload()
    return fields


def _listed(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value
