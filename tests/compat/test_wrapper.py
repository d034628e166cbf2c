"""What the wrapper of pyannote.audio around the SDK asks for and reads."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from pyannoteai.sdk import Client
from truth import NAMES, people

from server import CONVERSATION


@pytest.fixture
def wrapped(server, monkeypatch):
    monkeypatch.setattr(Client, "API_URL", f"{server.address}/v1")
    return Client(token=server.key)


def apply(client: Client, recording, model: str, **speakers):
    """Do what the wrapper does with a recording."""
    with pytest.warns(UserWarning, match="temporary storage"):
        media = client.upload(recording)
    job = client.diarize(media, exclusive=True, confidence=False, model=model, **speakers)
    with pytest.warns(UserWarning, match="periodic polling"):
        output = client.retrieve(job, every_seconds=0.05)["output"]
    return output["diarization"], output["exclusiveDiarization"]


@pytest.mark.parametrize("model", ["precision-2", "community-1"])
def test_both_views_of_the_conversation_are_there(wrapped, model):
    for turns in apply(wrapped, CONVERSATION, model):
        assert sorted(people(turns).values()) == sorted(NAMES)
        assert all(0 <= turn["start"] < turn["end"] for turn in turns)
        starts = [turn["start"] for turn in turns]
        assert starts == sorted(starts)
    assert all(before["end"] <= after["start"] for before, after in itertools.pairwise(turns))


def test_both_views_are_there_without_any_speech(wrapped):
    silence = {"waveform": np.zeros((1, 48_000), np.float32), "sample_rate": 16_000}
    assert apply(wrapped, silence, "precision-2") == ([], [])


def test_the_number_of_speakers_goes_along(wrapped):
    diarization, exclusive = apply(wrapped, CONVERSATION, "community-1", num_speakers=3)
    assert len(people(diarization)) == len(people(exclusive)) == 3
