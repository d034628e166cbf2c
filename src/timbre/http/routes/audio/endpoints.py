"""Audio endpoints in the shape of OpenAI's: who speaks, and what is said by whom, in one request.

They are for tools that know nothing of jobs. Each makes one, waits for it, and names it in the header `X-Timbre-Job`;
a client that gives up finds the result there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from timbre.errors import RequestInvalid, ServiceError, WordsMissing
from timbre.http.caller import State_, caller
from timbre.http.errors import status_of
from timbre.http.limits import Group
from timbre.http.openai_errors import error_body
from timbre.http.openapi import openai_errors
from timbre.http.responses import Json
from timbre.http.routes.audio import answers
from timbre.http.routes.audio.form import Form, read_form
from timbre.http.routes.audio.hearing import JOB_HEADER, Result, submit, wait
from timbre.http.routes.audio.schemas import DiarizedJson, DiarizedSegments, OpenAIError, TranscriptJson, VerboseJson
from timbre.http.state import State
from timbre.service.accounts.teams import Caller, Scope
from timbre.service.requests.recognisers import NO_RECOGNISER
from timbre.service.results.words import WORDS

router = APIRouter()
_ALIVE: Final = 10.0  # seconds between two signs of life of a stream that waits
_SPEAKERS: Final = ("json", "verbose_json", "rttm")
_FORMATS: Final = ("json", "text", "srt", "verbose_json", "vtt", "diarized_json")
_TYPES: Final = {"srt": "application/x-subrip", "vtt": "text/vtt", "text": "text/plain"}
_TEXT: Final = {"type": "string"}
_LIST: Final = {"type": "array", "items": _TEXT}
_FIELDS: Final[dict[str, Any]] = {
    "file": {"type": "string", "format": "binary", "description": "The recording."},
    "model": {**_TEXT, "description": "A pack of this server; any other name means its own choice."},
    "known_speaker_names[]": {
        **_LIST,
        "description": "Names of people who may speak; one may have several references.",
    },
    "known_speaker_references[]": {
        **_LIST,
        "description": "For each name some seconds of that person alone, as `data:audio/wav;base64,…`.",
    },
    "speakers": {
        **_TEXT,
        "description": "People of the gallery to recognise: `all`, `none`, or their ids with commas between.",
    },
    "threshold": {"type": "number", "minimum": 0, "maximum": 100, "default": 50},
    **{name: {"type": "integer", "minimum": 1} for name in ("num_speakers", "min_speakers", "max_speakers")},
}
_OF_WORDS: Final[dict[str, Any]] = {
    "language": {**_TEXT, "description": "What is spoken, such as `en`; found out if unset."},
    "speaker_labels": {
        "type": "boolean",
        "description": "Whether `json`, `text`, `srt` and `vtt` say who speaks; if unset, `json` and `text` do where"
        " several people speak.",
    },
    "stream": {"type": "boolean", "description": "Answer as server-sent events."},
    "timestamp_granularities[]": {"type": "array", "items": {**_TEXT, "enum": ["word", "segment"]}},
    **{name: {**_TEXT, "description": "Taken, and without effect."} for name in ("chunking_strategy", "prompt")},
}
Asks = Annotated[Caller, Depends(caller(Scope.JOBS_WRITE, Group.AUDIO))]


def _takes(formats: tuple[str, ...], more: dict[str, Any]) -> dict[str, Any]:
    own = {"response_format": {**_TEXT, "enum": list(formats), "default": "json"}}
    schema = {"type": "object", "required": ["file"], "properties": {**_FIELDS, **own, **more}}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


@router.post(
    "/v1/audio/diarization",
    operation_id="audioDiarization",
    response_model=DiarizedSegments,
    responses={
        **openai_errors(OpenAIError, 402, 408, 413, 507),
        200: {"content": {"text/plain": {"schema": _TEXT}}, "description": "JSON, or RTTM as text"},
    },
    openapi_extra=_takes(_SPEAKERS, {}),
    summary="Say who speaks, at once",
)
async def audio_diarization(known: Asks, here: State_, request: Request) -> Response:
    """Answer who speaks when in a recording that is sent as a form, once it is heard; for tools that know no jobs."""
    known.require(Scope.JOBS_READ)
    async with read_form(request, here, known.team) as form:
        wanted = form.one_of("response_format", _SPEAKERS, "json")
        job = await submit(here, known, form, transcription=False)
    headers = {JOB_HEADER: str(job)}
    request.state.headers = {**request.state.headers, **headers}
    result = await wait(here, known, job, request)
    if wanted == "rttm":
        return PlainTextResponse(answers.rttm(result))
    return Json(answers.diarization(result) if wanted == "json" else answers.verbose_diarization(result))


@router.post(
    "/v1/audio/transcriptions",
    operation_id="audioTranscription",
    response_model=DiarizedJson | VerboseJson | TranscriptJson,
    responses={
        **openai_errors(OpenAIError, 402, 408, 413, 502, 507),
        200: {
            "content": {kind: {"schema": _TEXT} for kind in (*_TYPES.values(), "text/event-stream")},
            "description": "JSON, text, subtitles or server-sent events",
        },
    },
    openapi_extra=_takes(_FORMATS, _OF_WORDS),
    summary="Say what is said, and by whom, at once",
)
async def audio_transcription(known: Asks, here: State_, request: Request) -> Response:
    """Answer what is said in a recording that is sent as a form, with who says it; needs a recogniser.

    People of the gallery are named where the key has the scope `speakers:read`, unless the form says otherwise.
    """
    known.require(Scope.JOBS_READ)
    if here.settings.recogniser is None:
        raise RequestInvalid([("model", NO_RECOGNISER)])
    async with read_form(request, here, known.team) as form:
        answer = _Answer(form)
        job = await submit(here, known, form, transcription=True)
    request.state.headers = {**request.state.headers, JOB_HEADER: str(job)}
    if answer.streamed:
        return StreamingResponse(
            _stream(here, known, job, answer), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )
    return answer.of(_checked(await wait(here, known, job, request)))


class _Answer:
    """How a transcript is wanted."""

    def __init__(self, form: Form) -> None:
        self.form = form.one_of("response_format", _FORMATS, "json")
        self.streamed = bool(form.switch("stream"))
        self.labels = form.switch("speaker_labels")
        granularities = form.texts("timestamp_granularities")
        if unknown := {*granularities} - {"word", "segment"}:
            raise RequestInvalid([("timestamp_granularities", f"Expected word or segment, got {min(unknown)[:40]!r}")])
        self.words = "word" in granularities

    def of(self, result: Result) -> Response:
        match self.form:
            case "diarized_json":
                return Json(answers.diarized(result))
            case "verbose_json":
                return Json(answers.verbose(result, words=self.words))
            case "json":
                text = answers.spoken(result, labels=self.labels)
                return Json({"text": text, "usage": answers.usage(result)})
            case "text":
                return Response(f"{answers.spoken(result, labels=self.labels)}\n", media_type="text/plain")
            case kind:
                text = answers.subtitles(result, kind, labels=self.labels)
                return Response(text, media_type=f"{_TYPES[kind]}; charset=utf-8")


async def _stream(here: State, known: Caller, job: Any, answer: _Answer) -> AsyncIterator[bytes]:
    waiting = asyncio.create_task(wait(here, known, job))
    try:
        while not (await asyncio.wait({waiting}, timeout=_ALIVE))[0]:
            yield b": still here\n\n"
        result = _checked(await waiting)
        for event in answers.events(result, segments=answer.form == "diarized_json", labels=answer.labels):
            yield answers.server_sent(event)
    except ServiceError as error:
        yield answers.server_sent(error_body(error, status_of(error)))
    finally:
        waiting.cancel()


def _checked(result: Result) -> Result:
    """A result with words.

    Raises:
        WordsMissing: it has none.
    """
    if WORDS not in result.output:
        raise WordsMissing(
            f"{result.output.get('warning') or WordsMissing()}; GET /v1/jobs/{result.job} has who speaks."
        )
    return result
