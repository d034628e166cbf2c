"""Requests as bytes, for what no client would send, and a look at their answers."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from server import OWN_HOST, Server

UNKNOWN = "8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52"
MIB = 1 << 20
LIMIT = MIB  # bytes of an upload to the small server
LINK_SECONDS = 4  # that its links are valid
SUBMITS, READS = 5, 8  # requests a minute that it allows
RATES = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
GOOD = b'{"url":"media://hostile/nothing"}'
ADA = {"label": "Ada", "voiceprint": "Zm9v"}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        return json.loads(self.body)


class Line:
    """A connection on which anything can be sent."""

    def __init__(self, server: Server) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        self._reader = self.socket.makefile("rb")

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._reader.close()
        self.socket.close()

    def send(self, data: bytes) -> Line:
        self.socket.sendall(data)
        return self

    def answer(self, *, head: bool = False) -> Answer:
        """The next answer; `head` for one without a body."""
        status = int(self._reader.readline().split()[1])
        headers = {}
        while line := self._reader.readline().strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        length = 0 if head else int(headers.get("content-length", 0))
        return Answer(status, headers, self._reader.read(length))

    def ended(self) -> bool:
        """Whether the server hung up, and said nothing more."""
        return self._reader.read() == b""


def request(method: str, path: str | bytes, headers: dict[str, str | bytes] | None = None, body: bytes = b"") -> bytes:
    """The bytes of a request, as they are: nothing is checked or escaped."""
    target = path if isinstance(path, bytes) else path.encode()
    fields = {"Host": OWN_HOST, **({"Content-Length": str(len(body))} if body else {}), **(headers or {})}
    head = [method.encode() + b" " + target + b" HTTP/1.1"]
    head += [b"%s: %s" % (n.encode(), v if isinstance(v, bytes) else v.encode()) for n, v in fields.items()]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def ask(
    server: Server, method: str, path: str | bytes, headers: dict[str, str | bytes] | None = None, body: bytes = b""
) -> Answer:
    """Send a request with the key and take its answer."""
    with Line(server) as line:
        line.send(request(method, path, {"Authorization": f"Bearer {server.key}", **(headers or {})}, body))
        return line.answer(head=method == "HEAD")


def check(answer: Answer, *, head: bool = False) -> Answer:
    """Make sure that an answer is one of this server: JSON, with its request's id, and without its inside."""
    assert answer.headers["content-type"] == "application/json"
    UUID(answer.headers["x-request-id"])
    assert "location" not in answer.headers
    if answer.status >= 400 and not head:
        said = answer.said
        if "error" in said:  # in OpenAI's shape
            assert set(said) == {"error"}
            assert set(said["error"]) == {"message", "type", "param", "code"}
            assert said["error"]["message"]
            return answer
        assert said["message"]
        if answer.status == 400:
            assert set(said) == {"message", "errors"}
            assert all(set(error) == {"field", "message"} for error in said["errors"])
        else:
            assert said == {"requestId": answer.headers["x-request-id"], "message": said["message"]}
    assert not re.search(rb"<html|Traceback|File \"|/site-packages/|psycopg|pydantic", answer.body)
    return answer


def refused(answer: Answer, field: str) -> None:
    assert check(answer).status == 400, answer
    assert field in {error["field"] for error in answer.said["errors"]}, answer


def fresh(server: Server, team: str) -> str:
    """A key of a team of its own, whose requests were not counted yet."""
    return server.run("keys", "create", "hostile", "--team", team).split()[-1]


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
