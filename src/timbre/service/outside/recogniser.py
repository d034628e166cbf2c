"""Words by another server: any that answers `POST /v1/audio/transcriptions` as OpenAI's does.

Servers of this shape differ in what they tell: times of words, times of segments, or a text alone. The most is asked
for first; what a server refuses is not asked for again.
"""

from __future__ import annotations

import asyncio
import io
import json
import math
import wave
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

import httpx
import numpy as np
import structlog
from numpy.typing import NDArray

from timbre.audio import SAMPLE_RATE
from timbre.errors import DeliveryFailed, RecogniserFailed
from timbre.recognition.transcriber import Recognised
from timbre.service.outside.outgoing import opened, outgoing_client, pieces, shown
from timbre.settings import Settings
from timbre.transcripts.alignment import aligned
from timbre.transcripts.spoken import Segment, Word

_ATTEMPTS: Final = 3
_WAITS: Final = (1.0, 4.0)  # seconds before the second and the third
_LONGEST_WAIT: Final = 30.0  # that a server can ask for
_MOST_BYTES: Final = 16 << 20  # of an answer
_ENDPOINTS: Final = ("/transcriptions", "/inference")  # the latter of whisper.cpp
_FORMS: Final[tuple[Mapping[str, str | list[str]], ...]] = (
    {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]},
    {"response_format": "verbose_json"},
    {"response_format": "json"},
)
_REFUSED: Final = frozenset({400, 404, 415, 422})  # what a server says of a form that it does not know
_TRY_AGAIN: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
_LATE: Final = 1.0  # seconds behind the end of the sound, that a time may lie without being wrong
_SHOWN: Final = 200  # characters of an error that is repeated
_log: Final = structlog.get_logger("timbre.words")


class RecogniserServer:
    """A server that recognises words, for all jobs of a worker; close it when done."""

    def __init__(self, settings: Settings) -> None:
        """Know a server.

        Args:
            settings: With `asr_url`, and what belongs to it.
        """
        url = (settings.asr_url or "").rstrip("/")
        self.url = url if url.endswith(_ENDPOINTS) else f"{url}/audio/transcriptions"
        self.model = settings.recogniser or ""  # where a job names none
        self.seconds = settings.asr_seconds
        key = settings.asr_key
        self.headers = {} if key is None else {"Authorization": f"Bearer {key.get_secret_value()}"}
        self.client = outgoing_client(settings, networks=settings.asr_networks, silence=settings.asr_seconds)
        self.places = asyncio.Semaphore(settings.asr_parallel)

    async def close(self) -> None:
        """Let go of its connections."""
        await self.client.aclose()


class RemoteRecogniser:
    """What a server recognises for one job; every job finds out anew what the server can tell."""

    def __init__(self, server: RecogniserServer, model: str | None = None) -> None:
        self._server = server
        self._model = model or server.model
        self._form = 0

    async def recognise(self, sound: NDArray[np.int16], *, language: str | None) -> Recognised:
        """Return what is said in some sound; see `Transcriber`."""
        file = _wav(sound)
        for form in range(self._form, len(_FORMS)):
            try:
                answer = await self._asked(file, _FORMS[form], language)
            except _FormRefused as error:
                refused = error
            else:
                self._form = form
                return read_answer(answer, len(sound) / SAMPLE_RATE, self._name)
        raise RecogniserFailed(str(refused))

    @property
    def _name(self) -> str:
        return f"The recogniser at {shown(httpx.URL(self._server.url))}"

    async def _asked(self, file: bytes, form: Mapping[str, str | list[str]], language: str | None) -> bytes:
        """Ask, again where that may help.

        Raises:
            _FormRefused: the server does not answer in this form.
            RecogniserFailed: it does not answer at all.
        """
        fields = {"model": self._model, **form, **({"language": language} if language else {})}
        request = httpx.Request("POST", "http://-", data=fields, files={"file": ("sound.wav", file, "audio/wav")})
        content = request.read()
        headers = {**self._server.headers, "Content-Type": request.headers["Content-Type"]}
        for attempt in range(_ATTEMPTS):
            try:
                async with self._server.places, asyncio.timeout(self._server.seconds):
                    return await self._answer(content, headers)
            except TimeoutError:
                fault, wait = f"gave no complete answer within {self._server.seconds:g} s (TIMBRE_ASR_SECONDS)", None
            except DeliveryFailed as error:
                fault, wait = f"cannot be reached: {error}", None
            except _Busy as error:
                fault, wait = str(error), error.wait
            if attempt + 1 < _ATTEMPTS:
                _log.info("words asked for again", fault=fault)
                await asyncio.sleep(_WAITS[attempt] if wait is None else wait)
        raise RecogniserFailed(f"{self._name} {fault}")

    async def _answer(self, content: bytes, headers: Mapping[str, str]) -> bytes:
        async with (
            opened(self._server.client, "POST", self._server.url, content=content, headers=headers) as response,
            aclosing(pieces(response)) as body,
        ):
            parts, size = [], 0
            async for part in body:
                size += len(part)
                if size > _MOST_BYTES:
                    raise RecogniserFailed(f"{self._name} answered more than {_MOST_BYTES >> 20} MiB for one piece")
                parts.append(part)
        answer = b"".join(parts)
        if response.is_success:
            return answer
        told = f"answered {response.status_code}: {_message(answer)}"
        if response.status_code in _TRY_AGAIN:
            raise _Busy(told, _retry_after(response))
        if response.status_code in _REFUSED:
            raise _FormRefused(f"{self._name} {told}; check TIMBRE_ASR_URL and TIMBRE_ASR_MODEL")
        raise RecogniserFailed(f"{self._name} {told}; check TIMBRE_ASR_KEY")


