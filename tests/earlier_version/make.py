"""Write what a test finds as the data folder of the version before; run it with that version, on its own checkout.

    .venv/bin/python tests/earlier_version/make.py FOLDER

Written are the rows of its tables, its master key, and voiceprints as text. The voices are those of samples/: nobody's.
Ada, Ben and Callum are enrolled from recordings, of which clips are kept; Dan from a voiceprint, of which nothing is.
A conversation was heard and is kept.
"""

from __future__ import annotations

import gzip
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg.sql import SQL, Identifier

TESTS = Path(__file__).parent.parent
sys.path.insert(0, str(TESTS))
from server import CONVERSATION, Server, finished, submit, upload, voice  # noqa: E402
from timbre.cli.server.data_folder import embedded  # noqa: E402
from timbre.settings import Settings  # noqa: E402

OURS = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND NOT starts_with(table_name, 'procrastinate_')
ORDER BY table_name
"""


def main(written: Path) -> None:
    """Fill a server's folder over HTTP, and write down what is in it."""
    with TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o755)
        with Server(folder, {"TIMBRE_MODEL": "base"}, own_database=True) as server:
            fill(server, written)
            url = embedded(Settings(data_dir=folder)).url()
            assert url
            (written / "rows.gz").write_bytes(gzip.compress(rows(url), 9, mtime=0))
        (written / "master.key").write_bytes((folder / "master.key").read_bytes())


def fill(server: Server, written: Path) -> None:
    """Enrol four people, and have them heard."""
    with server.client() as client:
        for name in ("Ada", "Ben", "Callum", "Dan"):
            url = upload(client, voice(name))
            made = finished(client, submit(client, "voiceprint", url=url))["output"]["voiceprint"]
            (written / f"{name}.voiceprint").write_text(f"{made}\n", "ascii")
            sample = {"voiceprint": made} if name == "Dan" else {"url": url}
            person = client.post("/v1/speakers", json={"name": name, "sample": sample}).json()
            if name != "Dan":
                assert finished(client, person["jobId"])["status"] == "succeeded"
        job = submit(client, "identify", url=upload(client, CONVERSATION), speakers="all", title="conversation.ogg")
        assert finished(client, job)["status"] == "succeeded"
        assert client.patch(f"/v1/jobs/{job}", json={"kept": True}).is_success


def rows(url: str) -> bytes:
    """The rows of all tables that have some: for each the statement that takes them in, they, and a line of `\\.`."""
    pieces = []
    with psycopg.connect(url) as connection:
        for (table,) in connection.execute(OURS).fetchall():
            cursor = connection.execute(SQL("SELECT * FROM {} LIMIT 0").format(Identifier(table)))
            columns = SQL(", ").join(Identifier(column.name) for column in cursor.description or ())
            named = SQL("{} ({})").format(Identifier(table), columns)
            with connection.cursor() as reading, reading.copy(SQL("COPY {} TO STDOUT").format(named)) as copy:
                found = b"".join(bytes(piece) for piece in copy)
            if found:
                pieces.append(f"COPY {named.as_string()} FROM STDIN\n".encode() + found + b"\\.\n")
    return b"".join(pieces)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
