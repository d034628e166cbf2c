"""The OpenAPI document: names, errors, bodies, headers and examples, held against the API that clients know."""

import json
import re

import jsonschema_rs
import pytest

from timbre import Settings
from timbre.http.app import create_app
from timbre.http.errors import STATUS

# Method, path, operationId and success of the hosted service.
HOSTED = [
    ("post", "/v1/media/input", "getMediaUploadURL", "201"),
    ("post", "/v1/media/output", "getMediaDownloadURL", "201"),
    ("get", "/v1/test", "testKey", "200"),
    ("post", "/v1/diarize", "diarize", "200"),
    ("post", "/v1/voiceprint", "voiceprint", "200"),
    ("post", "/v1/identify", "identify", "200"),
    ("get", "/v1/jobs/{jobId}", "getJobById", "200"),
    ("get", "/v2/jobs", "getJobsByTeamV2", "200"),
    ("get", "/v1/jobs", "getJobsByTeam", "200"),
    ("post", "/v1/live", "createStream", "200"),
    ("get", "/v1/live/{streamId}", "getStream", "200"),
]
KEYED = {400, 401, 403, 429, 503}
ERRORS = {
    "getMediaUploadURL": KEYED | {413, 507},
    "getMediaDownloadURL": KEYED | {404, 413},
    "testKey": KEYED,
    "diarize": KEYED | {402, 409, 413},
    "voiceprint": KEYED | {402, 409, 413},
    "identify": KEYED | {402, 409, 413},
    "label": KEYED | {402, 404, 409, 413},
    "audioDiarization": KEYED | {402, 408, 413, 507},
    "audioTranscription": KEYED | {402, 408, 413, 502, 507},
    "getJobById": KEYED | {404},
    "deleteJob": KEYED | {404},
    "followJob": KEYED | {404},
    "exportJob": KEYED | {404},
    "handInTranscript": KEYED | {404, 413},
    "removeTranscript": KEYED | {404},
    "changeJob": KEYED | {404, 413},
    "getJobAudio": KEYED | {404, 416},
    "getJobPeaks": KEYED | {404},
    "getJobVoices": KEYED | {404},
    "getJobVoiceAudio": KEYED | {404},
    "mergeJobVoices": KEYED | {404, 413},
    "getDecisions": KEYED | {404},
    "decide": KEYED | {404, 409, 413},
    "undoDecision": KEYED | {404, 409, 413},
    "redoDecision": KEYED | {404, 409, 413},
    "getHistory": KEYED | {404},
    "rematchJob": KEYED | {404, 413},
    "getJobsByTeamV2": KEYED,
    "getJobsByTeam": KEYED,
    "createStream": KEYED | {402, 413},
    "getStream": KEYED | {404},
    "listTags": KEYED,
    "changeJobs": KEYED | {413},
    "deleteJobs": KEYED | {413},
    "exportJobs": KEYED | {404, 413},
    "getKeeping": KEYED,
    "changeKeeping": KEYED | {413},
    "getReview": KEYED,
    "decideReview": KEYED | {404, 409, 413},
    "renameRecordings": KEYED | {413},
    "listSpeakerRecordings": KEYED | {404},
    "listDeliveries": KEYED,
    "replayDelivery": KEYED | {404},
    "listSpeakers": KEYED,
    "createSpeaker": KEYED | {402, 404, 409, 413},
    "getSpeaker": KEYED | {404},
    "updateSpeaker": KEYED | {404, 409, 413},
    "eraseSpeaker": KEYED | {404},
    "mergeSpeakers": KEYED | {404, 409, 413},
    "mapSpeakers": KEYED,
    "searchSpeakers": KEYED | {404, 413},
    "exportSpeakers": KEYED,
    "importSpeakers": KEYED | {408, 413},
    "addSample": KEYED | {402, 404, 409, 413},
    "removeSample": KEYED | {404},
    "listenToSample": KEYED | {404},
    "getUsage": KEYED,
    "listKeys": KEYED,
    "createKey": KEYED | {413},
    "revokeKey": KEYED | {404, 409},
    "listSecrets": KEYED,
    "rotateSecret": KEYED | {413},
    "listModels": KEYED,
    "pullModel": KEYED | {404, 409},
    "getServer": KEYED,
    "listAudit": KEYED,
    "signIn": {400, 403, 404, 413, 429, 503},
    "getProvider": {503},
    "goToProvider": {403, 404, 503},
    "signOutAtProvider": KEYED,
    "getSession": KEYED,
    "signOut": KEYED,
    "getSpeakerRetention": KEYED,
    "getGalleryUpgrade": KEYED,
    "upgradeGallery": KEYED | {409, 413},
    "uploadMedia": {400, 403, 408, 409, 413, 429, 503, 507},
    "downloadMedia": {400, 403, 404, 429, 503},
    "health": set(),
    "ready": {400, 503},
    "metrics": {503},
}
BODIES = {
    "getMediaUploadURL": "MediaRequest",
    "getMediaDownloadURL": "MediaRequest",
    "diarize": "DiarizeRequest",
    "voiceprint": "VoiceprintRequest",
    "identify": "IdentifyRequest",
    "createStream": "StreamRequest",
    "createKey": "KeyRequest",
    "rotateSecret": "SecretRequest",
    "searchSpeakers": "SearchRequest",
    "signIn": "SessionRequest",
    "label": "LabelRequest",
    "handInTranscript": "TranscriptRequest",
    "changeJob": "ChangeRequest",
    "mergeJobVoices": "MergeVoicesRequest",
    "rematchJob": "RematchRequest",
    "decide": "DecisionRequest",
    "undoDecision": "StepRequest",
    "redoDecision": "StepRequest",
    "createSpeaker": "CreateSpeakerRequest",
    "updateSpeaker": "UpdateSpeakerRequest",
    "mergeSpeakers": "MergeSpeakersRequest",
    "upgradeGallery": "UpgradeGalleryRequest",
    "addSample": "SampleRequest",
    "changeJobs": "ChangeJobsRequest",
    "deleteJobs": "JobsRequest",
    "exportJobs": "ExportJobsRequest",
    "changeKeeping": "KeepingRequest",
    "decideReview": "ReviewRequest",
    "renameRecordings": "RenameRequest",
}
RATES = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
# What JSON Schema 2020-12 and OpenAPI 3.1 know; anything else is a slip that no validator reports.
KEYWORDS = {
    "$ref", "additionalProperties", "anyOf", "const", "default", "description", "enum", "examples",
    "exclusiveMinimum", "format", "items", "maxItems", "maxLength", "maxProperties", "maximum", "minItems",
    "minLength", "minimum", "pattern", "properties", "required", "title", "type",
}  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict:
    app = create_app(Settings(), "postgresql://nowhere")
    return json.loads(json.dumps(app.openapi(), allow_nan=False))


