"""Deciding in a real browser: names that are corrected, voices that are one, turns that are changed, two tabs."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

import spoken
from browser import TWO_SCREENS, chromium, faults, opened
from far_server import FarRequest
from recogniser import Recogniser, reply
from server import CONVERSATION, Server, finished, submit, upload, voice

WIDE = {"width": 1280, "height": 900}
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the driver's own pipes


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def team() -> str:
    """The name of a team of this module's own."""
    return f"deciding {time.time_ns()}"


@pytest.fixture(scope="module")
def client(server: Server, browser: Browser, team: str) -> Iterator[Any]:
    with server.client(server.run("keys", "create", "k", "--team", team)) as client:
        yield client


@pytest.fixture(scope="module")
def heard(client: Any) -> str:
    """The id of a job that heard the conversation, and asked for nobody."""
    job = submit(client, "diarize", url=upload(client, CONVERSATION), title="A conversation", exclusive=True)
    assert finished(client, job)["status"] == "succeeded"
    return job


@pytest.fixture
def job(client: Any, heard: str) -> Iterator[str]:
    """The same, as the machine found it: whatever a test decides is undone, and whoever it made is gone."""
    yield heard
    while client.post(f"/v1/jobs/{heard}/decisions/undo").status_code == 200:
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
def page(browser: Browser, server: Server, session: Any, job: str) -> Iterator[Page]:
    """The page of the job; whatever it complains of fails the test."""
    complaints: list[str] = []
    with opened(browser, complaints, viewport=WIDE, storage_state=session) as page:
        page.goto(f"{server.address}/jobs/{job}")
        expect(page.locator(".voice")).to_have_count(4)
        yield page
    assert complaints == []


def card(page: Page, number: int) -> Locator:
    return page.locator(".voice").nth(number)


def pick(page: Page, number: int, item: str | re.Pattern[str]) -> None:
    """Choose something in the menu of a voice."""
    card(page, number).get_by_role("button", name=re.compile("^More for")).click()
    page.get_by_role("menuitem", name=item).click()


def type_name(page: Page, number: int, name: str) -> None:
    """Type who a voice is, somebody new or somebody known, in the form that is open."""
    page.keyboard.type(name)
    button = card(page, number).get_by_role("button", name=re.compile(f"^(Add|This is) {name}$"))
    button.click()


def name_voice(page: Page, number: int, name: str) -> None:
    card(page, number).get_by_role("button", name=re.compile("Name this voice|Somebody else")).click()
    type_name(page, number, name)
    expect(card(page, number).get_by_role("heading", name=name, exact=True)).to_be_visible()


def people(client: Any) -> dict[str, int]:
    return {each["name"]: each["sampleCount"] for each in client.get("/v1/speakers").json()["items"]}


def rows(page: Page, name: str) -> Locator:
    return page.locator(".turns li").filter(has=page.get_by_text(name, exact=True))


# The three stories


def test_a_wrong_name_is_corrected(page: Page, client: Any):
    name_voice(page, 0, "Paula")
    expect(card(page, 0)).to_contain_text("named by hand")
    turns = rows(page, "Paula").count()
    assert turns > 3
    pick(page, 0, "This is somebody else")
    type_name(page, 0, "Quentin")
    expect(card(page, 0)).to_contain_text(f"Renamed {turns} turns to Quentin.")
    expect(card(page, 0).get_by_role("heading", name="Quentin")).to_be_visible()
    assert rows(page, "Quentin").count() == turns
    assert people(client) == {"Quentin": 1}  # nobody is left behind
    page.reload()
    expect(card(page, 0).get_by_role("heading", name="Quentin")).to_be_visible()
    # Undo walks back, also after a reload.
    page.get_by_role("toolbar").get_by_role("button", name="Undo").click()
    expect(card(page, 0).get_by_role("heading", name="Paula")).to_be_visible()
    page.keyboard.press("Control+z")
    expect(card(page, 0)).to_contain_text("unknown")
    expect(page.get_by_role("toolbar").get_by_role("button", name="Undo")).to_be_disabled()
    page.keyboard.press("Control+Shift+Z")
    expect(card(page, 0).get_by_role("heading", name="Paula")).to_be_visible()
    assert people(client) == {"Paula": 1}


