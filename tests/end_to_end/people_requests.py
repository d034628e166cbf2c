"""Requests about people that a machine makes up, changed so that every other right one finds somebody."""

from __future__ import annotations

from itertools import count
from typing import Any
from uuid import UUID

import httpx
import schemathesis

from server import Server, finished, upload, voice

_numbers = count()


@schemathesis.serializer("application/x-ndjson")
def lines(_context: object, value: Any) -> bytes:
    return str(value).encode("utf-8", "replace")


class Somebody:
    """Makes people for requests to be about: each request has its own, so that none is gone already."""

    def __init__(self, server: Server, voiceprint: str) -> None:
        self._server = server
        self._voiceprint = voiceprint
        with server.client() as client:
            sample = {"url": upload(client, voice("Ben"), "people/ben.flac")}
            person = client.post("/v1/speakers", json={"name": "With a clip", "sample": sample}).json()
            enrolled = finished(client, person["jobId"])
        self._clip = enrolled["output"]  # which person and sample can be listened to

    def __call__(self, operation: str, case: schemathesis.Case) -> None:
        path, body = case.path_parameters or {}, case.body if isinstance(case.body, dict) else {}
        for sample in (body, body.get("sample")):
            if isinstance(sample, dict) and "voiceprint" in sample and operation in {"addSample", "createSpeaker"}:
                sample.clear()
                sample["voiceprint"] = self._voiceprint
        if operation in {"createSpeaker", "updateSpeaker"} and isinstance(body.get("name"), str):
            body["name"] = f"{body['name'][:60]} {next(_numbers)}"
        if "speakerId" not in path or not _is_id(path["speakerId"]):
            return
        if operation == "listenToSample" and _is_id(path["sampleId"]):
            path |= {"speakerId": self._clip["speakerId"], "sampleId": self._clip["sampleId"]}
            return
        with self._server.client() as client:
            somebody = self._made(client)
            path["speakerId"] = somebody["id"]
            if _is_id(path.get("sampleId")):
                path["sampleId"] = somebody["samples"][0]["id"]
            if operation == "mergeSpeakers" and "from" in body:
                body["from"] = [self._made(client)["id"]]

    def _made(self, client: httpx.Client) -> dict[str, Any]:
        person = {"name": f"Somebody {next(_numbers)}", "sample": {"voiceprint": self._voiceprint}}
        answer = client.post("/v1/speakers", json=person)
        assert answer.status_code == 201, answer.text
        return answer.json()


def _is_id(text: Any) -> bool:
    try:
        return bool(UUID(text))
    except (AttributeError, TypeError, ValueError):
        return False
