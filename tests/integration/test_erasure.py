"""Whoever is erased is gone to the last byte: from every row, and after scrubbing from every file of the database.

Ada is enrolled from real speech, with a clip, and named in the output of a job. The patterns that are looked for are
everything that was kept of her: the template's text and what it decodes to, the vector as it was and as it was turned,
what was sealed, the name.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import zlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
import psycopg
import pytest
from database import Service, opened
from psycopg.types.json import Jsonb

from server import voice
from timbre import Engine, Voiceprint
from timbre.service.accounts import audit
from timbre.service.keys.master_key import MasterKeys
from timbre.service.keys.template_protection import Protection
from timbre.service.models.packs import Packs
from timbre.service.people.gallery import Gallery
from timbre.service.people.search import Search
from timbre.service.results.heard import note_heard, summary
from timbre.service.results.outputs import packed
from timbre.service.upkeep.scrubbing import Scrubbing
from timbre.store.identifiers import new_id

NAME = "Adalgunde Wilhelmine Zeugma"
CLIP = np.random.default_rng(1).bytes(9000)  # larger than a page of the database
# Of columns that hold lists of rights, which cannot be read as bytes.
RIGHTS = "SELECT attrelid, attnum FROM pg_attribute WHERE atttypid = 'aclitem[]'::regtype"
NO_RIGHTS = f"WHERE (starelid, staattnum) NOT IN ({RIGHTS})"
Act = Callable[["Erasing"], Awaitable[None]]


@pytest.fixture(scope="module")
def voiceprints() -> tuple[Voiceprint, Voiceprint]:
    """Ada's and Ben's, of twenty seconds of speech each."""
    engine = Engine("base")
    return engine.voiceprint(voice("Ada")), engine.voiceprint(voice("Ben"))


@dataclass(frozen=True)
class Erasing:
    """A team with Ada, who is to be erased, and Ben, who stays."""

    here: Service
    gallery: Gallery
    scrubbing: Scrubbing
    protection: Protection
    ada: UUID
    ben: UUID

    async def patterns(self, voiceprint: Voiceprint, name: str) -> dict[str, bytes]:
        """What is kept of somebody, in every form."""
        (row,) = await self.here.rows(
            "SELECT sample.id, template, clip, vector::real[] AS vector FROM speakers"
            " JOIN samples AS sample ON sample.speaker_id = speakers.id JOIN speaker_vectors AS vectors"
            " ON vectors.speaker_id = speakers.id WHERE name = %(name)s",
            name=name,
        )
        (output,) = await self.here.rows("SELECT body FROM job_outputs")
        halves = np.array(row["vector"], np.float16)
        text = str(voiceprint).encode()
        whole = {
            "template": text,
            "decoded": base64.b64decode(text),
            "half": voiceprint.prototypes[0].astype("<f2").tobytes(),
            "single": voiceprint.prototypes[0].astype("<f4").tobytes(),
            "turned": halves.astype("<f2").tobytes(),
            "turned, as it is sent": halves.astype(">f2").tobytes(),
            "sealed": bytes(row["template"]),
            "sealed clip": bytes(row["clip"]),
            "clip": CLIP,
        }
        cipher = await self.protection.cipher(self.here.caller.team)
        assert cipher.open(row["template"], row["id"]) == text
        assert len(voiceprint.prototypes) == 1
        # Long values are kept in pieces, so pieces are looked for.
        found = {
            f"{what} {at}": value[at : at + 24]
            for what, value in whole.items()
            for at in range(40, len(value) - 24, 300)
        }
        return found | {"name": name.encode(), "output": bytes(output["body"])[-24:]}


@pytest.fixture
def at(url, tmp_path, voiceprints) -> Callable[[Act], None]:
    async def body(act: Act) -> None:
        async with opened(url, tmp_path) as here:
            MasterKeys.make(here.settings)
            protection = Protection(here.database, here.settings)
            gallery = Gallery(here.database, protection, Packs(here.settings))
            scrubbing = Scrubbing(here.database, Search(here.database, protection, here.settings))
            people = []
            for name, voiceprint in zip((NAME, "Ben"), voiceprints, strict=True):
                person = await gallery.create(here.caller.team, name=name, tags=[f"{name}'s"])
                people.append(person)
                await gallery.add_sample(here.caller.team, person, voiceprint, source="voiceprint", clip=CLIP)
            await name_in_output(here, people[0])
            await act(Erasing(here, gallery, scrubbing, protection, *people))

    return lambda act: asyncio.run(body(act))


async def name_in_output(here: Service, person: UUID) -> None:
    turn = {"start": 0.0, "end": 2.0, "diarizationSpeaker": "SPEAKER_00"}
    output = {
        "diarization": [{"speaker": "SPEAKER_00", "start": 0.0, "end": 2.0}],
        "identification": [turn | {"speaker": NAME, "match": NAME, "speakerId": str(person)}],
        "voiceprints": [
            {
                "speaker": "SPEAKER_00",
                "match": NAME,
                "speakerId": str(person),
                "confidence": {NAME: 98},
                "candidates": [{"speakerId": str(person), "name": NAME, "confidence": 98}],
            }
        ],
    }
    job = new_id()
    body, length = packed(output)
    await here.rows(
        "INSERT INTO jobs (id, team_id, type, model, params, status, completed_at)"
        " VALUES (%(job)s, %(team)s, 'identify', 'base', '{}', 'succeeded', now())",
        job=job,
        team=here.caller.team,
    )
    await here.rows(
        "INSERT INTO job_outputs (job_id, body, length, proposal) VALUES (%(job)s, %(body)s, %(length)s, %(body)s)",
        job=job,
        body=body,
        length=length,
    )
    # A decision says so, too, which made her.
    await here.rows(
        "INSERT INTO job_decisions (job_id, revision, team_id, kind, body, speaker_id)"
        " VALUES (%(job)s, 1, %(team)s, 'name', %(said)s, %(person)s)",
        job=job,
        team=here.caller.team,
        person=person,
        said=Jsonb({"voice": "SPEAKER_00", "create": {"name": NAME}}),
    )
    await here.rows(
        "INSERT INTO job_speakers (job_id, speaker_id, named) VALUES (%(job)s, %(person)s, true)",
        job=job,
        person=person,
    )
    # And so does what reviews and lists go by, and a sample of hers that was withdrawn.
    async with here.database.transaction() as connection:
        await note_heard(connection, here.caller.team, job, summary(output))
    await here.rows(
        "INSERT INTO withdrawn_samples (speaker_id, team_id, learned, gone) VALUES (%(person)s, %(team)s, 1, 2)",
        team=here.caller.team,
        person=person,
    )


def in_tables(url: str, patterns: Mapping[str, bytes]) -> set[str]:
    """Which patterns are in any column of any table, those of the system among them; what is packed is unpacked."""
    found = set[str]()
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            """
            SELECT attrelid::regclass::text, string_agg(quote_ident(attname), ', ')
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
                 JOIN pg_type AS own ON own.oid = atttypid LEFT JOIN pg_type AS part ON part.oid = own.typelem
            WHERE relkind IN ('r', 't', 'm') AND attnum > 0 AND NOT attisdropped
              AND own.typsend <> 0 AND coalesce(part.typsend, 1) <> 0  -- lists of rights cannot be read as bytes
            GROUP BY attrelid
            """
        ).fetchall()
        assert len(tables) > 80
        for table, columns in tables:
            rows = f"SELECT {columns} FROM {table} {NO_RIGHTS if table == 'pg_statistic' else ''}"  # noqa: S608 - names
            query = f"COPY ({rows}) TO STDOUT (FORMAT binary)"
            with connection.cursor().copy(query.encode()) as copy:
                content = b"".join(copy)
            content += b"".join(_packed_parts(content))
            found |= {what for what, pattern in patterns.items() if pattern in content}
    return found


def _packed_parts(content: bytes) -> Iterator[bytes]:
    place = content.find(b"\x1f\x8b\x08")
    while place >= 0:
        with suppress(zlib.error):
            yield zlib.decompressobj(wbits=31).decompress(content[place:])
        place = content.find(b"\x1f\x8b\x08", place + 1)


def in_files(url: str, patterns: Mapping[str, bytes]) -> set[str]:
    """Which patterns are in any file of the database's folder: tables, indexes, the log written ahead, statistics."""
    with psycopg.connect(url) as connection:
        (folder,) = connection.execute("SHOW data_directory").fetchone()
        connection.execute("CHECKPOINT")
    found = set[str]()
    for path in Path(folder).rglob("*"):
        if path.is_file():
            try:
                content = path.read_bytes()
            except FileNotFoundError:
                continue  # it was removed just now
            found |= {what for what, pattern in patterns.items() if pattern in content}
    return found


