"""People and recordings in a real browser: adding, teaching, finding, mapping, merging, keeping and erasing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from browser import TWO_SCREENS, chromium, faults, opened
from media import encoded, wav
from server import CONVERSATION, Server, finished, submit, upload
from server import voice as recording

SLOW = 60_000  # milliseconds for what a server has to hear
WIDE = {"width": 1280, "height": 900}
RATE = 16_000
pytestmark = [
    pytest.mark.exhaustive,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # the driver's own pipes
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, voice: Callable[[str], np.ndarray]) -> Iterator[Browser]:
    """One whose microphone hears Dan."""
    spoken = tmp_path_factory.mktemp("microphone") / "dan.wav"
    spoken.write_bytes(encoded(voice("Dan"), RATE, container="wav", codec="pcm_s16le"))
    with chromium(spoken) as running:
        yield running


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Server]:
    """A server that knows Ada twice, Ben, and Callum without a voice."""
    with Server(tmp_path_factory.mktemp("home")) as running, running.client() as client:
        jobs = [
            enrol(client, "Ada Lovelace", "Ada", tags=["board", "london"], consent={"basis": "They signed a form"}),
            enrol(client, "Ada L.", "Ada", tags=["imported"]),
            enrol(client, "Ben Okafor", "Ben", tags=["board"], reviewDate="2026-01-31"),
        ]
        assert client.post("/v1/speakers", json={"name": "Callum"}).status_code == 201
        for job in jobs:
            assert finished(client, job)["status"] == "succeeded"
        yield running


@pytest.fixture(scope="module")
def conversation(home: Server) -> str:
    """The id of a job that names Ada Lovelace and Ben Okafor."""
    with home.client() as client:
        people = [speaker_id(client, name) for name in ("Ada Lovelace", "Ben Okafor")]
        job = submit(client, "identify", url=upload(client, CONVERSATION), speakers=people, title="Monday's stand-up")
        assert finished(client, job)["status"] == "succeeded"
        return job


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
    with opened(browser, complaints, viewport=WIDE, storage_state=session) as page:
        yield page
    assert complaints == []


def enrol(client: Any, name: str, whose: str, **more: Any) -> str:
    url = upload(client, recording(whose), f"people/{whose}.flac")
    answer = client.post("/v1/speakers", json={"name": name, "sample": {"url": url}, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()["jobId"]


def speaker_id(client: Any, name: str) -> str:
    (found,) = (each for each in client.get("/v1/speakers", params={"q": name}).json()["items"] if each["name"] == name)
    return found["id"]


def names(page: Page) -> list[str]:
    return page.locator(".person-card h2").all_inner_texts()


# The gallery


def test_people_are_searched_and_filtered(page: Page, home: Server):
    page.goto(f"{home.address}/people")
    expect(page.locator(".person-card")).to_have_count(4)
    expect(page.locator(".person-card", has_text="Callum")).to_contain_text("Add a recording of them alone")
    expect(page.locator(".person-card", has_text="Ben")).to_contain_text("of speech in 1 sample")
    page.get_by_label("Search by name").fill("ada")
    expect(page.locator(".person-card")).to_have_count(2)
    assert "q=ada" in page.url
    page.get_by_role("combobox", name="Tag").select_option("board")
    expect(page.locator(".person-card")).to_have_count(1)
    assert names(page) == ["Ada Lovelace"]
    page.go_back()
    expect(page.locator(".person-card")).to_have_count(2)
    page.get_by_label("Search by name").fill("nobody at all")
    expect(page.get_by_role("heading", name="Nobody was found")).to_be_visible()
    page.get_by_role("link", name="Show everybody").click()
    expect(page.locator(".person-card")).to_have_count(4)


def test_a_person_is_added_by_microphone(page: Page, home: Server):
    page.goto(f"{home.address}/people")
    page.get_by_role("button", name="Add a person").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Dan Whitfield")
    dialog.get_by_label("Tags").fill("visitors, london, visitors")
    dialog.get_by_role("button", name="Record", exact=True).click()
    expect(dialog.get_by_role("heading", name="Read this aloud")).to_be_visible()
    expect(dialog.locator("canvas.level")).to_be_visible()
    expect(dialog.get_by_role("button", name="Add without a recording")).to_be_disabled()
    expect(dialog.get_by_text("0:06", exact=True)).to_be_visible(timeout=SLOW)
    dialog.get_by_role("button", name="Done").click()
    expect(dialog.get_by_text("with 10 s or more names are surer")).to_be_visible()
    dialog.get_by_label("They agree").check()
    dialog.get_by_label("How they agreed").select_option("In another way…")
    dialog.get_by_label("In which way").fill("By e-mail")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="Dan Whitfield", level=1)).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("By e-mail")).to_be_visible()
    page.get_by_role("button", name="Play sample 1").click()
    expect(page.get_by_role("button", name="Stop sample 1")).to_be_visible()
    with home.client() as client:
        person = client.get(f"/v1/speakers/{page.url.rpartition('/')[2]}").json()
        assert person["tags"] == ["visitors", "london"]
        assert person["consent"]["basis"] == "By e-mail"
        assert person["speechSeconds"] > 4


def test_who_speaks_is_shown_while_they_speak_and_named_by_a_click(page: Page, home: Server):
    page.goto(f"{home.address}/listen")
    page.get_by_label("Keep the recording").check()
    page.get_by_role("button", name="Listen").click()
    lane = page.locator(".live-lane").first
    lane.locator(".live-track span").first.wait_for(timeout=SLOW)
    lane.get_by_role("button").click()
    lane.get_by_role("textbox").fill("Grace")
    lane.get_by_role("textbox").press("Enter")
    expect(lane.get_by_role("button", name="Grace")).to_be_visible()
    assert not faults(page, TWO_SCREENS)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("heading", name=re.compile("^Live "))).to_be_visible(timeout=SLOW)
    expect(page.get_by_text("Grace", exact=True).first).to_be_visible(timeout=SLOW)
    page.goto(f"{home.address}/listen")
    page.get_by_role("button", name="Listen").click()
    page.locator(".live-track span").first.wait_for(timeout=SLOW)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text(re.compile("[0-9] heard"))).to_be_visible(timeout=SLOW)
    expect(page.locator(".live-lane").first.get_by_role("button")).to_be_disabled()
    assert not faults(page, TWO_SCREENS)


def test_a_recording_without_a_voice_is_explained_and_another_is_tried(page: Page, home: Server, tmp_path: Path):
    silence = tmp_path / "silence.wav"
    silence.write_bytes(wav(bytes(10 * RATE), rate=RATE))
    page.goto(f"{home.address}/people")
    page.get_by_role("button", name="Add a person").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("Eve")
    dialog.get_by_label("File").check()
    dialog.locator("input[type=file]").set_input_files(silence)
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog).to_contain_text("No speech was found", timeout=SLOW)
    with home.client() as client:
        assert not [person for person in client.get("/v1/speakers").json()["items"] if person["name"] == "Eve"]
    dialog.get_by_role("button", name="Another").click()
    dialog.locator("input[type=file]").set_input_files(recording("Callum"))
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("heading", name="Eve", level=1)).to_be_visible(timeout=SLOW)
    expect(page.locator(".sample")).to_have_count(1, timeout=SLOW)
    expect(page.locator(".sample")).to_contain_text("good")
    page.get_by_role("button", name="Erase sample 1").click()
    dialog.get_by_role("button", name="Erase the sample").click()
    expect(page.get_by_role("heading", name="No sample yet")).to_be_visible()


def test_a_name_that_is_taken_is_said_at_the_name(browser: Browser, home: Server, session: Any):
    # The browser notes the refusal that this is about.
    with opened(browser, [], viewport=WIDE, storage_state=session) as page:
        page.goto(f"{home.address}/people")
        page.get_by_role("button", name="Add a person").click()
        name = page.get_by_role("dialog").get_by_label("Name")
        name.fill("ben OKAFOR")
        page.get_by_role("button", name="Add without a recording").click()
        expect(name).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_text("a name means one person")).to_be_visible()
        name.fill("ben Okafor the second")
        expect(name).to_have_attribute("aria-invalid", "false")


def test_the_map_tells_who_sounds_alike_and_is_walked_by_keys(page: Page, home: Server):
    page.goto(f"{home.address}/people?view=map")
    alike = page.get_by_role("region", name="Who sounds alike")
    expect(alike).to_contain_text(re.compile("Ada L. and Ada Lovelace|Ada Lovelace and Ada L."))
    expect(alike.locator(".alike li").first).to_contain_text("sound like one person")
    points = page.locator(".map-point")
    reached = [each for each in points.all() if each.get_attribute("tabindex") == "0"]
    assert len(reached) == 1  # one stop; arrows do the rest
    seen = {reached[0].get_attribute("data-speaker")}
    reached[0].focus()
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
        seen.add(page.evaluate("document.activeElement.dataset.speaker"))
    assert len(seen) > 1
    name = page.evaluate("document.activeElement.getAttribute('aria-label')").split(", nearest")[0]
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name, exact=True, level=1)).to_be_visible()


def test_somebody_who_is_here_twice_becomes_one_is_renamed_and_erased(page: Page, home: Server, conversation: str):
    with home.client() as client:
        ada, twin = speaker_id(client, "Ada Lovelace"), speaker_id(client, "Ada L.")
        page.goto(f"{home.address}/people/{ada}")
        expect(page.locator(".heard")).to_contain_text("Monday's stand-up")
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Merge…").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("combobox").fill("ada l")
        expect(dialog.get_by_role("option")).to_have_count(1)  # not herself
        page.keyboard.press("Enter")
        expect(dialog).to_contain_text("become those of Ada Lovelace")
        dialog.get_by_role("button", name="Merge", exact=True).click()
        expect(page.get_by_role("list", name="Tags")).to_contain_text("imported")
        assert client.get(f"/v1/speakers/{twin}").status_code == 404

        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Rename or tag…").click()
        dialog.get_by_label("Name").fill("Ada King")
        dialog.get_by_role("button", name="Save").click()
        expect(page.get_by_role("heading", name="Ada King", level=1)).to_be_visible()

        page.get_by_role("button", name="Change consent and review").click()
        dialog.get_by_label("Review on").fill("2020-02-29")
        dialog.get_by_role("button", name="Save").click()
        expect(page.get_by_text("due", exact=True)).to_be_visible()
        output = client.get(f"/v1/jobs/{conversation}").json()["output"]
        assert "Ada King" in {turn["match"] for turn in output["identification"]}

        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name="Erase…").click()
        expect(dialog).to_contain_text("there they become an unknown voice")
        expect(dialog.get_by_role("button", name="Erase for good")).to_be_disabled()
        dialog.get_by_role("textbox").fill("ada king")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="People", level=1)).to_be_visible()
        expect(page.locator(".person-card", has_text="Ada")).to_have_count(0)
        assert "Ada" not in client.get(f"/v1/jobs/{conversation}").text


def test_people_move_by_a_file(page: Page, home: Server, tmp_path: Path):
    page.goto(f"{home.address}/people")
    page.get_by_role("button", name="More").click()
    with page.expect_download() as coming:
        page.get_by_role("menuitem", name="Export Holds voiceprints").click()
    file = tmp_path / "people.jsonl"
    coming.value.save_as(file)
    people = [json.loads(line) for line in file.read_text().splitlines()]
    (ben,) = (person for person in people if person["name"] == "Ben Okafor")
    file.write_text(json.dumps(ben | {"name": "Ben from elsewhere"}) + '\n{"name": ""}\n')
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Import…").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[type=file]").set_input_files(file)
    dialog.get_by_role("button", name="Import", exact=True).click()
    expect(dialog).to_contain_text("1 person was added")
    expect(dialog).to_contain_text("Line 2:")
    dialog.get_by_role("button", name="Close").last.click()
    expect(page.locator(".person-card", has_text="Ben from elsewhere")).to_be_visible()


# Recordings


def test_recordings_are_found_kept_and_deleted(page: Page, home: Server, conversation: str):
    with home.client() as client:
        ben = speaker_id(client, "Ben Okafor")
        other = submit(client, "diarize", url=upload(client, recording("Ben")), title="Something else")
        page.goto(f"{home.address}/recordings")
        rows = page.locator(".recording-row")
        row = rows.filter(has_text="Something else")
        expect(row).to_contain_text("Voices told apart", timeout=SLOW)  # without a reload
        expect(row).to_contain_text(re.compile(r"gone in \d+ h"))
        expect(rows.filter(has_text="Monday's stand-up")).to_contain_text("Ben Okafor")
        expect(rows.filter(has_text="A sample of a person")).to_have_count(0)
        page.get_by_label("Show voiceprints and samples").check()
        expect(rows.filter(has_text="A sample of a person").first).to_be_visible()

        page.get_by_role("button", name="Keep Something else").click()
        expect(row).to_contain_text("kept")
        expect(page.get_by_role("button", name="Keep Something else no longer")).to_have_attribute(
            "aria-pressed", "true"
        )
        expect(page.locator(".toast")).to_contain_text("is kept until you delete it")  # the server said so
        assert client.get(f"/v1/jobs/{other}").json()["kept"] is True

        page.get_by_label("Title").fill("STAND-UP")
        expect(rows).to_have_count(1)
        page.goto(f"{home.address}/recordings")
        page.get_by_role("combobox", name="Who speaks").fill("okafor")
        page.get_by_role("option", name="Ben Okafor").click()
        expect(rows).to_have_count(1)
        assert f"speaker={ben}" in page.url
        page.get_by_role("button", name="Show the recordings of everybody").click()
        expect(row).to_be_visible()
        page.get_by_role("button", name="Delete Something else").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(row).to_have_count(0)
        assert client.get(f"/v1/jobs/{other}").status_code == 404
        rows.filter(has_text="Monday's stand-up").get_by_role("link").click()
        page.wait_for_url(f"**/jobs/{conversation}")


# On every screen


@pytest.mark.usefixtures("conversation")
def test_everybody_can_use_every_page(page: Page, home: Server):
    with home.client() as client:
        ben = speaker_id(client, "Ben Okafor")
    for path in ("/people", "/people?view=map", f"/people/{ben}", "/people?q=nobody", f"/recordings?speaker={ben}"):
        page.goto(home.address + path)
        expect(page.locator("h1")).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert faults(page) == []


def test_everybody_can_use_what_opens(page: Page, home: Server):
    dialog = page.get_by_role("dialog")
    page.goto(f"{home.address}/people?add")
    assert dialog.evaluate("dialog => dialog.scrollWidth - dialog.clientWidth") == 0
    assert faults(page, TWO_SCREENS) == []
    dialog.get_by_label("File").check()
    dialog.get_by_label("They agree").check()
    dialog.get_by_label("How they agreed").select_option("In another way…")
    assert faults(page, TWO_SCREENS) == []
    dialog.locator("input[type=file]").set_input_files(recording("Callum"))
    assert faults(page, TWO_SCREENS) == []
    page.keyboard.press("Escape")

    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Import…").click()
    assert faults(page, TWO_SCREENS) == []
    page.keyboard.press("Escape")

    page.get_by_role("link", name="Ben Okafor").click()
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Merge…").click()
    dialog.get_by_role("combobox").fill("cal")
    expect(dialog.get_by_role("option")).to_have_count(1)
    assert faults(page, TWO_SCREENS) == []
    page.keyboard.press("Enter")
    assert faults(page, TWO_SCREENS) == []
    page.keyboard.press("Escape")
    for item in ("Rename or tag…", "Erase…"):
        page.get_by_role("button", name="More").click()
        page.get_by_role("menuitem", name=item).click()
        assert faults(page, TWO_SCREENS) == []
        page.keyboard.press("Escape")
    for button in ("Change consent and review", "Erase sample 1"):
        page.get_by_role("button", name=button).click()
        assert faults(page, TWO_SCREENS) == []
        page.keyboard.press("Escape")
