"""The points of section 17 of the API reference: requests and outputs. The docstring of a test names its point."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re

import httpx
import numpy as np
import pytest
from truth import NAMES, named_rightly, people
from wire import (
    LABEL,
    NOTHING,
    NULLABLE,
    RATE,
    SENSITIVITIES,
    STATES,
    SUBMITS,
    SWITCHES,
    body_for,
    faults,
    kept,
    refused,
)

import media
from server import finished, submit


def test_point_01_the_key_is_tested_before_anything_else(server, client):
    """1: `GET /v1/test` is 200 with a good key and 401 with a bad or a missing one."""
    answer = client.get("/v1/test")
    assert answer.status_code == 200
    assert answer.json() == {"status": "OK", "message": "Test connection successful"}
    for authorization in (
        None,
        "",
        "Bearer",
        "Bearer sk_wrong",
        server.key,
        f"Basic {server.key}",
        f"Bearer {server.key}x",
    ):
        headers = {} if authorization is None else {"Authorization": authorization}
        refused(httpx.get(f"{server.address}/v1/test", headers=headers), 401)


def test_point_02_submits_answer_200_and_media_links_201(client, labelled):
    """2: 200 on diarize, identify and voiceprint; 201 on media/input and media/output."""
    for kind in SUBMITS:
        answer = client.post(f"/v1/{kind}", json=body_for(kind, labelled))
        assert answer.status_code == 200
        assert answer.json()["status"] == "created"
    kept(client, b"sound", "two")
    for end in ("input", "output"):
        answer = client.post(f"/v1/media/{end}", json={"url": "media://compat/two"})
        assert answer.status_code == 201
        assert set(answer.json()) == {"url"}


def test_point_03_job_id_in_submits_and_details_and_id_in_lists(client):
    """3: `jobId` in submit and detail; `id` in lists."""
    job = submit(client, "diarize", url=NOTHING)
    assert client.get(f"/v1/jobs/{job}").json()["jobId"] == job
    for path in ("/v2/jobs", "/v1/jobs"):
        items = client.get(path).json()["items"]
        assert items[0]["id"] == job
        assert not any("jobId" in item for item in items)


def test_point_04_there_are_six_states_and_no_other(client, busy):
    """4: the six names, `canceled` with one l."""
    assert client.delete(f"/v1/jobs/{busy['running']}").status_code == 200
    job = submit(client, "diarize", url=NOTHING)
    assert finished(client, job)["status"] == "failed"
    assert client.get(f"/v1/jobs/{busy['running']}").json()["status"] == "canceled"
    for state in STATES:
        answer = client.get("/v2/jobs", params={"status": state, "limit": 100})
        assert answer.status_code == 200
        assert {item["status"] for item in answer.json()["items"]} <= {state}
    for state in ("cancelled", "done", "error", "Running"):
        refused(client.get("/v2/jobs", params={"status": state}), 400)
        refused(client.get("/v1/jobs", params={"status": state}), 400)
    assert {item["status"] for item in client.get("/v2/jobs?limit=100").json()["items"]} <= STATES


def test_point_05_output_is_absent_or_an_object_and_says_why_a_job_failed(client, busy, identified):
    """5: `output` never `null`; for failures an object with `error`."""
    for state in ("created", "running"):
        assert "output" not in client.get(f"/v1/jobs/{busy[state]}").json()
    failed = finished(client, submit(client, "diarize", url=NOTHING))
    assert failed["output"] == {"error": failed["output"]["error"]}
    assert failed["output"]["error"].startswith("Could not load audio: nothing is kept at")
    client.delete(f"/v1/jobs/{busy['created']}")
    canceled = client.get(f"/v1/jobs/{busy['created']}")
    assert canceled.json()["output"] == {"error": "Canceled by the caller"}
    for job in (failed["jobId"], busy["created"], busy["running"]):
        assert "null" not in client.get(f"/v1/jobs/{job}").text
    assert isinstance(identified["output"], dict)


@pytest.mark.parametrize("model", ["precision-1", "precision-2", "precision-3", "community-1", None, "left out"])
@pytest.mark.parametrize("kind", SUBMITS)
def test_point_06_null_and_false_are_taken_everywhere(client, labelled, kind, model):
    """6: `null` for every optional field and `false` for every switch on every model; no model is the default."""
    asked = {} if model == "left out" else {"model": model}
    matching = {"matching": {"exclusive": None, "threshold": None}} if kind == "identify" else {}
    whole = {"matching": None} if kind == "identify" else {}
    switches = SWITCHES if kind == "voiceprint" else (*SWITCHES, "transcription")
    extra = {} if kind == "voiceprint" else {"transcription": None, "transcriptionConfig": None}
    for options in (
        dict.fromkeys((*NULLABLE, *SENSITIVITIES)) | extra | matching,
        dict.fromkeys(NULLABLE) | whole,
        dict.fromkeys(switches, False),
    ):
        answer = client.post(f"/v1/{kind}", json=body_for(kind, labelled, **(options | asked)))
        if kind != "diarize" and model == "community-1":
            assert set(faults(answer)) == {"model"}
        else:
            assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("kind", SUBMITS)
def test_point_07_the_bodies_of_the_sdk_are_taken(client, labelled, kind):
    """7: all three speaker counts present and null; `threshold: 0.0`; no warning."""
    speakers = dict.fromkeys(("numSpeakers", "minSpeakers", "maxSpeakers"))
    switches = dict.fromkeys(("confidence", "turnLevelConfidence", "exclusive"), False)
    bodies = {
        "diarize": {"url": NOTHING, "model": "precision-2", **speakers, **switches, "transcription": False},
        "voiceprint": {"url": NOTHING, "model": "precision-2"},
        "identify": {
            "url": NOTHING,
            "model": "precision-2",
            **speakers,
            **switches,
            "voiceprints": labelled,
            "matching": {"exclusive": True, "threshold": 0.0},
        },
    }
    agent = {"User-Agent": "pyannoteAI-sdk-python/0.4.0", "Content-Type": "application/json"}
    answer = client.post(f"/v1/{kind}", content=json.dumps(bodies[kind]), headers=agent)
    assert answer.status_code == 200
    assert set(answer.json()) == {"jobId", "status"}
    old = {"url": NOTHING, "numSpeakers": None, "confidence": False}  # the SDK 0.1
    assert kind != "diarize" or client.post("/v1/diarize", json=old).status_code == 200


@pytest.mark.parametrize("kind", SUBMITS)
def test_point_08_unknown_keys_are_ignored_and_named_in_a_warning(client, labelled, kind):
    """8: unknown keys are ignored, and come back in `warning`."""
    answer = client.post(f"/v1/{kind}", json=body_for(kind, labelled, brandNew=True, other={"deep": [1]}))
    assert answer.status_code == 200
    assert answer.json()["warning"] == "Ignored unknown keys: brandNew, other"
    assert finished(client, answer.json()["jobId"])["warning"] == answer.json()["warning"]


def test_point_09_exclusive_diarization_is_there_whenever_it_was_asked_for(client, short, identified):
    """9: `exclusiveDiarization` whenever `exclusive: true`, even if empty."""
    silence = kept(client, media.wav(bytes(2 * RATE * 3), rate=RATE), "silence.wav")
    jobs = {
        (url, exclusive): submit(client, "diarize", url=url, exclusive=exclusive)
        for url in (silence, short)
        for exclusive in (True, False)
    }
    outputs = {asked: finished(client, job)["output"] for asked, job in jobs.items()}
    assert outputs[silence, True]["exclusiveDiarization"] == outputs[silence, True]["diarization"] == []
    assert outputs[short, True]["exclusiveDiarization"]
    assert "exclusiveDiarization" not in outputs[silence, False]
    assert "exclusiveDiarization" not in outputs[short, False]
    turns = sorted(identified["output"]["exclusiveDiarization"], key=lambda turn: turn["start"])
    assert all(before["end"] <= after["start"] for before, after in itertools.pairwise(turns))


def test_point_10_keys_times_and_labels_have_their_form(client, identified):
    """10: keys in camelCase; times as numbers of seconds with 3 decimals; labels `SPEAKER_00`."""
    text = client.get(f"/v1/jobs/{identified['jobId']}").text
    keys = {key for key in re.findall(r'"([^"]+)":', text) if not LABEL.fullmatch(key) and key not in NAMES}
    assert keys >= {"jobId", "exclusiveDiarization", "diarizationSpeaker", "speakerProbability"}
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]+)*", key) for key in keys), keys
    times = re.findall(r'"(?:start|end|duration)":([^,}]+)', text)
    assert len(times) > 100
    assert all(re.fullmatch(r"\d+(\.\d{1,3})?", number) for number in times), times
    output = identified["output"]
    assert {turn["speaker"] for turn in output["diarization"]} == {f"SPEAKER_0{number}" for number in range(4)}
    starts = [turn["start"] for turn in output["diarization"]]
    assert starts == sorted(starts)


def test_point_11_identification_has_three_lists_that_belong_together(client, identified, conversation, voiceprints):
    """11: `identification` parallel to `diarization`; `match` null when none; every label scored for each speaker."""
    few = [{"label": "Dan", "voiceprint": voiceprints["Dan"]}]
    strict = submit(client, "identify", url=conversation, voiceprints=few, matching={"threshold": 50})
    for output, names in ((identified["output"], set(NAMES)), (finished(client, strict)["output"], {"Dan"})):
        matches = {item["speaker"]: item["match"] for item in output["voiceprints"]}
        assert [item["speaker"] for item in output["voiceprints"]] == [f"SPEAKER_0{number}" for number in range(4)]
        assert set(matches.values()) - {None} == names
        assert all(set(item) == {"speaker", "match", "confidence"} for item in output["voiceprints"])
        for item in output["voiceprints"]:
            assert set(item["confidence"]) == names
            assert all(type(score) is int and 0 <= score <= 100 for score in item["confidence"].values())
        for turn, named in zip(output["diarization"], output["identification"], strict=True):
            match = matches[turn["speaker"]]
            assert named == {
                **turn,
                "diarizationSpeaker": turn["speaker"],
                "match": match,
                "speaker": match or turn["speaker"],
            }
    assert people(identified["output"]["identification"]) == {name: name for name in NAMES}
    assert named_rightly(identified["output"]["identification"]) > 0.95


def test_point_12_names_are_given_even_at_low_scores_by_default(client, short, voiceprints):
    """12: matching is exclusive and its threshold 0 by default."""
    absent = [{"label": "Dan", "voiceprint": voiceprints["Dan"]}]
    jobs = [
        submit(client, "identify", url=short, voiceprints=absent, **matching)
        for matching in (
            {},
            {"matching": {}},
            {"matching": {"exclusive": True, "threshold": 0}},
            {"matching": {"threshold": 50}},
        )
    ]
    *default, strict = [finished(client, job)["output"] for job in jobs]
    assert default[0] == default[1] == default[2]
    (speaker,) = default[0]["voiceprints"]
    assert (speaker["match"], speaker["confidence"]["Dan"] < 50) == ("Dan", True)
    assert {turn["speaker"] for turn in default[0]["identification"]} == {"Dan"}
    assert {turn["speaker"] for turn in strict["identification"]} == {"SPEAKER_00"}
    assert {turn["match"] for turn in strict["identification"]} == {None}
    # Ada is heard in two halves: an exclusive name goes to one of them alone
    halves = {"url": short, "numSpeakers": 2, "voiceprints": [{"label": "Ada", "voiceprint": voiceprints["Ada"]}]}
    named = finished(client, submit(client, "identify", **halves))["output"]["voiceprints"]
    assert sorted(str(item["match"]) for item in named) == ["Ada", "None"]


def test_point_13_the_threshold_is_a_number_from_0_to_100(client, labelled):
    """13: 0 to 100, and a warning where 0 to 1 was meant."""
    for threshold, warning in ((0.5, True), (1, True), (0, False), (1.01, False), (62.5, False), (100, False)):
        body = body_for("identify", labelled, matching={"threshold": threshold})
        answer = client.post("/v1/identify", json=body)
        assert answer.status_code == 200
        assert ("on a scale of 0 to 100" in answer.json().get("warning", "")) is warning
    for threshold in (-0.1, 100.1, "50", True, [50]):
        body = body_for("identify", labelled, matching={"threshold": threshold})
        assert set(faults(client.post("/v1/identify", json=body))) == {"matching.threshold"}


ALIKE = {"Ben", "Callum"}  # two synthetic voices that the pack `base` takes as alike: 51 to 70 as strangers


@pytest.mark.parametrize(("person", "name"), [pair for pair in itertools.product(NAMES, NAMES) if set(pair) != ALIKE])
def test_point_14_confidence_parts_true_pairs_from_strangers(identified, person, name):
    """14: true pairs are well above 50 and strangers well below, so that thresholds of 50 to 70 are strict."""
    speakers = {person: speaker for speaker, person in people(identified["output"]["diarization"]).items()}
    (scores,) = [
        item["confidence"] for item in identified["output"]["voiceprints"] if item["speaker"] == speakers[person]
    ]
    assert max(scores, key=lambda label: scores[label]) == person
    assert scores[name] >= 70 if person == name else scores[name] <= 40


def test_point_15_voiceprints_say_what_they_are_and_foreign_ones_are_refused(client, voiceprints):
    """15: base64 text of at most 20 000 characters; what is foreign, cut or changed is a clear 400 on `voiceprints`."""
    ada = voiceprints["Ada"]
    record = base64.b64decode(ada, validate=True)
    assert len(ada) <= 20_000
    assert record[:4] == b"TMBR"
    other = record[:5] + bytes(8) + record[13:-4]  # of another encoder
    newer = record[:4] + b"\x63" + record[5:-4]
    for text, reason in (
        ("aGVsbG8gd29ybGQ", "not a voiceprint made by Timbre"),
        (base64.b64encode(np.random.default_rng(1).bytes(2048)).decode(), "voiceprints of other services"),
        (ada[: len(ada) // 2], "checksum"),
        (ada.replace(ada[100], "A" if ada[100] != "A" else "B"), "checksum"),
        (base64.b64encode(other + hashlib.sha256(other).digest()[:4]).decode(), "another encoder"),
        (base64.b64encode(newer + hashlib.sha256(newer).digest()[:4]).decode(), "version 99"),
        ("not base64!", "base64"),
        ("A" * 20_001, "20000 characters"),
        ("", "the text of a voiceprint"),
        (None, "required"),
        (7, "the text of a voiceprint"),
    ):
        body = {
            "url": NOTHING,
            "voiceprints": [{"label": "Ada", "voiceprint": ada}, {"label": "B", "voiceprint": text}],
        }
        found = faults(client.post("/v1/identify", json=body))
        assert set(found) == {"voiceprints.1.voiceprint"}
        assert reason in found["voiceprints.1.voiceprint"]
    unpadded = [{"label": "Ada", "voiceprint": ada.rstrip("=")}]
    assert ada.endswith("=")
    assert client.post("/v1/identify", json={"url": NOTHING, "voiceprints": unpadded}).status_code == 200
