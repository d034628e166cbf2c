"""Live streams over a real connection: what is told, what is refused, and how it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import av
import httpx
import numpy as np
import pytest
import websocket
from raw_http import UNKNOWN

from live_client import FRAME, OPENED, RATE, Stream, samples
from media import wav
from server import CONVERSATION, ENOUGH, Server, finished, voice
from timbre import Engine


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as asking:
        yield asking


@pytest.fixture(scope="module")
def ada() -> np.ndarray:
    return samples(voice("Ada"), 4.9)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().shutdown()


def paired(stream: Stream) -> list[tuple[float, float, str]]:
    """The turns that were told, after a look that every start has one end, in order."""
    turns, opened = [], {}
    for message in stream.received:
        data = message.get("data", {})
        if message["type"] == "diarization_speaker_start":
            assert data["speaker"] not in opened
            opened[data["speaker"]] = data["timestamp"]
        elif message["type"] == "diarization_speaker_end":
            turns.append((opened.pop(data["speaker"]), data["timestamp"], data["speaker"]))
    assert not opened
    assert all(start < end for start, end, _ in turns)
    return turns


def test_plain_stream(client: httpx.Client, ada: np.ndarray) -> None:
    """As the hosted service: no body, only starts and ends, three keys, a shorter last frame, 1000 at the end."""
    stream = Stream(client)
    stream.send(ada[: 3 * RATE + 400])
    while (running := client.get(f"/v1/live/{stream.id}").json())["status"] == "created":
        assert stream.socket.connected  # it is noted a moment after the first frame
    assert (running["status"], running["completedAt"], running["input"]) == ("running", None, {})
    assert stream.end() == 1000
    turns = paired(stream)
    assert turns
    assert {speaker for _, _, speaker in turns} == {"SPEAKER_00"}
    assert {frozenset(message["data"]) for message in stream.received} == {frozenset({"timestamp", "speaker"})}
    state = stream.state()
    assert (state["status"], state["error"], state["seconds"]) == ("done", None, 3.025)
    assert state["startedAt"] < state["completedAt"]
    usage = client.get("/v1/usage").json()
    assert any(row["type"] == "live" and row["seconds"] >= 3 for row in usage["keys"])


def test_names(client: httpx.Client, engine: Engine, ada: np.ndarray) -> None:
    """A voiceprint makes names: tentative, then confirmed; a person's word stands; what was asked for is shown."""
    asked = {
        "voiceprints": [{"label": name, "voiceprint": str(engine.voiceprint(voice(name)))} for name in ("Ada", "Ben")],
        "partial": True,
        "revisions": True,
    }
    stream = Stream(client, asked)
    stream.send(ada)
    found = stream.until("speaker_name", status="confirmed")
    assert found["match"] == "Ada"
    assert found["confidence"] >= 50
    stream.socket.send(json.dumps({"type": "name_speaker", "speaker": found["speaker"], "name": "Ada L."}))
    assert stream.end() == 1000
    told = stream.of("speaker_name")
    assert told[0]["status"] == "tentative"
    assert (told[-1]["match"], told[-1]["confidence"], told[-1]["status"]) == ("Ada L.", 100, "confirmed")
    assert {data["match"] for data in stream.of("diarization_speaker_end")} <= {"Ada", "Ada L."}
    partial = stream.of("diarization_partial")
    assert [row["timestamp"] for row in partial][:4] == [1.0, 2.0, 3.0, 4.0]
    shown = stream.state()["input"]
    assert shown == {"partial": True, "revisions": True, "voiceprints": ["Ada", "Ben"]}


