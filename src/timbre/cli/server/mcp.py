"""Timbre for assistants: tools of the Model Context Protocol over the REST API of a server.

An assistant tends to say more than it knows. So every answer lists who occurs, the instructions allow nobody else to be
claimed, and a voice can only be named where the recording has it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx

from timbre import __version__
from timbre.errors import OptionError
from timbre.extras import needing

if TYPE_CHECKING:
    from mcp.server import MCPServer

_INSTRUCTIONS: Final = (
    "Who speaks in recordings, and what they say, by a Timbre server. Say that somebody speaks only if they are in"
    " `speakers` of an answer: nobody else occurs. Somebody without a name is a stranger, to be called by the label."
    " A name with a confidence below 80 is a guess, and to be told as one."
    " Name a voice only when a person says who it is."
)
_PATIENCE: Final = 60.0  # seconds of one question to the server
_FINAL: Final = frozenset({"succeeded", "failed", "canceled"})
_MOST_PEOPLE: Final = 100


class Timbre:
    """The tools; each is a method, and its docstring what the assistant is told."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """Ask a server.

        Args:
            client: With its address and an API key.
        """
        self._client = client

    async def people(self) -> dict[str, Any]:
        """List the people whose voices are known."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self._ask("GET", "/v1/speakers", params={"limit": _MOST_PEOPLE, "cursor": cursor})
            found += [{"name": one["name"], "speaker_id": one["id"]} for one in page["items"]]
            cursor = page.get("nextCursor")
            if cursor is None:
                return {"people": found}

    async def who_speaks(self, recording: str) -> dict[str, Any]:
        """Tell who speaks when in a recording: a file of this machine, or an http(s) or media:// address.

        The answer has `speakers` (who occurs, with the confidence of their name and their seconds), `turns`, and
        `job_id`, by which a voice can be named later.
        """
        return _heard(await self._hear(recording, transcription=False))

    async def transcript(self, recording: str) -> dict[str, Any]:
        """Tell what is said in a recording and by whom: a file of this machine, or an http(s) or media:// address.

        The server needs a recogniser for this. `warning` says what is missing.
        """
        job = await self._hear(recording, transcription=True)
        turns = job["output"].get("turnLevelTranscription", [])
        return {
            **_heard(job),
            "text": "\n".join(f"{turn['speaker']}: {turn['text']}" for turn in turns),
            "turns": turns,
        }

    async def name_voice(self, job_id: str, label: str, name: str) -> dict[str, Any]:
        """Say who a voice of a recording is, because a person said so; it is learned from then on.

        Args:
            job_id: Of an answer about the recording.
            label: Of the voice, such as SPEAKER_00; one of those in `speakers`.
            name: Of the person, known or new.
        """
        job = await self._ask("GET", f"/v1/jobs/{_segment(job_id)}")
        voices = [voice["speaker"] for voice in job.get("output", {}).get("voiceprints", [])]
        if label not in voices:
            raise _tool_error(f"{label} does not occur in this recording; there are: {', '.join(voices) or 'none'}.")
        known = {one["name"].casefold(): one["speaker_id"] for one in (await self.people())["people"]}
        who = {"speakerId": known[name.casefold()]} if name.casefold() in known else {"name": name}
        await self._ask("POST", f"/v1/jobs/{_segment(job_id)}/decisions", json={"kind": "name", "voice": label, **who})
        return _heard(await self._ask("GET", f"/v1/jobs/{_segment(job_id)}"))

    async def _hear(self, recording: str, *, transcription: bool) -> dict[str, Any]:
        body = {"url": await self._address(recording), "speakers": "all", "transcription": transcription}
        body |= {"title": recording.rpartition("/")[2][:200]}
        job = await self._ask("POST", "/v1/identify", json=body)
        address = f"/v1/jobs/{job['jobId']}"
        job = await self._ask("GET", address, params={"wait": 50})
        while job["status"] not in _FINAL:
            job = await self._ask("GET", address, params={"wait": 50})
        if job["status"] != "succeeded":
            raise _tool_error(job.get("output", {}).get("error", "The job was canceled."))
        return job

    async def _address(self, recording: str) -> str:
        """The address of a recording, which is uploaded if it is a file."""
        if recording.startswith(("http://", "https://", "media://")):
            return recording
        path = Path(recording).expanduser()
        try:
            content = path.read_bytes()
        except OSError as error:
            raise _tool_error(f"{recording} cannot be read: {error.strerror}.") from None
        suffix = path.suffix if path.suffix[1:].isalnum() and path.suffix.isascii() else ""
        url = f"media://mcp/{uuid4().hex}{suffix}"
        link = await self._ask("POST", "/v1/media/input", json={"url": url})
        answer = await self._client.put(link["url"], content=content, headers={"Authorization": ""})
        if not answer.is_success:
            raise _tool_error(f"The recording could not be uploaded: {answer.status_code}.")
        return url

    async def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        params = {key: value for key, value in request.pop("params", {}).items() if value is not None}
        try:
            answer = await self._client.request(method, path, params=params, **request)
        except httpx.HTTPError as error:
            raise _tool_error(f"The Timbre server at {self._client.base_url} does not answer: {error}.") from None
        found: dict[str, Any] = {}
        with suppress(ValueError):
            found = answer.json()
        if not answer.is_success:
            faults = "; ".join(f"{one['field']}: {one['message']}" for one in found.get("errors", []))
            raise _tool_error(faults or found.get("message") or f"The server answered {answer.status_code}.")
        return found


