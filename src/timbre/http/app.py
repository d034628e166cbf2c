"""The app: the service behind its routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI

from timbre import tracing
from timbre.http.errors import install_errors
from timbre.http.hosts import Hosts
from timbre.http.limits import RateLimits
from timbre.http.middleware import Envelope
from timbre.http.openapi import install_openapi
from timbre.http.routes import (
    archive,
    audit,
    health,
    keys,
    live,
    media,
    models,
    review,
    server,
    session,
    usage,
    web,
    webhooks,
)
from timbre.http.routes.audio import endpoints as audio
from timbre.http.routes.jobs import decisions, jobs, label, outputs, recordings, submit, voices
from timbre.http.routes.speakers import recordings as speaker_recordings
from timbre.http.routes.speakers import retention as speaker_retention
from timbre.http.routes.speakers import samples, search, speakers, transfer, upgrade
from timbre.http.state import State
from timbre.service.accounts.sessions import Sessions
from timbre.service.accounts.teams import Teams
from timbre.service.accounts.usage import Usage
from timbre.service.decisions.decisions import Decisions
from timbre.service.decisions.doubts import Doubts
from timbre.service.files.media import Media
from timbre.service.files.storage import open_storage
from timbre.service.jobs.archive import Archive
from timbre.service.jobs.events import JobEvents
from timbre.service.jobs.jobs import Jobs
from timbre.service.keys.secrets import Secrets
from timbre.service.keys.template_protection import Protection
from timbre.service.live.live import Live
from timbre.service.live.moving import Moving
from timbre.service.live.recorder import Recordings
from timbre.service.live.streams import Streams
from timbre.service.models.packs import Packs
from timbre.service.models.pulls import Pulls
from timbre.service.naming.agreement import Agreement
from timbre.service.naming.candidate_pool import CandidateSearch
from timbre.service.naming.enrolment import Enrolment
from timbre.service.naming.handed_in import HandedIn
from timbre.service.naming.labelling import Labelling
from timbre.service.naming.recognition import Recognition
from timbre.service.naming.rematch import Rematch
from timbre.service.outside.webhooks import Webhooks
from timbre.service.people.gallery import Gallery
from timbre.service.people.learning import Learning
from timbre.service.people.retention import SpeakerRetention
from timbre.service.people.search import Search
from timbre.service.people.transfer import GalleryTransfer
from timbre.service.requests.reader import running_reader
from timbre.service.results.voices import KeptVoices
from timbre.service.results.words_so_far import WordsSoFar
from timbre.service.review.review import Review
from timbre.service.upkeep.gallery_upgrade import GalleryUpgrade
from timbre.service.upkeep.keeping import Keeping
from timbre.settings import Settings
from timbre.store.database import open_database
from timbre.store.queue import Queue
from timbre.store.schema import check_schema

if TYPE_CHECKING:
    from timbre.service.outside.single_sign_on import SingleSignOn

_CONNECTIONS: Final = 12


def create_app(settings: Settings, url: str) -> FastAPI:
    """Make the app of a server on the database at this address; it opens everything when it is started.

    Raises, when it is started:
        DatabaseUnavailable: the database cannot be reached.
        SchemaOutdated: it is of another version.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app.state.service = await _open(stack, settings, url)
            yield

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url="/openapi.json", redirect_slashes=False)
    app.state.draining = False  # whether it was told to stop, and goes on for a while
    # `outputs` first: its paths begin like a job's own; so do those of `transfer` like a person's.
    of_jobs = (submit, label, outputs, jobs, recordings, voices, decisions)
    people = (transfer, speaker_retention, upgrade, search, speakers, samples, speaker_recordings)
    administration = (keys, webhooks, usage, audit, models, server)
    for module in (*of_jobs, audio, archive, review, *people, media, live, *administration, session, health, web):
        app.include_router(module.router)
    install_errors(app)
    install_openapi(app)
    app.add_middleware(Envelope, hosts=Hosts(settings))
    return app


async def _open(stack: AsyncExitStack, settings: Settings, url: str) -> State:
    await stack.enter_async_context(tracing.telling(settings, "api"))
    database = await stack.enter_async_context(
        open_database(url, connections=_CONNECTIONS, application="timbre api", silence=settings.stalled_seconds)
    )
    async with database.transaction() as connection:
        await check_schema(connection)
    queue = Queue(database)
    await queue.open()
    storage = open_storage(settings)
    events = JobEvents(database)
    await stack.enter_async_context(events.listening())
    media_ = Media(database, storage, Secrets(database), settings)
    usage_, sessions = Usage(database), Sessions(database, settings)
    webhooks_ = Webhooks(database, queue, settings)
    pulls = Pulls(database, settings)
    await stack.enter_async_context(pulls.running())
    packs, protection = Packs(settings), Protection(database, settings)
    gallery = Gallery(database, protection, packs)
    kept = KeptVoices(protection)
    jobs_ = Jobs(
        database,
        queue,
        media=media_,
        storage=storage,
        packs=packs,
        usage=usage_,
        webhooks=webhooks_,
        settings=settings,
    )
    candidates = CandidateSearch(Search(database, protection, settings), gallery)
    streams = Streams(database, usage_, gallery, settings)
    moving = Moving(streams, storage, protection)
    live_ = Live(streams, Recordings(media_, jobs_), moving, candidates, settings)
    await stack.enter_async_context(live_.running())
    decisions_ = Decisions(
        database,
        gallery=gallery,
        learning=Learning(gallery, protection),
        voices=kept,
        doubts=Doubts(voices=kept, gallery=gallery, candidates=candidates, settings=settings),
        webhooks=webhooks_,
    )
    rematch = Rematch(database, jobs=jobs_, voices=kept, candidates=candidates, packs=packs, settings=settings)
    return State(
        settings=settings,
        archive=Archive(database, jobs_, storage),
        keeping=Keeping(database, settings),
        review=Review(
            database,
            decisions=decisions_,
            rematch=rematch,
            gallery=gallery,
            voices=kept,
            candidates=candidates,
            settings=settings,
        ),
        database=database,
        storage=storage,
        teams=Teams(database),
        sessions=sessions,
        single_sign_on=await _single_sign_on(stack, sessions, settings),
        media=media_,
        jobs=jobs_,
        labelling=Labelling(jobs_),
        handed_in=HandedIn(database, jobs_),
        gallery=gallery,
        upgrade=GalleryUpgrade(database, protection, gallery, packs),
        transfer=GalleryTransfer(database, gallery),
        queue=queue,
        speaker_retention=SpeakerRetention(database, gallery.erase, settings),
        enrolment=Enrolment(database, jobs_, kept, settings),
        recognition=Recognition(
            database, jobs=jobs_, voices=kept, candidates=candidates, packs=packs, settings=settings
        ),
        agreement=Agreement(gallery, settings),
        decisions=decisions_,
        rematch=rematch,
        webhooks=webhooks_,
        usage=usage_,
        events=events,
        words=WordsSoFar(database),
        pulls=pulls,
        live=live_,
        limits=RateLimits(settings),
        reader=await stack.enter_async_context(running_reader()),
    )


async def _single_sign_on(stack: AsyncExitStack, sessions: Sessions, settings: Settings) -> SingleSignOn | None:
    if settings.oidc_issuer is None:
        return None
    from timbre.service.outside.single_sign_on import SingleSignOn  # noqa: PLC0415 - a third of a second

    opened = SingleSignOn(sessions, settings)
    stack.push_async_callback(opened.close)
    return opened
