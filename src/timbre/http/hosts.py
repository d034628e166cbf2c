"""Which names a server answers to: whoever makes a browser take a name of theirs for this server is refused.

A page of another site cannot read answers of this one, unless its own name leads here for a moment (DNS rebinding).
Then the browser sends that name as `Host`. Addresses are no such names, and `localhost` is nobody's.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from timbre.errors import HostRejected

if TYPE_CHECKING:
    from timbre.settings import Settings

_LOCAL: Final = "localhost"
_ANY: Final = "*"


class Hosts:
    """The names of a server."""

    def __init__(self, settings: Settings) -> None:
        names = {name.lower() for name in settings.allowed_hosts}
        self._any = _ANY in names or not (names or _is_loopback(settings.host))
        self._names = names | ({urlsplit(settings.public_url).hostname or ""} if settings.public_url else set())

    def check(self, host: str) -> None:
        """Make sure that a `Host` header is a name of this server, or none at all.

        Raises:
            HostRejected: it is not.
        """
        name = _name(host)
        if self._any or not name or name in self._names or name == _LOCAL or name.endswith(f".{_LOCAL}"):
            return
        if not _is_address(name):
            raise HostRejected(
                f"This server does not answer to the name {name[:100]!r}; its operator adds it to TIMBRE_ALLOWED_HOSTS,"
                " or sets TIMBRE_PUBLIC_URL."
            )


def _name(host: str) -> str:
    """The name without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].rstrip(".").lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == _LOCAL or (_is_address(host) and ip_address(host).is_loopback)
