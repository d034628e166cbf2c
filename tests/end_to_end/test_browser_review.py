"""Reviews and the archive in a real browser: names confirmed by a key, unknown voices named, recordings in order."""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from browser import TWO_SCREENS, chromium, faults, opened
from server import CONVERSATION, Server, finished, submit, upload

WIDE = {"width": 1280, "height": 900}
SLOW = 30_000  # milliseconds
pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the driver's own pipes
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def _patience() -> Iterator[None]:
    """A busy machine takes its time to compare voices, and to write several results."""
    expect.set_options(timeout=SLOW)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="module")
def team() -> str:
    """The name of a team of this module's own."""
    return f"reviewing {time.time_ns()}"


@pytest.fixture(scope="module")
def client(server: Server, browser: Browser, team: str) -> Iterator[Any]:
    with server.client(server.run("keys", "create", "k", "--team", team)) as client:
        yield client


@pytest.fixture(scope="module")
def jobs(client: Any) -> list[str]:
    """Two recordings of one conversation, in which nobody is known."""
    url = upload(client, CONVERSATION)
    ids = [submit(client, "identify", url=url, speakers="all", title=title) for title in ("Monday", "Tuesday")]
    for job in ids:
        assert finished(client, job)["status"] == "succeeded"
    return ids


@pytest.fixture
def known(client: Any, jobs: list[str]) -> Iterator[list[str]]:
    """The same, as nobody has said anything about them yet; whoever a test makes is gone after it."""
    yield jobs
    for job in jobs:
        while client.post(f"/v1/jobs/{job}/decisions/undo").status_code == 200:
            pass
    for person in client.get("/v1/speakers").json()["items"]:
        client.delete(f"/v1/speakers/{person['id']}")


@pytest.fixture(scope="module")
def session(browser: Browser, server: Server, client: Any, team: str) -> Any:
    """The cookie of somebody of the team."""
    with opened(browser, [], viewport=WIDE) as page:
        page.goto(server.run("keys", "link", "--team", team))
        expect(page.get_by_role("navigation", name="Pages")).to_be_visible()
        return page.context.storage_state()


@pytest.fixture
def complaints() -> list[str]:
    """What a page complained of; what is meant to happen is taken out by the test."""
    return []


@pytest.fixture
def page(browser: Browser, session: Any, complaints: list[str]) -> Iterator[Page]:
    with opened(browser, complaints, viewport=WIDE, storage_state=session) as page:
        yield page
    assert complaints == []


def enrolled(client: Any, name: str, job: str, speaker: str) -> str:
    answer = client.post("/v1/speakers", json={"name": name, "sample": {"jobId": job, "speaker": speaker}})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def toast(page: Page) -> Any:
    return page.locator(".toast").last


def test_a_voice_of_two_recordings_is_named_once_and_people_who_changed_are_one_action(
    page: Page, server: Server, client: Any, known: list[str]
):
    page.goto(f"{server.address}/review")
    groups = page.locator(".review-group")
    expect(groups).to_have_count(4)
    first = groups.first
    expect(first).to_contain_text("This voice is in 2 recordings: who is it?")
    assert faults(page) == []
    first.get_by_role("button", name="Say who it is").click()
    first.get_by_label("Who is this?").fill("Ada")
    first.get_by_label("They agree").check()
    first.get_by_role("button", name="Add Ada").click()
    expect(toast(page)).to_contain_text("Ada in 2 recordings; learned from all of them.")
    expect(groups).to_have_count(3)
    (ada,) = client.get("/v1/speakers").json()["items"]
    assert (ada["name"], ada["consent"]["basis"]) == ("Ada", "They said yes")
    named = {voice["match"] for job in known for voice in client.get(f"/v1/jobs/{job}").json()["output"]["voiceprints"]}
    assert named == {"Ada", None}
    # One of the voices is left out, the others are nobody.
    groups.first.get_by_role("checkbox", name="Monday").uncheck()
    groups.first.get_by_role("button", name="Nobody we know").click()
    expect(toast(page)).to_contain_text("Nobody we know, in 1 recording.")
    toast(page).get_by_role("button", name="Undo").click()
    expect(toast(page)).to_contain_text("It was taken back.")
    expect(groups).to_have_count(3)
    # Somebody is enrolled elsewhere: all recordings are named again by one button.
    free = next(
        voice["speaker"]
        for voice in client.get(f"/v1/jobs/{known[0]}").json()["output"]["voiceprints"]
        if voice["match"] is None
    )
    enrolled(client, "Ben", known[0], free)
    page.reload()
    expect(page.locator(".note")).to_contain_text("Your people have changed since 2 recordings were named")
    assert faults(page, TWO_SCREENS) == []
    page.get_by_role("button", name="Name them again").click()
    expect(toast(page)).to_contain_text("2 recordings named again; 2 of them with other people now.")
    expect(page.locator(".review-matches > li")).to_have_count(2)
    expect(page.locator(".note")).to_have_count(0)