class _FormRefused(Exception):
    """The server does not answer in this form."""


class _Busy(Exception):
    """The server has no answer now."""

    def __init__(self, text: str, wait: float | None) -> None:
        super().__init__(text)
        self.wait = wait  # seconds until it may have one


def read_answer(answer: bytes, seconds: float, name: str) -> Recognised:
    """Read the answer for a piece of so many seconds; words are those of its segments, of its list of words, or text.

    Args:
        answer: As it came.
        seconds: Length of the sound.
        name: What errors call the server.

    Raises:
        RecogniserFailed: it is no transcription.
    """
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        begin = answer[:_SHOWN].decode("utf-8", "replace").strip()
        raise RecogniserFailed(f"{name} answered what is no transcription: {begin!r}")
    text = _text(found.get("text"))
    listed = [_segment(each) for each in _list(found, "segments")]
    words = [_word(each) for each in _list(found, "words")]
    if text is None and not listed and not words:
        raise RecogniserFailed(f"{name} answered JSON that has no `text`, `segments` or `words`")
    language = found.get("language") if isinstance(found.get("language"), str) else None
    if words:
        segments = [Segment(words[0].start or 0.0, words[-1].end or seconds, _with_marks(text or "", words))]
    else:
        segments = [segment for segment in listed if segment.words]
    spans = [span for segment in segments for span in _spans(segment)]
    wrong = sum(not (-_LATE <= start <= end + _LATE and end <= seconds + _LATE) for start, end in spans)
    texts = " ".join(word.text for segment in segments for word in segment.words) or text or ""
    if not segments or 2 * wrong > len(spans) or (len(spans) > 1 and not any(end for _, end in spans)):
        faults = (f"{name} gives times that cannot be, so its words were spread over the sound",) if spans else ()
        return Recognised(
            segments=[Segment(0.0, seconds, tuple(map(Word, texts.split())))] if texts.strip() else [],
            timed=not texts.strip(),
            language=language,
            faults=faults,
        )
    return Recognised(segments=[_in_order(segment, seconds) for segment in segments], language=language)


def _list(found: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    came = found.get(key)
    return [each for each in came if isinstance(each, dict)] if isinstance(came, list) else ()


def _segment(record: Mapping[str, Any]) -> Segment:
    said = _text(record.get("text")) or ""
    words = [_word(each) for each in _list(record, "words")]
    start, end = _time(record.get("start")), _time(record.get("end"))
    begins = start if start is not None else next((word.start for word in words if word.start is not None), 0.0)
    ends = end if end is not None else next((word.end for word in reversed(words) if word.end is not None), begins)
    return Segment(begins, max(begins, ends), _with_marks(said, words) if words else tuple(map(Word, said.split())))


def _word(record: Mapping[str, Any]) -> Word:
    text = _text(record.get("word", record.get("text"))) or ""
    return Word(text.strip(), _time(record.get("start")), _time(record.get("end")))


def _text(value: object) -> str | None:
    # Half a character, as of a token that is a part of one, could not be written.
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else None


def _time(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if number else None  # type: ignore[arg-type]


def _with_marks(text: str, words: Sequence[Word]) -> tuple[Word, ...]:
    """Give words the marks that the text has and a list of words may lack; leave them where they are not the text's."""
    spelled = [word for word in words if word.text]
    cuts = aligned([text], [word.text for word in spelled])
    if not cuts:
        return tuple(spelled)
    ends = [*cuts[0][1:], len(text)]
    return tuple(
        Word(text[start:end].strip(), word.start, word.end)
        for word, start, end in zip(spelled, cuts[0], ends, strict=True)
    )


def _spans(segment: Segment) -> list[tuple[float, float]]:
    """When the words of a segment are said, as far as they say, or else the segment itself."""
    said = [(word.start, word.end) for word in segment.words]
    known = [(start if start is not None else end, end if end is not None else start) for start, end in said]
    return [(start, end) for start, end in known if start is not None and end is not None] or [
        (segment.start, segment.end)
    ]


def _in_order(segment: Segment, seconds: float) -> Segment:
    """A segment whose times lie within the sound, none before the one before it."""
    reached = 0.0
    words = []
    for word in segment.words:
        start = None if word.start is None else min(max(word.start, reached), seconds)
        end = None if word.end is None else min(max(word.end, start or reached), seconds)
        reached = start if start is not None else reached
        words.append(Word(word.text, start, end))
    start = min(max(segment.start, 0.0), seconds)
    return Segment(start, min(max(segment.end, start), seconds), tuple(words))


def _wav(sound: NDArray[np.int16]) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writing:
        writing.setnchannels(1)
        writing.setsampwidth(2)
        writing.setframerate(SAMPLE_RATE)
        writing.writeframes(sound.astype("<i2").tobytes())
    return file.getvalue()


def _message(answer: bytes) -> str:
    """What a server says is wrong, in OpenAI's shape or another."""
    text = answer.decode("utf-8", "replace").strip()
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    error = found.get("error", found.get("detail", found.get("message"))) if isinstance(found, dict) else None
    said = error.get("message") if isinstance(error, dict) else error
    told = said if isinstance(said, str) and said else text or "nothing"
    return " ".join(told.split())[:_SHOWN]


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return min(float(value), _LONGEST_WAIT) if value.isascii() and value.isdigit() else None