@pytest.fixture(scope="module")
def operations(document) -> dict[str, dict]:
    return {operation["operationId"]: operation for path in document["paths"].values() for operation in path.values()}


def resolved(document: dict, value: dict) -> dict:
    while "$ref" in value:
        found = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


def validator(document: dict, schema: dict):
    return jsonschema_rs.Draft202012Validator({**schema, "components": document["components"]}, validate_formats=True)


def schemas(value, *, named=False):
    """Every schema in a part of the document; in `properties` the keys are names."""
    if isinstance(value, dict):
        if not named:
            yield value
        for key, part in value.items():
            if named or key in {"properties", "items", "anyOf", "additionalProperties"}:
                yield from schemas(part, named=not named and key == "properties")
    elif isinstance(value, list):
        for part in value:
            yield from schemas(part)


@pytest.mark.parametrize(("method", "path", "name", "success"), HOSTED, ids=[row[2] for row in HOSTED])
def test_operations_of_the_hosted_service(document, method, path, name, success):
    operation = document["paths"][path][method]
    assert operation["operationId"] == name
    assert [status for status in operation["responses"] if status < "300"] == [success]
    assert operation.get("deprecated", False) is (name == "getJobsByTeam")


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_named(document, operations, name):
    responses = operations[name]["responses"]
    assert {int(status) for status in responses if status >= "400"} == ERRORS[name]
    for status in ERRORS[name]:
        response = responses[str(status)]
        content = response["content"]["application/json"]
        assert response["description"]
        shaped = name.startswith("audio")
        model = "OpenAIError" if shaped else "ValidationErrorResponse" if status == 400 else "ApiError"
        assert content["schema"] == {"$ref": f"#/components/schemas/{model}"}
        if status != 400 or shaped:
            validator(document, content["schema"]).validate(content["example"])


def test_no_operation_is_left_out(operations):
    assert set(operations) == set(ERRORS)


def test_every_error_of_the_server_can_be_documented(operations):
    documented = {int(status) for operation in operations.values() for status in operation["responses"]}
    assert set(STATUS.values()) <= documented


ASK_FOR_NOTHING = {
    "createStream",
    "upgradeGallery",
    "undoDecision",
    "redoDecision",
    "renameRecordings",
}  # what is meant by no body is plain


def test_bodies_are_references(document, operations):
    bodies = {}
    for name, operation in operations.items():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if "$ref" in content["schema"]:
                assert operation["requestBody"]["required"] == (name not in ASK_FOR_NOTHING)
                bodies[name] = content["schema"]["$ref"].removeprefix("#/components/schemas/")
    assert bodies == BODIES
    assert set(operations["uploadMedia"]["requestBody"]["content"]) == {"application/octet-stream"}


