"""OpenAI-shaped audio endpoints, asked by the `openai` client as it is published, and by plain HTTP."""

from __future__ import annotations

import base64
import io
import json
import math
import wave
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import openai
import pysubs2
import pytest
from openai.types.audio import TranscriptionDiarized

import spoken
from recogniser import Recogniser, reply
from server import CONVERSATION, SAMPLES, Server, finished, upload, voice
from timbre.formats.rttm import loads

NAMES = ["Ada", "Ben", "Callum", "Dan"]


def data_url(path: Path) -> str:
    return f"data:audio/flac;base64,{base64.b64encode(path.read_bytes()).decode()}"


def wav(sound: np.ndarray) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writing:
        writing.setnchannels(1)
        writing.setsampwidth(2)
        writing.setframerate(16_000)
        writing.writeframes((sound * 32_767).astype("<i2").tobytes())
    return file.getvalue()


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    """The key of a team of its own, whose gallery has Ada."""
    made = server.run("keys", "create", "audio", "--team", "audio")
    with server.client(made) as asking:
        url = upload(asking, voice("Ada"), "audio/ada.flac")
        person = asking.post("/v1/speakers", json={"name": "Ada", "sample": {"url": url}}).json()
        assert finished(asking, person["jobId"])["status"] == "succeeded"
    return made


@pytest.fixture(scope="module")
def client(server: Server, key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.address}/v1", api_key=key, timeout=60) as asking:
        yield asking


@pytest.fixture(scope="module")
def http(server: Server, key: str) -> Iterator[httpx.Client]:
    with server.client(key) as asking:
        yield asking


@pytest.fixture(autouse=True)
def plain(recogniser: Recogniser) -> Iterator[None]:
    recogniser.answers = None
    recogniser.asked.clear()
    yield
    recogniser.answers = None


def names_of(segments) -> list[str]:
    return list(dict.fromkeys(segment["speaker"] for segment in segments))


def asked(http: httpx.Client, path: str = "diarization", file: bytes | Path | None = CONVERSATION, **fields):
    content = file.read_bytes() if isinstance(file, Path) else file
    files = {} if content is None else {"file": ("talk.ogg", content)}
    return http.post(f"/v1/audio/{path}", data=fields, files=files)


def test_the_client_lists_models(client):
    assert "base" in [model.id for model in client.models.list()]


def test_a_transcript_with_names_of_the_gallery(client, recogniser):
    with CONVERSATION.open("rb") as file:
        answer = client.audio.transcriptions.with_raw_response.create(
            file=file, model="gpt-4o-transcribe-diarize", response_format="diarized_json", chunking_strategy="auto"
        )
    found = answer.parse()
    assert isinstance(found, TranscriptionDiarized)
    assert found.task == "transcribe"
    assert found.duration == pytest.approx(spoken.words()[-1].end, abs=2)
    assert found.usage.seconds == math.ceil(found.duration)
    speakers = list(dict.fromkeys(segment.speaker for segment in found.segments))
    assert "Ada" in speakers
    assert [name for name in speakers if name != "Ada"] == ["A", "B", "C"][: len(speakers) - 1]
    assert found.segments[0].id == "seg_000"
    assert " ".join(segment.text for segment in found.segments) == " ".join(word.text for word in spoken.words())
    assert found.text.splitlines()[0] == f"{found.segments[0].speaker}: {found.segments[0].text}"
    job = client.get(f"/jobs/{answer.headers['x-timbre-job']}", cast_to=httpx.Response).json()
    assert (job["status"], job["title"], job["hasAudio"]) == ("succeeded", "conversation.ogg", True)


