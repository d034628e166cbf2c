"""The web app's pages as a server sends them: one page at all addresses, files that never change, a strict policy."""

from __future__ import annotations

import asyncio
import gzip
import re
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest

from server import Server
from timbre.http.routes import web

PAGES = (
    "/",
    "/recordings",
    "/review",
    "/people",
    "/listen",
    "/settings",
    "/jobs/8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52",
    "/people/a-b",
    "/signed-in",
)
needs_app = pytest.mark.skipif(
    not (web.FOLDER / "index.html").exists(), reason="the web app is not built here; `make install` builds it"
)


def policy(answer: httpx.Response) -> dict[str, list[str]]:
    directives = (part.split() for part in answer.headers["content-security-policy"].split(";"))
    return {name: values for name, *values in directives}


@needs_app
@pytest.mark.parametrize("path", PAGES)
def test_every_address_of_the_app_is_the_same_page(server: Server, path: str):
    answer = httpx.get(server.address + path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert '<div id="app">' in answer.text
    head = httpx.head(server.address + path)
    assert head.status_code == 200
    assert not head.content


@needs_app
def test_the_page_may_load_nothing_from_elsewhere(server: Server):
    answer = httpx.get(server.address)
    allowed = policy(answer)
    assert allowed == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "media-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "font-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
    }
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "microphone=(self)" in answer.headers["permissions-policy"]
    # Nothing that runs or dresses the page stands in it.
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", answer.text)
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", answer.text)


@needs_app
def test_files_are_kept_for_ever_under_names_that_change(server: Server):
    page = httpx.get(server.address).text
    files = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert {Path(file).suffix for file in files} == {".css", ".js"}
    for file in files:
        assert re.search(r"-[\w-]{8}\.", file)
        answer = httpx.get(server.address + file)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].startswith("text/javascript" if file.endswith("js") else "text/css")
        assert answer.headers["x-content-type-options"] == "nosniff"


@needs_app
def test_the_script_names_no_other_host(server: Server):
    page = httpx.get(server.address).text
    for file in re.findall(r'src="(/assets/[^"]+\.js)"', page):
        hosts = set(re.findall(r"https?://([\w.-]+)", httpx.get(server.address + file).text))
        assert hosts <= {"www.w3.org"}  # the name of SVG's markup


@needs_app
def test_the_sample_recording_comes_with_the_app(server: Server):
    (sample,) = (web.FOLDER / "assets").glob("conversation-*.ogg")
    answer = httpx.get(f"{server.address}/assets/{sample.name}")
    assert answer.headers["content-type"] == "audio/ogg"
    assert answer.content.startswith(b"OggS")


@needs_app
def test_the_licences_of_what_the_app_is_made_of_are_there(server: Server):
    answer = httpx.get(f"{server.address}/licenses.md")
    assert answer.headers["content-type"].startswith("text/markdown")
    assert {"preact", "signals"} <= set(re.findall(r"[\w.]+", answer.text))


def shipped(server: Server, ending: str) -> str:
    """The address of a file that the page needs, by what its name ends in."""
    (found,) = re.findall(rf'(?:src|href)="(/assets/[^"]+{re.escape(ending)})"', httpx.get(server.address).text)
    return server.address + found


@needs_app
@pytest.mark.parametrize("ending", [".js", ".css"])
@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0.5, gzip", "gzip"),
        ("gzip;q=0, *;q=0.1", "br"),
        ("identity, br;q=0.5", None),
        ("br;q=0, gzip;q=0", None),
        ("identity", None),
        ("", None),
    ],
)
def test_a_file_is_compressed_as_the_browser_likes_it(server: Server, ending: str, accepted: str, encoding: str | None):
    url = shipped(server, ending)
    plain = (web.FOLDER / "assets" / url.rpartition("/")[2]).read_bytes()
    with httpx.stream("GET", url, headers={"Accept-Encoding": accepted}) as answer:
        sent = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == encoding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-length"] == str(len(sent))
    if encoding == "gzip":
        assert gzip.decompress(sent) == plain
    elif encoding is None:
        assert sent == plain
    assert len(sent) < 0.4 * len(plain) or encoding is None
    head = httpx.head(url, headers={"Accept-Encoding": accepted})
    assert same(head) == same(answer)


