"""One stream on its connection: takes frames, answers with events, and ends in a way that its client can know.

What comes is read at once and put aside, so that pings are answered and rules about time hold while models work.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import structlog

from timbre.audio.recording import SAMPLE_RATE
from timbre.errors import FrameRefused, OptionError, StreamBroken, TimbreError
from timbre.service.live.frames import Frames
from timbre.service.live.messages import message

if TYPE_CHECKING:
    from uuid import UUID

    from numpy.typing import NDArray

    from timbre.live.events import Event
    from timbre.service.live.opus import OpusDecoder
    from timbre.service.live.recorder import Recorder, Recordings
    from timbre.service.live.session import Session
    from timbre.service.live.streams import OpenStream

_log: Final = structlog.get_logger("timbre.live")
AHEAD: Final = 5.0  # seconds of sound beyond the time since the stream began
IDLE: Final = 5.0  # seconds without sound
BEHIND: Final = 15.0  # seconds of sound that were not heard yet, from which the server gives up
RESUME: Final = 10.0  # seconds that a stream waits for its client to come back
_WRITE: Final = 10.0  # seconds that a client may leave a message unread
DONE, VIOLATED, BROKEN, STOPPING = 1000, 1008, 1011, 1012  # close codes
_END: Final = "end_of_stream"
_NAME: Final = "name_speaker"


class Socket(Protocol):
    """A WebSocket."""

    async def receive(self) -> Mapping[str, Any] | None:
        """Return the next message with `bytes` or `text`; None when the client is gone."""

    async def send(self, text: str) -> None:
        """Send a message."""

    async def close(self, code: int, reason: str) -> None:
        """Say good-bye."""


class Connection:
    """A stream and the connection that it has now."""

    def __init__(
        self,
        opened: OpenStream,
        session: Session,
        *,
        longest: float,
        opus: OpusDecoder | None,
        recorder: Recorder | None,
        recordings: Recordings,
    ) -> None:
        self.opened = opened
        self._session = session
        self._longest = longest
        self._recorder = recorder
        self._recordings = recordings
        self._frames = Frames(opened.request)
        self._opus = opus
        self._waiting: deque[NDArray[np.float32]] = deque()
        self._said: deque[tuple[str, str | None]] = deque()  # by a person, of voices
        self._more = asyncio.Event()
        self._received = 0  # samples at 16 kHz
        self._began = time.monotonic()
        self._ended = False  # nothing more comes
        self._fault: StreamBroken | None = None
        self._unsent: list[str] = []
        self._socket: Socket | None = None
        self._one_at_a_time = asyncio.Lock()
        self.taken = False  # by a client that has come back, and is heard next

    @property
    def seconds(self) -> float:
        """How much was heard."""
        return self._session.seconds

    @property
    def fault(self) -> str | None:
        """Why it ended, if not as its client wanted."""
        return None if self._fault is None else str(self._fault)

    @property
    def behind(self) -> float:
        """Seconds of sound that wait to be heard."""
        return max(0.0, self._received / SAMPLE_RATE - self.seconds)

    @property
    def resumable(self) -> bool:
        """Whether it waits for its client to come back."""
        return self.opened.request.resume and self._socket is None and not (self._ended or self.taken)

    def take(self) -> None:
        """Wait for nobody else: the client has come back."""
        self.taken = True

    def stop(self) -> None:
        """End because the server does."""
        self._break(StreamBroken("The server is stopping; connect again", code=STOPPING))

    async def run(self, socket: Socket, *, again: bool = False) -> str | None:
        """Hear a stream until it ends, or its connection does; return why, if not as its client wanted."""
        async with self._one_at_a_time:  # what came over the connection before is heard first
            self._socket, self.taken = socket, False
            return await self._run(socket, again=again)

    async def _run(self, socket: Socket, *, again: bool) -> str | None:
        self._began = time.monotonic() - self._received / SAMPLE_RATE
        if again:
            await self._send({"type": "resumed", "data": {"timestamp": round(self._received / SAMPLE_RATE, 3)}})
            for text in self._unsent[:]:
                await self._write(text)
            self._unsent.clear()
        readers = [asyncio.create_task(self._read(socket))]
        if self._opus is not None:
            readers.append(asyncio.create_task(self._decode(self._opus)))
        try:
            await self._hear()
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
            if self._opus is not None:
                self._opus.close()
        if self._socket is None:
            return "The client went away"
        if (job := await self.keep()) is not None:
            await self._send({"type": "kept", "data": {"jobId": str(job)}})
        fault = self._fault
        if fault is not None:
            await self._send({"type": "error", "message": str(fault)})
        try:
            async with asyncio.timeout(_WRITE):
                await socket.close(DONE if fault is None else fault.code, "" if fault is None else str(fault)[:100])
        except (TimeoutError, OSError, RuntimeError):
            self._socket = None
        return None if fault is None else str(fault)

    def cut(self) -> None:
        """End a stream whose client did not come back."""
        self._ended = True

    async def keep(self) -> UUID | None:
        """Make a job of what was recorded, once; return its id."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return None
        try:
            return await self._recordings.keep(self.opened, recorder, self._session.said)
        except TimbreError as error:
            self._fault = self._fault or StreamBroken(f"The recording is not kept. {error}", code=BROKEN)
        except Exception:  # noqa: BLE001 - whatever it is, the stream ends as it would
            _log.exception("a stream was not kept", stream=str(self.opened.id))
            self._fault = self._fault or StreamBroken("The recording is not kept: a fault of the server", code=BROKEN)
        finally:
            recorder.close()
        return None

    async def _read(self, socket: Socket) -> None:
        last = time.monotonic()
        while not self._ended:
            try:
                async with asyncio.timeout(last + IDLE - time.monotonic()):
                    came = await socket.receive()
            except TimeoutError:
                self._break(StreamBroken(f"No audio for {IDLE:g} seconds", code=VIOLATED))
                return
            if came is None:
                self._socket = None
                self._ended = not self.opened.request.resume
                self._more.set()
                return
            try:
                if came.get("bytes") is not None:
                    await self._take(came["bytes"])
                    last = time.monotonic()
                else:
                    self._command(came.get("text") or "")
            except FrameRefused as error:
                self._break(StreamBroken(str(error), code=VIOLATED))
            except StreamBroken as error:
                self._break(error)

    async def _decode(self, opus: OpusDecoder) -> None:
        try:
            async for samples in opus.sound():
                self._put(samples)
            self._ended = True
            self._more.set()
        except FrameRefused as error:
            self._break(StreamBroken(str(error), code=VIOLATED))
        except StreamBroken as error:
            self._break(error)

    async def _take(self, frame: bytes) -> None:
        if self._opus is not None:
            await self._opus.feed(frame)
        else:
            self._put(self._frames.read(frame))

    def _put(self, samples: NDArray[np.float32]) -> None:
        self._received += samples.size
        self._waiting.append(samples)
        if self._recorder is not None:
            self._recorder.take(samples)
        self._more.set()
        if self._received / SAMPLE_RATE - (time.monotonic() - self._began) > AHEAD:
            raise StreamBroken(f"Audio is more than {AHEAD:g} seconds ahead of time", code=VIOLATED)
        if self._received / SAMPLE_RATE > self._longest:
            raise StreamBroken(f"A stream is at most {self._longest / 3600:g} hours long", code=VIOLATED)
        if self.behind > BEHIND:
            raise StreamBroken("The server hears too many streams to keep up", code=BROKEN)

    def _command(self, text: str) -> None:
        try:
            command = json.loads(text)
        except ValueError:
            command = None
        kind = command.get("type") if isinstance(command, dict) else None
        if kind == _END:
            if self._opus is not None:
                self._opus.end()  # what it has still to say is waited for
            else:
                self._put(self._frames.end())
                self._ended = True
        elif kind == _NAME and isinstance(command.get("speaker"), str):
            name = command.get("name")
            if not (name is None or isinstance(name, str)):
                raise StreamBroken("name_speaker takes a name, or null", code=VIOLATED)
            self._said.append((command["speaker"], name))
        else:
            raise StreamBroken(f"Unknown message; a stream takes sound, {_END} and {_NAME}", code=VIOLATED)
        self._more.set()

    def _break(self, fault: StreamBroken) -> None:
        """End for a reason; what waits is not heard any more."""
        if not self._ended:
            self._fault = fault
            self._ended = True
            self._waiting.clear()
            self._more.set()

    async def _hear(self) -> None:
        try:
            while True:
                while not (self._waiting or self._said or self._ended or self._socket is None):
                    self._more.clear()
                    await self._more.wait()
                while self._waiting or self._said:
                    await self._tell(await self._next())
                    if self._recorder is not None and self._recorder.due:
                        await self._recorder.write()
                if self._ended:
                    await self._tell(await self._session.finish())
                    return
                if self._socket is None:
                    return
        except TimbreError as error:  # nothing can be heard at the moment, or written
            self._fault, self._ended = StreamBroken(str(error), code=BROKEN), True
        except Exception:  # noqa: BLE001 - whatever it is, its client is told, and nobody else disturbed
            _log.exception("a stream broke", stream=str(self.opened.id))
            self._fault, self._ended = StreamBroken("This is a fault of the server", code=BROKEN), True
        await self._tell(self._session.cut())

    async def _next(self) -> list[Event]:
        """Hear the next sound; what a person says does not wait behind it."""
        if not self._said:
            return await self._session.push(self._waiting.popleft())
        try:
            return self._session.name(*self._said.popleft())
        except OptionError as error:
            await self._send({"type": "refused", "message": str(error)})
            return []

    async def _tell(self, events: list[Event]) -> None:
        if self._recorder is not None:
            self._recorder.told(events)
        for event in events:
            if (said := message(event, self.opened.request)) is not None:
                await self._send(said)

    async def _send(self, said: dict[str, Any]) -> None:
        text = json.dumps(said, separators=(",", ":"), ensure_ascii=False)
        if self._socket is None:
            if self.opened.request.resume:
                self._unsent.append(text)
            return
        await self._write(text)

    async def _write(self, text: str) -> None:
        if self._socket is None:
            return
        try:
            async with asyncio.timeout(_WRITE):
                await self._socket.send(text)
        except (TimeoutError, OSError, RuntimeError):  # it is gone, or never reads
            self._socket = None
            self._ended = not self.opened.request.resume
            self._more.set()
