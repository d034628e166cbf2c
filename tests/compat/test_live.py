"""The live protocol by clients that were written from its public description alone, at the speed of time."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from truth import people

from live_client import samples
from server import CONVERSATION, ENOUGH, Server

CLIENTS = Path(__file__).parent / "clients"
COMMANDS = {
    "python": [sys.executable, "live.py"],
    "node": ["node", "--experimental-websocket", "--no-warnings", "live.mjs"],
}
SECONDS = 12.05


def run(server: Server, client: str, sound: Path) -> list[list[str]]:
    known = {"TIMBRE_KEY": server.key, "TIMBRE_URL": server.address}
    done = subprocess.run(
        [*COMMANDS[client], str(sound)],
        cwd=CLIENTS,
        env={**os.environ, **known},
        capture_output=True,
        text=True,
        timeout=ENOUGH,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_both_clients_hear_two_people_at_the_speed_of_time(server: Server, tmp_path: Path) -> None:
    """Ada, then Ben; every turn complete, in order; the server closes with 1000. Both streams run at the same time."""
    sound = tmp_path / "conversation.f32"
    sound.write_bytes(samples(CONVERSATION, SECONDS).astype("<f4").tobytes())
    with ThreadPoolExecutor(len(COMMANDS)) as pool:
        said = list(pool.map(lambda client: run(server, client, sound), COMMANDS))
    for lines in said:
        assert lines.pop() == ["closed", "1000"]
        turns = [{"speaker": speaker, "start": float(start), "end": float(end)} for speaker, start, end in lines]
        assert all(turn["start"] < turn["end"] <= SECONDS + 0.1 for turn in turns)
        assert [turn["start"] for turn in turns] == sorted(turn["start"] for turn in turns)
        assert people(turns) == {"SPEAKER_00": "Ada", "SPEAKER_01": "Ben"}
