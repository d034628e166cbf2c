"""People of the version before, brought to the server's model in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.sync_api import Browser, expect

from browser import TWO_SCREENS, chromium, faults, opened
from earlier_data import ENCODER, NEWER, put_earlier_folder
from server import Server

SLOW = 60_000  # milliseconds for what a worker has to do
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the driver's own pipes


@pytest.fixture
def earlier() -> Iterator[Server]:
    """The folder of the version before, where root's database can reach it, served with another model."""
    with TemporaryDirectory() as path:
        Path(path).chmod(0o755)
        put_earlier_folder(Path(path))
        with Server(Path(path), {"TIMBRE_MODEL": NEWER}, own_database=True) as server:
            yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.exhaustive
def test_people_of_an_earlier_model_are_upgraded_by_a_button(browser: Browser, earlier: Server):
    complaints: list[str] = []
    with opened(browser, complaints, viewport={"width": 1280, "height": 900}) as page:
        page.goto(earlier.run("keys", "link").split()[-1])
        expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
        page.goto(f"{earlier.address}/people")
        notice = page.locator(".note", has_text="enrolled with another model")
        expect(notice).to_contain_text(
            f"4 people were enrolled with another model than the server's. Recordings are "
            f"compared with people by {ENCODER}."
        )
        assert faults(page, TWO_SCREENS) == []
        notice.get_by_role("button", name="Upgrade").click()
        dialog = page.get_by_role("dialog", name="Upgrade without some people?")
        expect(dialog).to_contain_text("Of Dan nothing is kept")
        dialog.get_by_role("button", name="Upgrade without them").click()
        expect(page.get_by_label("Messages").get_by_text("People are compared by")).to_be_visible(timeout=SLOW)
        expect(notice).to_have_count(0)
        expect(page.get_by_role("link", name="Ada")).to_be_visible()
    assert complaints == []