def same(answer: httpx.Response) -> dict[str, str]:
    """The headers that two answers to one question share."""
    return {name: text for name, text in answer.headers.items() if name not in {"date", "x-request-id"}}


@needs_app
def test_a_part_of_a_compressed_file_is_one_of_what_is_sent_else(server: Server):
    url = shipped(server, ".js")
    tags = set()
    for encoding in ("gzip", "br", "identity"):
        with httpx.stream("GET", url, headers={"Accept-Encoding": encoding}) as whole:
            sent = b"".join(whole.iter_raw())
        tags.add(whole.headers["etag"])
        asked = {"Accept-Encoding": encoding, "Range": "bytes=100-299", "If-Range": whole.headers["etag"]}
        with httpx.stream("GET", url, headers=asked) as part:
            assert b"".join(part.iter_raw()) == sent[100:300]
        assert part.status_code == 206
        assert part.headers["content-range"] == f"bytes 100-299/{len(sent)}"
        assert part.headers.get("content-encoding") == whole.headers.get("content-encoding")
    assert len(tags) == 3  # so that nobody puts together parts of two


@needs_app
def test_what_is_small_or_compressed_already_is_sent_as_it_is(server: Server):
    (sample,) = (web.FOLDER / "assets").glob("conversation-*.ogg")
    for path in ("/", "/favicon.svg", f"/assets/{sample.name}"):
        answer = httpx.get(server.address + path, headers={"Accept-Encoding": "gzip, br"})
        assert "content-encoding" not in answer.headers
        assert "vary" not in answer.headers
    for packed in (web.FOLDER / "assets").glob("*.gz"):
        assert httpx.get(f"{server.address}/assets/{packed.name}").status_code == 404


UNKNOWN = (
    "/assets/none.js",
    "/assets/..%2findex.html",
    "/assets/%2e%2e/index.html",
    "/assets/..%2f..%2fsettings.py",
    "/assets/.vite",
    "/assets/",
    "/index.html",
    "/people/a/b",
    "/wp-login.php",
    "/v1x",
)
OF_THE_API = ("/v1", "/v1/", "/v1/nothing", "/v2/nothing/at/all", "/v1/people", "/media/a/b")
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8"
PROGRAMS = ("", "*/*", "application/json", "application/json, text/plain, */*", "application/json, text/html;q=0.9")


@needs_app
@pytest.mark.parametrize("path", UNKNOWN)
def test_a_browser_gets_the_page_for_an_address_that_does_not_exist(server: Server, path: str):
    answer = httpx.get(server.address + path, headers={"Accept": BROWSER})
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Accept"
    assert policy(answer)["default-src"] == ["'none'"]
    assert '<div id="app">' in answer.text
    head = httpx.head(server.address + path, headers={"Accept": BROWSER})
    assert (head.status_code, head.content) == (404, b"")
    assert head.headers["content-length"] == answer.headers["content-length"]


def test_a_program_gets_an_error_in_json(server: Server):
    with httpx.Client(base_url=server.address) as client:
        for path, accepted in product((*UNKNOWN, *OF_THE_API), PROGRAMS):
            answer = client.get(path, headers={"Accept": accepted})
            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/json"
            assert answer.json()["message"]
            assert answer.headers.get("vary") == (None if path in OF_THE_API else "Accept")


def test_the_api_knows_no_pages(server: Server):
    with httpx.Client(base_url=server.address, headers={"Accept": BROWSER}) as client:
        asked = [("GET", path) for path in OF_THE_API]
        asked += [(method, "/wp-login.php") for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS")]
        for method, path in asked:
            answer = client.request(method, path)
            assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")


def test_pages_are_not_in_the_api(server: Server):
    paths = httpx.get(f"{server.address}/openapi.json").json()["paths"]
    assert not {"/", "/people", "/assets/{name}", "/favicon.svg"} & set(paths)


def test_an_app_that_was_not_built_says_how(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(web, "FOLDER", tmp_path)
    answer: Any = asyncio.run(web.page())
    assert answer.status_code == 503
    assert b"make install" in answer.body
    assert b"Node.js" in answer.body
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_answers_of_the_api_are_never_taken_for_pages(server: Server):
    for path in ("/openapi.json", "/v1/test", "/healthz", "/nothing"):
        assert httpx.get(server.address + path).headers["x-content-type-options"] == "nosniff"
