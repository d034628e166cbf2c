"""The forms that these endpoints take: `multipart/form-data` with a recording, some fields, and voices as data URLs."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import PurePosixPath
from typing import Any, Final
from uuid import UUID, uuid4

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from timbre.errors import RequestInvalid, RequestTooLarge
from timbre.http.routes.media import arriving
from timbre.http.state import State
from timbre.models.catalogue import catalogue
from timbre.service.accounts.teams import Caller
from timbre.service.files.media import SCHEME
from timbre.service.requests.body import parse
from timbre.service.requests.conversations import MOST_REFERENCES, REFERENCES, ConversationRequest
from timbre.service.requests.submissions import HOSTED_DIARIZERS, HOSTED_MODELS, LIKELY, DiarizeRequest, SpeakersRequest
from timbre.service.requests.values import LONGEST_TITLE

NAMES: Final = "known_speaker_names"
EVERYBODY: Final = "all"
NOBODY: Final = "none"
_SURE: Final = 100
_MOST_FIELDS: Final = 1000
_MOST_FIELD: Final = 32 << 20  # bytes; a reference is some seconds of sound
_FORM_BYTES: Final = 256 << 20  # beside the recording
_PIECE: Final = 1 << 20
_DATA_URL: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w.+-]+=[^;,]*)*;base64,", re.ASCII | re.IGNORECASE)
_EXTENSION: Final = re.compile(r"\.[a-zA-Z0-9]{1,8}")
_COUNTS: Final = ("num_speakers", "min_speakers", "max_speakers")
_TRUE: Final = frozenset({"true", "1", "on", "yes"})
_FALSE: Final = frozenset({"false", "0", "off", "no"})


class Form:
    """A form that was read; names may have brackets, as clients write lists, or none."""

    def __init__(self, data: FormData) -> None:
        self._data = data

    def texts(self, name: str) -> list[str]:
        """All values of a field.

        Raises:
            RequestInvalid: one is a file.
        """
        came = [value for key in (f"{name}[]", name) for value in self._data.getlist(key)]
        if any(isinstance(value, UploadFile) for value in came):
            expected = "data:audio/wav;base64,… as text" if name == REFERENCES else "a text"
            raise RequestInvalid([(name, f"Expected {expected}, got a file")])
        return [value for value in came if isinstance(value, str) and (value or name == NAMES)]

    def text(self, name: str, default: str | None = None) -> str | None:
        """The value of a field, the last if it came twice."""
        return next(reversed(self.texts(name)), default)

    def one_of(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """The value of a field that has few.

        Raises:
            RequestInvalid: it is none of them.
        """
        value = self.text(name, default) or default
        if value not in allowed:
            raise RequestInvalid([(name, f"Expected one of {', '.join(allowed)}, got {value[:40]!r}")])
        return value

    def switch(self, name: str) -> bool | None:
        """Whether a field says yes; None where it is not there.

        Raises:
            RequestInvalid: it says something else.
        """
        value = self.text(name)
        if value is None or value.lower() in _TRUE | _FALSE:
            return None if value is None else value.lower() in _TRUE
        raise RequestInvalid([(name, f"Expected true or false, got {value[:40]!r}")])

    @property
    def file(self) -> UploadFile:
        """The recording.

        Raises:
            RequestInvalid: there is none.
        """
        files = [value for value in self._data.getlist("file") if isinstance(value, UploadFile)]
        if len(files) != 1:
            raise RequestInvalid(
                [("file", f"Expected one recording, as a file of the form, got {len(files) or 'none'}")]
            )
        if not files[0].size:
            raise RequestInvalid([("file", "Expected a recording, got an empty file")])
        return files[0]


@asynccontextmanager
async def read_form(request: Request, here: State, team: UUID) -> AsyncIterator[Form]:
    """Read the form of a request, which is an upload of its team; its files are gone afterwards.

    Raises:
        TooManyRequests: the team has no place for an upload left.
        QuotaSpent, StorageFull: there is no room for it.
        UploadTooSlow: it comes too slowly.
        RequestInvalid: it is no form, or a broken one.
        RequestTooLarge: a part of it is larger than it may be.
    """
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise RequestInvalid([("file", "Expected a form as multipart/form-data, with the recording as its `file`")])
    with here.media.uploading(team):
        await here.media.room.check(team)
        data = await _read(request, here)
        try:
            yield Form(data)
        finally:
            await data.close()


async def _read(request: Request, here: State) -> FormData:
    most = here.media.most_bytes + _FORM_BYTES
    stream = _limited(arriving(request, here.settings), most)
    parser = MultiPartParser(
        request.headers, stream, max_files=_MOST_FIELDS, max_fields=_MOST_FIELDS, max_part_size=_MOST_FIELD
    )
    try:
        return await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as error:  # KeyError: no boundary
        message = error.message if isinstance(error, MultiPartException) else "it is malformed"
        raise RequestInvalid(
            [("file", f"Expected a form as multipart/form-data, got one that is none: {message}")]
        ) from None


async def _limited(pieces: AsyncIterator[bytes], most: int) -> AsyncGenerator[bytes, None]:
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > most:
            raise RequestTooLarge(f"The form is larger than {most >> 20} MiB; send a shorter or compressed recording.")
        yield piece


async def keep(here: State, known: Caller, form: Form, *, transcription: bool, gallery: str) -> SpeakersRequest:
    """Keep the recording and the references of a form, and return what is asked about them.

    Args:
        here: The service.
        known: Who asks.
        form: What they sent.
        transcription: Whether what is said is wanted too.
        gallery: Who is looked for where neither the gallery nor anybody is named: `all` or `none`.

    Raises:
        RequestInvalid: a field is at fault; nothing is kept then.
        RequestTooLarge: the recording is too large.
    """
    file, voices = form.file, _references(form)
    folder = f"audio/{uuid4().hex}"
    suffix = PurePosixPath(file.filename or "").suffix
    url = f"{SCHEME}{folder}/recording{suffix if _EXTENSION.fullmatch(suffix) else ''}"
    references = [{"label": name, "url": f"{SCHEME}{folder}/{number}"} for number, (name, _) in enumerate(voices)]
    threshold = _number(form, "threshold")
    if threshold is not None and not 0 <= threshold <= _SURE:
        raise RequestInvalid([("threshold", f"Expected a number from 0 to {_SURE}, got {threshold:g}")])
    speakers = form.text("speakers") or (gallery if not voices else NOBODY)
    asked: dict[str, Any] = {
        "url": url,
        "title": _title(file.filename),
        "model": _pack(form.text("model")),
        "speakers": None if speakers == NOBODY else EVERYBODY if speakers == EVERYBODY else speakers.split(","),
        "matching": {"threshold": LIKELY if threshold is None else threshold},
        "references": references,
        "transcription": transcription,
        "transcriptionConfig": {
            "language": form.text("language") or form.text("languages"),
            "model": named if (named := form.text("model")) in here.settings.recognisers else None,
        }
        if transcription
        else None,
        **{_camel(name): _number(form, name) for name in _COUNTS},
    }
    model = ConversationRequest if voices or asked["speakers"] else DiarizeRequest
    request, _ = parse(model, json.dumps(asked).encode(), webhook_http=False)
    for (_, sound), reference in zip(voices, references, strict=True):
        await here.media.receive(known.team, reference["url"].removeprefix(SCHEME), _once(sound))
    await here.media.receive(known.team, url.removeprefix(SCHEME), _pieces(file))
    return request


def _references(form: Form) -> list[tuple[str, bytes]]:
    names, urls = form.texts(NAMES), form.texts(REFERENCES)
    if len(names) != len(urls):
        message = f"Expected one reference for each name, in the same order, got {len(urls)} for {len(names)} names"
        raise RequestInvalid([(REFERENCES, message)])
    if len(names) > MOST_REFERENCES:
        raise RequestInvalid([(REFERENCES, f"Expected at most {MOST_REFERENCES}, got {len(names)}")])
    return [(name, _sound(url, number)) for number, (name, url) in enumerate(zip(names, urls, strict=True))]


def _sound(url: str, number: int) -> bytes:
    begin = _DATA_URL.match(url)
    try:
        sound = base64.b64decode("".join(url[begin.end() :].split()), validate=True) if begin else b""
    except (binascii.Error, ValueError):
        sound = b""
    if not sound:
        message = f"Expected some seconds of sound as data:audio/wav;base64,…, got {url[:40]!r}"
        raise RequestInvalid([(f"{REFERENCES}[{number}]", message)])
    return sound


def _number(form: Form, name: str) -> float | None:
    text = form.text(name)
    try:
        return None if text is None else float(text)
    except ValueError:
        raise RequestInvalid([(name, f"Expected a number, got {text!r:.40}")]) from None


def _pack(model: str | None) -> str | None:
    """A model that this server has; clients that only know names of other servers get its own choice."""
    return model if model in {*HOSTED_MODELS, *HOSTED_DIARIZERS, *catalogue().packs} else None


def _title(name: str | None) -> str | None:
    plain = "".join(character for character in name or "" if character.isprintable())
    return plain[-LONGEST_TITLE:] or None


def _camel(name: str) -> str:
    first, rest = name.split("_")
    return first + rest.capitalize()


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(_PIECE):
        yield piece
