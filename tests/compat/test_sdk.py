"""The official SDK, unmodified, against the server: nothing but `Client.API_URL` is ours."""

from __future__ import annotations

import threading
from importlib.metadata import version
from queue import Queue

import numpy as np
import pytest
from pyannoteai.sdk import Client
from pyannoteai.sdk.client import PyannoteAICanceledJob, PyannoteAIFailedJob
from requests import HTTPError
from truth import NAMES, named_rightly, people

from server import CONVERSATION, ENOUGH, SAMPLES, finished
from server import voice as enrolment

OFTEN = 0.05  # seconds between two looks at a job


@pytest.fixture(autouse=True)
def here(server, monkeypatch):
    monkeypatch.setattr(Client, "API_URL", f"{server.address}/v1")


@pytest.fixture
def sdk(server):
    return Client(token=server.key)


def sent(sdk: Client, audio, *arguments) -> str:
    with pytest.warns(UserWarning, match="temporary storage"):
        return sdk.upload(audio, *arguments)


def output(sdk: Client, job: str) -> dict:
    with pytest.warns(UserWarning, match="periodic polling"):
        done = sdk.retrieve(job, every_seconds=OFTEN)
    assert (done["jobId"], done["status"]) == (job, "succeeded")
    return done["output"]


def test_it_is_the_sdk_that_the_reference_describes():
    assert version("pyannoteai-sdk") == "0.4.0"


def test_a_good_key_is_taken(server, monkeypatch):
    assert Client(token=server.key).api_key == server.key
    monkeypatch.setenv("PYANNOTEAI_API_KEY", server.key)
    assert Client().api_key == server.key


@pytest.mark.parametrize("key", ["sk_wrong", "wrong", "sk_" + "x" * 5000])
def test_a_bad_key_is_refused(key):
    with pytest.raises(HTTPError, match="Failed to authenticate"):
        Client(token=key)


def test_an_uploaded_file_arrives_as_it_is(sdk, client):
    progress = []
    name = "media://compat/sdk/Ada.flac"
    assert sent(sdk, enrolment("Ada"), name, lambda total, completed: progress.append((total, completed))) == name
    link = client.post("/v1/media/output", json={"url": name})
    assert client.get(link.json()["url"]).content == enrolment("Ada").read_bytes()
    size = enrolment("Ada").stat().st_size
    assert progress[-1] == (size, size)


def test_an_uploaded_waveform_is_heard(sdk, voice):
    samples = voice("Ben")
    ben = sent(sdk, {"waveform": samples[None], "sample_rate": 16_000})
    assert samples.dtype == np.float32
    assert ben.startswith("media://")
    turns = output(sdk, sdk.diarize(ben))["diarization"]
    assert {turn["speaker"] for turn in turns} == {"SPEAKER_00"}
    assert turns[-1]["end"] == pytest.approx(len(samples) / 16_000, abs=1)


def test_an_empty_file_is_taken_and_its_job_fails(sdk, tmp_path):
    empty = tmp_path / "empty.wav"
    empty.touch()
    with pytest.raises(PyannoteAIFailedJob, match="Could not load audio: the file holds no sound"):
        sdk.retrieve(sdk.diarize(sent(sdk, empty)), every_seconds=OFTEN)


def test_diarize_with_every_option(sdk, client, conversation):
    job = sdk.diarize(
        conversation,
        min_speakers=2,
        max_speakers=4,
        confidence=True,
        turn_level_confidence=True,
        exclusive=True,
        model="precision-2",
        transcription=False,
        transcription_config={"model": "parakeet-tdt-0.6b-v3"},
        speechProbability=True,
        crosstalkProbability=True,
        speakerProbability=True,
        vadSensitivity=0.5,
        crosstalkSensitivity=-0.5,
    )
    found = output(sdk, job)
    assert set(found) == {
        "diarization",
        "exclusiveDiarization",
        "confidence",
        "speechProbability",
        "crosstalkProbability",
        "speakerProbability",
    }
    assert sorted(people(found["diarization"]).values()) == sorted(NAMES)
    assert all(set(turn["confidence"]) == set(people(found["diarization"])) for turn in found["diarization"])
    assert "warning" not in finished(client, job)


def test_diarize_with_nothing_but_the_address(sdk, short):
    found = output(sdk, sdk.diarize(short))
    assert set(found) == {"diarization"}
    assert all(set(turn) == {"speaker", "start", "end"} for turn in found["diarization"])


def test_diarize_with_options_that_are_unknown_here(sdk, client):
    job = sdk.diarize("media://compat/never-uploaded", whisper=True)
    assert finished(client, job)["warning"] == "Ignored unknown keys: whisper"


def test_what_the_server_refuses_raises(sdk, conversation):
    with pytest.raises(HTTPError) as caught:
        sdk.diarize(conversation, min_speakers=3, max_speakers=2)
    assert caught.value.response.status_code == 400
    assert caught.value.response.json()["errors"][0]["field"] == "maxSpeakers"


def test_words_with_speakers(sdk, conversation):
    found = output(sdk, sdk.diarize(conversation, transcription=True))
    assert [set(found[key][0]) for key in ("wordLevelTranscription", "turnLevelTranscription")] == [
        {"start", "end", "text", "speaker"}
    ] * 2


def test_voiceprints_and_identify_name_every_voice_rightly(sdk):
    voiceprints = {
        name: output(sdk, sdk.voiceprint(sent(sdk, SAMPLES / "enrol" / f"{name}.flac")))["voiceprint"] for name in NAMES
    }
    media = sent(sdk, {"audio": CONVERSATION})
    found = output(sdk, sdk.identify(media, voiceprints, turn_level_confidence=True, exclusive=True))
    assert people(found["identification"]) == {name: name for name in NAMES}
    assert named_rightly(found["identification"]) > 0.95
    assert {item["match"] for item in found["voiceprints"]} == set(NAMES)
    assert len(found["exclusiveDiarization"]) >= len(found["diarization"]) / 2


def test_identify_leaves_a_voice_without_a_name_below_the_threshold(sdk, conversation, voiceprints):
    job = sdk.identify(
        conversation, {"Dan": voiceprints["Dan"]}, exclusive_matching=False, matching_threshold=50, model="precision-3"
    )
    names = people(output(sdk, job)["identification"])
    assert {name for name in names if not name.startswith("SPEAKER_")} == {"Dan"}
    assert len(names) == 4


def test_retrieve_of_a_job_that_failed_raises_with_the_reason(sdk):
    with pytest.raises(PyannoteAIFailedJob) as caught:
        sdk.retrieve(sdk.voiceprint("media://compat/never-uploaded"), every_seconds=OFTEN)
    assert caught.value.args[0].startswith("Could not load audio: nothing is kept at media://compat/never-uploaded")


def test_retrieve_of_an_unknown_job_raises(sdk):
    with pytest.raises(HTTPError, match="404"):
        sdk.retrieve("8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52")


@pytest.mark.parametrize("state", ["running", "created"])
def test_retrieve_of_a_job_that_is_canceled_raises(sdk, client, busy, state):
    job = busy[state]
    assert client.get(f"/v1/jobs/{job}").json()["status"] == state
    raised: Queue[Exception] = Queue()

    def retrieve() -> None:
        with pytest.raises(PyannoteAICanceledJob) as caught:
            sdk.retrieve(job, every_seconds=OFTEN)
        raised.put(caught.value)

    waiting = threading.Thread(target=retrieve)
    waiting.start()
    assert client.delete(f"/v1/jobs/{job}").status_code == 200
    assert raised.get(timeout=ENOUGH).args == ("Canceled by the caller", job)
    waiting.join()
