"""Requests to other people's servers: recordings to fetch, webhooks to deliver.

`outgoing_client` makes the one client for both. It connects to globally reachable addresses and to
`Settings.allowed_networks` only. One forbidden address of a name refuses the request before any connection, so that a
caller cannot find out which doors of the private network are open.

`opened` follows redirects itself and tells by `DeliveryFailed` why a request came to nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLCertVerificationError, SSLError

import httpx

from timbre import __version__
from timbre.errors import DeliveryFailed
from timbre.service.outside.reachable import AddressRefused, CheckedTransport, NameUnknown
from timbre.settings import Network, Settings

MOST_REDIRECTS = 2

_SCHEMES = ("http", "https")
_CREDENTIALS = ("authorization", "cookie", "proxy-authorization")
_CONNECT_SECONDS = 10.0
_SILENCE_SECONDS = 60.0  # between two pieces of an answer
_ANSWER_BYTES = 64 * 1024  # of a webhook's answer; what follows is not read
_SHOWN_CHARACTERS = 200
_HIGHEST_PORT = 65_535


class Failure(StrEnum):
    """Why a request to another server failed; the values are those of the `x-retry-reason` header."""

    HTTP_TIMEOUT = "http_timeout"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    CONNECTION_FAILED = "connection_failed"
    SSL_ERROR = "ssl_error"
    HTTP_ERROR = "http_error"
    UNKNOWN_ERROR = "unknown_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the receiver of a webhook answered."""

    status: int  # 200 to 299
    seconds: float  # from the first connection to the end of the answer


def outgoing_client(
    settings: Settings, *, networks: Sequence[Network] = (), silence: float = _SILENCE_SECONDS
) -> httpx.AsyncClient:
    """Make the client for all outgoing requests; close it when done.

    It ignores proxies of the environment, follows no redirects, keeps no cookies and opens a connection for each
    request. Certificates are checked against Mozilla's list and the system's, or `SSL_CERT_FILE` where that is set.

    Args:
        settings: For the private networks that are allowed.
        networks: Further ones, for this client alone.
        silence: Seconds that may pass between two pieces of an answer.

    Returns:
        A client whose requests raise `AddressRefused` for addresses that are not allowed.
    """
    networks = (*settings.allowed_networks, *networks)
    trusted = httpx.create_ssl_context()
    trusted.load_default_certs()
    return httpx.AsyncClient(
        headers={"User-Agent": f"Timbre/{__version__}", "Accept-Encoding": "identity"},
        timeout=httpx.Timeout(silence, connect=_CONNECT_SECONDS, pool=None),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        event_hooks={"request": [_address_check]},
        follow_redirects=False,
        trust_env=False,
        transport=CheckedTransport(networks, trusted),
    )


async def _address_check(request: httpx.Request) -> None:
    url = request.url
    if url.scheme not in _SCHEMES or not url.host or (url.port or 0) > _HIGHEST_PORT:
        raise httpx.UnsupportedProtocol("not an address of a web server", request=request)


def shown(url: httpx.URL) -> str:
    """Give what may be told of an address: no user, password, query or fragment, which may hold secrets."""
    text = f"{url.scheme}://{_server(url)}{url.raw_path.split(b'?')[0].decode('ascii')}"
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


@asynccontextmanager
async def opened(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    redirects: int = MOST_REDIRECTS,
) -> AsyncIterator[httpx.Response]:
    """Send a request, follow at most two redirects, and give the answer, whatever its status, before its body.

    A redirect repeats the method and the content. Each hop is checked like the first address; from https to http none
    is followed, and credentials do not go to another server.

    Args:
        client: A client of `outgoing_client`.
        method: The method, as `GET`.
        url: Address to ask; `http` or `https`.
        content: Body to send.
        headers: Headers to send beside the client's own.
        redirects: At most so many are followed; none where the content is secret.

    Yields:
        The answer; read it by `pieces`.

    Raises:
        DeliveryFailed: No answer came, or too many redirects did.
    """
    with _told():
        response = await _answer(client, method, _parsed(url), content, dict(headers or {}), redirects=redirects)
    try:
        yield response
    finally:
        await response.aclose()


