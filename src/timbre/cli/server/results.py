"""The results of a team for a command: what people say about them, and what stands."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from timbre.cli.server.gallery import OpenGallery, open_gallery
from timbre.errors import JobUnknown, OptionError, OutputMissing, RequestInvalid

if TYPE_CHECKING:
    from timbre.service.decisions.decisions import Decisions, Made


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenResult:
    """The result of a job, while the database is open."""

    job: UUID
    gallery: OpenGallery
    decisions: Decisions

    def say(self, body: Mapping[str, Any]) -> Made:
        """Decide, undo or redo, as the body of a request says it, whose `kind` it is.

        Raises:
            OptionError: something is not allowed.
            and as `Decisions.decide`
        """
        from timbre.service.accounts.teams import Caller, Scope  # noqa: PLC0415
        from timbre.service.decisions.requests import DecisionRequest, StepRequest  # noqa: PLC0415
        from timbre.service.requests.body import parse  # noqa: PLC0415

        caller = Caller(team=self.gallery.team, key=None, scopes=frozenset(Scope))
        text = json.dumps(body).encode()
        try:
            if body["kind"] in {"undo", "redo"}:
                step, _ = parse(StepRequest, text, webhook_http=False)
                return self.gallery.ask(self.decisions.step(caller, self.job, body["kind"], step))
            request, _ = parse(DecisionRequest, text, webhook_http=False)
            return self.gallery.ask(self.decisions.decide(caller, self.job, request))
        except RequestInvalid as error:
            raise OptionError("; ".join(f"{field}: {message}" for field, message in error.errors)) from None

    def history(self) -> list[dict[str, Any]]:
        """All that was said, the oldest first; see `Decisions.history`."""
        return self.gallery.ask(self.decisions.history(self.gallery.team, self.job))

    def output(self) -> dict[str, Any]:
        """What stands.

        Raises:
            OutputMissing: the job has no output, or no longer.
        """
        from timbre.store.queries import queries  # noqa: PLC0415

        row = self.gallery.ask(self.gallery.database.one(queries("jobs")["output"], {"id": self.job}))
        if row is None:
            raise OutputMissing
        found: dict[str, Any] = json.loads(gzip.decompress(row["body"]))
        return found


@contextmanager
def open_result(job: str, team: str, data_dir: Path | None) -> Iterator[OpenResult]:
    """Open the result of a job of a team.

    Raises:
        JobUnknown: the team has no such job.
        OptionError, ServerError, DatabaseUnavailable, DataFolderBusy: as `open_gallery`.
    """
    from timbre.service.decisions.decisions import Decisions  # noqa: PLC0415
    from timbre.service.decisions.doubts import Doubts  # noqa: PLC0415
    from timbre.service.outside.webhooks import Webhooks  # noqa: PLC0415
    from timbre.service.people.learning import Learning  # noqa: PLC0415
    from timbre.service.results.voices import KeptVoices  # noqa: PLC0415
    from timbre.store.queue import Queue  # noqa: PLC0415

    with open_gallery(team, data_dir) as gallery:
        try:
            id_ = UUID(job)
        except ValueError:
            raise JobUnknown(f"{job[:100]!r} is not the id of a job.") from None
        queue, voices = Queue(gallery.database), KeptVoices(gallery.protection)
        gallery.ask(queue.open())
        decisions = Decisions(
            gallery.database,
            gallery=gallery.people,
            learning=Learning(gallery.people, gallery.protection),
            voices=voices,
            doubts=Doubts(
                voices=voices, gallery=gallery.people, candidates=gallery.candidates, settings=gallery.settings
            ),
            webhooks=Webhooks(gallery.database, queue, gallery.settings),
        )
        result = OpenResult(job=id_, gallery=gallery, decisions=decisions)
        result.history()  # of a job that is there
        yield result
