"""Which names a server answers to."""

from __future__ import annotations

import pytest

from timbre.errors import HostRejected
from timbre.http.hosts import Hosts
from timbre.settings import Settings

EVERYWHERE = "0.0.0.0"  # noqa: S104 - nothing listens here
ALWAYS = ("", "localhost", "localhost:8000", "LOCALHOST", "app.localhost", "127.0.0.1:8000", "10.1.2.3", "[::1]:8000")
FOREIGN = (
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "[evil.example]",
    "x",
)


def allowed(settings: Settings, host: str) -> bool:
    try:
        Hosts(settings).check(host)
    except HostRejected:
        return False
    return True


def test_on_loopback_only_local_names_and_addresses_are_answered() -> None:
    for address in ("127.0.0.1", "::1", "localhost", "127.0.0.2"):
        settings = Settings(host=address)
        assert all(allowed(settings, host) for host in ALWAYS)
        assert not any(allowed(settings, host) for host in FOREIGN)


def test_elsewhere_any_name_is_answered_unless_some_are_given() -> None:
    assert all(allowed(Settings(host=EVERYWHERE), host) for host in (*ALWAYS, *FOREIGN))
    settings = Settings(host=EVERYWHERE, allowed_hosts="timbre.lan, Timbre.Example.org")
    assert all(allowed(settings, host) for host in (*ALWAYS, "timbre.lan:8000", "timbre.example.org."))
    assert not any(allowed(settings, host) for host in FOREIGN)


def test_a_proxy_s_name_is_that_of_the_public_address() -> None:
    settings = Settings(public_url="https://timbre.example.org/")
    assert allowed(settings, "timbre.example.org")
    assert not allowed(settings, "evil.example")
    assert allowed(Settings(allowed_hosts="*"), "evil.example")


def test_a_refusal_says_what_to_set() -> None:
    with pytest.raises(HostRejected, match=r"'evil.example'; its operator adds it to TIMBRE_ALLOWED_HOSTS, or sets"):
        Hosts(Settings()).check("evil.example:80")