def test_kept(server: Server, client: httpx.Client, engine: Engine, ada: np.ndarray) -> None:
    """The sound becomes a recording, heard again, with the name that a person gave; that of a lost client too."""
    asked = {"keep": True, "title": "Of a stream", "tags": ["live"]}
    lost = Stream(client, asked)
    lost.send(ada)
    lost.until("diarization_speaker_start")
    lost.socket.sock.close()
    stream = Stream(client, asked)
    stream.send(ada)
    speaker = stream.until("diarization_speaker_start")["speaker"]
    stream.socket.send(json.dumps({"type": "name_speaker", "speaker": speaker, "name": "Grace of the stream"}))
    assert stream.end() == 1000
    assert [data["match"] for data in stream.of("speaker_name")] == ["Grace of the stream"]
    assert stream.of("kept") == [{"jobId": stream.id}]
    assert stream.state()["jobId"] == stream.id
    job = finished(client, stream.id)
    assert (job["status"], job["title"], job["tags"], job["source"]) == ("succeeded", "Of a stream", ["live"], "api")
    assert job["duration"] == pytest.approx(4.9, abs=0.001)
    deadline = time.monotonic() + ENOUGH
    while not (result := client.get(f"/v1/jobs/{stream.id}").json())["revision"]:  # a moment after the job has ended
        assert time.monotonic() < deadline
    assert {turn["match"] for turn in result["output"]["identification"]} == {"Grace of the stream"}
    assert result["output"]["voiceprints"][0]["decided"]
    assert lost.state()["error"]
    assert finished(client, lost.state()["jobId"])["duration"] > 1
    with server.client(server.run("keys", "create", "live-only", "--scope", "stream:write")) as only:
        assert only.post("/v1/live", json={"keep": True}).status_code == 403


def test_other_sound(client: httpx.Client, ada: np.ndarray) -> None:
    """Whole numbers at 48 kHz are heard as floats at 16 kHz are."""
    stream = Stream(client, {"sampleRate": 48_000, "encoding": "pcm_s16le"})
    sound = np.repeat(ada[: 3 * RATE], 3)
    for begin in range(0, sound.size, 4_800):
        stream.socket.send_binary((sound[begin : begin + 4_800] * 32_767).astype("<i2").tobytes())
    assert stream.end() == 1000
    assert paired(stream)


