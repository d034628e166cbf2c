"""Somebody else's server for tests: a real one on this machine that holds recordings and receives webhooks."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LOOPBACK = "127.0.0.0/8,::1/128"


class Far(ThreadingHTTPServer):
    """Answers by `routes`, and remembers connections and requests."""

    daemon_threads = False

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.routes: dict[str, Callable[[FarRequest], object]] = {}
        self.requests: list[FarRequest] = []
        self.came = threading.Condition()
        self.connections = 0
        self.drops = False
        self.ended = threading.Event()
        super().__init__((host, port), FarRequest)
        self.address = f"{host}:{self.server_port}"
        self.url = f"http://{self.address}"

    def of(self, path: str) -> list[FarRequest]:
        """The requests for a path that have come so far."""
        return [request for request in self.requests if request.path == path]

    def wait(self, path: str, number: int = 1, seconds: float = 30.0) -> list[FarRequest]:
        """Wait until so many requests for a path have come; return all that have."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.of(path)) >= number, seconds), (
                f"{len(self.of(path))} of {number} requests for {path} came within {seconds:g} s"
            )
            return self.of(path)

    def finish_request(self, request, client_address):
        self.connections += 1
        if not self.drops:
            super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        """Clients that give up are what these tests are about."""


class FarRequest(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Far
    body = b""

    def do_GET(self):
        self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
        with self.server.came:
            self.server.requests.append(self)
            self.server.came.notify_all()
        self.server.routes[self.path.partition("?")[0]](self)
        self.close_connection |= self.server.ended.is_set()

    do_POST = do_GET  # noqa: N815

    def answer(self, status=200, body=b"", **headers):
        self.send_response(status)
        for name, value in {"content_length": len(body), **headers}.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):  # noqa: A002
        """Keep quiet."""


@contextmanager
def far_server(host: str = "127.0.0.1", port: int = 0, certificate: tuple[Path, Path] | None = None) -> Iterator[Far]:
    """Run one, by TLS if it is given a certificate and its key."""
    with Far(host, port) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            server.url = f"https://{server.address}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Make a certificate by nobody for 127.0.0.1, and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", "/CN=far", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run([*command, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    return certificate, key


def redirect(to: str, status: int = 302):
    """A route that sends on to another address."""
    return lambda request: request.answer(status, location=to)


def hops(far: Far, number: int, status: int = 302) -> str:
    """Make routes that redirect so many times before they answer; return the first address."""
    far.routes["/0"] = lambda request: request.answer()
    for left in range(1, number + 1):
        far.routes[f"/{left}"] = redirect(f"/{left - 1}", status)
    return f"{far.url}/{number}"


def free_address() -> str:
    """An address that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"
