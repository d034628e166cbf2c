"""The settings in a real browser: keys, webhooks, models, usage, retention, the audit; and who may not see them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import TWO_SCREENS, chromium, faults, opened
from hub import Hub, running_hub
from identities import Identities, running_identities
from server import LOOPBACK, Server, finished, submit, upload, voice

WIDE = {"width": 1280, "height": 900}
SLOW = 60_000  # milliseconds
SECTIONS = ("keys", "webhooks", "models", "usage", "retention", "audit", "about")
pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the driver's own pipes
]


class Receiver(BaseHTTPRequestHandler):
    """Takes a webhook, unless its path says that it fails now."""

    failing = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500 if type(self).failing else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    """The address of somebody who fails to take webhooks, until told otherwise."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as listener:
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{listener.server_port}/hook"
        listener.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """A model hub that begins every answer, and stops."""
    with running_hub() as hub:
        hub.hold = threading.Event()
        hub.files = {"csukuangfj/sherpa-onnx-pyannote-segmentation-3-0/model.onnx": b"not the model" * 100}
        yield hub
        hub.hold.set()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def identities() -> Iterator[Identities]:
    """An OpenID provider where Ada Lovelace has an account."""
    with running_identities() as running:
        yield running


@pytest.fixture(scope="module")
def home(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser, hub: Hub, receiver: str, identities: Identities
) -> Iterator[Server]:
    """A server that knows somebody whose review is due, and has a webhook that failed."""
    settings = {
        **identities.settings("chiefs=default:admin", "speech=default:viewer", TIMBRE_OIDC_NAME="Example Inc."),
        **LOOPBACK,
        "TIMBRE_WEBHOOK_RETRIES": "",
        "TIMBRE_REFUSALS_PER_MINUTE": "20",
        "TIMBRE_HUB_ENDPOINT": hub.endpoint,
        "TIMBRE_MODELS_DIR": str(tmp_path_factory.mktemp("models")),
    }
    with Server(tmp_path_factory.mktemp("home"), settings) as running, running.client() as client:
        client.post("/v1/speakers", json={"name": "Ada", "reviewDate": "2020-02-29"})
        job = submit(client, "voiceprint", url=upload(client, voice("Ada")), webhook=receiver)
        assert finished(client, job)["status"] == "succeeded"
        yield running


@pytest.fixture(scope="module")
def session(browser: Browser, home: Server) -> Any:
    """The cookie of somebody who is signed in."""
    with opened(browser, [], viewport=WIDE) as page:
        page.goto(home.link)
        expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
        return page.context.storage_state()


@pytest.fixture
def page(browser: Browser, session: Any) -> Iterator[Page]:
    """A page of somebody who is signed in; whatever it complains of fails the test."""
    complaints: list[str] = []
    options = {"viewport": WIDE, "storage_state": session, "permissions": ["clipboard-read", "clipboard-write"]}
    with opened(browser, complaints, **options) as page:
        yield page
    assert complaints == []


def test_a_key_is_made_shown_once_used_and_revoked(page: Page, home: Server):
    page.goto(f"{home.address}/settings")
    expect(page.locator(".list > li", has_text="Sign-in by link")).to_contain_text("used by this browser")
    page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("meeting-bot")
    dialog.get_by_label("Only some things").check()
    dialog.get_by_label("media:write").uncheck()
    dialog.get_by_role("button", name="Make the key").click()
    expect(dialog).to_contain_text("nobody can see it again")
    dialog.get_by_role("button", name="Copy").click()
    expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    key = page.evaluate("navigator.clipboard.readText()")
    assert dialog.locator("code").inner_text() == key
    dialog.get_by_role("button", name="Done").click()

    row = page.locator(".list > li", has_text="meeting-bot")
    expect(row).to_contain_text(f"…{key[-6:]}")
    expect(row).to_contain_text("jobs:read, jobs:write")
    assert key not in page.content()
    with home.client(key) as client:
        assert client.get("/v2/jobs").status_code == 200
        assert client.post("/v1/media/input", json={"url": "media://x"}).status_code == 403
        # One cannot lock oneself out.
        expect(page.get_by_role("button", name="Revoke web app")).to_have_count(0)
        page.get_by_role("button", name="Revoke meeting-bot").click()
        dialog.get_by_role("button", name="Revoke").click()
        expect(page.get_by_text("Revoked keys (1)")).to_be_visible()
        assert client.get("/v2/jobs").status_code == 401


