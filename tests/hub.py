"""A model hub for tests: a real HTTP server on this machine that answers as the hub does."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "9403a6902bb58e3d5ae8c7e77c3422de279db2e0"


class Hub(ThreadingHTTPServer):
    """Holds repositories and remembers what it was asked.

    Attributes:
        files: Content by `owner/name/path`.
        cut: Bytes after which every answer breaks off.
        hold: Makes every answer stop after its first byte, until it is set.
        held: Is set as soon as an answer stops.
        requests: `METHOD path` of every request.
        authorized: Whether any request carried credentials.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.cut: int | None = None
        self.hold: threading.Event | None = None
        self.held = threading.Event()
        self.requests: list[str] = []
        self.authorized = False

    @property
    def endpoint(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host}:{port}"


@contextmanager
def running_hub() -> Iterator[Hub]:
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def answer(self, *, body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(f"{self.command} {path}")
        self.server.authorized |= "Authorization" in self.headers
        if path.startswith("/api/models/"):
            self.send(self.tree(path), "application/json", body=body)
            return
        repository, _, place = path[1:].partition("/resolve/")
        revision, _, name = place.partition("/")
        content = self.server.files.get(f"{repository}/{name}")
        if content is None or revision not in {COMMIT, "main"}:
            self.send(b"", "text/plain", 404, body=body, code="EntryNotFound")
        else:
            self.send(content, "application/octet-stream", body=body)

    def tree(self, path: str) -> bytes:
        repository = "/".join(path.split("/")[3:5])
        return json.dumps(
            [
                {
                    "type": "file",
                    "path": name.removeprefix(f"{repository}/"),
                    "size": len(content),
                    "oid": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
                    "lfs": {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130},
                }
                for name, content in self.server.files.items()
                if name.startswith(f"{repository}/")
            ]
        ).encode()

    def send(self, content: bytes, kind: str, status: int = 200, *, body: bool, code: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if body and self.server.hold:
            self.wfile.write(content[:1])
            self.server.held.set()
            self.server.hold.wait()
            with suppress(ConnectionError):  # whoever asked may be gone
                self.wfile.write(content[1:])
        elif body:
            self.wfile.write(content[: self.server.cut])
            self.close_connection = self.server.cut is not None
