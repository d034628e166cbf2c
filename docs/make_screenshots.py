"""Take the pictures of the web app that the documents show, from a real server in a real browser.

Run it with `python docs/make_screenshots.py` where Chromium is installed; it writes `docs/pictures/web-*.png`.
"""

from __future__ import annotations

import re
import runpy
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

from timbre import formats
from timbre.formats.cues import clock

DOCS: Final = Path(__file__).parent
PICTURES: Final = DOCS / "pictures"
SAMPLES: Final = DOCS.parent / "samples"
WIDE: Final = {"width": 1120, "height": 820}
PHONE: Final = {"width": 390, "height": 780}
SLOW: Final = 60_000  # milliseconds
NAMED: Final = ("Ada", "Ben", "Callum")  # voices of the conversation, in the order of their labels


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run a server on a folder; the link that signs in."""
    command = [sys.executable, "-m", "timbre", "serve", "--port", "0", "--data-dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        said = ""
        for line in process.stdout or ():
            said += line
            if "Ctrl-C" in line:
                break
        found = re.search(r"web app +(http\S+)", said)
        if not found:
            raise SystemExit(f"the server does not start: {said}")
        yield found[1]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate()


def signed_in(browser: Browser, link: str) -> Page:
    """A page of somebody who opened the link."""
    context = browser.new_context(viewport=WIDE, color_scheme="light", reduced_motion="reduce", locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(SLOW)
    expect.set_options(timeout=SLOW)
    page.goto(link)
    expect(page.get_by_role("heading", name="Who spoke when?")).to_be_visible()
    return page


def take(page: Page, name: str) -> None:
    """Take a picture of what is seen."""
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(400)  # until the last drawing is done
    page.screenshot(path=PICTURES / f"web-{name}.png")
    print(f"web-{name}.png")  # noqa: T201


def go(page: Page, name: str) -> None:
    """Go to one of the pages."""
    page.get_by_role("navigation").get_by_role("link", name=name).click()


def name_voice(page: Page, number: int, name: str) -> None:
    """Name a voice of the recording that is shown."""
    card = page.locator(".voice").nth(number)
    card.get_by_role("button", name=re.compile("Name this voice|Somebody else")).click()
    card.get_by_role("combobox").fill(name)
    card.get_by_label("They agree").check()
    card.get_by_role("button", name=f"Add {name}", exact=True).click()
    expect(card.get_by_role("heading", name=name, exact=True)).to_be_visible()


def transcript(folder: Path) -> Path:
    """What is said in the sample conversation, as subtitles."""
    lines: dict[str, list[str]] = {}
    for line in runpy.run_path(str(SAMPLES / "make_samples.py"))["CONVERSATION"]:
        lines.setdefault(line.speaker, []).append(line.text)
    turns = [replace(turn, text=lines[turn.speaker].pop(0)) for turn in formats.read(SAMPLES / "conversation.rttm")]
    cues = [
        f"{number}\n{clock(turn.start, point=',')} --> {clock(turn.end, point=',')}\n{turn.text}\n"
        for number, turn in enumerate(turns, 1)
    ]
    path = folder / "conversation.srt"
    path.write_text("\n".join(cues))
    return path


def show_words(page: Page, folder: Path) -> None:
    """Add a recording with its transcript, and leave nothing of it behind."""
    go(page, "Identify")
    page.locator("input[type=file]").set_input_files([SAMPLES / "conversation.ogg", transcript(folder)])
    page.wait_for_url("**/jobs/*")
    expect(page.locator(".turn-words").first).to_be_visible()
    page.get_by_label("Search the words").fill("gauge")
    expect(page.locator(".turns mark").first).to_be_visible()
    page.locator(".turns").scroll_into_view_if_needed()
    take(page, "words")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Delete this recording").click()
    page.get_by_role("button", name="Delete", exact=True).click()


def tour(page: Page, folder: Path) -> None:
    """Go the way of a newcomer, and take a picture of every page."""
    take(page, "identify")
    page.locator("input[type=file]").set_input_files(SAMPLES / "conversation.ogg")
    page.wait_for_url("**/jobs/*")
    expect(page.get_by_role("heading", name="4 voices")).to_be_visible()
    for number, name in enumerate(NAMED):
        name_voice(page, number, name)
    page.reload()
    expect(page.get_by_role("heading", name="4 voices")).to_be_visible()
    page.locator(".turns li button").nth(4).click()
    page.get_by_role("button", name="Pause").click()
    page.evaluate("scrollTo(0, 0)")
    take(page, "result")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    take(page, "result-dark")
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size(PHONE)
    page.evaluate("scrollTo(0, 0)")
    take(page, "result-phone")
    page.set_viewport_size(WIDE)

    show_words(page, folder)
    go(page, "Identify")
    page.locator("input[type=file]").set_input_files([SAMPLES / "enrol" / f"{name}.flac" for name in ("Ada", "Dan")])
    for name in ("Ada", "Dan"):
        row = page.locator(".queue-row").filter(has_text=f"{name}.flac")
        expect(row.get_by_role("link", name="Open")).to_be_visible()
    go(page, "Recordings")
    expect(page.get_by_role("link", name="Dan.flac")).to_be_visible()
    page.get_by_label("Choose Dan.flac").check()
    page.get_by_role("button", name="Tags…").click()
    page.get_by_label("Add", exact=True).fill("samples")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".recording-tags")).to_be_visible()
    expect(page.locator(".toast")).to_have_count(0)
    take(page, "recordings")
    go(page, "Review")
    expect(page.get_by_role("heading", name=re.compile("This voice is in 2 recordings"))).to_be_visible()
    take(page, "review")
    go(page, "People")
    expect(page.get_by_role("link", name="Callum")).to_be_visible()
    take(page, "people")
    page.get_by_role("link", name="Ada").click()
    expect(page.get_by_role("heading", name="Ada")).to_be_visible()
    take(page, "person")
    go(page, "Settings")
    take(page, "settings")
    page.get_by_role("link", name="Retention").click()
    expect(page.get_by_label("Added in the web app")).to_be_visible()
    take(page, "retention")


def main() -> None:
    """Take all pictures."""
    program = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if program is None:
        raise SystemExit("No Chromium is installed; on Debian, apt install chromium.")
    PICTURES.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        server(Path(folder)) as link,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tour(signed_in(browser, link), Path(folder))
        browser.close()


if __name__ == "__main__":
    main()
