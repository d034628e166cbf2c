"""What the clients work with: two teams on a server, four learned voices, a conversation, other people's servers."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest
from truth import NAMES

from far_server import Far, far_server
from media import encoded
from server import CONVERSATION, FINAL, LOOPBACK, Server, finished, submit, upload
from server import voice as enrolment
from timbre.cli.server.data_folder import database_url
from timbre.settings import Settings

RATE = 16_000
FETCHES = 4  # at a time, of one team: its share of the places


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[httpx.Client]:
    """The first team."""
    with server.client() as asking:
        yield asking


@pytest.fixture(scope="session")
def other_key(server: Server) -> str:
    """A key of another team."""
    return server.run("keys", "create", "compat", "--team", "others")


@pytest.fixture(scope="session")
def others(server: Server, other_key: str) -> Iterator[httpx.Client]:
    """Another team."""
    with server.client(other_key) as asking:
        yield asking


@pytest.fixture(scope="session")
def voiceprints(client: httpx.Client) -> dict[str, str]:
    """The voices of Ada, Ben, Callum and Dan."""
    jobs = {}
    for name in NAMES:
        jobs[name] = submit(client, "voiceprint", url=upload(client, enrolment(name), f"compat/{name}.flac"))
    return {name: finished(client, job)["output"]["voiceprint"] for name, job in jobs.items()}


@pytest.fixture(scope="session")
def labelled(voiceprints: dict[str, str]) -> list[dict[str, str]]:
    """The same as `identify` takes them."""
    return [{"label": name, "voiceprint": text} for name, text in voiceprints.items()]


@pytest.fixture(scope="session")
def conversation(client: httpx.Client) -> str:
    """The address of the uploaded conversation."""
    return upload(client, CONVERSATION, "compat/conversation.ogg")


@pytest.fixture(scope="session")
def identified(client: httpx.Client, conversation: str, labelled: list[dict[str, str]]) -> dict[str, Any]:
    """A job that has identified the conversation, with everything that can be asked for."""
    asked = dict.fromkeys(
        (
            "exclusive",
            "confidence",
            "turnLevelConfidence",
            "speechProbability",
            "crosstalkProbability",
            "speakerProbability",
        ),
        True,
    )
    return finished(client, submit(client, "identify", url=conversation, voiceprints=labelled, **asked))


@pytest.fixture(scope="session")
def short_sound(voice: Callable[[str], np.ndarray]) -> bytes:
    """Six seconds of Ada."""
    return encoded(voice("Ada")[: 6 * RATE], RATE, container="flac", codec="flac")


@pytest.fixture(scope="session")
def short(client: httpx.Client, short_sound: bytes, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the same."""
    path = tmp_path_factory.mktemp("short") / "short.flac"
    path.write_bytes(short_sound)
    return upload(client, path, "compat/short.flac")


@pytest.fixture
def far() -> Iterator[Far]:
    """Somebody else's server; the shared server may reach it."""
    with far_server() as serving:
        yield serving


@pytest.fixture
def busy(client: httpx.Client, far: Far) -> Iterator[dict[str, str]]:
    """A job that is `running` and one that is `created`, and neither goes on: what they fetch is held back."""
    far.routes["/held.wav"] = lambda request: request.server.ended.wait()
    jobs = [submit(client, "diarize", url=f"{far.url}/held.wav") for _ in range(FETCHES + 1)]
    far.wait("/held.wav", FETCHES)
    states = {client.get(f"/v1/jobs/{job}").json()["status"]: job for job in jobs}
    assert set(states) == {"running", "created"}
    yield states
    for job in jobs:
        if client.get(f"/v1/jobs/{job}").json()["status"] not in FINAL:
            client.delete(f"/v1/jobs/{job}")


@pytest.fixture(scope="session")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that allows little, gives up webhooks soon, and sweeps every second."""
    folder = tmp_path_factory.mktemp("strict")
    settings = {
        **LOOPBACK,
        "TIMBRE_ALLOWED_NETWORKS": "127.0.0.1/32",
        "TIMBRE_SUBMITS_PER_MINUTE": "30",
        "TIMBRE_WEBHOOK_RETRIES": "0,1,300",
        "TIMBRE_WEBHOOK_SECONDS": "0.5",
        "TIMBRE_SWEEP_SECONDS": "1",
    }
    with Server(folder, settings) as running_:
        yield running_
    shutil.rmtree(folder)  # a GiB was uploaded to it


@pytest.fixture
def database(strict):
    """The database of the strict server, to set clocks by."""
    with (
        database_url(Settings(data_dir=strict.folder, database_url=None)) as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        yield connection
