"""A client of live streams for tests: made, fed and listened to, with websocket-client."""

from __future__ import annotations

import json
import struct
import time
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import websocket

FRAME = 1_600  # samples
RATE = 16_000


def samples(path: Path, seconds: float, start: float = 0.0) -> np.ndarray:
    """Part of a recording, float32 at 16 kHz."""
    resample = av.AudioResampler("flt", "mono", RATE)
    with av.open(str(path)) as container:
        parts = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in resample.resample(frame)]
    return np.concatenate(parts)[round(start * RATE) : round((start + seconds) * RATE)]


OPENED: list[websocket.WebSocket] = []  # by all streams


class Stream:
    """A stream that was made and opened."""

    def __init__(self, client: httpx.Client, asked: dict[str, Any] | None = None) -> None:
        answer = client.post("/v1/live", json=asked) if asked else client.post("/v1/live")
        assert answer.status_code == 200, answer.text
        self.client = client
        self.id, self.url = answer.json()["id"], answer.json()["url"]
        self.received: list[dict[str, Any]] = []
        self.socket = self.connect()

    def connect(self) -> websocket.WebSocket:
        """Open the URL."""
        opened = websocket.create_connection(self.url, timeout=30)
        OPENED.append(opened)
        return opened

    def send(self, sound: np.ndarray) -> None:
        """Send sound in frames, the last of which may be shorter, as fast as it goes."""
        for begin in range(0, sound.size, FRAME):
            self.socket.send_binary(sound[begin : begin + FRAME].astype("<f4").tobytes())

    def end(self) -> int:
        """Say that this was all; return the code that the server closes with."""
        self.socket.send(json.dumps({"type": "end_of_stream"}))
        return self.closed()

    def closed(self) -> int:
        """Take what comes until the server closes; return its code."""
        while (message := self.next()) is not None:
            self.received.append(message)
        return self.code

    def next(self) -> dict[str, Any] | None:
        """The next message; None when the server has closed."""
        try:
            kind, data = self.socket.recv_data()
        except ConnectionResetError:  # it closed while more was on its way
            self.code = 1006
            return None
        if kind == websocket.ABNF.OPCODE_CLOSE:
            self.code = struct.unpack(">H", data[:2])[0]
            self.socket.shutdown()
            return None
        return json.loads(data)

    def until(self, kind: str, **data: Any) -> dict[str, Any]:
        """Take what comes up to a message with such data, and return that; silence is sent meanwhile."""
        self.socket.settimeout(1)
        while True:
            try:
                message = self.next()
            except websocket.WebSocketTimeoutException:
                self.send(np.zeros(FRAME, np.float32))
                continue
            assert message is not None, self.received
            self.received.append(message)
            if message["type"] == kind and data.items() <= message["data"].items():
                self.socket.settimeout(30)
                return message["data"]

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of all messages of a type."""
        return [message["data"] for message in self.received if message["type"] == kind]

    @property
    def errors(self) -> list[str]:
        """The texts of all errors."""
        return [message["message"] for message in self.received if message["type"] == "error"]

    def state(self) -> dict[str, Any]:
        """What the API says of it, once it says that it has ended."""
        deadline = time.monotonic() + 10
        while True:
            row = self.client.get(f"/v1/live/{self.id}").json()
            if row["status"] in ("done", "error") or time.monotonic() > deadline:
                return row
            time.sleep(0.05)
