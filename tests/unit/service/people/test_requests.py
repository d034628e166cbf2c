"""What is refused of people: names that are not what they look like, and lines of an import that nobody exported."""

import json
import math

import numpy as np
import pytest

from timbre.errors import RequestInvalid, VoiceprintMalformed
from timbre.identification.voiceprint import Voiceprint
from timbre.service.people.requests import MOST_SAMPLES, CreateSpeakerRequest, ExportedSpeaker
from timbre.service.people.samples import MOST_DIMENSIONS, apart
from timbre.service.people.transfer import reason
from timbre.service.requests.body import parse

QUALITY = {"seconds": 9, "speechSeconds": 8, "level": -20, "clipped": 0, "snr": None, "singleSpeaker": 99}


def line(**sample: object) -> bytes:
    return json.dumps({"name": "Ada", "samples": [{"voiceprint": "VE1C", **sample}]}).encode()


@pytest.mark.parametrize(
    "name",
    [
        "Ada\u200b",
        "\u200b",
        "\u202eadA",
        "SPEAKER\u200b_00",
        "\u00adSPEAKER_1",
        "\uff33PEAKER_00",
        "\u017fpeaker_1",
        "\u200d",
    ],
)
def test_a_name_is_what_it_looks_like(name: str) -> None:
    with pytest.raises(RequestInvalid) as refused:
        parse(CreateSpeakerRequest, json.dumps({"name": name}).encode(), webhook_http=False)
    assert [at for at, _ in refused.value.errors] == ["name"]


@pytest.mark.parametrize(
    "name", ["\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "Ada \U0001f469\u200d\U0001f52c", "\u674e"]
)
def test_names_of_all_scripts_pass(name: str) -> None:
    assert parse(CreateSpeakerRequest, json.dumps({"name": name}).encode(), webhook_http=False)[0].name == name


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59Z"])
def test_moments_that_the_database_cannot_give_back_are_refused(moment: str) -> None:
    with pytest.raises(RequestInvalid, match="Invalid request") as refused:
        parse(ExportedSpeaker, line(createdAt=moment), webhook_http=False)
    assert refused.value.errors[0][0] == "samples.0.createdAt"


@pytest.mark.parametrize("number", ["1e400", "-1e308", "1" + "0" * 400])
@pytest.mark.parametrize("name", sorted(QUALITY))
def test_measurements_of_no_recording_are_refused(name: str, number: str) -> None:
    text = line(quality={**QUALITY, name: "HERE"}).replace(b'"HERE"', number.encode())
    with pytest.raises(RequestInvalid) as refused:
        parse(ExportedSpeaker, text, webhook_http=False)
    assert [at for at, _ in refused.value.errors] == ["samples.0.quality"]


def test_a_line_of_thousands_of_samples_is_one_fault() -> None:
    body = json.dumps({"name": "Ada", "samples": [{}] * (MOST_SAMPLES + 1)}).encode()
    with pytest.raises(RequestInvalid) as refused:
        parse(ExportedSpeaker, body, webhook_http=False)
    assert len(refused.value.errors) == 1


def test_an_import_tells_of_some_faults_of_a_line() -> None:
    told = reason(RequestInvalid([(f"samples.{number}.voiceprint", "Required") for number in range(1000)]))
    assert told.startswith("samples.0.voiceprint: Required; samples.1.voiceprint: Required; ")
    assert told.endswith("; and 990 more")
    assert reason(RequestInvalid([("name", "Required")])) == "name: Required"


@pytest.mark.parametrize(("dimension", "refused"), [(MOST_DIMENSIONS, False), (MOST_DIMENSIONS + 1, True)])
def test_a_vector_that_would_take_minutes_to_turn_is_refused(dimension: int, refused: bool) -> None:
    vector = np.full((1, dimension), 1 / math.sqrt(dimension), np.float32)
    voiceprint = Voiceprint(prototypes=vector, seconds=(9.0,), space="00" * 8)
    if not refused:
        assert len(apart(voiceprint)) == 1
        return
    with pytest.raises(VoiceprintMalformed, match="dimensions"):
        apart(voiceprint)