def test_a_webhook_that_failed_is_delivered_again_and_the_secret_changes(page: Page, home: Server, receiver: str):
    page.goto(f"{home.address}/settings?at=webhooks")
    delivery = page.locator(".list.flush > li")
    expect(delivery).to_contain_text("failed")
    expect(delivery).to_contain_text(receiver)
    delivery.locator("summary").click()
    expect(delivery.locator(".attempts")).to_contain_text("500")
    Receiver.failing = False
    delivery.get_by_role("button", name="Deliver again").click()
    expect(delivery.locator(".tag")).to_have_text("delivered")
    expect(delivery.locator("summary")).to_have_text("2 attempts")
    page.get_by_role("combobox", name="Which").select_option("Failed")
    expect(page.get_by_role("heading", name="No such delivery")).to_be_visible()

    secret = page.get_by_role("region", name="Secret")
    expect(secret.locator("code")).not_to_contain_text("whsec_")
    secret.get_by_role("button", name="Show").click()
    before = secret.locator("code").inner_text()
    assert before.startswith("whsec_")
    secret.get_by_role("button", name="New secret").click()
    page.get_by_role("dialog").get_by_role("button", name="Make a new secret").click()
    expect(secret.locator("code")).to_have_count(2)
    expect(secret).to_contain_text("replaced, valid until")
    assert before in home.run("webhooks", "secret")


def test_a_pull_is_seen_and_why_it_failed(page: Page, home: Server, hub: Hub):
    page.goto(f"{home.address}/settings?at=models")
    rows = page.locator(".list > li")
    expect(rows.filter(has_text="Comes with Timbre:")).to_contain_text("in use")
    segmented = rows.filter(has_text="base-segmented")
    expect(segmented).to_contain_text("not here")
    segmented.get_by_role("button", name="Pull").click()
    dialog = page.get_by_role("dialog", name="Pull base-segmented?")
    expect(dialog).to_contain_text("Everybody else stays with TIMBRE_MODEL=base")
    assert faults(page, TWO_SCREENS) == []
    dialog.get_by_role("button", name="Pull it").click()
    expect(page.get_by_role("progressbar", name="Pulling base-segmented")).to_be_visible()
    expect(segmented).to_contain_text("Fetching segmentation-3.0")
    expect(rows.filter(has_text="Recommended").get_by_role("button", name="Pull")).to_be_disabled()
    page.reload()  # whoever looks sees it
    expect(page.get_by_role("progressbar", name="Pulling base-segmented")).to_be_visible()
    assert hub.hold
    hub.hold.set()
    expect(segmented).to_contain_text("without success", timeout=SLOW)
    expect(segmented).to_contain_text("sha256")
    expect(page.get_by_text("could not be pulled").last).to_be_visible()
    expect(segmented.get_by_role("button", name="Pull")).to_be_enabled()


def test_usage_retention_audit_and_the_server_itself(page: Page, home: Server):
    page.goto(f"{home.address}/settings?at=usage")
    expect(page.get_by_role("row", name=re.compile("first Voiceprints 1"))).to_be_visible()
    page.get_by_role("combobox", name="Month").select_option(index=1)
    expect(page.get_by_role("heading", name="Nothing was heard in this month")).to_be_visible()

    page.get_by_role("navigation", name="Settings").get_by_role("link", name="Retention").click()
    expect(page.get_by_text("deleted 24 hours after the upload")).to_be_visible()
    expect(page.get_by_text("TIMBRE_OUTPUT_HOURS=24")).to_be_visible()
    expect(page.get_by_role("region", name="People who are due").get_by_role("link", name="Ada")).to_be_visible()

    page.get_by_role("navigation", name="Settings").get_by_role("link", name="Audit log").click()
    expect(page.locator(".list > li").filter(has_text="Created a person")).to_contain_text("by first")
    expect(page.locator(".list")).not_to_contain_text("Ada")

    page.get_by_role("navigation", name="Settings").get_by_role("link", name="About").click()
    expect(page.get_by_text("encrypted, with a key of the team")).to_be_visible()
    for link in ("/licenses.md", "/openapi.json"):
        assert httpx.get(home.address + link).status_code == 200


