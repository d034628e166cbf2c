"""Clients that submit jobs and do not give up: what is not answered is sent again under the same key."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from benchmarks.reliability.fleet import Fleet
from benchmarks.reliability.outside import Outside

PATIENCE = 60.0  # seconds for an answer
GIVE_UP = 300.0  # seconds for a submission to be accepted, whatever dies meanwhile
UNFINISHED = {"pending", "created", "running"}
_PAUSE = 0.2
_MOST_WAITING = 24  # jobs, beyond which clients wait: what is broken is to be seen, not a queue
_BUSY = {429, 502, 503, 507}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A request, and what comes of it when nothing is broken."""

    route: str
    body: dict[str, Any]
    status: str
    output: dict[str, Any]
    seconds: float  # that it counts as used

    @property
    def attempts(self) -> int:
        """How often it is begun when nothing is broken: what is fetched is begun once more to be heard."""
        return 2 if self.status == "succeeded" and not self.body["url"].startswith("media:") else 1


@dataclass(kw_only=True)
class Traffic:
    """All that was accepted."""

    fleet: Fleet
    outside: Outside
    kinds: Sequence[Kind]
    before: dict[str, Kind]  # submitted while nothing was broken, without webhooks
    jobs: dict[str, Kind] = field(default_factory=dict)
    refusals: int = 0  # requests that were not answered, or with "later"

    @property
    def told(self) -> int:
        """How many jobs have ended and said so."""
        return len(self.outside.hooks)

    @property
    def waiting(self) -> int:
        """How many have not."""
        return len(self.jobs) - self.told

    async def client(self, seed: int, pause: float, done: asyncio.Event) -> None:
        """Submit one job after the other until it is done, with so many seconds between two on the average."""
        chance = random.Random(seed)  # noqa: S311 - no secret
        async with asking(self.fleet) as client:
            while not done.is_set():
                if self.waiting < _MOST_WAITING:
                    await self.submit(client, chance.choice(self.kinds))
                try:
                    await asyncio.wait_for(done.wait(), chance.uniform(0, 2 * pause))
                except TimeoutError:
                    continue

    async def submit(self, client: httpx.AsyncClient, kind: Kind) -> str:
        """Submit a job of a kind that wants to be told; return its id."""
        body = {**kind.body, "webhook": f"{self.outside.address}/hook"}
        job = await self.accepted(client, kind.route, body)
        self.jobs[job] = kind
        return job

    async def accepted(self, client: httpx.AsyncClient, route: str, body: dict[str, Any]) -> str:
        """Send a request until it is accepted, always under one key; return the job's id.

        Raises:
            RuntimeError: it is refused for good, or never accepted.
        """
        key = str(uuid4())
        async with asyncio.timeout(GIVE_UP):
            while True:
                try:
                    answer = await client.post(f"/v1/{route}", json=body, headers={"Idempotency-Key": key})
                except httpx.TransportError:
                    self.refusals += 1
                    await asyncio.sleep(_PAUSE)
                    continue
                if answer.status_code == 200:
                    return str(answer.json()["jobId"])
                if answer.status_code not in _BUSY:
                    raise RuntimeError(f"{route}: {answer.status_code} {answer.text}")
                self.refusals += 1
                await asyncio.sleep(_PAUSE)


@asynccontextmanager
async def asking(fleet: Fleet) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API."""
    headers = {"Authorization": f"Bearer {fleet.key}"}
    # Nothing to verify, over plain HTTP: what would be loaded for it takes longer than all that is asked.
    options = {"timeout": PATIENCE, "trust_env": False, "verify": False}
    async with httpx.AsyncClient(base_url=fleet.address, headers=headers, **options) as client:
        yield client


async def upload(client: httpx.AsyncClient, name: str, content: bytes) -> str:
    """Upload a recording; return its address."""
    answer = await client.post("/v1/media/input", json={"url": f"media://{name}"})
    answer.raise_for_status()
    (await client.put(answer.json()["url"], content=content, headers={"Authorization": ""})).raise_for_status()
    return f"media://{name}"


async def ended(client: httpx.AsyncClient, job: str, seconds: float = GIVE_UP) -> dict[str, Any]:
    """Wait until a job has ended; return it."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                answer = await client.get(f"/v1/jobs/{job}", params={"wait": 10})
            except httpx.TransportError:
                await asyncio.sleep(_PAUSE)
                continue
            if answer.status_code == 200 and answer.json()["status"] not in UNFINISHED:
                return dict(answer.json())
            if answer.status_code != 200:
                await asyncio.sleep(_PAUSE)


async def traffic(fleet: Fleet, outside: Outside) -> Traffic:
    """Learn what comes of each kind of request while nothing is broken.

    The outside has the recordings `voice` and `talk`.
    """
    own = Traffic(fleet=fleet, outside=outside, kinds=(), before={})
    kinds = []
    async with asking(fleet) as client:
        voice = await upload(client, "voice", outside.recordings["voice"])
        talk = await upload(client, "talk", outside.recordings["talk"])
        made = await own.accepted(client, "voiceprint", {"url": voice})
        known = [{"label": "Ada", "voiceprint": (await ended(client, made))["output"]["voiceprint"]}]
        for route, body in (
            ("voiceprint", {"url": voice}),
            ("voiceprint", {"url": f"{outside.address}/voice"}),
            ("identify", {"url": talk, "voiceprints": known}),
            ("identify", {"url": f"{outside.address}/voice", "voiceprints": known}),
            ("diarize", {"url": talk}),
            ("diarize", {"url": f"{outside.address}/talk"}),
            ("diarize", {"url": f"{outside.address}/nothing"}),
            ("diarize", {"url": "media://nothing"}),
        ):
            job = await own.accepted(client, route, body)
            end = await ended(client, job)
            kinds.append(
                Kind(
                    route=route,
                    body=body,
                    status=end["status"],
                    output=end["output"],
                    seconds=end.get("duration", 0.0),
                )
            )
            own.before[job] = kinds[-1]
    own.before[made] = kinds[0]
    own.kinds = kinds
    return own
