"""Media: recordings that clients uploaded under names of their own, `media://…`, kept for a day.

A name belongs to a team. Every upload is a version of its own, so that a job goes on with the recording it was given
when the name is used again. Names never become paths: objects have random names.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID, uuid4

from timbre.errors import LinkRejected, MediaUnknown, TooManyRequests, UploadRefused
from timbre.fairness import Places
from timbre.service.files.room import Room
from timbre.service.files.storage import Storage
from timbre.service.keys.secrets import Secrets
from timbre.service.keys.signatures import link_is_valid, sign_link
from timbre.settings import Settings
from timbre.store.database import Database
from timbre.store.identifiers import new_id
from timbre.store.queries import queries

SCHEME: Final = "media://"
_SQL: Final = queries("media")
OBJECT_NAME: Final = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}")
LINKS: Final = "/v1/media/objects"  # where links of our own lead
_LINKS: Final = "links"  # the secret that signs them
_EXPIRY: Final = re.compile(r"[0-9]{1,12}")
_HOUR: Final = 3600.0
_GIB: Final = 1 << 30
_RETRY: Final = 5  # seconds until a place for an upload may be free


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """An uploaded version of a recording."""

    id: UUID
    object: str
    bytes: int


class Media:
    """The media of every team."""

    def __init__(self, database: Database, storage: Storage, secrets: Secrets, settings: Settings) -> None:
        self._database = database
        self._storage = storage
        self._secrets = secrets
        self._settings = settings
        self.room = Room(database, settings)
        self._places = Places(settings.upload_places, settings.team_share)
        self._uploading = set[tuple[UUID, str]]()  # team and name

    @property
    def most_bytes(self) -> int:
        """Size of the largest upload."""
        return int(self._settings.upload_gb * _GIB)

    async def upload_link(self, team: UUID, key: str, *, own: bool = False) -> str:
        """An address to PUT a recording to, without a key: a path of this server, or the whole one of the storage.

        `own` is always the former: browsers may send nothing to other hosts.

        Raises:
            QuotaSpent, StorageFull: there is no room for a recording.
        """
        await self.room.check(team)
        name = object_name()
        presigned = None if own else await self._presign("PUT", name)
        if presigned is None:
            return await self._sign("PUT", team, key)
        await self._add(team, key, name, None)
        return presigned

    async def download_link(self, team: UUID, key: str) -> str:
        """An address to GET a recording from, without a key.

        Raises:
            MediaUnknown: there is none of this name.
        """
        recording = await self.find(team, key)
        if recording is None:
            raise MediaUnknown(f"Nothing is kept at {SCHEME}{key}: it was never uploaded, or its time was over.")
        presigned = await self._presign("GET", recording.object)
        return presigned or await self._sign("GET", team, key)

    @contextmanager
    def uploading(self, team: UUID, key: str | None = None) -> Iterator[None]:
        """Hold one of the team's places for uploads, and the name, if it has one, to which nobody else uploads then.

        Raises:
            TooManyRequests: the team has none left.
            UploadRefused: something is being uploaded to that name.
        """
        name = None if key is None else (team, key)
        if name in self._uploading:
            raise UploadRefused
        with self._places.held(team, lambda: TooManyRequests(_RETRY)):
            if name is not None:
                self._uploading.add(name)
            try:
                yield
            finally:
                if name is not None:
                    self._uploading.remove(name)

    async def receive(self, team: UUID, key: str, chunks: AsyncIterator[bytes]) -> int:
        """Keep what is uploaded as the newest version of this name; return its bytes.

        Raises:
            RequestTooLarge: it is larger than allowed; nothing is kept.
            QuotaSpent, StorageFull: there is no room for it; nothing is kept.
        """
        name = object_name()
        async with aclosing(self.room.filled(team, chunks)) as filled:
            size = await self._storage.put(name, filled, most_bytes=self.most_bytes)
        await self._add(team, key, name, size)
        return size

    async def find(self, team: UUID, key: str) -> Recording | None:
        """The newest version of this name that is wholly here."""
        for row in await self._database.all(_SQL["versions"], {"team": team, "key": key}):
            size = row["bytes"]
            if size is None:
                size = await self._storage.size(row["object"])
                if size is None:
                    continue
                await self._database.one(_SQL["seen"], {"id": row["id"], "bytes": size})
            return Recording(id=row["id"], object=row["object"], bytes=size)
        return None

    async def get(self, media: UUID) -> Recording | None:
        """A version by its id."""
        row = await self._database.one(_SQL["get"], {"id": media})
        return None if row is None else Recording(id=row["id"], object=row["object"], bytes=row["bytes"])

    async def check_link(
        self, method: Literal["GET", "PUT"], team: str, name: str, expires: str, signature: str
    ) -> tuple[UUID, str]:
        """Make sure that a link is one of ours and still good; return its team and the media's name.

        Raises:
            LinkRejected: it is not.
        """
        secret = await self._secrets.get(_LINKS)
        if not _EXPIRY.fullmatch(expires) or not link_is_valid(
            secret, method, f"{LINKS}/{team}/{name}", int(expires), signature, int(time.time())
        ):
            raise LinkRejected
        return UUID(team), base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()

    async def _presign(self, method: Literal["GET", "PUT"], name: str) -> str | None:
        if not self._settings.storage_links:
            return None
        return await self._storage.presign(method, name, self._settings.upload_link_seconds)

    async def _sign(self, method: Literal["GET", "PUT"], team: UUID, key: str) -> str:
        secret = await self._secrets.get(_LINKS)
        path = _path(team.hex, key)
        expires = int(time.time()) + self._settings.upload_link_seconds
        return f"{path}?expires={expires}&signature={sign_link(secret, method, path, expires)}"

    async def _add(self, team: UUID, key: str, name: str, size: int | None) -> None:
        await self._database.one(
            _SQL["add"],
            {
                "id": new_id(),
                "team": team,
                "key": key,
                "object": name,
                "bytes": size,
                "seconds": self._settings.media_hours * _HOUR,
            },
        )


def object_name() -> str:
    """A name for an object that says nothing about it."""
    name = uuid4().hex
    return f"{name[:2]}/{name}"


def media_key(url: str) -> str | None:
    """The name in a `media://` address; None for other addresses."""
    return url.removeprefix(SCHEME) if url.startswith(SCHEME) else None


def _path(team: str, key: str) -> str:
    # Names may hold slashes and dots, which clients and proxies like to tidy up.
    return f"{LINKS}/{team}/{base64.urlsafe_b64encode(key.encode()).decode().rstrip('=')}"
