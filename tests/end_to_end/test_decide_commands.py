"""`timbre decide` and `timbre history`, beside a running server."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest

from command_line import Ended, run
from server import Server, finished, submit, upload, voice

pytestmark = pytest.mark.usefixtures("no_fault")


def test_what_is_said_on_the_command_line_stands(server: Server):
    team = f"deciding {uuid4().hex[:8]}"

    def timbre(*arguments: object) -> Ended:
        return run(*arguments, "--team", team, "--data-dir", server.folder)

    with server.client(server.run("keys", "create", "k", "--team", team)) as client:
        job = submit(client, "diarize", url=upload(client, voice("Ben")))
        assert finished(client, job)["status"] == "succeeded"

        shown = timbre("decide", job)
        assert shown.code == 0, shown.err
        assert shown.out.splitlines()[0].split() == ["turn", "start", "end", "voice", "name", "decided"]
        named = timbre(
            "decide", job, "name", "--voice", "SPEAKER_00", "--new", "Ben Okafor", "--consent", "form", "--by", "Grace"
        )
        assert named.code == 0, named.err
        assert "Ben Okafor by hand" in " ".join(named.out.split())
        (person,) = client.get("/v1/speakers").json()["items"]
        assert (person["name"], person["sampleCount"], person["consent"]["basis"]) == ("Ben Okafor", 1, "form")
        by_name = timbre("decide", job, "name", "--voice", "SPEAKER_00", "--speaker", "ben okafor", "--json")
        assert json.loads(by_name.out)["voiceprints"][0]["speakerId"] == person["id"]
        assert timbre("decide", job, "undo").code == 0
        assert timbre("decide", job, "undo").code == 0
        assert client.get("/v1/speakers").json()["items"] == []

        lines = [json.loads(line) for line in timbre("history", job, "--json").out.splitlines()]
        assert [(line["kind"], line["by"]) for line in lines] == [
            ("name", "Grace"), ("name", None), ("undo", None), ("undo", None),
        ]  # fmt: skip
        assert "Grace" in timbre("history", job).out

        for code, words, arguments in (
            (1, "nothing to undo", ["undo"]),
            (1, "at revision 4, not 1", ["nobody", "--voice", "SPEAKER_00", "--revision", "1"]),
            (2, "kind: Expected one of name", ["rename"]),
            (2, "turns: Expected a value", ["delete"]),
            (2, "turn: There is no turn '999'", ["cut", "--turn", "999", "--at", "1"]),
            (2, "named with --new", ["name", "--voice", "SPEAKER_00", "--speaker", "Nobody"]),
        ):
            refused = timbre("decide", job, *arguments)
            assert refused.code == code, (arguments, refused.err)
            assert words in refused.err, (arguments, refused.err)
        assert timbre("decide", "that-one").code == 1
        assert timbre("history", str(uuid4())).code == 1
