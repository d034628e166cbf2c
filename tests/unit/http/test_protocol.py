"""Heads that take too long, on a bare uvicorn with our protocol."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any

import pytest
import uvicorn

from timbre.http import protocol


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await asyncio.sleep(0.5)  # longer than a head may take
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


async def said(begun: list[bytes]) -> bytes:
    """What a server says to a client that begins so, until it hangs up or answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, http=protocol.Protocol, lifespan="off", log_config=None, timeout_keep_alive=60)
        server = uvicorn.Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        answer = b""
        for part in begun:
            writer.write(part)
            answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        answer += await asyncio.wait_for(reader.read(65_536), 10) if b"408" in answer else b""
        writer.close()
        server.should_exit = True
        await running
    return answer


REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "begun", [[b""], [REQUEST[:10]], [REQUEST, REQUEST[:10]]], ids=["nothing", "half a head", "half a second head"]
)
def test_a_head_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, begun: list[bytes]) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    answer = asyncio.run(said(begun))
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert "send it again" in json.loads(answer.partition(b"\r\n\r\n")[2])["message"]


def test_an_answer_may_take_longer_than_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    assert asyncio.run(said([REQUEST, REQUEST])).startswith(b"HTTP/1.1 204 ")
