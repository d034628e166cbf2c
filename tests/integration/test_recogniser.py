"""Asking a server for words: its address checked, its errors told, asked again where that may help."""

from __future__ import annotations

import asyncio
import json
import time

import numpy as np
import pytest

from far_server import Far, far_server, free_address
from timbre import Settings
from timbre.errors import RecogniserFailed
from timbre.service.outside import recogniser as module
from timbre.service.outside.recogniser import RecogniserServer, RemoteRecogniser

SOUND = np.zeros(16_000, np.int16)
GOOD = {
    "text": "Good day.",
    "words": [{"word": "Good", "start": 0, "end": 0.4}, {"word": "day", "start": 0.4, "end": 0.8}],
}


@pytest.fixture
def far(monkeypatch):
    monkeypatch.setattr(module, "_WAITS", (0.0, 0.0))
    with far_server() as far:
        yield far


def recognised(url: str, **settings):
    """Ask once, with a server that may be on this machine."""

    async def ask():
        server = RecogniserServer(Settings(asr_url=url, **{"asr_networks": "127.0.0.0/8", **settings}))
        try:
            return await RemoteRecogniser(server).recognise(SOUND, language="en")
        finally:
            await server.close()

    return asyncio.run(ask())


def answers(far: Far, *told: tuple[int, object], path: str = "/v1/audio/transcriptions", **headers) -> None:
    """Answer these one after the other, the last again and again."""
    left = list(told)

    def answer(request):
        status, body = left.pop(0) if len(left) > 1 else left[0]
        request.answer(status, json.dumps(body).encode(), content_type="application/json", **headers)

    far.routes[path] = answer


def test_what_a_server_says(far):
    answers(far, (200, GOOD))
    found = recognised(f"{far.url}/v1/", asr_key="sk-words", asr_model="large")
    assert [word.text for word in found.segments[0].words] == ["Good", "day."]
    (request,) = far.requests
    assert request.headers["authorization"] == "Bearer sk-words"
    for part in (b'name="model"\r\n\r\nlarge\r\n', b'name="language"\r\n\r\nen\r\n', b'filename="sound.wav"', b"RIFF"):
        assert part in request.body
    answers(far, (200, {"text": "Hi."}), path="/inference")
    assert recognised(f"{far.url}/inference").timed is False
    answers(far, (200, {"text": "Hi \ud83d there."}), path="/inference")  # half a character, which nobody can write
    assert [word.text for word in recognised(f"{far.url}/inference").segments[0].words] == ["Hi", "?", "there."]


def test_a_server_that_is_busy_is_asked_again(far):
    answers(far, (503, {}), (429, {}), (200, GOOD), retry_after="0")
    assert recognised(f"{far.url}/v1").timed
    assert len(far.requests) == 3
    answers(far, (500, {"detail": "CUDA is out of memory"}))
    with pytest.raises(RecogniserFailed, match="answered 500: CUDA is out of memory"):
        recognised(f"{far.url}/v1")
    assert len(far.requests) == 6


def test_a_key_that_is_refused_is_told_at_once(far):
    answers(far, (401, {"error": {"message": "Incorrect API key"}}))
    with pytest.raises(RecogniserFailed, match="answered 401: Incorrect API key; check TIMBRE_ASR_KEY"):
        recognised(f"{far.url}/v1")
    assert len(far.requests) == 1


def test_a_server_that_is_slow_is_given_up(far):
    def slow(request):
        time.sleep(0.5)
        request.answer(200, json.dumps(GOOD).encode())

    far.routes["/v1/audio/transcriptions"] = slow
    with pytest.raises(RecogniserFailed, match=r"within 0.1 s \(TIMBRE_ASR_SECONDS\)"):
        recognised(f"{far.url}/v1", asr_seconds=0.1)


def test_a_server_that_is_gone_is_told(far):
    with pytest.raises(RecogniserFailed, match="does not accept connections"):
        recognised(f"http://{free_address()}/v1")


def test_private_networks_have_to_be_allowed(far):
    """By a list of its own, or by that for recordings and webhooks."""
    answers(far, (200, GOOD))
    with pytest.raises(RecogniserFailed, match="address of a private network"):
        recognised(f"{far.url}/v1", asr_networks="10.0.0.0/8")
    assert not far.requests
    assert recognised(f"{far.url}/v1", asr_networks="", allowed_networks="127.0.0.0/8").timed


def test_an_answer_without_end_is_given_up(far, monkeypatch):
    monkeypatch.setattr(module, "_MOST_BYTES", 1000)
    answers(far, (200, {"text": "a" * 2000}))
    with pytest.raises(RecogniserFailed, match="answered more than"):
        recognised(f"{far.url}/v1")


@pytest.mark.parametrize("url", ["ftp://example.org", "example.org", "http://"])
def test_what_is_no_address(url):
    with pytest.raises(ValueError, match="the address of a server"):
        Settings(asr_url=url)