def test_names_are_confirmed_and_rejected_with_one_key(
    page: Page, server: Server, client: Any, known: list[str], complaints: list[str]
):
    people = [enrolled(client, f"Person {at}", known[0], f"SPEAKER_0{at}") for at in range(4)]
    assert client.post("/v1/review/rename").json()["named"] == 2
    page.goto(f"{server.address}/review")
    rows = page.locator(".review-matches > li")
    expect(rows).to_have_count(8)
    expect(rows.first).to_have_attribute("aria-current", "true")
    assert faults(page) == []
    first = rows.first.get_attribute("data-key").split()
    page.keyboard.press("y")
    expect(rows).to_have_count(7)
    expect(toast(page)).to_contain_text(re.compile(r"It is Person \d\."))
    output = client.get(f"/v1/jobs/{first[0]}").json()["output"]
    assert [voice["decided"] for voice in output["voiceprints"] if voice["speaker"] == first[1]] == [True]
    page.keyboard.press("ArrowDown")
    second = page.locator(".review-matches > li[aria-current]").get_attribute("data-key")
    expect(page.locator(f"[data-key='{second}']")).to_be_focused()
    page.keyboard.press("n")
    expect(rows).to_have_count(6)
    expect(toast(page)).to_contain_text(re.compile(r"It is not Person \d\."))
    page.keyboard.press("u")
    expect(rows).to_have_count(7)
    expect(page.locator(f"[data-key='{second}']")).to_have_attribute("aria-current", "true")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name=re.compile("Stop the voice in"))).to_be_visible()
    page.keyboard.press("Space")
    # Somebody else says it first: what they said stays, and one is told.
    job, speaker = second.split()
    said = {"kind": "nobody", "voices": [{"jobId": job, "speaker": speaker}]}
    assert client.post("/v1/review/decide", json=said).status_code == 200
    page.keyboard.press("y")
    expect(toast(page)).to_contain_text(
        f"Somebody has said meanwhile who {speaker} is: nobody knows them.", timeout=SLOW
    )
    expect(rows).to_have_count(6)
    # Erased meanwhile, nobody has that name any more.
    current = page.locator(".review-matches > li[aria-current]")
    name = current.locator("strong").inner_text()
    client.delete(f"/v1/speakers/{people[int(name[-1])]}")
    page.keyboard.press("y")
    expect(toast(page)).to_contain_text("There is no such person; they may have been erased.")
    assert [each.partition(":")[0] for each in complaints if "/v1/review/decide" in each] == ["409", "400"]
    complaints[:] = [each for each in complaints if "/v1/review/decide" not in each and "Failed to load" not in each]


def test_recordings_are_filtered_tagged_kept_and_taken_together(
    page: Page, server: Server, client: Any, known: list[str]
):
    page.goto(f"{server.address}/recordings")
    rows = page.locator(".recording-row")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("4 unknown voices")
    page.get_by_label("Order").select_option("Oldest first")
    expect(rows.first).to_contain_text("Monday")
    page.get_by_label("Choose Monday").check()
    bar = page.get_by_role("group", name="With the chosen recordings")
    expect(bar).to_contain_text("1 recording chosen")
    bar.get_by_role("button", name="Tags…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Add").fill("board, interviews")
    assert faults(page, TWO_SCREENS) == []
    dialog.get_by_role("button", name="Save").click()
    expect(toast(page)).to_contain_text("1 recording tagged anew.")
    expect(rows.first.locator(".tag")).to_have_text(["board", "interviews"])
    page.get_by_label("Choose all 2 shown").check()
    bar.get_by_role("button", name="Keep", exact=True).click()
    expect(toast(page)).to_contain_text("2 recordings kept until you delete them.")
    expect(rows.locator(".recording-kept")).to_have_text(["kept", "kept"])
    assert faults(page) == []
    bar.get_by_role("button", name="Export…").click()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Export", exact=True).click()
    with zipfile.ZipFile(download.value.path()) as packed:
        assert packed.namelist() == ["Monday.csv", "Tuesday.csv"]
    # Filters are in the address, and each can be taken away.
    page.get_by_text("More filters").click()
    page.get_by_label("Tag", exact=True).select_option("board")
    expect(rows).to_have_count(1)
    assert "tag=board" in page.url
    page.get_by_label("To", exact=True).fill("2020-01-01")
    expect(page.get_by_text("No recording was found")).to_be_visible()
    page.get_by_role("link", name="Show all recordings").click()
    page.get_by_text("More filters").click()
    page.get_by_label("Not checked by anybody").check()
    expect(rows).to_have_count(2)
    assert client.post(
        "/v1/review/decide",
        json={"kind": "nobody", "voices": [{"jobId": known[0], "speaker": f"SPEAKER_0{at}"} for at in range(4)]},
    ).is_success
    page.reload()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Tuesday")


