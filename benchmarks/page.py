"""The result page of an hour, in Chromium: how long until its turns are seen, and until the page shows a new name.

The sample conversation is heard by a real server, and its result is then made an hour long: 1 100 turns of its four
voices, which are kept. Opening is measured from the navigation on, naming from the press of the button until the frame
in which the turns have the name.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psycopg
from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table

from benchmarks.served import Served, served
from timbre.service.results.outputs import packed
from timbre.store.embedded import EmbeddedPostgres

TURNS = 1100
SECONDS = 3600.0
CONVERSATION = Path(__file__).parent.parent / "samples" / "conversation.ogg"
BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
# When the first turn stands in the page, in milliseconds from the navigation on, and when it was drawn.
WATCH = """
const seen = new MutationObserver(() => {
    if (!document.querySelector(".turns li button")) return;
    seen.disconnect();
    requestAnimationFrame(() => setTimeout(() => { window.turnsSeen = performance.now(); }));
});
seen.observe(document, { childList: true, subtree: true });
"""
# Press a button, and tell how long it takes until a turn has the name.
PRESS = """
([button, name]) => new Promise((done) => {
    const turns = document.querySelector(".turns");
    const began = performance.now();
    const seen = new MutationObserver(() => {
        if (![...turns.querySelectorAll(".turn-name")].some((each) => each.textContent.includes(name))) return;
        seen.disconnect();
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
    });
    seen.observe(turns, { childList: true, subtree: true, characterData: true });
    button.click();
})
"""


def run(console: Console, *, full: bool) -> dict[str, Any]:
    """Measure, print and return everything."""
    times = 30 if full else 10
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as server:
        job = _hour(server, Path(folder))
        with _browser(server) as page:
            opened, nodes = zip(*(_open(page, server, job) for _ in range(times)), strict=True)
            named = [_name(page, f"Person {number}") for number in range(times)]
    figures = {
        "turns": TURNS,
        "opened_ms": _spread(opened),
        "dom_nodes": max(nodes),
        "named_ms": _spread(named),
    }
    table = Table("what", "median", "p95", title=f"{TURNS} turns in an hour")
    table.add_row("turns seen after opening, ms", *map(str, figures["opened_ms"].values()))
    table.add_row("the page has changed after naming, ms", *map(str, figures["named_ms"].values()))
    table.add_row("nodes of the page", str(figures["dom_nodes"]), "")
    console.print(table)
    return figures


def _spread(times: Any) -> dict[str, float]:
    return {"median": round(float(np.median(times))), "p95": round(float(np.percentile(times, 95)))}


def _hour(server: Served, folder: Path) -> str:
    """Hear the sample conversation, and make its result an hour long; return the id of the job."""
    with httpx.Client(
        base_url=f"http://{server.host}:{server.port}", headers={"Authorization": f"Bearer {server.key}"}, timeout=120
    ) as client:
        link = client.post("/v1/media/input", json={"url": "media://hour"}).raise_for_status().json()["url"]
        httpx.put(link, content=CONVERSATION.read_bytes()).raise_for_status()
        job: str = client.post("/v1/diarize", json={"url": "media://hour", "exclusive": True}).json()["jobId"]
        heard = client.get(f"/v1/jobs/{job}", params={"wait": 60}).json()["output"]
    labels = sorted({turn["speaker"] for turn in heard["diarization"]})
    generator = np.random.default_rng(1)
    starts = np.sort(generator.uniform(0, SECONDS - 5, TURNS)).round(3).tolist()
    turns = [
        {"speaker": labels[number % len(labels)], "start": start, "end": round(start + length, 3)}
        for number, (start, length) in enumerate(zip(starts, generator.uniform(0.4, 5, TURNS).tolist(), strict=True))
    ]
    body, length = packed({**heard, "diarization": turns, "exclusiveDiarization": turns})
    peaks = generator.integers(0, 255, round(SECONDS * 100), np.uint8).tobytes()
    with psycopg.connect(EmbeddedPostgres(folder / "postgres").url()) as connection:
        connection.execute(
            "UPDATE job_outputs SET body = %s, length = %s, peaks = %s WHERE job_id = %s", (body, length, peaks, job)
        )
        connection.execute("UPDATE jobs SET duration = %s, updated_at = now() WHERE id = %s", (SECONDS, job))
    return job


@contextmanager
def _browser(server: Served) -> Iterator[Page]:
    program = next(path for path in BROWSERS if Path(path).exists())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 900}, bypass_csp=True)
        context.add_init_script(WATCH)
        page = context.new_page()
        page.goto(f"http://{server.host}:{server.port}")
        answer = page.evaluate(
            """key => fetch("/v1/session", { method: "POST", body: JSON.stringify({ key }),
                 headers: { "Content-Type": "application/json", "X-Timbre-Web": "1" } }).then((came) => came.status)""",
            server.key,
        )
        if answer >= 300:
            raise RuntimeError(f"signing in was answered with {answer}")
        yield page
        browser.close()


def _open(page: Page, server: Served, job: str) -> tuple[float, int]:
    page.goto(f"http://{server.host}:{server.port}/jobs/{job}")
    seen: float = page.wait_for_function("window.turnsSeen").json_value()
    page.wait_for_load_state("networkidle")
    nodes: int = page.evaluate("document.querySelectorAll('*').length")
    return seen, nodes


def _name(page: Page, name: str) -> float:
    """Name the first voice, and undo it, so that each time is like the first."""
    card = page.locator(".voice").first
    card.get_by_role("button", name="Name this voice").click()
    page.keyboard.type(name)
    card.get_by_label("They agree").check()
    button = card.get_by_role("button", name=f"Add {name}", exact=True)
    taken: float = page.evaluate(PRESS, [button.element_handle(), name])
    page.get_by_role("toolbar").get_by_role("button", name="Undo").click()
    card.get_by_role("button", name="Name this voice").wait_for()
    return taken