async def pieces(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Read the body of an answer as it comes, not decompressed.

    Args:
        response: An answer of `opened`.

    Yields:
        Pieces of the body.

    Raises:
        DeliveryFailed: The body broke off, or stopped coming.
    """
    with _told():
        async for piece in response.aiter_raw():
            yield piece


async def send(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    *,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float,
) -> Answer:
    """Send a request whose answer matters only by its status; at most 64 KiB of its body are read.

    Args:
        client: A client of `outgoing_client`.
        method: The method, as `POST`.
        url: Address to send to; `http` or `https`.
        content: Body to send.
        headers: Headers to send beside the client's own.
        seconds: Time for all of it: redirects and the body of the answer too.

    Returns:
        The answer, whose status is 200 to 299.

    Raises:
        DeliveryFailed: Anything else happened.
    """
    begun = time.monotonic()
    try:
        async with (
            asyncio.timeout(seconds),
            opened(client, method, url, content=content, headers=headers) as response,
            aclosing(pieces(response)) as body,
        ):
            if not response.is_success:
                raise DeliveryFailed(
                    Failure.HTTP_ERROR,
                    f"{shown(response.request.url)} answered {response.status_code}; it must answer 200 to 299",
                    status=response.status_code,
                )
            unread = _ANSWER_BYTES
            async for piece in body:
                unread -= len(piece)
                if unread <= 0:
                    break
    except TimeoutError as error:
        text = f"no complete answer from {shown(_parsed(url))} within {seconds:g} s"
        raise DeliveryFailed(Failure.HTTP_TIMEOUT, text) from error
    return Answer(status=response.status_code, seconds=time.monotonic() - begun)


async def _answer(
    client: httpx.AsyncClient,
    method: str,
    url: httpx.URL,
    content: bytes | None,
    headers: dict[str, str],
    *,
    redirects: int,
) -> httpx.Response:
    for _ in range(redirects + 1):
        request = client.build_request(method, url, content=content, headers=headers)
        response = await client.send(request, stream=True)
        if response.next_request is None:
            return response
        await response.aclose()
        target = _target(response, response.next_request.url)
        if _origin(target) != _origin(url):
            headers = {name: value for name, value in headers.items() if name.lower() not in _CREDENTIALS}
        url = target
    raise DeliveryFailed(
        Failure.TOO_MANY_REDIRECTS,
        f"the address redirects more than {redirects} times; give the one that the redirects lead to",
        status=response.status_code,
    )


def _target(response: httpx.Response, target: httpx.URL) -> httpx.URL:
    source = response.request.url
    if target.scheme not in _SCHEMES:
        text = f"{_server(source)} redirects to what is not an address of a web server; give a direct one"
    elif (source.scheme, target.scheme) == ("https", "http"):
        text = f"{_server(source)} redirects from https to http, which is not followed; give an https address"
    else:
        return target
    raise DeliveryFailed(Failure.HTTP_ERROR, text, status=response.status_code)


def _origin(url: httpx.URL) -> tuple[str, bytes]:
    return url.scheme, url.netloc  # httpx leaves the default port out of it


def _server(url: httpx.URL) -> str:
    return url.netloc.decode("ascii")


def _parsed(url: str) -> httpx.URL:
    try:
        return httpx.URL(url)
    except httpx.InvalidURL as error:
        raise _not_an_address() from error


def _not_an_address() -> DeliveryFailed:
    return DeliveryFailed(
        Failure.UNKNOWN_ERROR, "this is not an address of a web server; it must be http://… or https://…"
    )


@contextmanager
def _told() -> Iterator[None]:
    """Turn what httpx raises into `DeliveryFailed`."""
    try:
        yield
    except httpx.UnsupportedProtocol as error:
        raise _not_an_address() from error
    except AddressRefused as error:
        text = (
            f"{error.hostname} is, or may be, at an address of a private network, which is refused;"
            " to allow it, the operator adds all its addresses to TIMBRE_ALLOWED_NETWORKS"
        )
        raise DeliveryFailed(Failure.CONNECTION_FAILED, text) from error
    except (httpx.InvalidURL, UnicodeError) as error:
        raise DeliveryFailed(
            Failure.UNKNOWN_ERROR, f"a redirect leads to what is no address of a web server ({error})"
        ) from error
    except httpx.RequestError as error:
        raise DeliveryFailed(*_cause(error, _server(error.request.url))) from error


def _cause(error: httpx.RequestError, server: str) -> tuple[Failure, str]:
    reason = Failure.CONNECTION_FAILED
    broken = _handshake_error(error)
    match error:
        case _ if broken is not None:
            reason = Failure.SSL_ERROR
            text = f"no secure connection to {server} ({broken}); check its certificate"
        case httpx.ConnectTimeout():
            reason = Failure.HTTP_TIMEOUT
            text = f"no connection to {server} within {_CONNECT_SECONDS:g} s; check that it runs"
        case httpx.TimeoutException():
            reason = Failure.HTTP_TIMEOUT
            silence = error.request.extensions["timeout"]["read"]
            text = f"{server} was silent for {silence:g} s; check that it works"
        case NameUnknown():
            text = f"the name {server} cannot be resolved by the DNS; check its spelling"
        case httpx.ConnectError():
            text = f"{server} does not accept connections; check that it runs"
        case httpx.NetworkError():
            text = f"{server} broke off before its answer was complete; try again"
        case httpx.RemoteProtocolError():
            text = f"{server} broke off, or does not speak proper HTTP; check the address, and try again"
        case _:
            reason = Failure.UNKNOWN_ERROR
            text = f"the request to {server} failed ({type(error).__name__}); check the address"
    return reason, text


def _handshake_error(error: httpx.RequestError) -> str | None:
    chain = list(_chain(error))
    for link in chain:
        if isinstance(link, SSLCertVerificationError):
            return link.verify_message
        if isinstance(link, SSLError):
            return (link.reason or "TLS error").lower().replace("_", " ")
    # Where a connection is refused, an OSError is right below httpx's and httpcore's own errors; where the server drops
    # it in the middle of the handshake, there is none.
    if type(error) is httpx.ConnectError and not any(isinstance(link, OSError) for link in chain[:3]):
        return "the handshake broke off"
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__  # httpcore's pool takes the cause away
