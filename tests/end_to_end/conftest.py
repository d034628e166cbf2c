"""What these tests share: one engine, whose temporary files can be watched."""

from collections.abc import Iterator
from uuid import UUID

import httpx
import pytest
from raw_http import LIMIT, LINK_SECONDS, READS, SUBMITS, UNKNOWN

from server import Server
from timbre import Engine, Settings


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine("base", settings=Settings(temp_dir=tmp_path_factory.mktemp("decoded")))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that allows very little."""
    settings = {
        "TIMBRE_UPLOAD_GB": str(LIMIT / 2**30),
        "TIMBRE_UPLOAD_LINK_SECONDS": str(LINK_SECONDS),
        "TIMBRE_SUBMITS_PER_MINUTE": str(SUBMITS),
        "TIMBRE_READS_PER_MINUTE": str(READS),
    }
    with Server(tmp_path_factory.mktemp("small"), settings) as running:
        yield running


@pytest.fixture(scope="session")
def operations(server: Server) -> dict[str, set[str]]:
    """What there is: methods by path, with ids that nothing has."""
    paths = httpx.get(f"{server.address}/openapi.json").json()["paths"]
    ids = dict.fromkeys(("jobId", "deliveryId", "keyId", "speakerId", "sampleId", "streamId"), UNKNOWN)
    link = {"team": UUID(UNKNOWN).hex, "name": "YQ"}
    names = {**ids, **link, "speaker": "SPEAKER_00", "format": "rttm", "pack": "none"}
    return {path.format(**names): {method.upper() for method in methods} for path, methods in paths.items()}


@pytest.fixture(scope="module")
def no_fault(server: Server) -> Iterator[None]:
    """After all that a module does to it, the server has noted no fault and is ready."""
    yield
    for log in (server.folder / "log").iterdir():
        assert '"event": "fault"' not in log.read_text(), log
    assert httpx.get(f"{server.address}/readyz").status_code == 200