def test_two_voices_of_one_person_keep_the_name_and_are_joined(page: Page, client: Any):
    name_voice(page, 0, "Ada")
    turns = rows(page, "Ada").count()
    name_voice(page, 1, "Ada")
    expect(card(page, 0).get_by_role("heading", name="Ada")).to_be_visible()  # as before
    expect(card(page, 2)).to_contain_text("unknown")
    assert rows(page, "Ada").count() > turns
    # It does not sound like her, so it is not learned without being asked.
    expect(card(page, 1)).to_contain_text("Nothing was learned of Ada")
    assert people(client) == {"Ada": 1}
    card(page, 1).get_by_role("button", name="Join these voices").click()
    expect(page.locator(".voice")).to_have_count(3)
    expect(card(page, 0)).to_contain_text("are one voice now")
    page.get_by_role("toolbar").get_by_role("button", name="Undo").click()
    expect(page.locator(".voice")).to_have_count(4)


def test_a_mistake_does_not_stay_with_the_person(page: Page, client: Any):
    name_voice(page, 0, "Paula")
    name_voice(page, 1, "Paula")
    card(page, 1).get_by_role("button", name="Learn it anyway").click()
    expect(card(page, 1)).to_contain_text("Paula is learned from this voice now.")
    assert people(client) == {"Paula": 2}
    pick(page, 1, "This is not Paula")
    expect(card(page, 1)).to_contain_text("unknown")
    expect(card(page, 0).get_by_role("heading", name="Paula")).to_be_visible()
    assert people(client) == {"Paula": 1}
    pick(page, 1, "Nobody we know")
    expect(card(page, 1)).to_contain_text("nobody we know")


# A colleague


def test_a_colleague_sees_what_is_decided_and_a_stale_page_names_nobody(
    page: Page, browser: Browser, session: Any, client: Any, job: str
):
    with opened(browser, [], viewport=WIDE, storage_state=session) as other:
        other.goto(page.url)
        expect(other.locator(".voice")).to_have_count(4)
        name_voice(page, 0, "Ada")
        expect(card(other, 0).get_by_role("heading", name="Ada")).to_be_visible(timeout=1000)
        # One that hears nothing any more is refused, and then sees what is there.
        quiet(other.context)
        other.reload()
        expect(card(other, 0).get_by_role("heading", name="Ada")).to_be_visible()
        pick(other, 1, "Same person as another voice")
        name_voice(page, 1, "Ben")
        other.get_by_role("dialog").get_by_role("button", name="Same person").first.click()
        expect(other.locator(".toast")).to_contain_text("since then there were: name by web app")
        expect(card(other, 1).get_by_role("heading", name="Ben")).to_be_visible()
    expect(page.locator(".voice")).to_have_count(4)
    assert [item["kind"] for item in client.get(f"/v1/jobs/{job}/decisions").json()["items"]][-2:] == ["name", "name"]


def quiet(context: BrowserContext) -> None:
    """Let pages of this visitor open no stream of events."""
    context.add_init_script("window.EventSource = class { addEventListener() {} close() {} }")


# Turns


def test_turns_are_given_split_joined_checked_and_deleted(page: Page, client: Any, job: str):
    listed = page.locator(".turns li")
    count = listed.count()
    # By keys: the second turn becomes the first voice's.
    listed.nth(1).get_by_role("button").click(modifiers=["Control"])
    page.keyboard.press("1")
    expect(page.locator(".note.good")).to_contain_text("Gave 1 turn to Voice 1.")
    expect(listed.nth(1)).to_contain_text("Voice 1")
    # A range, by the menu, is a new voice.
    listed.nth(2).get_by_role("button").click(modifiers=["Control"])
    listed.nth(1).get_by_role("button").click(modifiers=["Control"])
    page.keyboard.press("Escape")
    listed.nth(2).get_by_role("button").click(modifiers=["Control"])
    listed.nth(4).get_by_role("button").click(modifiers=["Shift"])
    page.get_by_role("button", name="Give 3 turns to…").click()
    page.get_by_role("menuitem", name="A new voice").click()
    expect(page.locator(".voice")).to_have_count(5)
    page.keyboard.press("Control+z")
    expect(page.locator(".voice")).to_have_count(4)
    page.keyboard.press("Escape")

    # Split where it plays; the parts are joined again.
    listed.first.get_by_role("button").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    page.keyboard.press("s")
    expect(listed).to_have_count(count + 1)
    expect(page.locator(".note.good")).to_contain_text("Split the turn at 0:05")
    page.keyboard.press("m")
    expect(listed).to_have_count(count)

    page.keyboard.press("c")
    expect(page.locator(".note.good")).to_contain_text("Marked 1 turn as checked.")
    page.keyboard.press("Delete")
    expect(listed).to_have_count(count - 1)
    output = client.get(f"/v1/jobs/{job}").json()["output"]
    assert len(output["identification"]) == count - 1
    assert len(output["diarization"]) == count
    lines = client.get(f"/v1/jobs/{job}/output.rttm").text.splitlines()
    assert len(lines) == count - 1

    page.get_by_role("button", name="History").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("li").first).to_contain_text("1 turn deleted")
    expect(dialog).to_contain_text("web app")
    expect(dialog.locator("[data-state=dropped]").first).to_contain_text("undone for good")
    assert faults(page, TWO_SCREENS) == []
    page.keyboard.press("Escape")


