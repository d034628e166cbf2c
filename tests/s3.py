"""An S3 server on this machine, for tests: moto's, in threads of this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from moto.server import ThreadedMotoServer


@dataclass(frozen=True)
class Bucket:
    """A bucket of the server; it asks for no credentials, so that tests can look behind the storage's back."""

    endpoint: str
    name: str

    @property
    def environment(self) -> dict[str, str]:
        """What the storage reads from the environment to reach the server."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "someone",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1",
        }

    def unfinished(self) -> int:
        """Count the uploads that were begun and neither finished nor aborted."""
        return self._request("GET", "?uploads").text.count("<Upload>")

    def plant(self, name: str, content: bytes) -> None:
        self._request("PUT", f"/{name}", content=content)

    def create(self) -> None:
        self._request("PUT")

    def remove(self) -> None:
        self._request("DELETE")

    def _request(self, method: str, rest: str = "", *, content: bytes = b"") -> httpx.Response:
        address = f"{self.endpoint}/{self.name}{rest}"
        return httpx.request(method, address, content=content, trust_env=False).raise_for_status()


@contextmanager
def running_s3() -> Iterator[str]:
    """Run the server on a free port and give its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()
