"""`timbre backup`, `verify` and `restore` on a server that runs; and what is not there any more."""

from __future__ import annotations

import shutil
from pathlib import Path

import httpx
import pytest

from command_line import run
from server import Server, finished, submit, upload, voice


@pytest.mark.exhaustive
def test_a_server_is_backed_up_verified_and_restored_into_another_folder(server: Server, tmp_path: Path) -> None:
    place, new = tmp_path / "backups", tmp_path / "new"
    made = run("backup", place, "--keep-days", "30", "--data-dir", server.folder)
    assert made.code == 0, made.err
    backup = made.out.split()[3].rstrip(":")
    assert run("backup", place, "--erasures", "--data-dir", server.folder).out
    assert place.stat().st_mode & 0o077 == 0

    keyless = run("restore", place, "--data-dir", new)
    assert keyless.code == 3
    assert "TIMBRE_MASTER_KEY" in keyless.err
    new.mkdir(mode=0o700)
    shutil.copy(server.folder / "master.key", new)
    proved = run("verify", place, "--data-dir", new)
    assert proved.code == 0, proved.err
    assert f"{backup} is whole" in proved.out
    assert not (new / "postgres").exists()
    done = run("restore", place, "--data-dir", new)
    assert done.code == 0, done.err
    assert f"Restored {backup}" in done.out
    keys = [run("keys", "list", "--data-dir", folder).out for folder in (server.folder, new)]
    assert keys[0] == keys[1]
    again = run("restore", place, "--data-dir", new)
    assert again.code == 3
    assert "nothing is restored over another" in again.err
    assert run("verify", tmp_path / "none", "--data-dir", new).code == 3


@pytest.mark.parametrize("days", ["-1", "nan", "soon"])
def test_days_that_cannot_be(tmp_path: Path, days: str) -> None:
    done = run("backup", tmp_path, "--keep-days", days)
    assert done.code == 2
    assert "keep-days" in done.err


def test_a_recording_that_only_the_database_knows_is_not_found(server: Server) -> None:
    """As after a restore of the database without the recordings."""
    with server.client() as client:
        recording = upload(client, voice("Ada"), "only-known.flac")
        before = {path for path in (server.folder / "media").rglob("*") if path.is_file()}
        recording = upload(client, voice("Ada"), "only-known.flac")
        (file,) = {path for path in (server.folder / "media").rglob("*") if path.is_file()} - before
        job = submit(client, "voiceprint", url=recording)
        assert finished(client, job)["status"] == "succeeded"
        link = client.post("/v1/media/output", json={"url": recording}).json()["url"]
        file.unlink()
        for answer in (client.get(f"/v1/jobs/{job}/audio"), httpx.get(link)):
            assert answer.status_code == 404
            assert "upload it again" in answer.json()["message"]
        failed = finished(client, submit(client, "voiceprint", url=recording))
        assert failed["status"] == "failed"
        assert "upload it again" in str(failed["output"])