@pytest.mark.exhaustive
def test_all_recordings_are_named_again_and_what_was_said_stays(page: Page, client: Any, job: str):
    name_voice(page, 0, "Ada")
    name_voice(page, 1, "Ben")
    page.get_by_role("toolbar").get_by_role("button", name="Undo").click()
    expect(card(page, 1)).to_contain_text("unknown")
    sample = {"jobId": job, "speaker": "SPEAKER_01"}
    assert client.post("/v1/speakers", json={"name": "Benjamin", "sample": sample}).status_code == 201
    page.get_by_role("link", name="Recordings").first.click()
    row = page.locator(".recording-row")
    expect(row).to_contain_text("Ada")
    page.get_by_role("button", name="Name again").click()
    assert faults(page, TWO_SCREENS) == []
    page.get_by_role("dialog").get_by_role("button", name="Name them again").click()
    expect(page.locator(".toast")).to_contain_text("1 recording named again; 1 of them with other people now.")
    expect(row).to_contain_text("Ada and Benjamin")
    output = client.get(f"/v1/jobs/{job}").json()["output"]
    assert [(voice["match"], voice["decided"]) for voice in output["voiceprints"]][:2] == [
        ("Ada", True), ("Benjamin", False),
    ]  # fmt: skip


def test_an_edge_of_a_turn_is_dragged(page: Page, client: Any, job: str):
    page.locator(".turns li button").first.click(modifiers=["Control"])
    before = client.get(f"/v1/jobs/{job}").json()
    first = before["output"]["diarization"][0]
    lanes = page.locator(".stage-lanes canvas")
    box = lanes.bounding_box()
    assert box
    scale = box["width"] / before["duration"]
    at, lane = box["x"] + first["end"] * scale, box["y"] + box["height"] / 8  # of the first of four voices
    page.mouse.move(at, lane)
    expect(lanes).to_have_attribute("data-over", "edge")
    page.mouse.down()
    page.mouse.move(at - 2.0 * scale, lane, steps=4)
    page.mouse.up()
    expect(page.locator(".note.good")).to_contain_text("The turn ends at 0:0")
    turn = client.get(f"/v1/jobs/{job}").json()["output"]["identification"][0]
    assert abs(turn["end"] - (first["end"] - 2.0)) < 0.2
    assert turn["start"] == first["start"]


def test_the_list_is_one_stop_and_arrows_walk_it(page: Page):
    listed = page.locator(".turns li button")
    assert listed.evaluate_all("rows => rows.filter(row => row.tabIndex === 0).length") == 1
    listed.first.focus()
    page.keyboard.press("ArrowDown")
    expect(listed.nth(1)).to_be_focused()
    expect(listed.nth(1)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.get_by_role("button", name="Give 2 turns to…")).to_be_visible()
    page.get_by_label("To check").check()
    assert faults(page, TWO_SCREENS) == []
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("split the turn where it plays")
    assert faults(page, TWO_SCREENS) == []


# Words, lanes and links


def test_words_are_handed_in_searched_and_exported(page: Page, client: Any, job: str, tmp_path: Path):
    transcript = tmp_path / "talk.srt"
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Hand in a transcript").click()
    dialog = page.get_by_role("dialog")
    assert faults(page, TWO_SCREENS) == []
    transcript.write_text(spoken.srt(), encoding="utf-16")
    dialog.locator("input[type=file]").set_input_files(transcript)
    expect(page.locator(".toast")).to_contain_text("words of talk.srt stand beside the turns now.")
    listed = page.locator(".turns li")
    expect(listed.first).to_contain_text(spoken.lines()[0][0].text)

    count = listed.count()
    word = max((each.text for line in spoken.lines() for each in line), key=len).strip(".,?!")
    page.get_by_label("Search the words").fill(word.upper())
    expect(page.locator(".turns mark").first).to_have_text(word)
    assert 0 < listed.count() < count
    assert faults(page, TWO_SCREENS) == []
    page.get_by_label("Search the words").fill("nobody says this")
    expect(page.locator(".turns")).to_contain_text("Nobody says this.")
    page.get_by_label("Search the words").fill("")
    expect(listed).to_have_count(count)

    name_voice(page, 0, "Ada")
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as coming:
        page.get_by_role("menuitem", name="Plain text").click()
    assert coming.value.suggested_filename == "A conversation.txt"
    text = Path(coming.value.path()).read_text()
    assert text.startswith("[0:00:0")
    assert "Ada: " in text
    assert word in text
    listed.first.get_by_role("button").click()
    page.keyboard.press("e")
    box = page.get_by_role("textbox", name="What is said")
    box.fill(box.input_value().replace("morning", "evening"))
    page.keyboard.press("Control+Enter")
    expect(listed.first).to_contain_text("Good evening, everyone.")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("menuitem", name="Remove the transcript").click()
    expect(page.get_by_label("Search the words")).to_have_count(0)
    assert "transcript" not in client.get(f"/v1/jobs/{job}").json()["output"]