def test_every_reference_leads_somewhere(document):
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
    assert references
    for reference in references:
        assert resolved(document, {"$ref": reference})


def test_nothing_of_the_framework_shows(document):
    text = json.dumps(document)
    assert '"422"' not in text
    assert "HTTPValidationError" not in text
    assert "Successful Response" not in text


def test_headers(operations):
    for name, operation in operations.items():
        keyed = 401 in ERRORS[name]
        for status, response in operation["responses"].items():
            headers = set(response["headers"])
            assert "X-Request-Id" in headers
            assert (headers >= RATES) is (keyed and (status < "300" or status == "429"))
            assert ("Retry-After" in headers) is (status in {"429", "503"})
            assert ("WWW-Authenticate" in headers) is (status == "401")


def test_keys_are_asked_for_where_they_are_needed(document, operations):
    schemes = [{scheme: []} for scheme in document["components"]["securitySchemes"]]
    assert schemes == [{"key": []}, {"session": []}]
    for name, operation in operations.items():
        assert operation.get("security", []) == (schemes if 401 in ERRORS[name] else [])


def test_ids_are_uuids_and_no_parameter_is_null(operations):
    for operation in operations.values():
        for parameter in operation.get("parameters", ()):
            schema = parameter["schema"]
            assert "anyOf" not in schema, parameter["name"]
            assert set(schema) <= KEYWORDS, parameter["name"]
            if parameter["name"] in {"jobId", "deliveryId", "keyId", "cursor"}:
                assert schema["format"] == "uuid"


def test_schemas_are_schemas(document):
    for name, model in document["components"]["schemas"].items():
        jsonschema_rs.meta.validate(model)
        for schema in schemas(model):
            assert set(schema) <= KEYWORDS, name


def test_examples_fit_their_schemas(document):
    examples = 0
    for name, model in document["components"]["schemas"].items():
        for schema in schemas(model):
            for example in schema.get("examples", ()):
                examples += 1
                assert validator(document, schema).is_valid(example), (name, example)
    assert examples > 50


SDK_DIARIZE = {
    "url": "media://0cc175b9c0f1b6a831c399e269772661",
    "model": "precision-2",
    "numSpeakers": None,
    "minSpeakers": None,
    "maxSpeakers": None,
    "confidence": False,
    "turnLevelConfidence": False,
    "exclusive": False,
    "transcription": False,
}
SDK_IDENTIFY = {
    **SDK_DIARIZE,
    "voiceprints": [{"label": "Ada", "voiceprint": "Zm9v"}],
    "matching": {"exclusive": True, "threshold": 0.0},
}


@pytest.mark.parametrize(
    ("model", "body", "fits"),
    [
        ("DiarizeRequest", SDK_DIARIZE, True),
        ("IdentifyRequest", SDK_IDENTIFY, True),
        ("DiarizeRequest", {**SDK_DIARIZE, "numSpeakers": 2.0}, True),
        ("DiarizeRequest", {**SDK_DIARIZE, "minSpeakers": 0}, False),
        ("DiarizeRequest", {**SDK_DIARIZE, "transcription": True}, True),
        ("DiarizeRequest", {**SDK_DIARIZE, "transcriptionConfig": {"model": "parakeet-tdt-0.6b-v3"}}, True),
        ("DiarizeRequest", {**SDK_DIARIZE, "transcriptionConfig": {"model": 3}}, False),
        ("DiarizeRequest", {**SDK_DIARIZE, "model": "community-1"}, True),
        ("IdentifyRequest", {**SDK_IDENTIFY, "model": "community-1"}, False),
        ("IdentifyRequest", {**SDK_IDENTIFY, "voiceprints": []}, False),
        ("IdentifyRequest", {**SDK_IDENTIFY, "matching": {"threshold": 101}}, False),
        ("IdentifyRequest", {**SDK_IDENTIFY, "voiceprints": [{"label": "SPEAKER_1", "voiceprint": "Zm9v"}]}, False),
        ("VoiceprintRequest", {"url": "https://example.org/a.wav", "model": None}, True),
        ("VoiceprintRequest", {"url": "ftp://example.org/a.wav"}, False),
        ("MediaRequest", {"url": "media://a/b_c-d.wav"}, True),
        ("MediaRequest", {"url": "media://a b"}, False),
    ],
)
def test_what_requests_may_be(document, model, body, fits):
    assert validator(document, {"$ref": f"#/components/schemas/{model}"}).is_valid(body) is fits


def test_links_lead_from_a_submission_to_its_job(operations):
    for name in ("diarize", "voiceprint", "identify"):
        links = operations[name]["responses"]["200"]["links"]
        assert set(links) == {"getJobById", "deleteJob"}
        for link in links.values():
            assert link["operationId"] in operations
            assert link["parameters"] == {"jobId": "$response.body#/jobId"}
