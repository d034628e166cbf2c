"""Streams of one API on a real database: what comes back in the worst moment, and what is left when it stops."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from database import opened
from heard import Rooms, rooms
from people import MASTER_KEY

from live_client import samples
from server import CONVERSATION, voice
from timbre import Engine
from timbre.errors import StreamRefused
from timbre.service.keys.template_protection import Protection
from timbre.service.live.live import Live
from timbre.service.live.moving import Moving
from timbre.service.live.recorder import Recordings
from timbre.service.live.requests import StreamRequest
from timbre.service.live.streams import NewStream, Streams

FRAME = 1_600
RATE = 16_000
SILENCE = np.zeros(FRAME, "<f4").tobytes()


class Line:
    """A client's end of a connection: what it sends is read in order, and what it is told is kept."""

    def __init__(self) -> None:
        self._sent: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        self._told: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.code: int | None = None

    def send(self, frame: bytes) -> None:
        self._sent.put_nowait({"bytes": frame})

    def end(self) -> None:
        self._sent.put_nowait({"text": json.dumps({"type": "end_of_stream"})})

    def name(self, speaker: str, name: str) -> None:
        self._sent.put_nowait({"text": json.dumps({"type": "name_speaker", "speaker": speaker, "name": name})})

    def all(self) -> list[dict[str, Any]]:
        return [self._told.get_nowait() for _ in range(self._told.qsize())]

    def cut(self) -> None:
        self._sent.put_nowait(None)

    async def told(self, kind: str) -> dict[str, Any]:
        while (message := await self._told.get())["type"] != kind:
            pass
        return message

    async def receive(self) -> Mapping[str, Any] | None:
        return await self._sent.get()

    async def send_text(self, text: str) -> None:
        self._told.put_nowait(json.loads(text))

    async def close(self, code: int, reason: str) -> None:
        del reason
        self.code = code


class Socket:
    """The server's end of it."""

    def __init__(self, line: Line) -> None:
        self.receive, self.send, self.close = line.receive, line.send_text, line.close


class Hearers:
    """Answers in this process, once it may."""

    restarts = 0

    def __init__(self, engine: Engine) -> None:
        self._hearing = engine.hearing()
        self.may = asyncio.Event()
        self.may.set()
        self.asked = asyncio.Event()

    async def ask(self, team: UUID, space: str, question: Any) -> Any:
        del team, space
        self.asked.set()
        await self.may.wait()
        return self._hearing.answer([question])[0]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("base")


@pytest.fixture
def run(
    url: str, tmp_path: Path, engine: Engine
) -> Callable[[Callable[[Rooms, Live, Hearers], Awaitable[None]]], None]:
    """Runs a test's body with the streams of an API on a database of its own."""

    def run(act: Callable[[Rooms, Live, Hearers], Awaitable[None]]) -> None:
        async def body() -> None:
            async with opened(url, tmp_path / "data", master_key=MASTER_KEY) as here:
                people, hearers = rooms(here), Hearers(engine)
                live = api(people, hearers)
                await act(people, live, hearers)

        asyncio.run(body())

    return run


def api(people: Rooms, hearers: Hearers) -> Live:
    here = people.here
    streams = Streams(here.database, here.usage, people.gallery, here.settings)
    moving = Moving(streams, here.storage, Protection(here.database, here.settings))
    live = Live(streams, Recordings(here.media, here.jobs), moving, people.candidates, here.settings)
    live.hearers = hearers  # type: ignore[assignment]
    return live


async def made(people: Rooms, live: Live, **asked: Any) -> NewStream:
    return await live.streams.create(people.here.caller, StreamRequest(**asked))


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0)


def test_a_client_comes_back_while_its_last_sound_is_heard(run):
    async def act(people: Rooms, live: Live, hearers: Hearers) -> None:
        stream = await made(people, live, resume=True)
        first, second = Line(), Line()
        hearers.may.clear()
        before = asyncio.create_task(live.hear(stream.token, Socket(first)))
        first.send(SILENCE)
        await hearers.asked.wait()
        first.cut()
        [connection] = live.connections
        await until(lambda: connection.resumable)
        again = asyncio.create_task(live.hear(stream.token, Socket(second)))
        await until(lambda: connection.taken)
        hearers.may.set()
        assert (await second.told("resumed"))["data"] == {"timestamp": 0.1}
        await before
        second.send(SILENCE)
        second.end()
        await again
        assert second.code == 1000
        row = await live.streams.get(people.team, stream.id)
        assert (row["status"], row["error"], row["seconds"]) == ("done", None, pytest.approx(0.2))

    run(act)


def test_what_is_kept_is_kept_when_the_server_stops(run):
    async def act(people: Rooms, live: Live, hearers: Hearers) -> None:
        stream = await made(people, live, keep=True, title="Cut short")
        line, sound = Line(), samples(voice("Ada"), 2)
        hearing = asyncio.create_task(live.hear(stream.token, Socket(line)))
        await sent_to(line, sound)
        await line.told("diarization_speaker_start")
        await live.end()
        await hearing
        assert (await line.told("kept"))["data"] == {"jobId": str(stream.id)}
        assert line.code == 1012
        job = await people.here.jobs.get(people.team, stream.id)
        assert (job["title"], job["status"]) == ("Cut short", "created")
        recording = await people.here.jobs.recording(people.team, stream.id)
        assert recording.bytes > 10_000

    run(act)


def test_a_stream_goes_on_in_another_process_when_its_own_stops(run):
    """Labels, names, turns and times are those that it would have had; of what was left, nothing is kept."""

    async def act(people: Rooms, live: Live, hearers: Hearers) -> None:
        stream = await made(people, live, resume=True)
        first, second = Line(), Line()
        talk = samples(CONVERSATION, 9)  # Ada, then Ben
        hearing = asyncio.create_task(live.hear(stream.token, Socket(first)))
        sent = await sent_to(first, talk[: 4 * RATE])
        speaker = (await first.told("diarization_speaker_start"))["data"]["speaker"]
        first.name(speaker, "Grace")
        await first.told("speaker_name")
        await live.end()
        await hearing
        assert first.code == 1012
        other = api(people, hearers)
        assert (await other.streams.get(people.team, stream.id))["status"] == "running"
        again = asyncio.create_task(other.hear(stream.token, Socket(second)))
        assert (await second.told("resumed"))["data"] == {"timestamp": sent}
        await sent_to(second, talk[4 * RATE :])
        second.end()
        await again
        assert second.code == 1000
        told = second.all()
        assert {one["data"]["speaker"] for one in told if "speaker" in one.get("data", {})} == {speaker, "SPEAKER_01"}
        row = await other.streams.get(people.team, stream.id)
        assert (row["status"], row["seconds"]) == ("done", pytest.approx(9))
        assert not [path for path in (people.here.settings.data_dir / "media").rglob("*") if path.is_file()]
        with pytest.raises(StreamRefused, match="used already"):
            await other.hear(stream.token, Socket(Line()))

    run(act)


async def sent_to(line: Line, sound: np.ndarray) -> float:
    """Send sound, and return its seconds."""
    for begin in range(0, sound.size, FRAME):
        line.send(sound[begin : begin + FRAME].astype("<f4").tobytes())
    return sound.size / RATE
