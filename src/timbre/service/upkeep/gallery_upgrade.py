"""Bringing a gallery to the encoder that the server hears with: everybody is embedded again from the clips of them.

    samples ──clip──► sample_successors ──one transaction──► samples, speaker_vectors, teams.gallery_space

Until that transaction the gallery goes on as it was: people are compared, enrolled and erased in the space before. What
is embedded already is kept sealed, so that a run that broke off is gone on with by the next. People of whom there is
no clip cannot be embedded again; they stay behind only where that was asked for, with their samples, until somebody
adds a recording of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from uuid import UUID

import numpy as np

from timbre.errors import AudioError, Canceled, NoSpeech, ServiceUnavailable, UpgradeRefused
from timbre.identification.voiceprint import Voiceprint
from timbre.service.accounts import audit
from timbre.service.keys.template_protection import Protection
from timbre.service.models.packs import Packs
from timbre.service.people.gallery import Gallery
from timbre.service.people.samples import CLIP, together, vector_text
from timbre.store.database import Connection, Database, Row, one
from timbre.store.identifiers import new_id
from timbre.store.queries import queries
from timbre.store.queue import UPGRADE_TASK, Lane, Queue

if TYPE_CHECKING:
    from timbre.engine import Engine
    from timbre.service.keys.template_protection import TeamCipher

MOST_NAMED: Final = 1000  # people in an answer who cannot be embedded again
_SQL: Final = queries("gallery_upgrade")
_CLIPS: Final = 8  # that are embedded before it is told how far it is
_PEOPLE: Final = 500  # whose search vectors are written at a time
_FEW: Final = 5  # names in a message
_SILENCE: Final = 60.0  # seconds without a report after which a run is thought dead
_LOST: Final = "The process that did it has ended; ask for it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a gallery stands to the encoder that the server hears with."""

    encoder: str | None  # that people are compared by; None where there is nobody, or no model
    own: str | None  # that the server hears with
    earlier: tuple[Row, ...]  # people whom only an earlier encoder knows: `id`, `name`, `has_clip`
    samples: int  # that can be embedded again
    run: Row | None  # the last one: `state`, `done`, `total`, `asked_at`, `ended_at`, `error`

    @property
    def needed(self) -> bool:
        """Whether there is anything to do."""
        return self.encoder != self.own or bool(self.samples)

    @property
    def without_clip(self) -> list[Row]:
        """People who cannot be embedded again, as nothing of their voice was kept to listen to."""
        return [row for row in self.earlier if not row["has_clip"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgraded:
    """What came of a run."""

    samples: int  # that were embedded again
    people: int  # who are compared by the server's own encoder now
    behind: int  # who are not


class GalleryUpgrade:
    """Brings galleries of teams to the space that the server hears in."""

    def __init__(self, database: Database, protection: Protection, gallery: Gallery, packs: Packs) -> None:
        self._database = database
        self._protection = protection
        self._gallery = gallery
        self._packs = packs

    async def standing(self, team: UUID) -> Standing:
        """How a team's gallery stands."""
        space, own = await self._gallery.space(team), self._packs.space()
        asked = {"team": team, "space": own}
        waiting = await self._database.one(_SQL["waiting"], asked)
        run = await self._database.one(_SQL["run"], asked)
        return Standing(
            encoder=self._packs.encoder_of(space),
            own=self._packs.encoder_of(own),
            earlier=tuple(await self._database.all(_SQL["standing"], asked)) if own is not None else (),
            samples=int(waiting["samples"]) if waiting and own is not None else 0,
            run=None if run is None else await self._judged(run),
        )

    async def ask(
        self, team: UUID, *, without_them: bool = False, key: UUID | None = None, queue: Queue | None = None
    ) -> UUID | None:
        """Note that a gallery is to be brought to the space that the server hears in.

        Args:
            team: Whose gallery.
            without_them: Whether people who cannot be embedded again may stay behind.
            key: The API key that asks for it.
            queue: A worker takes it from there; without one, whoever asks has to `run` it.

        Returns:
            The id of the run; None if there is nothing to do, or a worker is at it already.

        Raises:
            UpgradeRefused: somebody would stay behind, another process is at it, or the server has no model.
        """
        standing = await self.standing(team)
        space = self._packs.space()
        if space is None:
            raise UpgradeRefused("The server has no model to embed anybody with; pull one first.")
        if standing.run is not None and standing.run["state"] == "running":
            if queue is not None:
                return None
            raise UpgradeRefused("Another process is at it already; `timbre speakers upgrade --check` tells how far.")
        if not standing.needed:
            return None
        if standing.without_clip and not without_them:
            raise UpgradeRefused(_behind(standing.without_clip))
        run = new_id()
        async with self._database.transaction() as connection:
            await connection.execute(_SQL["hold"], {"team": team})
            if await one(connection, _SQL["going_on"], {"team": team, "silence": _SILENCE}) is not None:
                raise UpgradeRefused("Another process has just begun; ask how far it is.")
            asked = {"team": team, "id": run, "key": key, "space": space, "without_them": without_them}
            await connection.execute(_SQL["ask"], asked)
            if queue is not None:
                await queue.defer(connection, Lane.UPGRADES, UPGRADE_TASK, team=team, run=str(run))
        return run

    async def take_up(self, queue: Queue, silence: float) -> int:
        """Put runs back into the queue that nobody was heard of for so many seconds; return how many."""
        async with self._database.transaction() as connection:
            rows = await (await connection.execute(_SQL["take_up"], {"silence": silence})).fetchall()
            for row in rows:
                await queue.defer(connection, Lane.UPGRADES, UPGRADE_TASK, team=row["team_id"], run=str(row["id"]))
        return len(rows)

    async def run(
        self,
        run: UUID,
        engine: Engine,
        *,
        stopping: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> Upgraded | None:
        """Do what was asked for; what is wrong with it is noted, for `standing` to tell.

        Args:
            run: What `ask` returned.
            engine: The server's own.
            stopping: Whether to break off; the next run goes on.
            progress: Told how many samples are done, of how many.

        Returns:
            What came of it; None if it is no longer this run's, or ended for a reason that is noted.

        Raises:
            Canceled: it was broken off.
            ServiceUnavailable: the database broke off.
            MasterKeyMissing, TemplateUnreadable: voiceprints cannot be read.
        """
        row = await self._database.one(_SQL["begin"], {"id": run})
        if row is None:
            return None
        try:
            if row["space"] != engine.space:
                raise UpgradeRefused("The server hears with another model by now; ask for it again.")
            return await self._run(run, row, engine, stopping, progress)
        except _Lost:
            return None
        except UpgradeRefused as error:
            await self._database.one(_SQL["end"], {"id": run, "error": str(error)})
            return None

    async def _run(
        self,
        run: UUID,
        about: Row,
        engine: Engine,
        stopping: Callable[[], bool],
        progress: Callable[[int, int], None],
    ) -> Upgraded:
        team, unusable = about["team_id"], list[UUID]()
        await self._database.one(_SQL["drop_others"], {"team": team, "space": engine.space})
        while True:
            while heard := await self._next(team, engine, unusable):
                if stopping():
                    raise Canceled
                made = await asyncio.to_thread(_embedded, engine, heard)
                unusable += [sample for sample, voiceprint in made if voiceprint is None]
                await self._keep(team, engine.space, made)
                numbers = await self._database.one(_SQL["numbers"], {"team": team, "space": engine.space})
                done, total = (numbers["done"], numbers["total"]) if numbers else (0, 0)
                if await self._database.one(_SQL["report"], {"id": run, "done": done, "total": total}) is None:
                    raise _Lost
                progress(done, total)
            if (upgraded := await self._switch(run, about, engine.space, unusable)) is not None:
                return upgraded

    async def _next(self, team: UUID, engine: Engine, unusable: Sequence[UUID]) -> list[_Heard]:
        """Some samples that have no successor yet, as they are kept."""
        asked = {"team": team, "space": engine.space, "unusable": list(unusable), "limit": _CLIPS}
        async with self._protection.reading(team) as (connection, cipher):
            rows = await (await connection.execute(_SQL["next"], asked)).fetchall()
            return [
                _Heard(
                    sample=row["id"],
                    before=_opened(cipher, row),
                    clip=cipher.open(row["clip"], row["id"], part=CLIP),
                )
                for row in rows
            ]

    async def _keep(self, team: UUID, space: str, made: Sequence[tuple[UUID, Voiceprint | None]]) -> None:
        async with self._database.transaction() as connection:
            cipher = await self._protection.cipher(team, connection)
            for sample, voiceprint in made:
                if voiceprint is None:
                    continue
                sealed = cipher.seal(str(voiceprint).encode("ascii"), sample)
                kept = {"sample": sample, "team": team, "space": space, "template": sealed}
                await connection.execute(_SQL["keep"], {**kept, "seconds": voiceprint.speech_seconds})

    async def _switch(self, run: UUID, about: Row, space: str, unusable: Sequence[UUID]) -> Upgraded | None:
        """Let successors take their samples' place; None where somebody was enrolled meanwhile and is to be embedded.

        Raises:
            UpgradeRefused: somebody would stay behind.
        """
        team = about["team_id"]
        scope = {"team": team, "space": space}
        async with self._gallery.changing(team) as connection:
            cipher = await self._protection.cipher(team, connection)
            if await one(connection, _SQL["next"], {**scope, "unusable": list(unusable), "limit": 1}) is not None:
                return None
            behind = await (await connection.execute(_SQL["behind"], scope)).fetchall()
            if behind and not about["without_them"]:
                raise UpgradeRefused(_behind(behind))
            samples = (await connection.execute(_SQL["succeed"], scope)).rowcount
            await connection.execute(_SQL["clear"], scope)
            await connection.execute(_SQL["drop_vectors"], scope)
            people = await _keep_vectors(connection, cipher, scope)
            await connection.execute(_SQL["move"], scope)
            details = {"samples": samples, "people": people, "behind": len(behind)}
            await audit.record(connection, team, "gallery.upgraded", key=about["key_id"], details=details)
            if await one(connection, _SQL["end"], {"id": run, "error": None}) is None:
                raise _Lost
        return Upgraded(samples=samples, people=people, behind=len(behind))

    async def _judged(self, run: Row) -> Row:
        now = await self._database.one(_SQL["alive"], {"id": run["id"], "silence": _SILENCE})
        if run["ended_at"] is not None:
            return {**run, "state": "succeeded" if run["error"] is None else "failed"}
        if now is not None:
            return {**run, "state": "running"}
        return {**run, "state": "failed", "error": _LOST}


class _Lost(ServiceUnavailable):
    """The run is another process's by now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """A sample, in the clear."""

    sample: UUID
    before: Voiceprint  # in the space that it comes from
    clip: bytes


def _embedded(engine: Engine, samples: Sequence[_Heard]) -> list[tuple[UUID, Voiceprint | None]]:
    """Return what clips tell of voices, in the engine's space; None for one that tells nothing.

    What is known of channel and noise is that of the whole recording: a clip is speech without its background.
    """
    made: list[tuple[UUID, Voiceprint | None]] = []
    for heard in samples:
        try:
            prototype = engine.embed(heard.clip)
        except (AudioError, NoSpeech):
            made.append((heard.sample, None))
            continue
        voiceprint = Voiceprint(
            prototypes=prototype.vector[np.newaxis].astype(np.float16).astype(np.float32),
            seconds=(float(np.float32(prototype.seconds)),),
            acoustics=heard.before.acoustics,
            space=engine.space,
        )
        made.append((heard.sample, voiceprint))
    return made


async def _keep_vectors(connection: Connection, cipher: TeamCipher, scope: dict[str, object]) -> int:
    """Write what search looks through, for everybody who has a sample in a space; return how many they are."""
    people = [row["id"] for row in await (await connection.execute(_SQL["people"], scope)).fetchall()]
    kept = 0
    for begin in range(0, len(people), _PEOPLE):
        some = people[begin : begin + _PEOPLE]
        rows = await (await connection.execute(_SQL["templates"], {**scope, "people": some})).fetchall()
        theirs = dict[UUID, list[Voiceprint]]()
        for row in rows:
            theirs.setdefault(row["speaker_id"], []).append(_opened(cipher, row))
        means = {person: together(templates).embedding for person, templates in theirs.items()}
        found = {person: vector_text(cipher.turn(mean)) for person, mean in means.items() if mean.any()}
        await connection.execute(
            _SQL["keep_vectors"], {**scope, "speakers": list(found), "vectors": list(found.values())}
        )
        kept += len(found)
    return kept


def _opened(cipher: TeamCipher, row: Row) -> Voiceprint:
    return Voiceprint.from_text(cipher.open(row["template"], row["id"]).decode("ascii"))


def _behind(people: Sequence[Row]) -> str:
    names = ", ".join(row["name"] for row in people[:_FEW])
    more = f" and {len(people) - _FEW} more" if len(people) > _FEW else ""
    return (
        f"Of {names}{more} no clip is kept that the new model could hear. Add recordings of them, or let them stay"
        " behind with `--without-them`, over HTTP `withoutThem`: they keep their samples, and are not recognised until"
        " they have a new one."
    )
