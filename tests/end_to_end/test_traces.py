"""Traces of a real server, told to a real collector, from a request to its webhook; and nothing about anybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from far_server import Far, FarRequest, far_server
from recogniser import Recogniser
from server import CONVERSATION, LOOPBACK, Server, finished, submit, upload, voice

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
WORD = "morning"  # one that is said


@pytest.fixture
def sent() -> list[bytes]:
    """What a collector was sent."""
    return []


@pytest.fixture
def far(sent: list[bytes]) -> Iterator[Far]:
    """The collector, which also has a recording and takes webhooks."""

    def collect(request: FarRequest) -> None:
        sent.append(request.body)
        request.answer()

    with far_server() as running:
        running.routes |= {
            "/v1/traces": collect,
            "/secret-address.ogg": lambda request: request.answer(body=CONVERSATION.read_bytes()),
            "/hook": lambda request: request.answer(),
        }
        yield running


def told(sent: list[bytes]) -> list[tuple[str, Span]]:
    """All spans that came, with the part of the server that they are of."""
    found = []
    for body in sent:
        for of_part in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {each.key: each.value.string_value for each in of_part.resource.attributes}
            assert about["service.name"] == "timbre"
            found += [(about["timbre.part"], span) for scope in of_part.scope_spans for span in scope.spans]
    return found


def attributes(span: Span) -> dict[str, str | int]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


@pytest.mark.exhaustive
def test_a_trace_goes_from_a_request_to_its_webhook(
    tmp_path: Path, far: Far, sent: list[bytes], recogniser: Recogniser
):
    settings = {
        **LOOPBACK,
        "TIMBRE_OTLP_URL": far.url,
        "TIMBRE_ASR_URL": recogniser.url,
        "TIMBRE_ASR_NETWORKS": "127.0.0.0/8",
    }
    server = Server(tmp_path / "traced", settings)
    with server, server.client() as client:
        person = client.post(
            "/v1/speakers", json={"name": "Ada", "sample": {"url": upload(client, voice("Ada"))}}
        ).json()
        assert finished(client, person["jobId"])["status"] == "succeeded"
        client.headers["traceparent"] = f"00-{TRACE}-{CALLER}-01"
        asked = {"speakers": "all", "transcription": True, "webhook": f"{far.url}/hook"}
        job = submit(client, "identify", url=f"{far.url}/secret-address.ogg", **asked)
        del client.headers["traceparent"]
        ended = finished(client, job)
        assert ended["status"] == "succeeded", ended
        assert "traceparent" not in json.dumps(ended)
        broken = submit(client, "diarize", url=upload(client, Path(__file__)))
        assert finished(client, broken)["status"] == "failed"
        far.wait("/hook")
        httpx.get(f"{server.address}/readyz")
    logs = [json.loads(line) for log in (server.folder / "log").iterdir() for line in log.read_text().splitlines()]

    spans = told(sent)
    mine = {(part, span.name): span for part, span in spans if span.trace_id.hex() == TRACE}
    request = mine["api", "POST /v1/identify"]
    assert request.parent_span_id.hex() == CALLER
    assert attributes(request) == {"status": 200}
    works = [span for _, span in spans if span.name == "job identify"]
    assert len(works) == 2  # one fetched it, one heard it
    for span in works:
        assert span.parent_span_id == request.span_id
        assert attributes(span) == {"job": job, "attempt": attributes(span)["attempt"], "model": "base"}
    parents = {span.span_id for span in works}
    stages = ["fetch", "decode", "speech", "voices", "naming", "words"]
    assert {name for part, name in mine if part == "worker"} == {*stages, "job identify", "webhook"}
    assert all(mine["worker", stage].parent_span_id in parents for stage in stages)
    order = [mine["worker", stage].start_time_unix_nano for stage in stages]
    assert order == sorted(order)
    assert mine["worker", "webhook"].parent_span_id == request.span_id
    assert attributes(mine["worker", "webhook"]) == {"job": job, "number": 0}

    failed = next(span for _, span in spans if span.name == "job diarize")
    assert (attributes(failed)["fault"], failed.status.code) == ("AudioUnreadable", Status.STATUS_CODE_ERROR)
    assert failed.trace_id.hex() != TRACE
    assert not any("readyz" in span.name for _, span in spans)
    assert {line["trace"] for line in logs if line.get("job") == job and "trace" in line} == {TRACE}

    everything = b"".join(sent)
    for private in ("Ada", "secret-address", WORD, server.key, far.address, "Traceback"):
        assert private.encode() not in everything, private
