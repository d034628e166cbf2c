"""What the routes of an app share."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from timbre.http.limits import RateLimits
from timbre.service.enrolment import Enrolment
from timbre.service.events import JobEvents
from timbre.service.exchange import Exchange
from timbre.service.gallery import Gallery
from timbre.service.jobs import Jobs
from timbre.service.labelling import Labelling
from timbre.service.media import Media
from timbre.service.pulls import Pulls
from timbre.service.recognition import Recognition
from timbre.service.rematch import Rematch
from timbre.service.sessions import Sessions
from timbre.service.speaker_retention import SpeakerRetention
from timbre.service.storage import Storage
from timbre.service.teams import Teams
from timbre.service.usage import Usage
from timbre.service.webhooks import Webhooks
from timbre.settings import Settings
from timbre.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The service, as one app holds it."""

    settings: Settings
    database: Database
    storage: Storage
    teams: Teams
    sessions: Sessions
    media: Media
    jobs: Jobs
    labelling: Labelling
    gallery: Gallery
    exchange: Exchange
    speaker_retention: SpeakerRetention
    enrolment: Enrolment
    recognition: Recognition
    rematch: Rematch
    webhooks: Webhooks
    usage: Usage
    events: JobEvents
    pulls: Pulls
    limits: RateLimits


async def state(request: Request) -> State:
    """A dependency: the app's state. Async, as FastAPI runs what is not in a thread of its own."""
    found: State = request.app.state.service
    return found