def test_who_may_not_see_the_settings_is_told_why(browser: Browser, home: Server):
    key = home.run("keys", "create", "reader", "--scope", "jobs:read", "--scope", "speakers:read")
    with opened(browser, [], viewport=WIDE) as page:  # the browser notes that nobody was signed in at first
        page.goto(f"{home.address}/settings")
        page.get_by_label("Or use an API key").fill(key)
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_text("it lacks the scope admin")).to_be_visible()
        page.get_by_role("navigation", name="Settings").get_by_role("link", name="Webhooks").click()
        expect(page.get_by_role("heading", name="Deliveries")).to_be_visible()
        expect(page.get_by_role("heading", name="Secret")).to_have_count(0)
        page.get_by_role("navigation", name="Pages").get_by_role("link", name="People").click()
        expect(page.get_by_role("link", name="Ada")).to_be_visible()
        expect(page.get_by_role("button", name="Add a person")).to_have_count(0)


def test_somebody_signs_in_by_an_account_elsewhere_and_out_again(
    browser: Browser, home: Server, identities: Identities
):
    with opened(browser, [], viewport=WIDE) as page:  # the browser notes that nobody was signed in at first
        page.goto(f"{home.address}/people?sort=name")
        button = page.get_by_role("button", name="Sign in with Example Inc.")
        expect(button).to_be_visible()
        assert faults(page, TWO_SCREENS) == []
        button.click()
        expect(page.get_by_role("link", name="Ada")).to_be_visible()
        assert page.url == f"{home.address}/people?sort=name"  # where it was left, and without the code
        expect(page.get_by_role("button", name="Add a person")).to_have_count(0)  # a viewer may not
        cookies = {cookie["name"]: cookie for cookie in page.context.cookies(home.address)}
        assert set(cookies) == {"timbre_session"}
        assert (cookies["timbre_session"]["httpOnly"], cookies["timbre_session"]["sameSite"]) == (True, "Strict")

        identities.person["groups"] = ["chiefs"]
        menu = page.get_by_role("button", name="Appearance and sign-out")
        menu.click()
        page.get_by_role("menuitem", name="Sign out").filter(has_text="Ada Lovelace, viewer").click()
        button.click()
        page.get_by_role("link", name="Settings").click()
        expect(page.locator(".list > li", has_text="Ada Lovelace")).to_contain_text("used by this browser")
        page.get_by_role("navigation", name="Settings").get_by_role("link", name="Audit log").click()
        opened_by = page.locator(".list > li").filter(has_text="Opened a session in a browser").first
        expect(opened_by).to_contain_text("by Ada Lovelace · by: provider")
        assert identities.signed_out == [f"{home.address}/"]

        identities.person["groups"] = []
        menu.click()
        page.get_by_role("menuitem", name="Sign out").click()
        button.click()
        expect(page.get_by_text("Your account is in no group that may come in here")).to_be_visible()
        assert page.url == f"{home.address}/"
        page.goto(f"{home.address}/signed-in?error=access_denied&state=x")
        expect(page.get_by_text("the provider says access_denied")).to_be_visible()


def test_codes_that_nobody_gave_are_limited_like_wrong_keys(home: Server):
    with httpx.Client(base_url=home.address, headers={"X-Timbre-Web": "1"}) as client:
        assert client.post("/v1/session/provider").status_code == 200  # the ticket
        came = [
            client.post("/v1/session", json={"code": f"guess {number}", "state": "guess"}).status_code
            for number in range(41)  # more than twice as many: a minute may begin between them
        ]
    assert set(came) == {403, 429}


def test_everybody_can_use_every_section(page: Page, home: Server):
    for section in SECTIONS:
        page.goto(f"{home.address}/settings?at={section}")
        expect(page.locator("h2.settings-title")).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert faults(page) == []


def test_everybody_can_use_what_opens(page: Page, home: Server):
    dialog = page.get_by_role("dialog")
    page.goto(f"{home.address}/settings?at=webhooks")
    page.locator(".list.flush summary").first.click()
    assert faults(page, TWO_SCREENS) == []
    page.get_by_role("button", name="New secret").click()
    assert faults(page, TWO_SCREENS) == []
    page.keyboard.press("Escape")

    page.get_by_role("navigation", name="Settings").get_by_role("link", name="API keys").click()
    page.get_by_role("button", name="Make a key").click()
    dialog.get_by_label("Name").fill("looked-at")
    dialog.get_by_label("Only some things").check()
    assert faults(page, TWO_SCREENS) == []
    dialog.get_by_role("button", name="Make the key").click()
    expect(dialog).to_contain_text("nobody can see it again")
    assert faults(page, TWO_SCREENS) == []
    dialog.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Revoke looked-at").click()
    assert faults(page, TWO_SCREENS) == []
    dialog.get_by_role("button", name="Revoke").click()
    page.get_by_text(re.compile("Revoked keys")).click()
    assert faults(page, TWO_SCREENS) == []
