"""A real browser for tests: Debian's Chromium, driven by Playwright, and everything that it complains of.

What it cannot see is left to axe-core: whether everybody can use a page, also who does not see it.
"""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from timbre.http.routes.web import FOLDER

REQUIRED = "TIMBRE_BROWSER"  # `required`: a test without a browser fails instead of being skipped
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_AXE = Path(__file__).parent.parent / "web" / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What fades has another contrast on its way, and what is not in view that of the theme before.
_STILL = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("* { content-visibility: visible !important; transition: none !important }");
    document.adoptedStyleSheets.push(sheet);
}"""
_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
_BAD = {"error", "warning"}  # kinds of messages of the console
_WIDE, _PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}
EVERY_SCREEN = tuple((size, scheme) for size in (_WIDE, _PHONE) for scheme in ("light", "dark"))
TWO_SCREENS = ((_WIDE, "light"), (_PHONE, "dark"))  # for what opens over a page that was looked at on every screen
_DROP = """
([target, name, base64]) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], name));
    for (const type of ["dragenter", "dragover", "drop"])
        target.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data }));
}
"""


@contextmanager
def chromium(microphone: Path | None = None) -> Iterator[Browser]:
    """Run the browser; skip the test, or fail it where one is required, if there is none or no web app.

    Args:
        microphone: A WAV file that the microphone hears, again and again; beeps if left out.
    """
    program = next((path for name in _NAMES if (path := shutil.which(name))), None)
    missing = None
    if program is None:
        missing = "no Chromium is installed; on Debian, apt install chromium"
    elif not ((FOLDER / "index.html").exists() and _AXE.exists()):
        missing = "the web app is not built here; `make install` builds it"
    if missing and os.environ.get(REQUIRED) == "required":
        pytest.fail(missing)
    elif missing:
        pytest.skip(missing)
    heard = [] if microphone is None else [f"--use-file-for-fake-audio-capture={microphone}"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", *_MICROPHONE, *heard])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, complaints: list[str], **options: object) -> Iterator[Page]:
    """A page of a fresh visitor; what goes wrong in it is noted among the complaints.

    That is: errors and warnings of the console, among them everything that the content-security policy refuses,
    faults of scripts, and requests that leave the server.
    """
    context: BrowserContext = browser.new_context(accept_downloads=True, **options)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.on(
        "console", lambda said: said.type in {"error", "warning"} and complaints.append(f"{said.type}: {said.text}")
    )
    page.on("pageerror", lambda error: complaints.append(f"fault: {error}"))
    page.on("response", lambda answer: answer.status >= 400 and complaints.append(f"{answer.status}: {answer.url}"))
    try:
        yield page
    finally:
        context.close()


def drop(page: Page, selector: str, file: Path, name: str | None = None) -> None:
    """Drop a file on an element, as from a folder."""
    target = page.locator(selector).element_handle()
    page.evaluate(_DROP, [target, name or file.name, base64.b64encode(file.read_bytes()).decode()])


def faults(page: Page, screens: Iterable[tuple[dict[str, int], str]] = EVERY_SCREEN) -> list[str]:
    """What is wrong with a page as it is now: wide and on a phone, light and dark.

    That is what axe-core finds by the rules of WCAG 2.2, A and AA, and of good practice; and content that sticks out.
    """
    found = []
    for size, scheme in screens:
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=scheme)
        page.locator(f"html[data-theme={scheme}]").wait_for(state="attached")
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        wide = page.evaluate("document.documentElement.scrollWidth")
        sticking = [f"{wide} pixels of content"] if wide > size["width"] else []
        screen = f"{page.url}, {size['width']} pixels, {scheme}"
        found += [f"{screen}: {fault}" for fault in (*sticking, *_found_by_axe(page))]
    page.set_viewport_size(_WIDE)
    return found


def _found_by_axe(page: Page) -> Iterator[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE.read_text("utf-8"))
        page.evaluate(_STILL)
    # Style sheets are not read anew, for which axe would need inline styles that our policy refuses.
    options = {"runOnly": _RULES, "resultTypes": ["violations"], "preload": {"assets": ["media"]}}
    for violation in page.evaluate("options => axe.run(options)", options)["violations"]:
        for node in violation["nodes"]:
            yield f"{violation['id']} at {node['target']}: {node['failureSummary']}"
