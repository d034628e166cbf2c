"""The web app: its one page at all of its addresses, and the files that the page needs.

Nothing of it comes from elsewhere, and the browser is told to refuse what does. The files have names that change with
what they hold, so a browser asks for each once; the build has compressed those for which that is worth it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response

from timbre.http.negotiation import weight

router = APIRouter()
FOLDER: Final = Path(str(resources.files("timbre") / "web"))
PAGES: Final = (
    *("/", "/recordings", "/jobs/{job}", "/review", "/people", "/people/{speaker}", "/listen", "/settings"),
    "/signed-in",  # where an OpenID provider sends browsers back to
)
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:;"
    " media-src 'self' blob:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none';"
    " form-action 'self'"
)
_HEADERS: Final = {
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NAME: Final = re.compile(r"[\w-][\w.-]*")
_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".md": "text/markdown",
    ".ogg": "audio/ogg",
    ".svg": "image/svg+xml",
}
_PACKED: Final = {"br": ".br", "gzip": ".gz"}  # what the build makes of a file, the smallest first
_API: Final = re.compile(r"/(v\d+|media)(/.*)?", re.DOTALL)
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_FOR_A_DAY: Final = "public, max-age=86400"
_MISSING: Final = """\
<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Timbre</title>
<h1>The web app was not built</h1>
<p>The server works; only its pages are missing. Install Node.js 20.19 or newer, run <code>make install</code> in the
folder of Timbre, and load this page again.</p>
<p>What programs can ask for is listed in <a href="/openapi.json">/openapi.json</a>.</p>
</html>
"""


async def page() -> Response:
    """The page of the app, whatever its address; it looks at that by itself."""
    return _page(200)


def is_for_people(request: Request) -> bool:
    """Whether somebody could look at the answer: it is none of the API's."""
    return request.method in {"GET", "HEAD"} and not _API.fullmatch(request.scope["path"])


def unknown_page(request: Request) -> Response | None:
    """The same page for an address that does not exist, if a browser asks and not a program."""
    accepted = request.headers.get("accept", "")
    wanted = weight(accepted, "text/html")
    if not wanted or wanted < weight(accepted, "application/json") or not (FOLDER / "index.html").is_file():
        return None
    answer = _page(404)
    answer.headers["Vary"] = "Accept"
    return answer


async def asset(name: str, request: Request) -> Response:
    """A file that the page needs; another name means another content."""
    return _file(FOLDER / "assets", name, _FOR_EVER, request)


async def icon(request: Request) -> Response:
    """The picture of the app."""
    return _file(FOLDER, "favicon.svg", _FOR_A_DAY, request)


async def licenses(request: Request) -> Response:
    """The licences of what the app is made of."""
    return _file(FOLDER, "licenses.md", _FOR_A_DAY, request)


def _page(status: int) -> Response:
    headers = {**_HEADERS, "Cache-Control": "no-store", "Content-Security-Policy": _POLICY}
    try:
        text = (FOLDER / "index.html").read_text("utf-8")
    except FileNotFoundError:
        return HTMLResponse(_MISSING, 503, headers)
    return HTMLResponse(text, status, headers)


def _file(folder: Path, name: str, caching: str, request: Request) -> Response:
    path = folder / name
    kind = _TYPES.get(path.suffix)
    if kind is None or not _NAME.fullmatch(name) or not path.is_file():
        raise HTTPException(404)
    headers = {**_HEADERS, "Cache-Control": caching}
    packed = {encoding: packed for encoding, end in _PACKED.items() if (packed := folder / (name + end)).is_file()}
    if packed:
        headers["Vary"] = "Accept-Encoding"
    if encoding := _preferred(packed, request.headers.get("accept-encoding", "")):
        path, headers["Content-Encoding"] = packed[encoding], encoding
    return FileResponse(path, media_type=kind, headers=headers)


def _preferred(encodings: Iterable[str], accepted: str) -> str | None:
    """The encoding that a client would rather have than the plain file, if there is one."""
    weights = {encoding: weight(accepted, encoding, "*") for encoding in encodings}
    best = max(weights, key=weights.__getitem__, default="")  # of those it likes as much, the first
    return best if weights.get(best) and weights[best] >= weight(accepted, "identity") else None


for _path in PAGES:
    router.add_api_route(_path, page, methods=["GET", "HEAD"], include_in_schema=False)
for _path, _answer in (("/assets/{name}", asset), ("/favicon.svg", icon), ("/licenses.md", licenses)):
    router.add_api_route(_path, _answer, methods=["GET", "HEAD"], include_in_schema=False)
