"""The tools for assistants, asked by the client of the protocol's own library."""

from __future__ import annotations

import asyncio
import json

import pytest
from mcp import Client

from recogniser import Recogniser
from server import CONVERSATION, Server, finished, upload, voice
from timbre.cli.server.mcp import open_mcp
from timbre.errors import OptionError


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    made = server.run("keys", "create", "mcp", "--team", "mcp")
    with server.client(made) as asking:
        url = upload(asking, voice("Ada"), "mcp/ada.flac")
        person = asking.post("/v1/speakers", json={"name": "Ada", "sample": {"url": url}}).json()
        assert finished(asking, person["jobId"])["status"] == "succeeded"
    return made


def test_an_assistant_asks(server: Server, key: str, recogniser: Recogniser):
    recogniser.answers = None

    async def ask() -> None:
        async with Client(open_mcp(server.address, key)) as client:

            async def call(tool: str, **arguments):
                result = await client.call_tool(tool, arguments)
                text = result.content[0].text
                return text if result.is_error else json.loads(text)

            tools = {tool.name for tool in (await client.list_tools()).tools}
            assert tools == {"people", "who_speaks", "transcript", "name_voice"}
            assert "nobody else occurs" in client.instructions
            assert [one["name"] for one in (await call("people"))["people"]] == ["Ada"]
            heard = await call("transcript", recording=str(CONVERSATION))
            assert heard["text"].startswith("Ada: Good morning, everyone.")
            stranger = next(one for one in heard["speakers"] if one["name"] is None)
            named = await call("name_voice", job_id=heard["job_id"], label=stranger["label"], name="Ben")
            assert {one["name"] for one in named["speakers"]} >= {"Ada", "Ben"}
            # Only who occurs can be named, and errors are told in words.
            wrong = await call("name_voice", job_id=heard["job_id"], label="SPEAKER_77", name="Ben")
            assert "SPEAKER_77 does not occur in this recording; there are: SPEAKER_00" in wrong
            assert "cannot be read" in await call("who_speaks", recording="/nowhere.wav")
            assert "There is no such job" in await call("name_voice", job_id="../keys", label="SPEAKER_00", name="Ben")

    asyncio.run(ask())


def test_without_a_key(server: Server):
    with pytest.raises(OptionError, match="TIMBRE_KEY"):
        open_mcp(server.address, "")