@pytest.mark.exhaustive
def test_words_come_with_a_recording_and_are_changed(
    page: Page, client: Any, server: Server, recogniser: Recogniser, tmp_path: Path
):
    talk, own, lines = tmp_path / "Talk.ogg", tmp_path / "Mine.flac", tmp_path / "mine.srt"
    talk.write_bytes(CONVERSATION.read_bytes())
    own.write_bytes(voice("Ada").read_bytes())
    lines.write_text("1\n00:00:01,000 --> 00:00:03,000\nNobody recognised this.\n")
    page.get_by_role("link", name="Identify").click()
    page.locator(".options summary").click()
    page.get_by_label("Tags of the recordings").fill("talks, monday")
    expect(page.get_by_label("Recognise the words")).to_be_checked()
    expect(page.locator(".options summary")).to_contain_text("with words, tagged talks, monday")
    assert faults(page, TWO_SCREENS) == []
    page.get_by_label("Recognised by").select_option("large-v3")
    recogniser.asked.clear()
    page.get_by_label("Recordings", exact=True).set_input_files([talk, own, lines])
    expect(page.locator(".queue-row").filter(has_text="with mine.srt")).to_contain_text("Mine.flac")
    expect(page.get_by_role("link", name="Open", exact=True)).to_have_count(2, timeout=60_000)
    assert {piece["model"] for piece in recogniser.asked} == {"large-v3"}
    jobs = {item["title"]: item for item in client.get("/v2/jobs").json()["items"]}
    assert jobs["Talk.ogg"]["tags"] == jobs["Mine.flac"]["tags"] == ["talks", "monday"]
    mine = client.get(f"/v1/jobs/{jobs['Mine.flac']['id']}").json()["output"]
    assert [turn["text"] for turn in mine["turnLevelTranscription"]] == ["Nobody recognised this."]

    page.goto(f"{server.address}/jobs/{jobs['Talk.ogg']['id']}")
    first = page.locator(".turns li button").first
    expect(first).to_contain_text("Good morning, everyone.")
    first.click()
    page.keyboard.press("e")
    box = page.get_by_role("textbox", name="What is said")
    expect(box).to_be_focused()
    assert faults(page, TWO_SCREENS) == []
    box.fill(box.input_value().replace("morning", "evening"))
    page.keyboard.press("Control+Enter")
    expect(page.locator(".note").filter(has_text="Changed 1 word.")).to_be_visible()
    expect(first).to_contain_text("Good evening, everyone.")
    assert "Good evening," in client.get(f"/v1/jobs/{jobs['Talk.ogg']['id']}/output.srt").text
    page.get_by_role("button", name="History").click()
    expect(page.get_by_role("dialog", name="History")).to_contain_text("“morning,” reads “evening,”")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+z")
    expect(first).to_contain_text("Good morning, everyone.")


def test_words_are_seen_while_they_are_recognised(page: Page, client: Any, server: Server, recogniser: Recogniser):
    go = Event()

    def answer(request: FarRequest, fields: dict[str, Any]) -> None:
        if fields["at"]:  # all but the first piece
            go.wait(60)
        reply(request, recogniser.verbose(fields))

    recogniser.answers = answer
    try:
        url = upload(client, CONVERSATION)
        page.goto(f"{server.address}/jobs/{submit(client, 'diarize', url=url, title='Talk', transcription=True)}")
        so_far = page.locator(".so-far")
        expect(so_far.locator("li").first).to_contain_text("Good morning, everyone.")
        expect(so_far).to_contain_text("names come with the result", timeout=60_000)
        expect(page.get_by_role("heading", name="Recognising the words")).to_be_visible()
        expect(so_far.locator("li").first).to_contain_text("Voice 1")
        assert faults(page, TWO_SCREENS) == []
        page.reload()
        expect(so_far.locator("li").first).to_contain_text("Good morning, everyone.")
    finally:
        go.set()
        recogniser.answers = None
    expect(page.locator(".turns li").first).to_contain_text("Good morning, everyone.")
    expect(so_far).to_have_count(0)


