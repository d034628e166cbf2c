"""`timbre recordings` and `timbre review`, beside a running server."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from uuid import uuid4

import pytest

from command_line import Ended, run
from server import Server, finished, submit, upload, voice

pytestmark = pytest.mark.usefixtures("no_fault")


def test_recordings_are_reviewed_kept_and_taken_on_the_command_line(server: Server, tmp_path: Path):
    team = f"archive {uuid4().hex[:8]}"

    def timbre(*arguments: object) -> Ended:
        return run(*arguments, "--team", team, "--data-dir", server.folder)

    def good(*arguments: object) -> str:
        ended = timbre(*arguments)
        assert ended.code == 0, ended.err
        return ended.out

    with server.client(server.run("keys", "create", "k", "--team", team)) as client:
        url = upload(client, voice("Ben"))
        jobs = [submit(client, "identify", url=url, speakers="all", title=title) for title in ("Été", "Winter")]
        for job in jobs:
            assert finished(client, job)["status"] == "succeeded"

        (group,) = map(json.loads, good("review", "--json").splitlines())
        assert {voice["jobId"] for voice in group["voices"]} == set(jobs)
        assert jobs[0] in good("review")
        voices = [f"{each['jobId']}/{each['speaker']}" for each in group["voices"]]
        assert "Said of 2 of 2 voices." in good("review", "name", *voices, "--new", "Ben", "--consent", "form")
        assert good("review", "--json") == ""
        assert "Named again: 0" in good("review", "rename")

        listed = [json.loads(line) for line in good("recordings", "list", "--speaker", "ben", "--json").splitlines()]
        assert [item["id"] for item in listed] == jobs[::-1]
        assert [item["unnamed"] for item in listed] == [0, 0]
        assert good("recordings", "change", *jobs, "--keep", "--tag", "seasons") == "Changed: 2.\n"
        shown = good("recordings", "list", "--title", "ETE", "--tag", "seasons").splitlines()
        assert len(shown) == 2
        assert "by hand" in shown[1]
        assert good("recordings", "list", "--until", "2020-01-01") == ""
        good("recordings", "export", *jobs, "-o", tmp_path / "two.zip", "--format", "srt", "--recordings")
        with zipfile.ZipFile(tmp_path / "two.zip") as packed:
            assert packed.namelist() == ["Été.srt", "Été.flac", "Winter.srt", "Winter.flac"]
            assert packed.read("Winter.flac") == voice("Ben").read_bytes()

        assert "for ever" in good("recordings", "keeping")
        set_ = good("recordings", "keeping", "--web", "30", "--api", "forever", "--tag", "seasons=7", "--json")
        assert json.loads(set_) == {"web": 30, "api": "forever", "tags": {"seasons": 7}, "over": 0}
        assert client.get("/v1/archive/keeping").json()["tags"] == {"seasons": 7}
        assert good("recordings", "delete", jobs[1]) == "Deleted: 1. Canceled: 0.\n"

        for code, words, arguments in (
            (1, "no such job", ["recordings", "delete", jobs[1]]),
            (1, "no such job", ["recordings", "change", jobs[1], "--keep"]),
            (1, "has an output", ["recordings", "export", jobs[1], "-o", tmp_path / "none.zip"]),
            (1, "Somebody has said meanwhile", ["review", "nobody", voices[1]]),
            (2, "jobs.0: Expected the id", ["recordings", "delete", "that-one"]),
            (2, "web: Expected", ["recordings", "keeping", "--web", "soon"]),
            (2, "interviews=365", ["recordings", "keeping", "--tag", "seasons"]),
            (2, "--since: expected a day", ["recordings", "list", "--since", "spring"]),
            (2, "kind: Expected one of name", ["review", "join", voices[0]]),
            (2, "voices: Expected a list", ["review", "nobody"]),
            (2, "named with --new", ["review", "name", voices[0], "--speaker", "Nobody"]),
        ):
            refused = timbre(*arguments)
            assert refused.code == code, (arguments, refused.err)
            assert words in refused.err, (arguments, refused.err)
        assert not (tmp_path / "none.zip").exists()
