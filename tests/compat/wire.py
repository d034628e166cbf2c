"""Bodies and answers on the wire, as the tests of the contract's points look at them."""

from __future__ import annotations

import re
from typing import Any

import httpx

MEBI = 1 << 20
GIBI = 1 << 30
RATE = 16_000
NOTHING = "media://compat/never-uploaded"  # its job fails at once
STATES = {"pending", "created", "running", "succeeded", "failed", "canceled"}
SUBMITS = ("diarize", "voiceprint", "identify")
UNKNOWN_JOB = "8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52"
SWITCHES = (
    "exclusive",
    "confidence",
    "turnLevelConfidence",
    "speechProbability",
    "crosstalkProbability",
    "speakerProbability",
    "webhookStatusOnly",
)
NULLABLE = (*SWITCHES, "model", "webhook", "numSpeakers", "minSpeakers", "maxSpeakers")
SENSITIVITIES = ("vadSensitivity", "crosstalkSensitivity")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LABEL = re.compile(r"SPEAKER_\d\d")


def body_for(kind: str, labelled: list[dict[str, str]], url: str = NOTHING, **more: Any) -> dict[str, Any]:
    return {"url": url, **({"voiceprints": labelled} if kind == "identify" else {}), **more}


def link(client: httpx.Client, name: str) -> str:
    answer = client.post("/v1/media/input", json={"url": f"media://{name}"})
    assert answer.status_code == 201, answer.text
    return answer.json()["url"]


def kept(client: httpx.Client, content: bytes, name: str) -> str:
    assert httpx.put(link(client, f"compat/{name}"), content=content).is_success
    return f"media://compat/{name}"


def downloaded(client: httpx.Client, name: str) -> bytes:
    return httpx.get(client.post("/v1/media/output", json={"url": f"media://{name}"}).json()["url"]).content


def refused(answer: httpx.Response, status: int) -> dict[str, Any]:
    """What an error says; it is JSON of the shape that its status has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    said = answer.json()
    assert said["message"]
    if status == 400:
        assert set(said) == {"message", "errors"}
        assert said["errors"]
        assert all(set(error) == {"field", "message"} and error["message"] for error in said["errors"])
    else:
        assert set(said) == {"message", "requestId"}
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", said["requestId"])
    return said


def faults(answer: httpx.Response) -> dict[str, str]:
    """The fields that a 400 names, and what is wrong with them."""
    return {error["field"]: error["message"] for error in refused(answer, 400)["errors"]}
