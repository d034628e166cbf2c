"""A database of another version: who opens it says so and what to do, and leaves it as it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from database import named

from command_line import TIMBRE, run
from data_folder import DATABASE, put_database
from timbre.errors import DatabaseUnavailable
from timbre.store import migrations
from timbre.store.embedded import EmbeddedPostgres
from timbre.store.schema import HEAD, migrate

NEWER = "9999"
KNOWN = sorted(path.name[:4] for path in Path(migrations.__file__).parent.glob("versions/0*.sql"))
COMMANDS = [
    ["migrate"],
    ["keys", "list"],
    ["keys", "create", "somebody"],
    ["keys", "rotate-master"],
    ["speakers", "list"],
    ["speakers", "export"],
    ["usage"],
    ["webhooks", "list"],
]


def set_version(address: str, version: str, *, oldest: str | None = None) -> None:
    """Let it be of another version, whose tables no older program bears unless one is named."""
    with psycopg.connect(address, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('schema_floor')").fetchone() != (None,):
            connection.execute("UPDATE schema_floor SET oldest = %s", [oldest or version])
        connection.execute("CREATE TABLE IF NOT EXISTS alembic_version (version_num varchar(32) NOT NULL)")
        connection.execute("DELETE FROM alembic_version")
        connection.execute("INSERT INTO alembic_version VALUES (%s)", [version])


def all_there(address: str) -> dict[str, list[tuple[object, ...]]]:
    """What is in it: the version with the transaction that wrote it, and how many rows each table has."""
    with psycopg.connect(address) as connection:
        tables = connection.execute("SELECT relname FROM pg_stat_user_tables ORDER BY 1").fetchall()
        found = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchall() for (name,) in tables}  # noqa: S608
        return found | {"version": connection.execute("SELECT version_num, xmin FROM alembic_version").fetchall()}


def refused(*arguments: object) -> str:
    ended = run(*arguments)
    assert (ended.code, ended.out) == (3, ""), ended
    assert ended.err.count("\n") == 1
    return ended.err


@pytest.fixture
def newer(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database that machines share, of a version that is not known here."""
    set_version(url, NEWER)
    monkeypatch.setenv("TIMBRE_DATABASE_URL", url)
    monkeypatch.setenv("TIMBRE_DATA_DIR", str(tmp_path))
    return url


@pytest.fixture
def newer_folder() -> Iterator[Path]:
    """A data folder, with the same in it."""
    with TemporaryDirectory() as path:
        put_database(Path(path))
        embedded = EmbeddedPostgres(Path(path, DATABASE))
        set_version(embedded.start(), NEWER)
        yield Path(path)
        embedded.stop()


def is_newer(said: str) -> bool:
    return (
        said.startswith("timbre: The database was made by a newer version of Timbre: its tables are of version 9999,")
        and f"no other than {HEAD} and those before. Run that version, or name another" in said
    )


@pytest.mark.parametrize("command", [*COMMANDS, ["serve", "--port", "0"]], ids=" ".join)
def test_a_newer_database_is_named_and_left_alone(newer: str, command: list[str]):
    before = all_there(newer)
    assert is_newer(refused(*command))
    assert all_there(newer) == before


def test_no_part_of_a_server_starts_on_a_newer_database(newer: str):
    parts = [
        subprocess.Popen([*TIMBRE, part], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
        for part in ("api", "worker")
    ]
    for part in parts:
        out, err = part.communicate(timeout=60)
        assert (part.returncode, out) == (3, "")
        assert is_newer(err)
        assert err.count("\n") == 1


def test_while_machines_are_brought_up_to_date_old_programs_go_on(newer: str):
    set_version(newer, NEWER, oldest=HEAD)
    before = all_there(newer)
    assert run("keys", "list").code == 0
    assert is_newer(refused("migrate"))  # there is no way back
    assert is_newer(refused("serve", "--port", 0))
    assert all_there(newer) == before


def test_a_migration_lets_others_work_and_tries_again(url: str, monkeypatch: pytest.MonkeyPatch):
    with psycopg.connect(url, autocommit=True) as connection:
        before, after = KNOWN[-2:]
        connection.execute("DROP TABLE person_links")  # what the last one makes
        connection.execute("ALTER TABLE api_keys DROP COLUMN issuer, DROP COLUMN subject")
        connection.execute("UPDATE alembic_version SET version_num = %s", [before])
    monkeypatch.setattr("timbre.store.schema._LOCK_WAIT", "SET lock_timeout = '50ms'")
    with psycopg.connect(url) as busy:
        busy.execute("SELECT * FROM alembic_version FOR UPDATE")
        tries = []

        def pause(seconds: float) -> None:
            tries.append(seconds)
            with psycopg.connect(url) as other:  # nothing is half done, and nobody waits
                assert other.execute("SELECT to_regclass('person_links')").fetchone() == (None,)
            busy.rollback()

        monkeypatch.setattr("timbre.store.schema.time.sleep", pause)
        migrate(url)
    assert tries == [1.0]
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (after,)


@pytest.mark.database
def test_a_newer_data_folder_is_named_and_left_alone(newer_folder: Path):
    database = EmbeddedPostgres(newer_folder / DATABASE)
    before = all_there(database.start())
    for command in COMMANDS:  # beside a server that runs there
        assert is_newer(refused(*command, "--data-dir", newer_folder))
    assert all_there(database.start()) == before
    assert is_newer(refused("serve", "--port", 0, "--data-dir", newer_folder))  # which stops it then
    assert not database.running()
    assert is_newer(refused("keys", "list", "--data-dir", newer_folder))
    assert not database.running()
    assert all_there(database.start()) == before


def test_an_older_database_and_an_empty_one_say_what_brings_them_up_to_date(
    postgres: str,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
):
    set_version(url, "0001")
    monkeypatch.setenv("TIMBRE_DATABASE_URL", url)
    assert "another version of Timbre; bring it up to date with `timbre migrate`" in refused("keys", "list")
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
    monkeypatch.setenv("TIMBRE_DATABASE_URL", named(postgres, "empty"))
    assert "The database is empty; set it up with `timbre migrate`" in refused("keys", "list")


def test_a_database_that_may_not_be_changed_says_so(postgres: str):
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("CREATE ROLE visitor LOGIN")
        connection.execute("CREATE DATABASE visited")
    address = named(postgres.replace("postgres@", "visitor@"), "visited")
    with pytest.raises(DatabaseUnavailable, match="cannot be brought up to date: permission denied"):
        migrate(address)


@pytest.mark.parametrize("address", ["ada:secret@db.example.org/timbre", "mysql://ada:secret@db.example.org/timbre"])
def test_an_address_that_is_none_is_named_and_not_shown(address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("TIMBRE_DATABASE_URL", address)
    monkeypatch.setenv("TIMBRE_DATA_DIR", str(tmp_path))
    for command in ("migrate", "keys list", "serve --port 0"):
        said = refused(*command.split())
        assert "TIMBRE_DATABASE_URL is not the address of a PostgreSQL; expected postgresql://" in said
        assert "secret" not in said


def test_a_database_that_cannot_be_reached_says_why(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TIMBRE_DATABASE_URL", "postgresql://127.0.0.1:1/timbre")
    assert "Connection refused" in refused("migrate")
