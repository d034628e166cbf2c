"""One suite for every place where media may be kept: a folder of this machine, and S3."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import stat
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from obstore.store import AzureStore

from s3 import Bucket, running_s3
from timbre.errors import (
    MediaUnknown,
    OptionError,
    RequestTooLarge,
    ServerError,
    ServiceUnavailable,
    TimbreError,
)
from timbre.service.files.storage import PART_BYTES, Storage, open_storage
from timbre.settings import Settings

MIB = 2**20
NAME = "3f/3f0c"
Result = TypeVar("Result")
CHUNK = 65_521  # prime, so that it fits no part
SIZES = (0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES + 3)


@dataclass(frozen=True)
class Place:
    """A place to keep media, and what is seen of it from outside."""

    settings: Settings
    unfinished: Callable[[], int]
    plant: Callable[[str, bytes], None]


@pytest.fixture(scope="module")
def s3_server() -> Iterator[str]:
    with running_s3() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    bucket = Bucket(s3_server, f"bucket-{uuid.uuid4().hex}")
    for variable, value in bucket.environment.items():
        monkeypatch.setenv(variable, value)
    bucket.create()
    return bucket


def folder_place(root: Path) -> Place:
    media = root / "media"

    def plant(name: str, content: bytes) -> None:
        (media / name).write_bytes(content)

    return Place(Settings(data_dir=root), lambda: len(list(media.rglob("*#*"))), plant)


def bucket_place(bucket: Bucket, root: Path) -> Place:
    settings = Settings(storage_url=f"s3://{bucket.name}/some/prefix", data_dir=root)
    return Place(settings, bucket.unfinished, lambda name, content: bucket.plant(f"some/prefix/{name}", content))


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return folder_place(tmp_path / "data")
    return bucket_place(request.getfixturevalue("bucket"), tmp_path)


@pytest.fixture
def storage(place: Place) -> Storage:
    return open_storage(place.settings)


@pytest.fixture
def folder_storage(tmp_path: Path) -> Storage:
    return open_storage(Settings(data_dir=tmp_path))


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311 - not for secrets


def run(scenario: Coroutine[Any, Any, Result]) -> Result:
    """Run it to its end, which it must reach in time."""
    return asyncio.run(asyncio.wait_for(scenario, 60))


async def stream(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), CHUNK):
        yield content[start : start + CHUNK]


async def breaking(content: bytes) -> AsyncIterator[bytes]:
    async for chunk in stream(content):
        yield chunk
    raise ConnectionResetError("the client went away")


async def store(storage: Storage, content: bytes, *, most_bytes: int = 64 * MIB) -> int:
    return await storage.put(NAME, stream(content), most_bytes=most_bytes)


async def content_of(storage: Storage, name: str = NAME) -> bytes:
    return b"".join([chunk async for chunk in storage.chunks(name)])


async def listing(storage: Storage) -> dict[str, int]:
    return {name: size async for name, _, size in storage.names()}


@pytest.mark.parametrize("size", SIZES)
def test_gives_back_what_it_was_given(storage: Storage, place: Place, size: int) -> None:
    content = noise(size)

    async def scenario() -> None:
        assert await store(storage, content) == size
        assert await storage.size(NAME) == size
        assert await content_of(storage) == content

    run(scenario())
    assert place.unfinished() == 0


@pytest.mark.parametrize("sizes", [(3, 5), (2 * PART_BYTES, 5), (5, 2 * PART_BYTES)])
def test_the_same_name_again_replaces_the_object(storage: Storage, sizes: tuple[int, int]) -> None:
    async def scenario() -> None:
        for seed, size in enumerate(sizes):
            await store(storage, noise(size, seed))
        assert await content_of(storage) == noise(sizes[1], 1)
        assert await listing(storage) == {NAME: sizes[1]}

    run(scenario())


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("before", [None, b"before"])
def test_a_stream_that_breaks_leaves_everything_as_it_was(
    storage: Storage, place: Place, size: int, before: bytes | None
) -> None:
    async def scenario() -> None:
        if before is not None:
            await store(storage, before)
        with pytest.raises(ConnectionResetError, match="the client went away"):
            await storage.put(NAME, breaking(noise(size)), most_bytes=64 * MIB)
        assert await listing(storage) == ({} if before is None else {NAME: len(before)})

    run(scenario())
    assert place.unfinished() == 0


@pytest.mark.parametrize("size", [1, PART_BYTES + CHUNK, 3 * PART_BYTES])
def test_a_canceled_call_leaves_nothing(storage: Storage, place: Place, size: int) -> None:
    async def scenario() -> None:
        reached = asyncio.Event()

        async def hanging() -> AsyncIterator[bytes]:
            async for chunk in stream(noise(size)):
                yield chunk
            reached.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(storage.put(NAME, hanging(), most_bytes=64 * MIB))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await listing(storage) == {}

    run(scenario())
    assert place.unfinished() == 0


@pytest.mark.parametrize("most_bytes", [0, 1000, MIB, PART_BYTES, 3 * PART_BYTES])
def test_too_large_leaves_nothing(storage: Storage, place: Place, most_bytes: int) -> None:
    async def scenario() -> None:
        with pytest.raises(RequestTooLarge, match=f"{most_bytes:,} bytes"):
            await store(storage, noise(most_bytes + 1), most_bytes=most_bytes)
        assert await listing(storage) == {}
        assert await store(storage, noise(most_bytes), most_bytes=most_bytes) == most_bytes

    run(scenario())
    assert place.unfinished() == 0


def test_a_stream_without_end_is_read_no_further_than_allowed(storage: Storage) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += MIB
            yield b"x" * MIB

    with pytest.raises(RequestTooLarge):
        run(storage.put(NAME, endless(), most_bytes=8 * MIB))
    assert given == 9 * MIB


def test_an_object_is_not_seen_before_it_is_whole(storage: Storage) -> None:
    seen = []

    async def watched() -> AsyncIterator[bytes]:
        async for chunk in stream(noise(3 * PART_BYTES)):
            yield chunk
        seen.append((await storage.size(NAME), await listing(storage)))

    async def scenario() -> None:
        await storage.put(NAME, watched(), most_bytes=64 * MIB)
        assert seen == [(None, {})]
        assert await listing(storage) == {NAME: 3 * PART_BYTES}

    run(scenario())


@pytest.mark.parametrize("size", [1000, 3 * PART_BYTES])
def test_of_two_at_once_one_whole_object_stays(storage: Storage, place: Place, size: int) -> None:
    contents = [noise(size, seed) for seed in range(2)]

    async def scenario() -> None:
        both_midway = asyncio.Barrier(2)

        async def meeting(content: bytes) -> AsyncIterator[bytes]:
            async for chunk in stream(content[: size // 2]):
                yield chunk
            await both_midway.wait()
            async for chunk in stream(content[size // 2 :]):
                yield chunk

        await asyncio.gather(
            *(storage.put(NAME, meeting(content), most_bytes=64 * MIB) for content in contents),
        )
        assert await content_of(storage) in contents
        assert await listing(storage) == {NAME: size}

    run(scenario())
    assert place.unfinished() == 0


def test_lists_every_object_and_nothing_else(storage: Storage, place: Place) -> None:
    names = {f"{number:02x}/{number:032x}": number for number in range(12)}

    async def scenario() -> None:
        began = datetime.now(UTC) - timedelta(seconds=1)  # S3 tells whole seconds
        for name, size in names.items():
            await storage.put(name, stream(noise(size)), most_bytes=100)
        place.plant("README.md", b"not ours")
        assert await listing(storage) == names
        async for name, changed, _ in storage.names():
            assert began <= changed <= datetime.now(UTC), name

    run(scenario())


@pytest.mark.parametrize("part", [(0, 1), (0, 3 * MIB), (MIB - 1, 2 * MIB + 1), (3 * MIB - 1, 3 * MIB)])
def test_gives_back_a_part(storage: Storage, part: tuple[int, int]) -> None:
    content = noise(3 * MIB)

    async def scenario() -> bytes:
        await store(storage, content)
        return b"".join([chunk async for chunk in storage.chunks(NAME, part)])

    assert run(scenario()) == content[part[0] : part[1]]


def test_deleting_can_be_repeated(storage: Storage) -> None:
    async def scenario() -> None:
        await store(storage, b"something")
        await storage.put("3f/other", stream(b"other"), most_bytes=100)
        await storage.delete(NAME)
        await storage.delete(NAME)
        await storage.delete("never/was")
        assert await storage.size(NAME) is None
        assert await listing(storage) == {"3f/other": 5}

    run(scenario())


def test_what_is_not_there_is_unknown(storage: Storage, tmp_path: Path) -> None:
    async def scenario() -> None:
        assert await storage.size(NAME) is None
        with pytest.raises(MediaUnknown):
            await content_of(storage)
        with pytest.raises(MediaUnknown):
            async with storage.local_copy(NAME, tmp_path):
                pass

    before = set(tmp_path.iterdir())
    run(scenario())
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "name", ["", "/", "/a", "a/", "a//b", "..", "../a", "a/../b", "a.wav", "A", "a b", "a\n", "a#1", "ä", "a\0"]
)
def test_refuses_names_that_are_not_its_own(storage: Storage, name: str) -> None:
    async def copied() -> None:
        async with storage.local_copy(name, None):
            pass

    for attempt in (
        lambda: storage.put(name, stream(b"x"), most_bytes=100),
        lambda: storage.size(name),
        lambda: storage.delete(name),
        lambda: content_of(storage, name),
        lambda: storage.presign("GET", name, 60),
        copied,
    ):
        with pytest.raises(ValueError, match="expected an object name"):
            run(attempt())
    with pytest.raises(ValueError, match="expected an object name"):
        storage.path(name)


def test_a_local_copy_holds_the_content_and_is_gone_afterwards(storage: Storage, tmp_path: Path) -> None:
    content = noise(2 * PART_BYTES + 3)
    copies = tmp_path / "copies"
    copies.mkdir()

    async def scenario() -> None:
        await store(storage, content)
        async with storage.local_copy(NAME, copies) as path:
            assert path.read_bytes() == content
            own = storage.path(NAME)
            assert path == own if own is not None else path.parent == copies
        with pytest.raises(ZeroDivisionError):
            async with storage.local_copy(NAME, copies):
                raise ZeroDivisionError
        assert list(copies.iterdir()) == []
        assert await content_of(storage) == content

    run(scenario())


def test_a_copy_that_cannot_be_written_says_so(bucket: Bucket, tmp_path: Path) -> None:
    storage = open_storage(bucket_place(bucket, tmp_path).settings)

    async def scenario() -> None:
        await store(storage, b"something")
        async with storage.local_copy(NAME, tmp_path / "missing"):
            pass

    with pytest.raises(TimbreError, match=r"No such file or directory.*TIMBRE_TEMP_DIR"):
        run(scenario())


MEASURED = """
import asyncio
from pathlib import Path

