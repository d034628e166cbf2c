"""A real browser for tests: Debian's Chromium, driven by Playwright, and everything that it complains of."""

from __future__ import annotations

import base64
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from timbre.http.routes.web import FOLDER

REQUIRED = "TIMBRE_BROWSER"  # `required`: a test without a browser fails instead of being skipped
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_MICROPHONE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
_BAD = {"error", "warning"}  # kinds of messages of the console
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
    elif not (FOLDER / "index.html").exists():
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
