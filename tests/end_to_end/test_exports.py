"""A result as files, as other people's programs read them: a call on two channels, with names that hurt."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from media import encoded
from outside_readers import READERS
from server import SAMPLES, Server, finished, submit, upload

RATE = 16_000
NAMES = {"Ada": 'Ada "the <b>first</b>" & co: 50%20 -->', "Dan": "\u200fאדה {\\an8} &amp; 🎤, 2"}


@pytest.fixture(scope="module")
def call(server: Server, voice: Callable[[str], np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The id and the output of a call in which both sides are known, and talk at once for two seconds."""
    sound = np.zeros((2, 12 * RATE), np.float32)
    for channel, (name, begin) in enumerate({"Ada": 0, "Dan": 5}.items()):
        sound[channel, begin * RATE :][: 7 * RATE] = voice(name)[RATE // 2 :][: 7 * RATE]
    path = tmp_path_factory.mktemp("call") / "call.wav"
    path.write_bytes(encoded(sound, RATE, container="wav", codec="pcm_s16le"))
    with server.client() as client:
        voiceprints = [{"label": label, "voiceprint": voiceprint(client, name)} for name, label in NAMES.items()]
        body = {"voiceprints": voiceprints, "channels": "separate", "exclusive": True}
        job = finished(client, submit(client, "identify", url=upload(client, path, "exports/call.wav"), **body))
    assert job["status"] == "succeeded", job
    return job["jobId"], job["output"]


def voiceprint(client: Any, name: str) -> str:
    recording = upload(client, SAMPLES / "enrol" / f"{name}.flac", f"exports/{name}.flac")
    return finished(client, submit(client, "voiceprint", url=recording))["output"]["voiceprint"]


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize("name", READERS)
def test_other_programs_read_the_turns_and_the_names(server: Server, call: Any, name: str, exclusive: bool):
    job, output = call
    known = {item["speaker"]: item["match"] for item in output["voiceprints"]}
    turns = sorted(
        (round(turn["start"] * 1000), round(turn["end"] * 1000), known[turn["speaker"]])
        for turn in output["exclusiveDiarization" if exclusive else "diarization"]
    )
    overlaps = any(early[1] > late[0] for early, late in pairwise(turns))
    assert {speaker for _, _, speaker in turns} == set(NAMES.values())
    assert overlaps is not exclusive
    with server.client() as client:
        answer = client.get(f"/v1/jobs/{job}/output.{name}", params={"exclusive": exclusive})
    assert READERS[name](answer.content.decode()) == turns
