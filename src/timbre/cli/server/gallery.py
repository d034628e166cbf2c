"""The gallery of a team for a command: its database is opened, and asked from the command's own thread."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from uuid import UUID

import typer

from timbre.cli.exits import warn
from timbre.cli.inputs.loading import load_engine
from timbre.errors import OptionError, RequestInvalid, SpeakerUnknown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from timbre.engine import Engine
    from timbre.identification.voiceprint import Voiceprint
    from timbre.service.keys.template_protection import Protection
    from timbre.service.naming.candidate_pool import CandidatePool, CandidateSearch
    from timbre.service.people.gallery import Gallery
    from timbre.service.people.person import Person
    from timbre.service.people.requests import CreateSpeakerRequest
    from timbre.service.people.samples import Origin
    from timbre.service.people.transfer import GalleryTransfer
    from timbre.service.requests.selection import Selection
    from timbre.service.upkeep.gallery_upgrade import GalleryUpgrade
    from timbre.settings import Settings
    from timbre.store.database import Database

Team = Annotated[str, typer.Option("--team", help="Team whose people these are.")]
ALL: Final = "all"
_TAG: Final = "tag:"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGallery:
    """The people of a team, while the database is open."""

    team: UUID
    database: Database
    protection: Protection
    people: Gallery
    upgrade: GalleryUpgrade
    transfer: GalleryTransfer
    candidates: CandidateSearch
    settings: Settings
    runner: asyncio.Runner

    @property
    def space(self) -> str | None:
        """The space in which the people are compared; None where there is nobody, and no model."""
        return self.ask(self.people.space(self.team))

    def ask(self, question: Coroutine[Any, Any, T]) -> T:
        """Return the answer."""
        return self.runner.run(question)

    def keep(self, person: UUID, voiceprint: Voiceprint, origin: Origin) -> tuple[UUID, int]:
        """Add samples to a person; return the id of the first, and how many were new.

        Raises:
            SpeakerUnknown: the person was erased meanwhile.
            SamplesFull: there is no room for them.
            VoiceprintMalformed: the voiceprint is damaged.
        """

        async def add() -> tuple[UUID, int]:
            async with self.people.changing(self.team) as connection:
                return await self.people.add_samples(connection, self.team, person, voiceprint, origin)

        return self.ask(add())

    def find(self, speaker: str) -> Person:
        """The person of an id, or of a name in whatever case.

        Raises:
            SpeakerUnknown: there is none.
        """
        try:
            return self.ask(self.people.get(self.team, UUID(speaker)))
        except (ValueError, SpeakerUnknown):
            person = self.ask(self.people.find(self.team, speaker))
        if person is None:
            raise SpeakerUnknown(
                f"There is nobody called {speaker[:100]!r}; `timbre speakers list` shows who there is."
            )
        return person

    def select(self, speakers: Sequence[str]) -> Selection:
        """The people that names, ids, `tag:` with a tag, or `all` mean.

        Raises:
            SpeakerUnknown: there is nobody of a name.
            OptionError: tags stand beside names.
        """
        from timbre.service.requests.selection import Selection  # noqa: PLC0415

        if ALL in speakers:
            return Selection()
        tags = tuple(text.removeprefix(_TAG) for text in speakers if text.startswith(_TAG))
        if not tags:
            return Selection(ids=tuple(self.find(speaker).id for speaker in speakers))
        if len(tags) < len(speakers):
            raise OptionError("--speakers takes tags or people, not both; give the people a tag of their own.")
        return Selection(tags=tags)


class NamedGallery:
    """Some people of an open gallery, as the engine looks them up: by name."""

    def __init__(self, gallery: OpenGallery, space: str, selection: Selection) -> None:
        self._gallery = gallery
        self.space = space  # in which they are compared
        self._pool: CandidatePool = gallery.ask(gallery.candidates.pool(gallery.team, space, selection))

    @property
    def people(self) -> int:
        """How many there are in all."""
        return self._pool.people

    def nearest(self, embeddings: NDArray[np.float32]) -> Mapping[str, Voiceprint]:
        """Return those who sound most like voices; see `timbre.identification.candidates`."""
        found = self._gallery.ask(self._gallery.candidates.near(self._pool, embeddings))
        return dict(found.values())


@contextmanager
def looked_up(
    speakers: Sequence[str] | None, engine: Engine, team: str, data_dir: Path | None
) -> Iterator[tuple[NamedGallery | None, Engine]]:
    """The people of the gallery who are looked up, None if nobody is, and the engine that hears in their space.

    Raises:
        SpeakerUnknown: there is nobody of a name.
        OptionError, ServerError, DatabaseUnavailable, DataFolderBusy: as `open_gallery` and `select`.
    """
    if not speakers:
        yield None, engine
        return
    with open_gallery(team, data_dir) as gallery:
        engine = engine.of_space(gallery.space or engine.space)
        named = NamedGallery(gallery, engine.space, gallery.select(speakers))
        if not named.people:
            warn("nobody is looked for: these people have no samples that the model can compare with voices")
        yield named, engine


@contextmanager
def open_gallery(team: str, data_dir: Path | None, *, make: bool = False) -> Iterator[OpenGallery]:
    """Open the gallery of a team of the server whose data folder, or database, this is; `make` it if there is none.

    Raises:
        ServerError: there is no server's data, or its master key does not fit.
        OptionError: there is no such team, or a setting has a value it cannot have.
        DatabaseUnavailable: the database cannot be reached.
        SchemaOutdated: it is of another version.
        DataFolderBusy: a server is just starting or stopping there.
        PathUnusable, DiskFull: there is no way to start it.
    """
    from timbre.cli.server.data_folder import database_url, server_settings  # noqa: PLC0415

    settings = server_settings(data_dir)
    with database_url(settings, make=make) as url, asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            yield runner.run(_open(stack, url, settings, team, runner))
        finally:
            runner.run(stack.aclose())


async def _open(stack: AsyncExitStack, url: str, settings: Settings, team: str, runner: asyncio.Runner) -> OpenGallery:
    from timbre.service.accounts.teams import FIRST_TEAM, Teams  # noqa: PLC0415
    from timbre.service.keys.template_protection import Protection, check_master_key  # noqa: PLC0415
    from timbre.service.models.packs import Packs  # noqa: PLC0415
    from timbre.service.naming.candidate_pool import CandidateSearch  # noqa: PLC0415
    from timbre.service.people.gallery import Gallery  # noqa: PLC0415
    from timbre.service.people.search import Search  # noqa: PLC0415
    from timbre.service.people.transfer import GalleryTransfer  # noqa: PLC0415
    from timbre.service.upkeep.gallery_upgrade import GalleryUpgrade  # noqa: PLC0415
    from timbre.store.database import open_database  # noqa: PLC0415
    from timbre.store.schema import check_schema  # noqa: PLC0415

    database = await stack.enter_async_context(open_database(url, connections=2, application="timbre command"))
    async with database.transaction() as own:
        await check_schema(own)
    await check_master_key(database, settings, make=settings.database_url is None)
    teams = Teams(database)
    owner = await (teams.first_team() if team == FIRST_TEAM else teams.team(team))
    protection = Protection(database, settings)
    packs = Packs(settings)
    people = Gallery(database, protection, packs)
    return OpenGallery(
        team=owner["id"],
        database=database,
        protection=protection,
        people=people,
        upgrade=GalleryUpgrade(database, protection, people, packs),
        transfer=GalleryTransfer(database, people),
        candidates=CandidateSearch(Search(database, protection, settings), people),
        settings=settings,
        runner=runner,
    )


def gallery_engine(gallery: OpenGallery, model: str | None, device: str | None) -> Engine:
    """Load the engine that hears people for a gallery: a pack with the encoder that they are compared by.

    Raises:
        OptionError: a setting has a value it cannot have.
        ModelError: the pack or the encoder is unknown, missing or damaged, or the device cannot be used.
    """
    engine = load_engine(model, device)
    return engine.of_space(gallery.space or engine.space)


def hear(
    gallery: OpenGallery, engine: Engine, recording: Path, *, max_seconds: float | None, channel: int | None = None
) -> tuple[Voiceprint, Origin]:
    """Learn the voice of a recording, of its best part if it is longer than allowed, with some seconds to listen to.

    Raises:
        AudioError: the recording cannot be used.
        EnrolmentRefused: no voice can be learned from it.
    """
    from timbre.service.files.clips import encoded  # noqa: PLC0415
    from timbre.service.people.samples import Origin  # noqa: PLC0415

    seconds = gallery.settings.clip_seconds
    heard = engine.voiceprint(recording, max_seconds=max_seconds, excerpt=True, channel=channel, clip_seconds=seconds)
    return heard, Origin(source="recording", clip=None if heard.clip is None else encoded(heard.clip))


def checked(body: Mapping[str, Any]) -> CreateSpeakerRequest:
    """Check what is said about a person as the server does.

    Raises:
        OptionError: something is not allowed.
    """
    from timbre.service.people.requests import CreateSpeakerRequest  # noqa: PLC0415
    from timbre.service.requests.body import parse  # noqa: PLC0415

    try:
        return parse(CreateSpeakerRequest, json.dumps(body).encode(), webhook_http=False)[0]
    except RequestInvalid as error:
        raise OptionError("; ".join(f"{field}: {message}" for field, message in error.errors)) from None
