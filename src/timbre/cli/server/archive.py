"""The recordings of a team for a command: listed, changed, kept by rules, reviewed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from timbre.cli.server.gallery import OpenGallery, open_gallery
from timbre.errors import OptionError, RequestInvalid

if TYPE_CHECKING:
    from timbre.service.accounts.teams import Caller
    from timbre.service.jobs.archive import Archive
    from timbre.service.jobs.jobs import Jobs
    from timbre.service.requests.body import Request
    from timbre.service.review.review import Review
    from timbre.service.upkeep.keeping import Keeping

R = TypeVar("R", bound="Request")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenArchive:
    """The recordings of a team, while the database is open."""

    caller: Caller
    gallery: OpenGallery
    jobs: Jobs
    archive: Archive
    keeping: Keeping
    review: Review


def checked_as(model: type[R], body: Mapping[str, Any]) -> R:
    """Check what is asked for as the server does.

    Raises:
        OptionError: something is not allowed.
    """
    from timbre.service.requests.body import parse  # noqa: PLC0415

    try:
        return parse(model, json.dumps(body).encode(), webhook_http=False)[0]
    except RequestInvalid as error:
        raise OptionError("; ".join(f"{field}: {message}" for field, message in error.errors)) from None


@contextmanager
def open_archive(team: str, data_dir: Path | None) -> Iterator[OpenArchive]:
    """Open the recordings of a team.

    Raises:
        OptionError, ServerError, DatabaseUnavailable, DataFolderBusy: as `open_gallery`.
    """
    from timbre.service.accounts.teams import Caller, Scope  # noqa: PLC0415
    from timbre.service.accounts.usage import Usage  # noqa: PLC0415
    from timbre.service.decisions.decisions import Decisions  # noqa: PLC0415
    from timbre.service.decisions.doubts import Doubts  # noqa: PLC0415
    from timbre.service.files.media import Media  # noqa: PLC0415
    from timbre.service.files.storage import open_storage  # noqa: PLC0415
    from timbre.service.jobs.archive import Archive  # noqa: PLC0415
    from timbre.service.jobs.jobs import Jobs  # noqa: PLC0415
    from timbre.service.keys.secrets import Secrets  # noqa: PLC0415
    from timbre.service.models.packs import Packs  # noqa: PLC0415
    from timbre.service.naming.rematch import Rematch  # noqa: PLC0415
    from timbre.service.outside.webhooks import Webhooks  # noqa: PLC0415
    from timbre.service.people.learning import Learning  # noqa: PLC0415
    from timbre.service.results.voices import KeptVoices  # noqa: PLC0415
    from timbre.service.review.review import Review  # noqa: PLC0415
    from timbre.service.upkeep.keeping import Keeping  # noqa: PLC0415
    from timbre.store.queue import Queue  # noqa: PLC0415

    with open_gallery(team, data_dir) as gallery:
        database, settings, people = gallery.database, gallery.settings, gallery.people
        queue, voices, packs = Queue(database), KeptVoices(gallery.protection), Packs(settings)
        gallery.ask(queue.open())
        storage, webhooks = open_storage(settings), Webhooks(database, queue, settings)
        jobs = Jobs(
            database,
            queue,
            media=Media(database, storage, Secrets(database), settings),
            storage=storage,
            packs=packs,
            usage=Usage(database),
            webhooks=webhooks,
            settings=settings,
        )
        decisions = Decisions(
            database,
            gallery=people,
            learning=Learning(people, gallery.protection),
            voices=voices,
            doubts=Doubts(voices=voices, gallery=people, candidates=gallery.candidates, settings=settings),
            webhooks=webhooks,
        )
        rematch = Rematch(
            database, jobs=jobs, voices=voices, candidates=gallery.candidates, packs=packs, settings=settings
        )
        yield OpenArchive(
            caller=Caller(team=gallery.team, key=None, scopes=frozenset(Scope)),
            gallery=gallery,
            jobs=jobs,
            archive=Archive(database, jobs, storage),
            keeping=Keeping(database, settings),
            review=Review(
                database,
                decisions=decisions,
                rematch=rematch,
                gallery=people,
                voices=voices,
                candidates=gallery.candidates,
                settings=settings,
            ),
        )
