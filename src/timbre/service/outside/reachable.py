"""Which addresses other people's servers may have, and connections to no others.

A name is looked up once for a connection, every address of it is checked, and the connection is made to one of these
very addresses: so nothing is opened to an address that was not allowed, whatever the name says a moment later.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from ssl import SSLContext
from typing import Final

import httpcore
import httpx

from timbre.settings import Network

_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_NOT_GLOBAL: Final = (
    IPv4Network("192.0.0.0/24"),  # protocol assignments
    IPv4Network("192.88.99.0/24"),  # relays of 6to4
    IPv6Network("3fff::/20"),  # documentation
)
_ISATAP: Final = frozenset({0x0000_5EFE, 0x0200_5EFE})  # upper half of the interface identifiers, RFC 5214


class AddressRefused(httpx.RequestError):
    """A server is at an address that nobody may be sent to."""

    def __init__(self, hostname: str) -> None:
        super().__init__(f"{hostname} is at an address that is not allowed")
        self.hostname = hostname


class NameUnknown(httpx.ConnectError):
    """There is no address for the name of a server."""


def permitted(address: IPv4Address | IPv6Address, networks: Sequence[Network] = ()) -> bool:
    """Whether a connection may be made to an address.

    Args:
        address: The address that would be connected to.
        networks: Networks that are allowed although they are not global.
    """
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return _is_global(address) or any(address in network for network in networks)


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    if any(address in network for network in _NOT_GLOBAL):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    if address in _NAT64:
        return _is_global(IPv4Address(address.packed[-4:]))
    tunnelled = address.sixtofour is not None or address.teredo is not None
    isatap = int.from_bytes(address.packed[8:12], "big") in _ISATAP
    return address in _UNICAST and address.is_global and not tunnelled and not isatap


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to allowed addresses only."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look a name up, and connect to the first of its addresses that answers.

        Raises:
            AddressRefused: one of them is not allowed; nothing was connected to.
            NameUnknown: it has none.
            httpcore.ConnectError: none answers.
            httpcore.ConnectTimeout: the look-up, or the last of them, takes too long.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._checked(host, port)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._network.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        """Wait, as httpcore does between its attempts."""
        await self._network.sleep(seconds)

    async def _checked(self, host: str, port: int) -> list[str]:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:  # UnicodeError: a part of the name is too long
            raise NameUnknown("name not found") from error
        addresses = list(dict.fromkeys(str(place[0]) for *_, place in found))
        if not all(permitted(ip_address(address), self._networks) for address in addresses):
            raise AddressRefused(host)
        return addresses


class CheckedTransport(httpx.AsyncHTTPTransport):
    """A transport of httpx over a `CheckedNetwork`, with a connection for each request."""

    def __init__(self, networks: Sequence[Network], trusted: SSLContext) -> None:
        super().__init__(verify=trusted, trust_env=False)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trusted,
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=CheckedNetwork(networks),
        )