def open_mcp(url: str, key: str) -> MCPServer:
    """Make the server of the protocol, to be run.

    Args:
        url: Address of the Timbre server.
        key: Of its API.

    Raises:
        ExtraMissing: the extra `mcp` is not installed.
        OptionError: there is no key.
    """
    with needing("mcp"):
        from mcp.server import MCPServer  # noqa: PLC0415 - of an extra
    if not key:
        raise OptionError("This needs an API key of the server: set TIMBRE_KEY; `timbre keys create` makes one.")
    client = httpx.AsyncClient(
        base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=httpx.Timeout(_PATIENCE, write=None)
    )

    @asynccontextmanager
    async def running(_server: MCPServer) -> AsyncIterator[None]:
        async with client:
            yield

    server = MCPServer("timbre", instructions=_INSTRUCTIONS, version=__version__, log_level="WARNING", lifespan=running)
    tools = Timbre(client)
    for tool in (tools.people, tools.who_speaks, tools.transcript, tools.name_voice):
        server.tool()(tool)
    return server


def _heard(job: Mapping[str, Any]) -> dict[str, Any]:
    """Who occurs in the recording of a job, and when they speak."""
    output = job["output"]
    seconds: dict[str, float] = {}
    for turn in output["identification"]:
        label = turn["diarizationSpeaker"]
        seconds[label] = seconds.get(label, 0.0) + turn["end"] - turn["start"]
    speakers = [
        {
            "label": voice["speaker"],
            "name": voice["match"],
            "confidence": voice["confidence"].get(voice["match"]),
            "said_by_a_person": bool(voice.get("decided")),
            "seconds": round(seconds.get(voice["speaker"], 0.0), 1),
        }
        for voice in output["voiceprints"]
    ]
    turns = [{key: turn[key] for key in ("start", "end", "speaker")} for turn in output["identification"]]
    told = {"warning": output["warning"]} if output.get("warning") else {}
    return {"job_id": job["jobId"], "speakers": speakers, "turns": turns, **told}


def _tool_error(message: str) -> Exception:
    from mcp.server.mcpserver.exceptions import ToolError  # noqa: PLC0415 - of an extra, which is here by now

    return ToolError(message)


def _segment(text: str) -> str:
    """A part of a path, which an assistant may have made up."""
    return "".join(character for character in text if character.isalnum() or character == "-") or "-"