def kinds(found: set[str]) -> set[str]:
    return {what.rstrip("0123456789").rstrip() for what in found}


AT_REST = {"turned", "sealed", "sealed clip", "name", "output"}  # what of her is in the files at all


def test_an_erased_person_is_in_no_column_of_any_table(at, url, voiceprints):
    async def act(erasing: Erasing) -> None:
        ada = await erasing.patterns(voiceprints[0], NAME)
        (heard,) = await erasing.here.rows("SELECT speaker_id, seconds FROM heard_voices")
        assert heard == {"speaker_id": erasing.ada, "seconds": 2.0}
        assert kinds(in_tables(url, ada)) == {"turned, as it is sent", "sealed", "sealed clip", "name", "output"}
        await erasing.gallery.erase(erasing.here.caller.team, erasing.ada, key=erasing.here.caller.key)
        assert in_tables(url, ada) == set()
        (output,) = await erasing.here.rows("SELECT body FROM job_outputs")
        assert b"SPEAKER_00" in gzip.decompress(output["body"])
        (entry,) = await audit.page(erasing.here.database, erasing.here.caller.team, action="speaker.erased")
        assert (entry["subject"], entry["key_id"]) == (erasing.ada, erasing.here.caller.key)
        assert await erasing.here.rows("SELECT 1 FROM job_speakers") == []
        assert await erasing.here.rows("SELECT speaker, named, speaker_id, confidence FROM heard_voices") == [
            {"speaker": "SPEAKER_00", "named": False, "speaker_id": None, "confidence": None}
        ]
        assert await erasing.here.empty("withdrawn_samples")
        ben = await erasing.patterns(voiceprints[1], "Ben")
        assert {"turned, as it is sent", "sealed", "name"} <= kinds(in_tables(url, ben))
        storage = erasing.here.settings.data_dir / "media"
        kept = b"".join(path.read_bytes() for path in storage.rglob("*") if path.is_file())
        assert not any(pattern in kept for pattern in ada.values())

    at(act)