def test_an_administrator_says_how_long_recordings_are_kept(page: Page, server: Server, client: Any, known: list[str]):
    client.post("/v1/archive/change", json={"jobs": known, "kept": False})
    page.goto(f"{server.address}/settings?at=retention")
    rules = page.locator(".keeping")
    expect(rules.get_by_label("Added in the web app")).to_have_value("forever")
    assert faults(page) == []
    page.get_by_label("Sent through the API").select_option("For ever")
    expect(toast(page)).to_contain_text("Recordings are kept by the new rule.")
    page.get_by_label("A rule for another tag").fill("interviews")
    rules.get_by_role("button", name="Add").click()
    page.get_by_label("Tagged “interviews”").select_option("Another number of days…")
    page.get_by_label("Days").fill("180")
    rules.get_by_role("button", name="Set").click()
    expect(page.get_by_label("Tagged “interviews”")).to_have_value("180")
    assert client.get("/v1/archive/keeping").json() == {
        "web": "forever", "api": "forever", "tags": {"interviews": 180}, "outputHours": 24.0, "over": None,
    }  # fmt: skip
    # What the browser itself submits came through the web app.
    body = {"url": "media://nothing", "tags": ["interviews"]}
    sent = page.request.post(f"{server.address}/v1/diarize", data=body, headers={"X-Timbre-Web": "1"}).json()
    job = client.get(f"/v1/jobs/{sent['jobId']}").json()
    assert (job["source"], job["tags"]) == ("web", ["interviews"])
    assert client.get(f"/v1/jobs/{known[0]}").json()["source"] == "api"
    assert client.delete(f"/v1/jobs/{sent['jobId']}").status_code == 200
    page.goto(f"{server.address}/recordings")
    expect(page.locator(".recording-row").first).to_contain_text("stays")
    client.patch("/v1/archive/keeping", json={"api": "server", "tags": {"interviews": None}})
    page.reload()
    expect(page.locator(".recording-row").first).to_contain_text(re.compile(r"gone in \d+ h"))


def test_a_person_has_talk_time_and_recordings_that_lead_to_their_turns(
    page: Page, server: Server, client: Any, known: list[str]
):
    ada = enrolled(client, "Ada", known[0], "SPEAKER_00")
    wrong = {"kind": "name", "voices": [{"jobId": known[0], "speaker": "SPEAKER_01"}], "speakerId": ada, "learn": True}
    assert client.post("/v1/review/decide", json=wrong).json()["voices"][0]["learned"] is True
    client.post("/v1/review/rename")
    page.goto(f"{server.address}/people/{ada}")
    heard = page.locator("section", has=page.get_by_role("heading", name="Heard in"))
    expect(heard).to_contain_text("in 2 recordings")
    expect(page.locator(".sample").first.get_by_role("link", name="Monday")).to_be_visible()
    expect(page.locator(".sample", has_text="unlike the others").first).to_be_visible()
    heard.get_by_role("button", name="Turns in Tuesday").click()
    turn = heard.locator(".heard-turns a").first
    assert faults(page) == []
    # What was learned by mistake goes: what was named by it is listed, and named again in one go.
    client.post(f"/v1/jobs/{known[0]}/decisions/undo")
    page.reload()
    expect(heard).to_contain_text("2 recordings name Ada by a sample that is gone")
    assert faults(page, TWO_SCREENS) == []
    heard.get_by_role("button", name="Name again").click()
    expect(toast(page)).to_contain_text("2 recordings named again")
    expect(heard.locator(".note")).to_have_count(0)
    heard.get_by_role("button", name="Turns in Tuesday").click()
    at = turn.get_attribute("href")
    turn.click()
    page.wait_for_url(f"**{at}")
