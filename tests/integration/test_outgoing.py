"""Requests to other servers, against real servers on this machine."""

from __future__ import annotations

import asyncio
import socket
from ipaddress import ip_address, ip_network

import httpx
import pytest

from far_server import LOOPBACK, far_server, free_address, hops, redirect, self_signed
from server import ENOUGH
from timbre import __version__
from timbre.service.outside.outgoing import (
    DeliveryFailed,
    Failure,
    opened,
    outgoing_client,
    pieces,
    send,
    shown,
)
from timbre.service.outside.reachable import AddressRefused, permitted
from timbre.settings import Settings


@pytest.fixture
def far():
    with far_server() as server:
        yield server


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def far_tls(certificate):
    with far_server(certificate=certificate) as server:
        yield server


@pytest.fixture
def names(monkeypatch):
    """A double of the DNS: what each look-up of a name answers, in turn, the last one for ever."""
    answers: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def look_up(host, port, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        if name not in answers:
            return real(host, port, *args, **kwargs)
        rest = answers[name]
        addresses = rest.pop(0) if len(rest) > 1 else rest[0]
        return [line for address in addresses for line in real(address, port, *args, **kwargs)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return answers


def deliver(url, *, allowed=LOOPBACK, seconds=10.0, content=b'{"jobId":"1"}', headers=None):
    async def run():
        async with outgoing_client(Settings(allowed_networks=allowed)) as client:
            return await send(client, "POST", url, content=content, headers=headers, seconds=seconds)

    return asyncio.run(run())


def refusal(url, **options) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        deliver(url, **options)
    return caught.value


def test_a_request_arrives_whole(far):
    far.routes["/hook"] = lambda request: request.answer(201, b"thanks")
    answer = deliver(f"{far.url}/hook?a=b", headers={"X-Signature": "abc"})
    assert answer.status == 201
    assert 0 < answer.seconds < 10
    (request,) = far.requests
    assert (request.command, request.path, request.body) == ("POST", "/hook?a=b", b'{"jobId":"1"}')
    assert request.headers["X-Signature"] == "abc"
    assert request.headers["User-Agent"] == f"Timbre/{__version__}"
    assert request.headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("number", [1, 2])
def test_two_redirects_are_followed_and_the_body_goes_along(far, number, status):
    assert deliver(hops(far, number, status)).status == 200
    assert [(request.command, request.body) for request in far.requests] == [("POST", b'{"jobId":"1"}')] * (number + 1)


def test_a_third_redirect_is_too_many(far):
    failure = refusal(hops(far, 3))
    assert failure.reason is Failure.TOO_MANY_REDIRECTS
    assert [request.path for request in far.requests] == ["/3", "/2", "/1"]


def test_credentials_stay_with_the_server_they_were_for(far):
    with far_server() as other:
        other.routes["/there"] = lambda request: request.answer()
        far.routes["/here"] = redirect("/again")
        far.routes["/again"] = redirect(f"{other.url}/there")
        secret = {"Authorization": "Bearer x", "Cookie": "a=b", "X-Signature": "abc"}
        deliver(f"{far.url}/here", headers=secret)
        deliver(f"http://user:pass@{far.address}/here")
    assert [request.headers["Authorization"] for request in far.requests] == ["Bearer x"] * 2 + [
        "Basic dXNlcjpwYXNz"
    ] * 2
    assert [request.headers["Authorization"] for request in other.requests] == [None, None]
    assert [request.headers["Cookie"] for request in other.requests] == [None, None]
    assert other.requests[0].headers["X-Signature"] == "abc"


def test_cookies_are_not_kept(far):
    far.routes["/hook"] = lambda request: request.answer(set_cookie="id=1")

    async def run():
        async with outgoing_client(Settings(allowed_networks=LOOPBACK)) as client:
            for _ in range(2):
                await send(client, "POST", f"{far.url}/hook", seconds=10)

    asyncio.run(run())
    assert [request.headers["Cookie"] for request in far.requests] == [None, None]


def test_a_redirect_to_a_private_address_is_refused(far):
    with far_server("127.0.0.2") as hidden:
        far.routes["/hook"] = redirect(f"{hidden.url}/admin")
        failure = refusal(f"{far.url}/hook", allowed="127.0.0.1/32")
        assert failure.reason is Failure.CONNECTION_FAILED
        assert "127.0.0.2" in str(failure)
        assert "TIMBRE_ALLOWED_NETWORKS" in str(failure)
        assert hidden.connections == 0


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/", "nowhere:"])
def test_a_redirect_to_no_web_server_is_refused(far, target):
    far.routes["/hook"] = redirect(target)
    failure = refusal(f"{far.url}/hook")
    assert (failure.reason, failure.status) == (Failure.HTTP_ERROR, 302)


def test_a_redirect_from_https_to_http_is_refused(far, far_tls, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    far_tls.routes["/hook"] = redirect(f"{far.url}/hook")
    failure = refusal(f"{far_tls.url}/hook")
    assert failure.reason is Failure.HTTP_ERROR
    assert "from https to http" in str(failure)
    assert far.connections == 0


@pytest.mark.parametrize("status", [304, 400, 404, 500, 503])
def test_another_status_is_an_http_error(far, status):
    far.routes["/hook"] = lambda request: request.answer(status)
    failure = refusal(f"{far.url}/hook?token=secret")
    assert (failure.reason, failure.status) == (Failure.HTTP_ERROR, status)
    assert f"{far.url}/hook answered {status}" in str(failure)
    assert "secret" not in str(failure)


def test_a_server_that_hangs_is_left(far):
    far.routes["/hook"] = lambda request: request.server.ended.wait(ENOUGH)
    assert refusal(f"{far.url}/hook", seconds=0.3).reason is Failure.HTTP_TIMEOUT


def test_an_answer_that_drips_is_left(far):
    def drip(request):
        request.answer(content_length=1000)
        while not request.server.ended.wait(0.02):
            request.wfile.write(b".")

    far.routes["/hook"] = drip
    assert refusal(f"{far.url}/hook", seconds=0.4).reason is Failure.HTTP_TIMEOUT


def test_an_answer_without_end_is_read_no_further(far):
    def pour(request):
        request.answer(content_length=1 << 40)
        while not request.server.ended.is_set():
            request.wfile.write(b"." * 65536)

    far.routes["/hook"] = pour
    assert deliver(f"{far.url}/hook").status == 200


def test_a_connection_that_breaks_off(far):
    far.routes["/closed"] = lambda request: request.connection.shutdown(socket.SHUT_RDWR)
    far.routes["/short"] = lambda request: (
        request.answer(body=b"half", content_length=8),
        request.connection.shutdown(socket.SHUT_RDWR),
    )
    for path in far.routes:
        failure = refusal(far.url + path)
        assert failure.reason is Failure.CONNECTION_FAILED
        assert "broke off" in str(failure)


@pytest.mark.parametrize(
    "target", ["http://x:y/", "http://[::1", "http://a:70000/", "mailto:x@y", "http:path", "http://xn--a/"]
)
def test_a_redirect_that_cannot_be_read(far, target):
    far.routes["/hook"] = redirect(target)
    assert refusal(f"{far.url}/hook").reason in (Failure.CONNECTION_FAILED, Failure.UNKNOWN_ERROR)


def test_a_server_that_speaks_no_http(far):
    far.routes["/hook"] = lambda request: request.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    failure = refusal(f"{far.url}/hook")
    assert failure.reason is Failure.CONNECTION_FAILED
    assert "proper HTTP" in str(failure)


def test_nobody_listens():
    failure = refusal(f"http://{free_address()}/")
    assert failure.reason is Failure.CONNECTION_FAILED
    assert "does not accept connections" in str(failure)


def test_a_name_that_is_not_there():
    failure = refusal(f"http://{'a' * 64}.example/")
    assert failure.reason is Failure.CONNECTION_FAILED
    assert "cannot be resolved" in str(failure)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://", "far", "http://[::1", "http://a:70000/"]
)
def test_what_is_no_address_of_a_web_server(url):
    assert refusal(url).reason is Failure.UNKNOWN_ERROR


def test_a_certificate_by_nobody_is_refused(far_tls):
    far_tls.routes["/hook"] = lambda request: request.answer()
    failure = refusal(f"{far_tls.url}/hook")
    assert failure.reason is Failure.SSL_ERROR
    assert "self-signed" in str(failure)
    assert far_tls.requests == []


def test_a_certificate_can_be_trusted_by_the_environment(far_tls, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    far_tls.routes["/hook"] = lambda request: request.answer()
    assert deliver(f"{far_tls.url}/hook").status == 200


@pytest.mark.parametrize("drops", [True, False])
def test_a_handshake_with_a_server_that_speaks_no_tls(far, drops):
    far.drops = drops
    assert refusal(f"https://{far.address}/hook").reason is Failure.SSL_ERROR


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0x7f000001", "2130706433", "127.1", "0", "[::ffff:127.0.0.1]"]
)
def test_private_addresses_are_refused_before_any_connection(far, host):
    failure = refusal(f"http://{host}:{far.server_port}/", allowed="")
    assert failure.reason is Failure.CONNECTION_FAILED
    assert "TIMBRE_ALLOWED_NETWORKS" in str(failure)
    assert far.connections == 0


@pytest.mark.parametrize("url", ["http://[::1]/", "http://169.254.169.254/latest/meta-data/", "https://10.0.0.1/"])
@pytest.mark.parametrize("allowed", ["", "192.168.0.0/16"])
def test_other_private_addresses_are_refused(url, allowed):
    assert "TIMBRE_ALLOWED_NETWORKS" in str(refusal(url, allowed=allowed))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001"])
def test_allowed_networks_are_reached(far, host):
    far.routes["/hook"] = lambda request: request.answer()
    assert deliver(f"http://{host}:{far.server_port}/hook").status == 200


def test_one_private_address_of_a_name_is_enough_to_refuse_it(far, names):
    names["both.example"] = [["192.0.32.8", "127.0.0.1"]]
    failure = refusal(f"http://both.example:{far.server_port}/", allowed="192.0.32.0/24")
    assert "both.example" in str(failure)
    assert "TIMBRE_ALLOWED_NETWORKS" in str(failure)
    assert far.connections == 0


def test_a_name_that_changes_its_address_gains_nothing(far, names):
    names["rebinding.example"] = [["127.0.0.2"], ["127.0.0.1"]]
    failure = refusal(f"http://rebinding.example:{far.server_port}/", allowed="127.0.0.2/32")
    assert failure.reason == Failure.CONNECTION_FAILED
    assert far.connections == 0
    # What was checked is what is connected to, and nothing is looked up a second time.
    names["rebinding.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    far.routes["/"] = lambda request: request.answer(200, b"")
    assert deliver(f"http://rebinding.example:{far.server_port}/", allowed="127.0.0.1/32").status == 200


def test_another_address_of_a_name_is_tried_where_one_does_not_answer(far, names):
    names["several.example"] = [["127.0.0.3", "127.0.0.1"]]
    far.routes["/"] = lambda request: request.answer(200, b"")
    assert deliver(f"http://several.example:{far.server_port}/").status == 200


def test_what_is_refused_says_the_same_of_open_and_of_closed_ports(far):
    closed = free_address().rpartition(":")[2].rstrip("/")
    told = {str(refusal(f"http://127.0.0.1:{port}/", allowed="")) for port in (far.server_port, closed)}
    assert len(told) == 1
    assert far.connections == 0


def test_the_client_itself_is_protected(far):
    async def run():
        async with outgoing_client(Settings()) as client:
            await client.get(far.url)

    with pytest.raises(AddressRefused):
        asyncio.run(run())
    assert far.connections == 0


def test_an_answer_is_given_whatever_its_status(far):
    far.routes["/missing"] = lambda request: request.answer(404, b"not here")

    async def run():
        async with (
            outgoing_client(Settings(allowed_networks=LOOPBACK)) as client,
            opened(client, "GET", f"{far.url}/missing") as response,
        ):
            return response.status_code, b"".join([piece async for piece in pieces(response)])

    assert asyncio.run(run()) == (404, b"not here")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::8.8.8.8", True),
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b::224.0.0.1", False),
        ("64:ff9b:1::8.8.8.8", False),
        ("::ffff:10.0.0.1", False),
        ("::127.0.0.1", False),
        ("2002:a00:1::1", False),
        ("192.0.0.9", False),
        ("192.88.99.1", False),
        ("3fff::1", False),
        ("2001:4860::5efe:10.0.0.1", False),
        ("2001:4860::200:5efe:8.8.8.8", False),
        ("64:ff9b::192.0.0.170", False),
        ("2002:808:808::1", False),
        ("2001:0:a00:1::1", False),
        ("224.0.0.1", False),
        ("ff0e::1", False),
        ("fec0::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("100.64.0.1", False),
        ("255.255.255.255", False),
        ("192.0.2.1", False),
        ("0.0.0.1", False),
        ("::", False),
    ],
)
def test_which_addresses_are_global(address, expected):
    assert permitted(ip_address(address)) is expected


def test_allowed_networks_are_added_to_the_global_ones():
    networks = (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))
    assert permitted(ip_address("10.1.2.3"), networks)
    assert permitted(ip_address("::ffff:10.1.2.3"), networks)
    assert permitted(ip_address("fd12::1"), networks)
    assert permitted(ip_address("8.8.8.8"), networks)
    assert not permitted(ip_address("10.2.2.3"), networks)
    assert not permitted(ip_address("64:ff9b::10.1.2.3"), networks)


def test_what_is_shown_of_an_address_holds_no_secret():
    assert shown(httpx.URL("https://user:pass@far.example:8443/a b.wav?X-Signature=s#f")) == (
        "https://far.example:8443/a%20b.wav"
    )
    assert len(shown(httpx.URL("https://far.example/" + "a" * 1000))) == 200