def test_the_planner_remembers_nobody(at, url, voiceprints):
    """Statistics keep the commonest values of a column, and nothing that is erased with a row goes from there."""

    async def act(erasing: Erasing) -> None:
        ada = await erasing.patterns(voiceprints[0], NAME)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("ANALYZE")
            await erasing.gallery.erase(erasing.here.caller.team, erasing.ada)
            assert in_tables(url, ada) == set()
            connection.execute("ALTER TABLE speakers ALTER name SET STATISTICS 100")
            connection.execute("INSERT INTO speakers (id, team_id, name) SELECT id, id, %s FROM teams", (NAME,))
            connection.execute("ANALYZE speakers")
            connection.execute("DELETE FROM speakers WHERE name = %s", (NAME,))
            assert in_tables(url, ada) == {"name"}  # as it is without this care

    at(act)


@pytest.mark.exhaustive
def test_scrubbing_takes_an_erased_person_out_of_every_file(at, url, voiceprints):
    async def act(erasing: Erasing) -> None:
        ada = await erasing.patterns(voiceprints[0], NAME)
        ben = await erasing.patterns(voiceprints[1], "Ben")
        assert kinds(in_files(url, ada)) == AT_REST
        await erasing.scrubbing.sweep()  # the first
        await erasing.gallery.erase(erasing.here.caller.team, erasing.ada)
        assert kinds(in_files(url, ada)) == AT_REST  # the rows are dead, but there
        scrubbed = await erasing.scrubbing.sweep()
        assert scrubbed is not None
        assert (scrubbed.cleaned, scrubbed.left, scrubbed.log) == ((), (), True)
        assert {"samples", "job_decisions", "heard_voices"} <= set(scrubbed.rewritten)
        assert in_files(url, ada) == set()
        assert {"turned", "sealed", "sealed clip", "name"} <= kinds(in_files(url, ben))
        assert await erasing.protection.cipher(erasing.here.caller.team)
        assert len((await erasing.gallery.get(erasing.here.caller.team, erasing.ben)).samples) == 1

    at(act)