def opus(sound: np.ndarray, container: str) -> bytes:
    """A file as browsers record it."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as written:
        track = written.add_stream("libopus", rate=48_000)
        track.layout = "mono"
        whole = (sound * 32_767).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(whole, format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
        for part in [*av.AudioResampler("s16", "mono", 48_000).resample(frame), None]:
            written.mux(track.encode(part))
    return file.getvalue()


@pytest.mark.parametrize("container", ["webm", "ogg"])
def test_opus(client: httpx.Client, ada: np.ndarray, container: str) -> None:
    """Pieces of any size of what browsers record are heard as they come."""
    stream = Stream(client, {"encoding": "opus"})
    file = opus(ada[: 4 * RATE], container)
    half = len(file) // 2
    for begin in range(0, half, 777):
        stream.socket.send_binary(file[begin : min(half, begin + 777)])
    stream.until("diarization_speaker_start")
    stream.socket.send_binary(file[half:])
    assert stream.end() == 1000
    assert paired(stream)
    assert stream.state()["seconds"] == pytest.approx(4, abs=0.03)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        pytest.param(b"hello, this is no sound", "WebM or Ogg with one track of Opus", id="text"),
        pytest.param(b"\x1aE\xdf\xa3" + b"\xff" * 5_000, "WebM or Ogg with one track of Opus", id="damaged"),
        pytest.param(wav(bytes(64_000), rate=RATE), "WebM or Ogg with one track of Opus", id="another format"),
    ],
)
def test_opus_that_is_none(client: httpx.Client, sent: bytes, said: str) -> None:
    stream = Stream(client, {"encoding": "opus"})
    stream.socket.send_binary(sent)
    assert stream.closed() == 1008
    assert [said in error for error in stream.errors] == [True]


@pytest.mark.parametrize(
    ("sent", "code", "said"),
    [
        pytest.param([b"\0" * 6_404], 1008, "Invalid chunk size", id="longer"),
        pytest.param([b"\0" * 6_399], 1008, "Invalid chunk size", id="no whole samples"),
        pytest.param([b""], 1008, "Invalid chunk size", id="empty"),
        pytest.param([b"\0" * 6_396, b"\0" * 6_400], 1008, "after a shorter one", id="short, then more"),
        pytest.param(["hello"], 1008, "Unknown message", id="no JSON"),
        pytest.param(['{"type": "start"}'], 1008, "Unknown message", id="unknown type"),
        pytest.param(['["end_of_stream"]'], 1008, "Unknown message", id="no object"),
        pytest.param(['{"type": "name_speaker", "speaker": "SPEAKER_00", "name": 7}'], 1008, "takes a name", id="name"),
        pytest.param([b"\0" * 6_400] * 55, 1008, "ahead of time", id="faster than time"),
        pytest.param([b"\0" * 70_000], 1009, None, id="above 64 KiB"),
        pytest.param(["x" * 70_000], 1009, None, id="text above 64 KiB"),
    ],
)
def test_refused(client: httpx.Client, sent: list[bytes | str], code: int, said: str | None) -> None:
    stream = Stream(client)
    try:
        for item in sent:
            stream.socket.send(item) if isinstance(item, str) else stream.socket.send_binary(item)
    except OSError:
        assert code == 1009
    # What is too large is not read to its end, so the code may not arrive.
    assert stream.closed() in ({code, 1006} if code == 1009 else {code})
    assert [said in error for error in stream.errors] == [True] if said else not stream.errors
    state = stream.state()
    assert state["status"] == "error"
    assert (said or "went away") in state["error"]


def test_harmless(client: httpx.Client) -> None:
    """The end before any sound, what is not a number, a name for nobody: nothing is told, and nothing breaks."""
    stream = Stream(client)
    stream.socket.send(json.dumps({"type": "name_speaker", "speaker": "SPEAKER_07", "name": "Ada"}))
    stream.send(np.full(RATE, np.nan, np.float32))
    stream.send(np.full(RATE, np.inf, np.float32))
    assert stream.end() == 1000
    assert [message["type"] for message in stream.received] == ["refused"]
    silent = Stream(client)
    assert silent.end() == 1000
    assert not silent.received


def test_end_is_told_before_an_error(client: httpx.Client, ada: np.ndarray) -> None:
    """A client that breaks a rule while somebody speaks is told the end of the turn, then why."""
    stream = Stream(client)
    stream.send(ada[: 2 * RATE])
    stream.until("diarization_speaker_start")
    stream.socket.send_binary(b"\0")
    assert stream.closed() == 1008
    assert paired(stream)
    assert [message["type"] for message in stream.received][-1] == "error"


def test_idle_and_gone(client: httpx.Client, ada: np.ndarray) -> None:
    """No sound for 5 s ends a stream; so does a connection that is lost, unless it may be taken up again."""
    idle, lost, resumed = Stream(client), Stream(client), Stream(client, {"resume": True})
    for stream in (idle, lost, resumed):
        stream.send(ada[: 2 * RATE])
    lost.socket.sock.close()
    resumed.socket.ping("still there")
    kind = 0
    while kind != websocket.ABNF.OPCODE_PONG:  # all that was sent before has arrived
        kind, _ = resumed.socket.recv_data(control_frame=True)
    resumed.socket.sock.close()
    assert lost.state()["status"] == "error"
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        resumed.socket = resumed.connect()
        first = resumed.next()
        if first["type"] == "resumed":
            break
        time.sleep(0.05)
    assert first == {"type": "resumed", "data": {"timestamp": 2.0}}
    resumed.send(ada[2 * RATE : 3 * RATE])
    assert resumed.end() == 1000
    assert resumed.state()["seconds"] == 3.0
    assert idle.closed() == 1008
    assert idle.errors == ["No audio for 5 seconds"]
    paired(idle)


def test_tokens(client: httpx.Client) -> None:
    """A token opens one stream, once; other teams know nothing of it."""
    stream = Stream(client)
    stream.socket.send(json.dumps({"type": "name_speaker", "speaker": "SPEAKER_00", "name": "Ada"}))
    assert stream.next()["type"] == "refused"  # so it is open
    for url, said in ((stream.url, "used already"), (stream.url[:-3] + "abc", "opens no stream")):
        again = Stream.__new__(Stream)
        again.url, again.received = url, []
        again.socket = again.connect()
        assert again.closed() == 1008
        assert [said in error for error in again.errors] == [True], again.errors
    assert stream.end() == 1000


def test_rest(server: Server, client: httpx.Client) -> None:
    """Scopes, other teams, and what cannot be asked for."""
    stream = client.post("/v1/live").json()
    assert stream["url"].startswith(server.address.replace("http", "ws"))
    assert client.get(f"/v1/live/{stream['id']}").json()["status"] == "created"
    assert client.get(f"/v1/live/{UNKNOWN}").status_code == 404
    reader = server.run("keys", "create", "live-reader", "--scope", "stream:read")
    others = server.run("keys", "create", "live-others", "--team", "live-others")
    with server.client(reader) as reading, server.client(others) as other:
        assert reading.get(f"/v1/live/{stream['id']}").status_code == 200
        assert reading.post("/v1/live").status_code == 403
        assert other.get(f"/v1/live/{stream['id']}").status_code == 404
    wrong = {
        "sampleRate": 11_025,
        "encoding": "mp3",
        "maxSpeakers": 0,
        "threshold": 101,
        "partial": "yes",
        "voiceprints": [{"label": "Ada", "voiceprint": "AAAA"}],
        "speakers": [UNKNOWN],
    }
    answer = client.post("/v1/live", json={"encoding": "opus", "resume": True})
    assert [fault["field"] for fault in answer.json()["errors"]] == ["resume"]
    for field, value in wrong.items():
        answer = client.post("/v1/live", json={field: value})
        assert answer.status_code == 400, field
        assert answer.json()["errors"][0]["field"].startswith(field)
    assert "madeUp" in client.post("/v1/live", json={"madeUp": 1}).json()["warning"]


def test_as_many_as_a_team_may_have(server: Server) -> None:
    """The eleventh stream of a team is refused; other teams are not disturbed."""
    key = server.run("keys", "create", "live-many", "--team", "live-many")
    with server.client(key) as many:
        streams = [Stream(many) for _ in range(10)]
        deadline = time.monotonic() + ENOUGH
        for stream in streams:  # that it runs is noted just after its client is connected
            while many.get(f"/v1/live/{stream.id}").json()["status"] != "running":
                assert time.monotonic() < deadline
        assert many.post("/v1/live").status_code == 429
        assert streams[0].end() == 1000
        assert streams[0].state()["status"] == "done"
        assert Stream(many).end() == 1000
        with ThreadPoolExecutor(9) as pool:
            # Those that a slow machine let wait for 5 s without sound have ended already.
            assert set(pool.map(Stream.end, streams[1:])) <= {1000, 1008}


def test_connections_that_send_nothing(server: Server, client: httpx.Client, ada: np.ndarray) -> None:
    """Hundreds of them keep nobody from being heard."""
    address = (httpx.URL(server.address).host, server.port)
    silent = [socket.create_connection(address) for _ in range(400)]
    try:
        stream = Stream(client)
        stream.send(ada[: 2 * RATE])
        assert stream.end() == 1000
        assert paired(stream)
    finally:
        for one in silent:
            one.close()


def test_process_that_hears_dies(server: Server, client: httpx.Client) -> None:
    """Labels and what was said stay, and the stream goes on: what it lost is asked again."""
    conversation = samples(CONVERSATION, 4.9)
    stream = Stream(client)
    stream.send(conversation[: 2 * RATE])
    stream.until("diarization_speaker_start")
    api = server.parts("api")[0]
    hearers = Path(f"/proc/{api}/task/{api}/children").read_text("ascii").split()
    os.kill(int(hearers[0]), signal.SIGKILL)
    for begin in range(2 * RATE, conversation.size, FRAME):
        stream.socket.send_binary(conversation[begin : begin + FRAME].astype("<f4").tobytes())
    assert stream.end() == 1000
    assert stream.of("diarization_speaker_end")
    assert stream.state()["seconds"] >= 4.9
    paired(stream)
