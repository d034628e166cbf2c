"""An S3 server for a fleet, as two programs: what keeps the objects, and the way to it, which may be killed.

The server is moto's, which keeps objects in memory and so cannot itself be killed without losing them, as no disk
would. Killing the way to it looks the same to who asks: connections break off, and new ones are refused.

Run as a program with a port and `way` or `store`; the store has the port after it.
"""

import asyncio
import signal
import sys
import threading
import time

import httpx
from moto.server import ThreadedMotoServer

BUCKET = "recordings"
_HOST = "127.0.0.1"
_CHUNK = 1 << 16  # bytes
_TRIES = 200


def settings(port: int) -> dict[str, str]:
    """What a server of Timbre is told to keep its media there, by way of this port."""
    return {
        "AWS_ENDPOINT_URL": f"http://{_HOST}:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "someone",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "NO_PROXY": _HOST,
        "TIMBRE_STORAGE_URL": f"s3://{BUCKET}/timbre",
        "TIMBRE_STORAGE_LINKS": "false",
    }


def _store(port: int) -> None:
    server = ThreadedMotoServer(ip_address=_HOST, port=port, verbose=False)
    server.start()
    httpx.put(f"http://{_HOST}:{port}/{BUCKET}", trust_env=False).raise_for_status()
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    over.wait()
    server.stop()


async def _way(port: int) -> None:
    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(_HOST, port + 1)
        await asyncio.gather(carry(reader, ours), carry(theirs, writer), return_exceptions=True)
        for end in (ours, writer):
            end.close()

    server = await asyncio.start_server(relay, _HOST, port, backlog=512)
    async with server:
        await server.serve_forever()


def wait(port: int) -> None:
    """Wait until the bucket is there."""
    for _ in range(_TRIES):
        try:
            if httpx.get(f"http://{_HOST}:{port}/{BUCKET}", trust_env=False).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the storage does not start")


if __name__ == "__main__":
    number, which = int(sys.argv[1]), sys.argv[2]
    if which == "store":
        _store(number + 1)
    else:
        asyncio.run(_way(number))