def test_known_speakers_and_a_stream(client):
    with CONVERSATION.open("rb") as file:
        stream = client.audio.transcriptions.create(
            file=file,
            model="gpt-4o-transcribe-diarize",
            response_format="diarized_json",
            stream=True,
            known_speaker_names=NAMES,
            known_speaker_references=[data_url(voice(name)) for name in NAMES],
        )
        events = list(stream)
    kinds = [event.type for event in events]
    assert kinds[-1] == "transcript.text.done"
    assert kinds.count("transcript.text.segment") == kinds.count("transcript.text.delta") == len(events) // 2
    segments = [event for event in events if event.type == "transcript.text.segment"]
    assert {segment.speaker for segment in segments} == {*NAMES}
    assert "".join(event.delta for event in events if event.type == "transcript.text.delta").strip() == events[-1].text


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(form, marks=() if form == "srt" else pytest.mark.exhaustive)
        for form in ("json", "text", "srt", "vtt", "verbose_json")
    ],
)
def test_every_form(form, client, http):
    with CONVERSATION.open("rb") as file:
        found = client.audio.transcriptions.create(
            file=file,
            model="whisper-1",
            response_format=form,
            timestamp_granularities=["word", "segment"],
            language="en",
        )
    said = [word.text for word in spoken.words()]
    match form:
        case "json":
            assert found.text.startswith(("Ada: ", "A: "))
        case "text":
            assert found.startswith(("Ada: ", "A: "))
        case "verbose_json":
            assert (found.language, found.text) == ("en", " ".join(said))
            assert [word.word for word in found.words] == said
            assert {word.speaker for word in found.words} >= {"Ada", "A"}
            assert all(segment.end - segment.start < 8 for segment in found.segments)
        case _:
            cues = pysubs2.SSAFile.from_string(found, format_=form)
            assert len(cues) > 10
            assert all(len(cue.plaintext) < 100 and cue.duration < 8000 for cue in cues)
            assert " ".join(cue.plaintext.removeprefix("Ada: ") for cue in cues).count("Ada: ") == 0


@pytest.mark.exhaustive
def test_who_speaks_without_a_recogniser(http, recogniser):
    """By plain HTTP: strangers have labels, and nobody is named whose confidence is below the threshold."""
    anonymous = asked(http)
    assert anonymous.json().keys() == {"duration", "segments"}
    assert all(name.startswith("SPEAKER_") for name in names_of(anonymous.json()["segments"]))
    gallery = asked(http, speakers="all", response_format="verbose_json").json()
    assert "Ada" in names_of(gallery["segments"])
    ada = next(voice for voice in gallery["speakers"] if voice["match"] == "Ada")
    assert ada["confidence"]["Ada"] >= 50
    known = {"known_speaker_names[]": ["Ben"], "known_speaker_references[]": [data_url(voice("Ben"))]}
    ben = asked(http, threshold="60", num_speakers="4", **known).json()
    assert {name for name in names_of(ben["segments"]) if not name.startswith("SPEAKER_")} == {"Ben"}
    rttm = asked(http, response_format="rttm", **known)
    assert rttm.headers["content-type"].startswith("text/plain")
    assert "Ben" in {turn.speaker for turn in loads(rttm.text)}
    assert finished(http, rttm.headers["x-timbre-job"])["type"] == "identify"
    assert not recogniser.asked


def error_of(answer: httpx.Response, status: int) -> dict:
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    return error


