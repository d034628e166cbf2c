"""Words with names: `transcription` of diarize and identify, with a recogniser of OpenAI's shape behind the server."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

import spoken
from far_server import LOOPBACK, free_address
from recogniser import Recogniser, refuse_forms, reply
from server import CONVERSATION, Server, finished, submit, upload, voice

WORDS = spoken.words()
URL = "media://words/conversation.ogg"


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    """A team of its own, with the conversation, and Ada in its gallery."""
    with server.client(server.run("keys", "create", "words", "--team", "words")) as asking:
        upload(asking, CONVERSATION, "words/conversation.ogg")
        url = upload(asking, voice("Ada"), "words/ada.flac")
        person = asking.post("/v1/speakers", json={"name": "Ada", "sample": {"url": url}}).json()
        assert finished(asking, person["jobId"])["status"] == "succeeded"
        yield asking


@pytest.fixture(autouse=True)
def plain(recogniser: Recogniser) -> Iterator[None]:
    """Every test begins with a recogniser that works."""
    recogniser.answers = None
    recogniser.asked.clear()
    yield
    recogniser.answers = None


def heard(client: httpx.Client, kind: str = "diarize", **body) -> dict:
    return finished(client, submit(client, kind, url=URL, transcription=True, **body))


def test_words_and_turns_as_documented(client, recogniser):
    job = heard(client, transcriptionConfig={"model": "parakeet-tdt-0.6b-v3"})
    output = job["output"]
    assert job["status"] == "succeeded"
    assert "warning" not in output
    words, turns = output["wordLevelTranscription"], output["turnLevelTranscription"]
    assert [word["text"] for word in words] == [word.text for word in WORDS]
    assert all(abs(word["start"] - true.start) < 0.002 for word, true in zip(words, WORDS, strict=True))
    assert {*words[0]} == {*turns[0]} == {"start", "end", "text", "speaker"}
    assert " ".join(turn["text"] for turn in turns) == " ".join(word.text for word in WORDS)
    speakers = {turn["speaker"] for turn in output["exclusiveDiarization"]}
    assert {word["speaker"] for word in words} == speakers == {turn["speaker"] for turn in turns}
    assert all(first["speaker"] != after["speaker"] for first, after in zip(turns, turns[1:], strict=False))
    assert len(recogniser.asked) > 2  # pieces of 30 s at most
    assert all(piece["seconds"] <= 30 and piece["key"] == "Bearer sk-words" for piece in recogniser.asked)
    assert {piece["model"] for piece in recogniser.asked} == {"whisper-1"}
    assert recogniser.asked[0]["timestamp_granularities[]"] == ["word", "segment"]


def test_names_and_what_people_say(client):
    """Words have the names of `identification`, also after people decided, and after people were renamed."""
    job = heard(client, "identify", speakers="all")
    by_name = {word.text: word.speaker for word in WORDS if not spoken.talked_over(word)}
    output = job["output"]
    right = [word["speaker"] == "Ada" for word in output["wordLevelTranscription"] if by_name.get(word["text"]) == "Ada"]
    assert sum(right) / len(right) > 0.9
    assert "SPEAKER_" in {word["speaker"] for word in output["wordLevelTranscription"]} or len(output["voiceprints"]) > 1
    ada = next(voice for voice in output["voiceprints"] if voice["match"] == "Ada")
    changed = client.post(
        f"/v1/jobs/{job['jobId']}/decisions",
        json={"decisions": [{"type": "nobody", "voice": ada["speaker"]}], "revision": 0},
    )
    assert changed.is_success, changed.text
    after = client.get(f"/v1/jobs/{job['jobId']}").json()["output"]
    assert "Ada" not in {word["speaker"] for word in after["wordLevelTranscription"]}
    assert "Ada" not in {turn["speaker"] for turn in after["turnLevelTranscription"]}
    assert [word["text"] for word in after["wordLevelTranscription"]] == [
        word["text"] for word in output["wordLevelTranscription"]
    ]
