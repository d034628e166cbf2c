"""A network of its own, whose name server says one thing first and another thing next: what is connected to?

Run in a new user, network and mount namespace, where there is nothing but a loopback interface; prints JSON.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import socket
import struct
import subprocess
import sys
import threading
from collections import Counter
from ipaddress import ip_address
from pathlib import Path

import httpx

from timbre.errors import DeliveryFailed
from timbre.service.outside.outgoing import outgoing_client, send
from timbre.settings import Settings

PUBLIC = "93.184.215.14"
FORBIDDEN = [
    *(f"127.{a}.{b}.{c}" for a in (0, 1, 255) for b in (0, 7, 255) for c in (1, 2, 53, 254)),
    *("0.0.0.1", "10.0.0.1", "10.255.255.254", "100.64.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.1"),
    *("192.0.0.1", "192.0.0.9", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.0.1", "192.168.255.254"),
    *("198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "100::1"),
    *("64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::192.0.0.170", "64:ff9b:1::1", "2001::1", "2001:db8::1"),
    *("2002:7f00:1::1", "2002:a00:1::1", "3fff::1", "5f00::1", "fc00::1", "fd00::1", "fe80::1", "fec0::1", "ff02::1"),
    *("2001:4860::5efe:127.0.0.1", "2001:4860::200:5efe:10.0.0.1"),
]
_LOOPBACK_UP = struct.pack("16sh", b"lo", 0x1 | 0x40)
_SIOCSIFFLAGS = 0x8914
_A, _AAAA = 1, 28


def name_server(asked: Counter[tuple[str, int]]) -> None:
    """Answer for ever: `later-N.test` is public at first and forbidden next, `now-N.test` forbidden from the start."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 53))
        while True:
            query, client = server.recvfrom(512)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1 : at + 1 + query[at]].decode())
                at += 1 + query[at]
            kind = int.from_bytes(query[at + 1 : at + 3], "big")
            when, _, number = labels[0].partition("-")
            address = ip_address(FORBIDDEN[int(number)])
            asked[labels[0], kind] += 1
            if when == "later" and asked[labels[0], kind] == 1:
                address = ip_address(PUBLIC)
            found = address.packed if kind == {4: _A, 6: _AAAA}[address.version] else b""
            answer = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(found)) + found if found else b""
            head = query[:2] + b"\x85\x80" + struct.pack(">HHHH", 1, int(bool(found)), 0, 0)
            server.sendto(head + query[12 : at + 5] + answer, client)


def connections() -> int:
    """Return how many TCP connections this network has begun."""
    names, values = [line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line.startswith("Tcp")]
    return int(values[names.index("ActiveOpens")])


async def told(hosts: list[str], networks: str = "") -> list[str]:
    """Send to each host; return what came of it, in words that do not name the host."""
    async with outgoing_client(Settings(allowed_networks=networks)) as client:
        return sorted({await _told(client, host) for host in hosts})


async def _told(client: httpx.AsyncClient, host: str) -> str:
    try:
        await send(client, "POST", f"http://{host}:8080/", seconds=10)
    except DeliveryFailed as error:
        return str(error).replace(host.strip("[]"), "HOST")
    return "answered"


def main() -> None:
    """Ask for every address by itself, by a name, and by a name that changes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, _LOOPBACK_UP)
    resolver = Path(sys.argv[1])
    resolver.write_text("nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
    subprocess.run(["mount", "--bind", resolver, "/etc/resolv.conf"], check=True)
    threading.Thread(target=name_server, args=(Counter(),), daemon=True).start()
    literal = [f"[{address}]" if ":" in address else address for address in FORBIDDEN]
    named = {when: [f"{when}-{number}.test" for number in range(len(FORBIDDEN))] for when in ("now", "later")}
    before = connections()
    found = {
        "refused": asyncio.run(told([*literal, *named["now"]])),
        "changed": asyncio.run(told(named["later"])),
        "opened": connections() - before,
    }
    asyncio.run(told(["127.0.0.1"], "127.0.0.0/8"))
    allowed = connections() - before - found["opened"]
    sys.stdout.write(json.dumps({"addresses": len(FORBIDDEN), **found, "opened_when_allowed": allowed}))


if __name__ == "__main__":
    main()