def test_turns_are_selected_by_dragging_and_a_link_leads_to_a_moment(page: Page, job: str):
    lanes = page.locator(".stage-lanes canvas")
    box = lanes.bounding_box()
    assert box
    player = page.get_by_role("region", name="Player")
    # The two upper lanes, from the middle on; what is dragged over from right to left counts as well.
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 4)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.45, steps=4)
    page.mouse.up()
    selected = page.locator('.turns [aria-pressed="true"]')
    expect(page.get_by_role("button", name=re.compile(r"^Give \d+ turns to…"))).to_be_visible()
    names = page.locator(".stage-names span.ellipsis").all_inner_texts()
    assert set(selected.locator(".turn-name .ellipsis").all_inner_texts()) == set(names[:2])
    page.mouse.wheel(0, 2000)
    expect(selected.first).to_be_in_viewport()
    page.mouse.wheel(0, -2000)
    page.keyboard.press("Escape")
    expect(selected).to_have_count(0)

    # Voices who say little have no lane, and no card.
    least = page.get_by_label("Hide under")
    least.select_option("30")
    hidden = 4 - page.locator(".voice").count()
    assert 0 < hidden < 4
    expect(page.locator(".stage-names > span")).to_have_count(4 - hidden)
    expect(page.locator(".voices")).to_contain_text(f"{hidden} hidden.")
    assert faults(page, TWO_SCREENS) == []
    least.select_option("0")

    # The player stays in view, and so does what is heard when one has zoomed in.
    page.mouse.wheel(0, 2000)
    expect(player.get_by_role("button", name="Play", exact=True)).to_be_in_viewport()
    page.goto(f"{page.url}?t=61.5")
    expect(player).to_contain_text("1:01.5")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("ArrowRight")
    player.get_by_role("button", name="Copy a link to this moment").click()
    expect(page.locator(".toast")).to_contain_text("Copied a link to 1:06.")
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"/jobs/{job}?t=66.5")


# The server, and what it does


def test_what_is_heard_is_seen_after_a_reload_and_told_when_it_is_done(
    browser: Browser, server: Server, client: Any, session: Any
):
    complaints: list[str] = []
    url = upload(client, voice("Ada"))
    workers = server.parts("worker")
    with opened(browser, complaints, viewport=WIDE, storage_state=session) as page:
        page.context.grant_permissions(["notifications"])
        page.context.add_init_script(NOTED)
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        try:
            jobs = [submit(client, "diarize", url=url, title=title) for title in ("First.flac", "Second.flac")]
            for _ in range(2):
                page.goto(server.address)
                row = page.locator(".queue-row", has_text="Second.flac")
                expect(row).to_contain_text("Waiting for its turn, 1 recording before it")
            assert client.get(f"/v1/jobs/{jobs[1]}").json()["ahead"] == 1
            assert faults(page, TWO_SCREENS) == []
        finally:
            for worker in workers:
                os.kill(worker, signal.SIGCONT)
        expect(page.locator(".queue-row").get_by_role("link", name="Open")).to_have_count(2, timeout=60_000)
        assert sorted(page.evaluate("window.told")) == ["First.flac", "Second.flac"]
        for job in jobs:
            assert "ahead" not in client.get(f"/v1/jobs/{job}").json()
    assert complaints == []


# What the browser is asked to show, on a page that nobody looks at.
NOTED = """
window.told = [];
window.Notification = class extends window.Notification {
    constructor(title, options) {
        super(title, options);
        window.told.push(title);
    }
};
Object.defineProperty(document, "hidden", { get: () => true });
"""


def test_a_page_says_that_the_server_is_away_and_goes_on_when_it_is_back(
    browser: Browser, server: Server, session: Any, job: str, client: Any
):
    with opened(browser, [], viewport=WIDE, storage_state=session) as page:
        page.goto(f"{server.address}/jobs/{job}")
        expect(page.locator(".voice")).to_have_count(4)
        page.context.set_offline(True)
        page.get_by_role("link", name="People").click()
        expect(page.locator(".away")).to_contain_text("This page goes on by itself as soon as it does.")
        assert faults(page, TWO_SCREENS) == []
        page.context.set_offline(False)
        expect(page.get_by_role("heading", name="Timbre knows nobody yet")).to_be_visible()  # loaded by itself
        expect(page.locator(".away")).to_have_count(0)
