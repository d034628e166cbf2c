"""The data folder of a server as the version before left it, and voiceprints that it gave away.

They were written by that version; see `earlier_version/make.py`.
"""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url
from sqlalchemy.pool import NullPool

from data_folder import DATABASE
from timbre.identification.voiceprint import Voiceprint
from timbre.models.catalogue import catalogue
from timbre.store import migrations
from timbre.store.embedded import EmbeddedPostgres

WRITTEN = Path(__file__).parent / "earlier_version"
SCHEMA = "0002"  # of that version
ENCODER = "timbre-voice-1"  # that it heard with
NEWER = "base" if catalogue().pack("base").encoder.name != ENCODER else "ge2e"  # a pack that hears with another one


def earlier_voiceprint(name: str) -> str:
    """What that version made of the enrolment recording of Ada, Ben, Callum or Dan."""
    return (WRITTEN / f"{name}.voiceprint").read_text("ascii").strip()


EARLIER_SPACE = Voiceprint.from_text(earlier_voiceprint("Ada")).space


def put_earlier_folder(folder: Path) -> None:
    """Make a data folder in which that version enrolled Ada, Ben and Callum with clips, and Dan by a voiceprint."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    shutil.copy(WRITTEN / "master.key", folder / "master.key")
    (folder / "master.key").chmod(0o600)
    postgres = EmbeddedPostgres(folder / DATABASE)
    try:
        fill(postgres.start())
    finally:
        postgres.stop()


def fill(url: str) -> None:
    """Give an empty database the tables of that version, and what was in them."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, SCHEMA)
        connection.commit()
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")  # neither foreign keys nor triggers: all is there
        connection.execute("DELETE FROM alembic_version")
        statement, rows = "", list[bytes]()
        for line in gzip.decompress((WRITTEN / "rows.gz").read_bytes()).splitlines(keepends=True):
            if line == b"\\.\n":
                with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
                    copy.write(b"".join(rows))
                statement, rows = "", []
            elif statement:
                rows.append(line)
            else:
                statement = line.decode()