def test_what_is_wrong_with_a_form_is_said_in_its_shape(http):
    ben, noise = data_url(voice("Ben")), base64.b64encode(b"not sound").decode()
    wrong = {
        "known_speaker_references": [
            {"known_speaker_names": ["Ada", "Ben"], "known_speaker_references": [ben]},
            {"known_speaker_names": ["Ben"], "known_speaker_references": ["https://example.org/ben.wav"]},
            {"known_speaker_names": ["Ben"], "known_speaker_references": ["data:audio/wav;base64,%%%"]},
            {"known_speaker_names": ["Ben"], "known_speaker_references": [f"data:audio/wav;base64,{noise}"]},
        ],
        "known_speaker_names": [{"known_speaker_names": ["SPEAKER_7"], "known_speaker_references": [ben]}],
        "response_format": [{"response_format": "xml"}],
        "threshold": [{"threshold": "often"}, {"threshold": "101"}],
        "num_speakers": [{"num_speakers": "0"}],
    }
    for param, forms in wrong.items():
        for fields in forms:
            error = error_of(asked(http, **fields), 400)
            assert (error["param"], error["type"]) == (param, "invalid_request_error"), fields
    assert error_of(asked(http, file=None), 400)["param"] == "file"
    assert error_of(asked(http, file=b""), 400)["param"] == "file"
    assert error_of(http.post("/v1/audio/diarization", json={}), 400)["param"] == "file"
    assert error_of(asked(http, file=b"no recording at all"), 400)["param"] == "file"
    files = [
        ("file", ("a.wav", b"x")),
        ("known_speaker_names[]", (None, "Ben")),
        ("known_speaker_references[]", ("b.wav", b"x")),
    ]
    assert error_of(http.post("/v1/audio/diarization", files=files), 400)["param"] == "known_speaker_references"
    broken = http.post("/v1/audio/diarization", content=b"--x", headers={"Content-Type": "multipart/form-data"})
    assert error_of(broken, 400)["param"] == "file"


def test_references_that_are_none(http, voice):
    """Two voices, or a fifth of a second, make no reference; whose it is and why is said."""
    two = wav(np.concatenate([voice("Ada")[:80_000], voice("Ben")[:80_000]]))
    short = wav(voice("Ada")[:3_200])
    for number, sound in enumerate((two, short)):
        good = data_url(SAMPLES / "enrol" / "Ben.flac")
        fields = {
            "known_speaker_names[]": ["Ben", "Ada"],
            "known_speaker_references[]": [good, f"data:audio/wav;base64,{base64.b64encode(sound).decode()}"],
        }
        error = error_of(asked(http, **fields), 400)
        assert error["param"] == "known_speaker_references"
        assert error["message"].startswith("known_speaker_references[1], of 'Ada': ")
        assert ("More than one person" in error["message"]) == (number == 0)


def test_who_may_not_is_told_so(server, http):
    limited = server.run("keys", "create", "hears", "--team", "audio", "--scope", "jobs:write", "--scope", "jobs:read")
    with server.client(limited) as hears:
        assert error_of(asked(hears, speakers="all"), 403)["code"] == "insufficient_permissions"
        # By default nobody is named whom the key may not see.
        found = asked(hears, "transcriptions", response_format="diarized_json").json()
        assert "segments" in found, found
        assert {segment["speaker"] for segment in found["segments"]} <= {"A", "B", "C", "D", "E"}
    with server.client("sk_wrong") as nobody:
        assert error_of(asked(nobody), 401)["code"] == "invalid_api_key"
    assert error_of(http.post("/v1/audio/speech", json={}), 404)["type"] == "invalid_request_error"


def test_a_recogniser_that_fails_loses_no_recording(client, http, recogniser):
    """The words are missing, and who speaks is there: the client is not to send the recording again."""

    def refuse(request, _fields):
        reply(request, {"error": {"message": "no such model"}}, 401)

    recogniser.answers = refuse
    with CONVERSATION.open("rb") as file, pytest.raises(openai.APIStatusError) as raised:
        client.audio.transcriptions.create(file=file, model="whisper-1")
    assert raised.value.status_code == 502
    assert raised.value.body["code"] == "recogniser_failed"
    assert "answered 401: no such model" in raised.value.body["message"]
    job = finished(http, raised.value.response.headers["x-timbre-job"])
    assert job["output"]["diarization"]
    assert job["output"]["warning"].startswith("The words are missing: The recogniser at http://127.0.0.1")
    assert len(recogniser.asked) == 1
    streamed = asked(http, "transcriptions", stream="true")
    assert streamed.status_code == 200
    assert json.loads(streamed.text.split("data: ")[-1])["error"]["code"] == "recogniser_failed"
