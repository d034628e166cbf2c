"""The web app: its one page at all of its addresses, and the files that the page needs.

Nothing of it comes from elsewhere, and the browser is told to refuse what does. The files have names that change with
what they hold, so a browser asks for each once.
"""

from __future__ import annotations

import re
import secrets
from importlib import resources
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response

router = APIRouter()
FOLDER: Final = Path(str(resources.files("timbre") / "web"))
PAGES: Final = ("/", "/recordings", "/jobs/{job}", "/people", "/people/{speaker}", "/settings")
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:;"
    " media-src 'self' blob:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none';"
    " form-action 'self'"
)
_HEADERS: Final = {
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_NONCE: Final = '<meta name="style-nonce" content="'  # where wavesurfer.js finds what its style sheet needs
_NAME: Final = re.compile(r"[\w-][\w.-]*")
_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".md": "text/markdown",
    ".ogg": "audio/ogg",
    ".svg": "image/svg+xml",
}
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
    nonce = secrets.token_urlsafe(16)
    headers = {**_HEADERS, "Cache-Control": "no-store", "Content-Security-Policy": _POLICY.format(nonce=nonce)}
    try:
        text = (FOLDER / "index.html").read_text("utf-8")
    except FileNotFoundError:
        return HTMLResponse(_MISSING, 503, headers)
    return HTMLResponse(text.replace(_NONCE, _NONCE + nonce, 1), headers=headers)


async def asset(name: str) -> Response:
    """A file that the page needs; another name means another content."""
    return _file(FOLDER / "assets", name, _FOR_EVER)


async def icon() -> Response:
    """The picture of the app."""
    return _file(FOLDER, "favicon.svg", _FOR_A_DAY)


async def licenses() -> Response:
    """The licences of what the app is made of."""
    return _file(FOLDER, "licenses.md", _FOR_A_DAY)


def _file(folder: Path, name: str, caching: str) -> Response:
    path = folder / name
    kind = _TYPES.get(path.suffix)
    if kind is None or not _NAME.fullmatch(name) or not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, media_type=kind, headers={**_HEADERS, "Cache-Control": caching})


for _path in PAGES:
    router.add_api_route(_path, page, methods=["GET", "HEAD"], include_in_schema=False)
for _path, _answer in (("/assets/{name}", asset), ("/favicon.svg", icon), ("/licenses.md", licenses)):
    router.add_api_route(_path, _answer, methods=["GET", "HEAD"], include_in_schema=False)
