"""The tutorial "identify speakers with voiceprints" by three plain clients and the SDK; only the base URL is ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from truth import NAMES, named_rightly, people

from server import CONVERSATION, ENOUGH, Server, voice

CLIENTS = Path(__file__).parent / "clients"
COMMANDS = {
    "python": [sys.executable, "tutorial.py"],
    "node": ["node", "tutorial.mjs"],
    "curl": ["sh", "tutorial.sh"],
    "sdk": [sys.executable, "sdk.py"],
}


def run(server: Server, client: str, recording: Path, names: tuple[str, ...], *, key: str = "") -> Any:
    known = {"PYANNOTEAI_API_KEY": key or server.key, "TIMBRE_KEY": key or server.key, "TIMBRE_URL": server.address}
    return subprocess.run(
        [*COMMANDS[client], str(recording), *(f"{name}={voice(name)}" for name in names)],
        cwd=CLIENTS,
        env={**os.environ, **known},
        capture_output=True,
        text=True,
        timeout=ENOUGH,
        check=False,
    )


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("client", "names"),
    [("python", ("Ben", "Callum")), ("node", ("Ada", "Dan")), ("curl", ("Dan", "Ben")), ("sdk", ("Callum", "Ada"))],
)
def test_the_tutorial_names_every_voice_that_it_learned(server, client, names):
    done = run(server, client, CONVERSATION, names)
    assert done.returncode == 0, done.stderr
    said = [line.split() for line in done.stdout.splitlines()]
    turns = [{"speaker": speaker, "start": float(start), "end": float(end)} for speaker, start, end in said]
    found = people(turns)
    assert sorted(found.values()) == sorted(NAMES)
    assert {speaker: person for speaker, person in found.items() if person in names} == {name: name for name in names}
    assert all(speaker.startswith("SPEAKER_") for speaker, person in found.items() if person not in names)
    assert named_rightly(turn for turn in turns if turn["speaker"] in names) > 0.9


@pytest.mark.parametrize("client", COMMANDS)
def test_the_tutorial_shows_the_reason_of_a_job_that_failed(server, client, tmp_path):
    recording = tmp_path / "notes.txt"
    recording.write_text("no recording at all\n")
    done = run(server, client, recording, ("Ada",))
    assert done.returncode != 0
    assert "Could not load audio" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("client", COMMANDS)
def test_the_tutorial_ends_with_a_wrong_key(server, client):
    done = run(server, client, CONVERSATION, ("Ada",), key="sk_wrong")
    assert done.returncode != 0
    assert ("Failed to authenticate" if client == "sdk" else "401") in done.stderr