@pytest.mark.exhaustive
def test_scrubbing_by_hand_reaches_what_has_an_index(at, url, voiceprints):
    async def act(erasing: Erasing) -> None:
        ada = await erasing.patterns(voiceprints[0], NAME)
        name = f"people_{erasing.here.caller.team.hex}_space_256"
        await erasing.here.rows(
            f"CREATE INDEX {name} ON speaker_vectors USING hnsw ((vector::halfvec(256)) halfvec_ip_ops)"
        )
        await erasing.gallery.erase(erasing.here.caller.team, erasing.ada)
        scrubbed = await erasing.scrubbing.sweep()
        assert scrubbed is not None
        assert scrubbed.cleaned == ("speaker_vectors",)  # an index takes too long to be made anew by itself
        assert kinds(in_files(url, ada)) <= {"turned"}
        scrubbed = await erasing.scrubbing.scrub()
        assert scrubbed is not None
        assert "speaker_vectors" in scrubbed.rewritten
        assert in_files(url, ada) == set()

    at(act)


def test_there_is_nothing_to_scrub_unless_something_was_erased(at):
    async def act(erasing: Erasing) -> None:
        assert await erasing.scrubbing.sweep() is not None  # a day is over, as it never was
        await erasing.here.rows("UPDATE audit SET at = at - interval '1 hour'")
        assert await erasing.scrubbing.sweep() is None
        await erasing.gallery.create(erasing.here.caller.team, name="Cem")
        assert await erasing.scrubbing.sweep() is None
        await erasing.gallery.erase(erasing.here.caller.team, erasing.ben)
        assert await erasing.scrubbing.sweep() is not None
        await erasing.here.rows("UPDATE audit SET at = at - interval '1 hour'")
        assert await erasing.scrubbing.sweep() is None
        await erasing.here.rows("UPDATE upkeep SET at = at - interval '25 hours'")
        assert await erasing.scrubbing.sweep() is not None

    at(act)


@pytest.mark.exhaustive
def test_a_table_that_is_in_use_is_scrubbed_the_next_time(at, url, voiceprints):
    async def act(erasing: Erasing) -> None:
        ada = await erasing.patterns(voiceprints[0], NAME)
        await erasing.gallery.erase(erasing.here.caller.team, erasing.ada)
        with psycopg.connect(url) as reader:  # a backup, for example
            reader.execute("SELECT 1 FROM samples")
            scrubbed = await erasing.scrubbing.sweep()
            assert scrubbed is not None
            assert scrubbed.left == ("samples",)
        assert await erasing.scrubbing.sweep() is not None
        assert in_files(url, ada) == set()

    at(act)


@pytest.mark.exhaustive
def test_what_an_old_transaction_may_still_see_is_scrubbed_when_that_is_over(at, url, voiceprints):
    async def act(erasing: Erasing) -> None:
        ada = await erasing.patterns(voiceprints[0], NAME)
        with psycopg.connect(url) as reader:
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT 1")  # a snapshot that still has her
            await erasing.gallery.erase(erasing.here.caller.team, erasing.ada)
            assert await erasing.scrubbing.sweep() is not None
            assert in_files(url, ada) != set()
        assert await erasing.scrubbing.sweep() is not None
        assert in_files(url, ada) == set()

    at(act)
