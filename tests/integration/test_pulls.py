"""Pulling packs on request: once at a time, told to every process, and never stuck when its process dies."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hub import Hub, running_hub
from timbre.errors import PackUnknown, PullRefused
from timbre.models.catalogue import Catalogue, read_catalogue
from timbre.service.models.pulls import Progress, Pulls
from timbre.settings import Settings
from timbre.store.database import Database, open_database
from timbre.store.identifiers import new_id
from timbre.store.queries import queries

SQL = queries("pulls")
VAD, VOICES, OTHERS = b"vad" * 1_000, b"encoder" * 100_000, b"others" * 1_000


def file(name: str, kind: str, content: bytes) -> str:
    more = 'front_end = "kaldi"\ncalibration = "ge2e"' if kind == "encoder" else ""
    return f"""
        [files.{name}]
        kind = "{kind}"
        licence = "MIT"
        sha256 = "{hashlib.sha256(content).hexdigest()}"
        bytes = {len(content)}
        {more}
        [[files.{name}.sources]]
        hub = "us/{name}"
        revision = "main"
        member = "{name}.onnx"
    """


MODELS: Catalogue = read_catalogue(
    """
        [packs.good]
        description = "good"
        vad = "vad"
        encoder = "voices"
        [packs.other]
        description = "other"
        vad = "vad"
        encoder = "others"
    """
    + file("vad", "vad", VAD)
    + file("voices", "encoder", VOICES)
    + file("others", "encoder", OTHERS)
)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        hub.files = {"us/vad/vad.onnx": VAD, "us/voices/voices.onnx": VOICES, "us/others/others.onnx": OTHERS}
        yield hub


@asynccontextmanager
async def process(address: str, folder: Path, hub: Hub, **given: Any) -> AsyncIterator[tuple[Pulls, Database]]:
    """What one process of the API has."""
    settings = Settings(models_dir=folder, hub_endpoint=hub.endpoint, model="good", **given)
    async with open_database(address, connections=2, application="test") as database:
        pulls = Pulls(database, settings, models=MODELS)
        async with pulls.running():
            yield pulls, database


async def ended(pulls: Pulls, pack: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while (pull := (await pulls.pulls())[pack])["state"] == "running":
            await asyncio.sleep(0.05)
    return pull


def test_a_pack_is_pulled_and_every_process_sees_how_far_it_is(url, tmp_path, hub):
    hub.hold = threading.Event()

    async def run() -> None:
        async with process(url, tmp_path, hub) as (pulls, _), process(url, tmp_path, hub) as (other, _):
            assert await other.default() is None
            assert not any(status.complete for status in await other.packs())
            await pulls.begin("good")
            assert await asyncio.to_thread(hub.held.wait, 10)
            seen = (await other.pulls())["good"]
            assert seen["state"] == "running"
            assert seen["ended_at"] is None
            await other.begin("good")  # once more changes nothing, whoever is asked
            assert (await other.pulls())["good"]["started_at"] == seen["started_at"]
            with pytest.raises(PullRefused, match="good is being pulled"):
                await other.begin("other")
            hub.hold.set()
            pull = await ended(other, "good")
            assert (pull["state"], pull["fraction"], pull["error"]) == ("succeeded", 1, None)
            assert await other.default() == "good"
            await other.begin("other")
            assert (await ended(pulls, "other"))["state"] == "succeeded"

    asyncio.run(run())


def test_why_a_pull_failed_is_told_and_it_can_be_tried_again(url, tmp_path, hub):
    voices = hub.files.pop("us/voices/voices.onnx")

    async def run() -> None:
        async with process(url, tmp_path, hub) as (pulls, _):
            await pulls.begin("good")
            pull = await ended(pulls, "good")
            assert pull["state"] == "failed"
            assert "voices" in pull["error"]
            assert pull["fraction"] < 1
            hub.files["us/voices/voices.onnx"] = voices
            await pulls.begin("good")
            assert (await ended(pulls, "good"))["state"] == "succeeded"

    asyncio.run(run())


def test_a_server_that_stops_gives_the_pull_up_at_once(url, tmp_path, hub):
    hub.hold = threading.Event()

    async def run() -> None:
        async with process(url, tmp_path, hub) as (other, _):
            async with asyncio.timeout(10):
                async with process(url, tmp_path, hub) as (pulls, _):
                    await pulls.begin("good")
                    await asyncio.to_thread(hub.held.wait, 10)
            pull = (await other.pulls())["good"]
            assert pull["state"] == "failed"
            assert "stopped" in pull["error"]

    try:
        asyncio.run(run())
    finally:
        hub.hold.set()


def test_a_pull_whose_process_died_is_taken_for_failed_and_does_not_block_the_next(url, tmp_path, hub):
    async def run() -> None:
        async with process(url, tmp_path, hub) as (pulls, database):
            await database.one(SQL["begin"], {"pack": "other", "id": new_id(), "machine": "gone"})
            with pytest.raises(PullRefused):
                await pulls.begin("good")
            await database.one(b"UPDATE model_pulls SET alive_at = now() - interval '1 minute'")
            pull = (await pulls.pulls())["other"]
            assert pull["state"] == "failed"
            assert "has ended" in pull["error"]
            await pulls.begin("good")
            assert (await ended(pulls, "good"))["state"] == "succeeded"

    asyncio.run(run())


def test_offline_nothing_is_fetched_and_what_is_there_is_fine(url, tmp_path, hub):
    async def run() -> None:
        async with process(url, tmp_path, hub, offline=True) as (pulls, _):
            with pytest.raises(PackUnknown):
                await pulls.begin("none")
            with pytest.raises(PullRefused, match="TIMBRE_OFFLINE"):
                await pulls.begin("good")
            assert hub.requests == []
            assert await pulls.pulls() == {}
            (tmp_path / "vad.onnx").write_bytes(VAD)
            (tmp_path / "voices.onnx").write_bytes(VOICES)
            await pulls.begin("good")
            assert (await ended(pulls, "good"))["state"] == "succeeded"
            (tmp_path / "voices.onnx").write_bytes(b"damaged")
            await pulls.begin("good")
            assert "TIMBRE_OFFLINE" in (await ended(pulls, "good"))["error"]

    asyncio.run(run())


def test_files_count_by_their_size():
    progress = Progress({name: MODELS.files[name] for name in ("vad", "voices")})
    assert (progress.fraction, progress.file) == (0, None)
    progress("vad", len(VAD), len(VAD))
    assert progress.fraction == pytest.approx(len(VAD) / (len(VAD) + len(VOICES)))
    progress("voices", len(VOICES) * 3, None)
    assert progress.fraction == 1
    assert progress.file == "voices"