from timbre.service.files.storage import open_storage
from timbre.settings import Settings

MIB = 2**20

def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024

async def stream(size):
    for _ in range(size):
        yield b"x" * MIB

async def main():
    storage = open_storage(Settings())
    await storage.put("warm", stream(1), most_bytes=2**30)
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts over
    before = peak()
    await storage.put("large", stream(64), most_bytes=2**30)
    read = 0
    async for chunk in storage.chunks("large"):
        read += len(chunk)
    async with storage.local_copy("large", None) as path:
        copied = path.stat().st_size
    print(read // MIB, copied // MIB, peak() - before)

asyncio.run(main())
"""


def test_memory_does_not_grow_with_the_object(place: Place, tmp_path: Path) -> None:
    environment = dict(os.environ) | {"TIMBRE_DATA_DIR": str(place.settings.data_dir), "TMPDIR": str(tmp_path)}
    if place.settings.storage_url is not None:
        environment["TIMBRE_STORAGE_URL"] = place.settings.storage_url
    child = subprocess.run(
        [sys.executable, "-c", MEASURED], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert child.returncode == 0, child.stderr
    read, copied, grown = map(int, child.stdout.split())
    assert (read, copied) == (64, 64)
    assert grown < 32, f"the peak grew by {grown} MiB"


BRIEF = """
import asyncio

from timbre.service.files.storage import open_storage
from timbre.settings import Settings

async def main():
    storage = open_storage(Settings())
    async for chunk in storage.chunks("3f/3f0c"):
        pass

asyncio.run(main())
"""


def test_a_process_may_end_right_after_a_call(folder_storage: Storage, tmp_path: Path) -> None:
    run(store(folder_storage, noise(MIB)))
    environment = dict(os.environ) | {"TIMBRE_DATA_DIR": str(tmp_path)}
    for _ in range(6):
        subprocess.run([sys.executable, "-c", BRIEF], env=environment, timeout=60, check=True)


def test_a_bare_put_to_a_presigned_link_is_enough(bucket: Bucket, tmp_path: Path) -> None:
    """Point 16 of the reference's section 17: no bearer, any Content-Type or none, chunked or not, again replaces."""
    storage = open_storage(bucket_place(bucket, tmp_path).settings)

    async def scenario() -> None:
        link = await storage.presign("PUT", NAME, 60)
        assert link is not None
        assert "X-Amz-SignedHeaders=host&" in link  # the signature covers no Content-Type
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.put(link, content=b"first")
            assert answer.is_success
            assert "Content-Type" not in answer.request.headers
            assert await content_of(storage) == b"first"
            answer = await client.put(link, content=b"second", headers={"Content-Type": "audio/wav"})
            assert answer.is_success
            assert await content_of(storage) == b"second"
            download = await storage.presign("GET", NAME, 60)
            assert download is not None
            assert (await client.get(download)).content == b"second"

    run(scenario())


def test_only_links_that_a_bare_request_can_use_are_given(folder_storage: Storage) -> None:
    azure = Storage(AzureStore("container", account_name="account", account_key="c2VjcmV0"))

    async def scenario() -> None:
        assert await folder_storage.presign("PUT", NAME, 60) is None
        assert await folder_storage.presign("GET", NAME, 60) is None
        assert await azure.presign("PUT", NAME, 60) is None
        link = await azure.presign("GET", NAME, 60)
        assert link is not None
        assert link.startswith("https://account.blob.core.windows.net/container/3f/3f0c?")

    run(scenario())


@pytest.mark.parametrize("size", [10, 3 * PART_BYTES])
def test_a_bucket_that_is_gone_makes_the_service_unavailable(bucket: Bucket, tmp_path: Path, size: int) -> None:
    storage = open_storage(bucket_place(bucket, tmp_path).settings)
    bucket.remove()
    with pytest.raises(ServiceUnavailable):
        run(store(storage, noise(size)))
    with pytest.raises(ServiceUnavailable):
        run(listing(storage))


@pytest.mark.parametrize("size", [10, 3 * PART_BYTES])
def test_a_file_that_cannot_be_written_makes_the_service_unavailable(folder_storage: Storage, size: int) -> None:
    folder = folder_storage.path("3f")
    assert folder is not None
    folder.write_bytes(b"where a folder should be")
    with pytest.raises(ServiceUnavailable):
        run(store(folder_storage, noise(size)))


def test_an_upload_that_failed_is_not_read_to_its_end(folder_storage: Storage) -> None:
    folder = folder_storage.path("3f")
    assert folder is not None
    folder.write_bytes(b"where a folder should be")

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * MIB
            await asyncio.sleep(0)

    with pytest.raises(ServiceUnavailable):
        run(folder_storage.put(NAME, endless(), most_bytes=2**40))


def test_what_killed_processes_left_is_cleared(folder_storage: Storage, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    run(store(folder_storage, b"whole"))
    whole = folder_storage.path(NAME)
    assert whole is not None
    others = copies / "someone-elses"
    old = [whole.with_name("3f0c#1"), copies / "timbre-media-abc", others]
    fresh = [whole.with_name("3f0c#2"), copies / "timbre-media-def"]
    for file in old + fresh:
        file.write_bytes(b"half")
    for file in [*old, whole]:
        os.utime(file, (0, 0))
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert run(folder_storage.clear_unfinished(hour_ago, copies)) == 2
    assert set(copies.iterdir()) == {others, fresh[1]}
    assert set(whole.parent.iterdir()) == {whole, fresh[0]}


def test_the_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    storage = open_storage(Settings(data_dir=tmp_path / "new" / "data"))
    media = tmp_path / "new" / "data" / "media"
    assert stat.S_IMODE(media.stat().st_mode) == 0o700
    assert storage.path(NAME) == media / "3f" / "3f0c"
    open_storage(Settings(data_dir=tmp_path / "new" / "data"))  # a second process finds it there


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"a file")
    with pytest.raises(ServerError, match=r"data/media cannot be used \(\S+/data is not a folder\).*TIMBRE_DATA_DIR"):
        open_storage(Settings(data_dir=tmp_path / "data"))


@pytest.mark.parametrize(
    "url",
    [
        "bucket",
        "file:///tmp",
        "memory:///",
        "https://host/bucket",
        "s3://",
        "s3:///prefix",
        "s3://[bucket",
        "gs://",
    ],
)
def test_a_malformed_url_is_refused(url: str) -> None:
    with pytest.raises(OptionError, match="TIMBRE_STORAGE_URL"):
        open_storage(Settings(storage_url=url))


def test_a_bucket_that_does_not_exist_is_named(bucket: Bucket) -> None:
    with pytest.raises(ServerError, match=r"s3://missing/prefix \(.*404.*\).*TIMBRE_STORAGE_URL.*AWS_"):
        open_storage(Settings(storage_url="s3://missing/prefix"))


def test_a_server_that_does_not_answer_is_named(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(ServerError, match=r"s3://bucket \(.*127\.0\.0\.1.*\).*endpoint"):
            open_storage(Settings(storage_url="s3://bucket"))


def test_plain_http_is_used_only_where_it_is_allowed(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    with pytest.raises(ServerError):
        open_storage(Settings(storage_url=f"s3://{bucket.name}"))
