"""What the routes of an app share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request

from timbre.http.limits import RateLimits
from timbre.service.accounts.sessions import Sessions
from timbre.service.accounts.teams import Teams
from timbre.service.accounts.usage import Usage
from timbre.service.decisions.decisions import Decisions
from timbre.service.files.media import Media
from timbre.service.files.storage import Storage
from timbre.service.jobs.archive import Archive
from timbre.service.jobs.events import JobEvents
from timbre.service.jobs.jobs import Jobs
from timbre.service.live.live import Live
from timbre.service.models.pulls import Pulls
from timbre.service.naming.agreement import Agreement
from timbre.service.naming.enrolment import Enrolment
from timbre.service.naming.handed_in import HandedIn
from timbre.service.naming.labelling import Labelling
from timbre.service.naming.recognition import Recognition
from timbre.service.naming.rematch import Rematch
from timbre.service.outside.webhooks import Webhooks
from timbre.service.people.gallery import Gallery
from timbre.service.people.retention import SpeakerRetention
from timbre.service.people.transfer import GalleryTransfer
from timbre.service.requests.reader import Reader
from timbre.service.results.words_so_far import WordsSoFar
from timbre.service.review.review import Review
from timbre.service.upkeep.gallery_upgrade import GalleryUpgrade
from timbre.service.upkeep.keeping import Keeping
from timbre.settings import Settings
from timbre.store.database import Database
from timbre.store.queue import Queue

if TYPE_CHECKING:
    from timbre.service.outside.single_sign_on import SingleSignOn


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The service, as one app holds it."""

    settings: Settings
    archive: Archive
    keeping: Keeping
    review: Review
    database: Database
    storage: Storage
    teams: Teams
    sessions: Sessions
    single_sign_on: SingleSignOn | None  # where a provider is set
    media: Media
    jobs: Jobs
    labelling: Labelling
    handed_in: HandedIn
    gallery: Gallery
    upgrade: GalleryUpgrade
    transfer: GalleryTransfer
    queue: Queue
    speaker_retention: SpeakerRetention
    enrolment: Enrolment
    recognition: Recognition
    agreement: Agreement
    decisions: Decisions
    rematch: Rematch
    webhooks: Webhooks
    usage: Usage
    events: JobEvents
    words: WordsSoFar
    pulls: Pulls
    live: Live
    limits: RateLimits
    reader: Reader


async def state(request: Request) -> State:
    """A dependency: the app's state. Async, as FastAPI runs what is not in a thread of its own."""
    found: State = request.app.state.service
    return found
