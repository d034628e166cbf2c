"""An API that is told to stop goes on for a while, and says that it is not ready."""

from __future__ import annotations

import signal
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
from fastapi import FastAPI

from timbre.http.server import Server


def test_it_is_drained_and_stops_at_the_second_signal() -> None:
    app = FastAPI()
    app.state.draining = False

    @app.get("/")
    async def answer() -> bool:
        return bool(app.state.draining)

    server = Server(app, stop_seconds=1, drain_seconds=3600)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        running = pool.submit(server.run, sockets=[listener])
        assert httpx.get(address).json() is False
        server.handle_exit(signal.SIGTERM, None)
        assert httpx.get(address).json() is True
        server.handle_exit(signal.SIGTERM, None)
        running.result(30)


def test_it_stops_by_itself_when_it_is_drained() -> None:
    app = FastAPI()
    server = Server(app, stop_seconds=1, drain_seconds=0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:
        running = pool.submit(server.run, sockets=[listener])
        assert httpx.get(f"http://127.0.0.1:{listener.getsockname()[1]}").status_code == 404
        server.handle_exit(signal.SIGTERM, None)
        running.result(30)
