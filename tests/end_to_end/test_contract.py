"""The server does what its OpenAPI document says: thousands of requests, right and wrong, made from the document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
import schemathesis
from people_requests import Somebody
from schemathesis.engine import events, from_schema
from voice_requests import CHANGES, Conversation

from identities import Identities, running_identities
from recogniser import Recogniser
from server import CONVERSATION, Server, finished, submit, upload, voice

pytestmark = pytest.mark.exhaustive
SEED = 20261122
EXAMPLES = 30  # of each operation in the fuzzing phase
# High enough never to be reached, yet their headers are sent.
LIMIT = 1_000_000_000
# URLs, packs that are on disk, the content of voiceprints and transcripts, and printable names have rules that a schema
# cannot say; all other operations must take whatever the document allows.
RULES_BEYOND_THE_SCHEMA = {
    *("diarize", "identify", "voiceprint", "label", "createKey", "signIn", "goToProvider"),
    *("createSpeaker", "updateSpeaker", "addSample"),
    *("changeJob", "mergeJobVoices", "rematchJob", "searchSpeakers", "handInTranscript"),
    *("decide", "undoDecision", "redoDecision"),
    *("audioDiarization", "audioTranscription"),
    *("changeJobs", "changeKeeping", "decideReview", "createStream"),
}
OF_OPENAI = {"audioDiarization", "audioTranscription"}
CANCELED_FIRST = {"getJobById"}  # DELETE only cancels what has not ended, which is there afterwards
SAYS_IT_BY_LINE = {"importSpeakers"}  # what is wrong with a body, in an answer that is right
WITHOUT_LIMIT = {"health", "ready", "metrics", "uploadMedia", "downloadMedia", "signIn", "getProvider", "goToProvider"}
NEVER_REFUSED = {"getProvider"}  # takes nothing, and asks for no key
RATES = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
NOBODY = "8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52"


class Kept:
    """What is on the server, so that right requests find something."""

    def __init__(self, server: Server) -> None:
        with server.client() as client:
            ada = finished(client, submit(client, "voiceprint", url=upload(client, voice("Ada"))))
            self.voiceprint = ada["output"]["voiceprint"]
            url = upload(client, CONVERSATION)
            everything = dict.fromkeys(
                (
                    "exclusive",
                    "confidence",
                    "turnLevelConfidence",
                    "speechProbability",
                    "crosstalkProbability",
                    "speakerProbability",
                ),
                True,
            )
            voiceprints = [{"label": "Ada", "voiceprint": self.voiceprint}]
            webhook = "https://hooks.timbre.invalid/"
            jobs = [
                ada["jobId"],
                submit(client, "diarize", url=url, webhook=webhook, **everything),
                submit(client, "identify", url=url, webhook=webhook, voiceprints=voiceprints, **everything),
                submit(client, "diarize", url="media://never/uploaded", webhook=webhook),
            ]
            for job in jobs:
                finished(client, job)
            self.jobs = jobs
            deliveries = client.get("/v1/webhooks/deliveries").json()["items"]
            self.deliveries = [delivery["id"] for delivery in deliveries]
            self.media = url
            self.sound = voice("Ada").read_bytes()
            self.key = server.key
            self.stream = client.post("/v1/live").json()["id"]
            self.somebody = Somebody(server, self.voiceprint)
            self.voices = Conversation(server)
            self.upload = client.post("/v1/media/input", json={"url": url}).json()["url"]
            self.download = client.post("/v1/media/output", json={"url": url}).json()["url"]
        assert len(self.deliveries) == 3


@pytest.fixture(scope="module")
def identities() -> Iterator[Identities]:
    with running_identities() as running:
        yield running


@pytest.fixture(scope="module")
def contract(
    tmp_path_factory: pytest.TempPathFactory, recogniser: Recogniser, identities: Identities
) -> Iterator[Server]:
    """A server whose limits are never reached, and that fetches nothing from this machine."""
    settings = {
        **identities.settings("speech=default:viewer"),
        "TIMBRE_SUBMITS_PER_MINUTE": str(LIMIT),
        "TIMBRE_READS_PER_MINUTE": str(LIMIT),
        "TIMBRE_OFFLINE": "1",  # packs are pulled
        "TIMBRE_ASR_URL": recogniser.url,
        "TIMBRE_ASR_NETWORKS": "127.0.0.0/8",
    }
    with Server(tmp_path_factory.mktemp("contract"), settings) as running:
        yield running


@pytest.fixture(scope="module")
def kept(contract: Server) -> Kept:
    return Kept(contract)


def described(server: Server) -> schemathesis.BaseSchema:
    config = schemathesis.Config.from_dict(
        {
            "seed": SEED,
            "continue-on-failure": True,
            "request-timeout": 20,
            "headers": {"Authorization": f"Bearer {server.key}"},
            "generation": {"deterministic": True, "max-examples": EXAMPLES, "no-shrink": True},
            "phases": {"stateful": {"generation": {"max-examples": EXAMPLES}, "max-steps": 6}},
        }
    )
    return schemathesis.openapi.from_url(f"{server.address}/openapi.json", config=config)


class Tamed:
    """Makes requests harmless and quick, and lets every other right one find something; what is wrong stays so."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._turn: Counter[str] = Counter()

    def __call__(self, _context: object, case: schemathesis.Case, **_options: Any) -> None:
        operation = case.operation.definition.raw["operationId"]
        self._turn[operation] += 1
        if isinstance(case.body, dict):
            for field in ("url", "webhook"):
                case.body[field] = nowhere(case.body[field]) if field in case.body else None
                if case.body[field] is None:
                    del case.body[field]
        wait = (case.query or {}).get("wait")
        if isinstance(wait, int | float) and 1 < wait <= 60:  # too long to be waited for again and again
            case.query["wait"] = 0.05
        if operation in CHANGES and same_id(case.path_parameters["jobId"]) in (*self._kept.jobs, self._kept.voices.job):
            case.path_parameters["jobId"] = NOBODY  # ids from answers are used in requests
        if operation == "deleteJobs" and isinstance(case.body, dict) and isinstance(case.body.get("jobs"), list):
            kept = (*self._kept.jobs, self._kept.voices.job)
            case.body["jobs"] = [NOBODY if same_id(job) in kept else job for job in case.body["jobs"]]
        if self._turn[operation] % 2 or case.meta is None or case.meta.generation.mode.is_negative:
            return
        self._kept.somebody(operation, case)
        self._kept.voices(operation, case)
        self._fill(operation, case)
        if operation in {"uploadMedia", "downloadMedia"}:
            link = urlsplit(self._kept.upload if operation == "uploadMedia" else self._kept.download)
            *_, case.path_parameters["team"], case.path_parameters["name"] = link.path.split("/")
            case.query.update({name: value[0] for name, value in parse_qs(link.query).items()})
        if operation in {"getJobById", "followJob", "exportJob"} and same_id(case.path_parameters["jobId"]):
            case.path_parameters["jobId"] = self._one_of(operation, self._kept.jobs)
        if operation == "getStream" and same_id(case.path_parameters["streamId"]):
            case.path_parameters["streamId"] = self._kept.stream
        if operation == "pullModel":
            case.path_parameters["pack"] = "base"
        if operation == "replayDelivery" and same_id(case.path_parameters["deliveryId"]):
            case.path_parameters["deliveryId"] = self._one_of(operation, self._kept.deliveries)

    def _fill(self, operation: str, case: schemathesis.Case) -> None:
        if operation == "signIn":
            case.headers = {**(case.headers or {}), "X-Timbre-Web": "1"}
            case.body = {"key": self._kept.key}
        if operation == "goToProvider":
            case.headers = {**(case.headers or {}), "X-Timbre-Web": "1"}
        if operation == "identify" and isinstance(case.body, dict):
            for item in case.body.get("voiceprints") or ():
                item["voiceprint"] = self._kept.voiceprint
        if operation == "createStream" and isinstance(case.body, dict):
            for item in case.body.get("voiceprints") or ():
                item["voiceprint"] = self._kept.voiceprint
        if operation in OF_OPENAI and isinstance(case.body, dict):
            case.body = {"file": self._kept.sound}
        if operation == "label" and isinstance(case.body, dict):
            case.body = {"transcript": '[{"start": 1, "end": 2}]', "jobId": self._kept.jobs[1]}
        if operation == "getMediaDownloadURL" and isinstance(case.body, dict):
            case.body["url"] = self._kept.media

    def _one_of(self, operation: str, ids: list[str]) -> str:
        return ids[self._turn[operation] // 2 % len(ids)]


def nowhere(url: Any) -> Any:
    """An address in a domain that never resolves, whatever its host was."""
    try:
        address = httpx.URL(url)
        host = address.host
    except (httpx.InvalidURL, TypeError, ValueError):
        return url
    if address.scheme not in {"http", "https"} or not host:
        return url
    return str(address.copy_with(host=f"{host.strip('.').replace(':', '-')}.invalid"))


def same_id(text: Any) -> str | None:
    """An id as the server writes it; None if it is none."""
    try:
        return str(UUID(text))
    except (AttributeError, TypeError, ValueError):
        return None


def faults(operation: str, response: schemathesis.Response) -> Iterator[str]:
    """What is wrong with an answer, whatever was asked."""
    status = response.status_code
    headers = {name.lower(): values[0] for name, values in response.headers.items()}
    if not same_id(headers.get("x-request-id")):
        yield "no X-Request-Id"
    if status >= 500:
        yield "a fault of the server"
    if operation not in WITHOUT_LIMIT and status not in {401, 403, 405}:
        limit, remaining, reset = (headers.get(name, "") for name in RATES)
        if limit != str(LIMIT) or not remaining.isdecimal() or not 1 <= int(reset or 0) <= 60:
            yield f"headers of the rate limit: {limit!r}, {remaining!r}, {reset!r}"
    if status >= 400:
        if headers.get("content-type") != "application/json":
            yield f"an error as {headers.get('content-type')}"
        elif response.content:  # HEAD has none
            said = response.json()
            if operation in OF_OPENAI:
                if set(said) != {"error"} or not said["error"].get("message"):
                    yield "an error that is not in OpenAI's shape"
                return
            if not said.get("message"):
                yield "an error without a message"
            if status != 400 and said.get("requestId") != headers.get("x-request-id"):
                yield "an error without its requestId"
    if status == 405 and not headers.get("allow"):
        yield "405 without Allow"


@pytest.fixture
def tamed(kept: Kept) -> Iterator[None]:
    hook = Tamed(kept)
    schemathesis.hook("before_call")(hook)
    yield
    schemathesis.hooks.unregister(hook)


def test_whatever_the_document_allows_and_forbids(contract: Server, tamed):
    schema = described(contract)
    answers: Counter[tuple[str, int]] = Counter()
    wrong: dict[tuple[str, str], str] = {}
    for event in from_schema(schema).execute():
        assert not isinstance(event, events.NonFatalError | events.FatalError), event
        if not isinstance(event, events.ScenarioFinished):
            continue
        record = event.recorder
        for name, interaction in record.interactions.items():
            operation = record.cases[name].value.operation.definition.raw["operationId"]
            assert interaction.response is not None, (operation, interaction.request.uri)
            answers[operation, interaction.response.status_code] += 1
            for fault in faults(operation, interaction.response):
                request = interaction.request
                wrong.setdefault((operation, fault), f"{request.method} {request.uri} {interaction.response.content!r}")
        for name, checks in record.checks.items():
            operation = record.cases[name].value.operation.definition.raw["operationId"]
            for check in checks:
                if check.failure_info is None:
                    continue
                if check.name == "positive_data_acceptance" and operation in RULES_BEYOND_THE_SCHEMA:
                    continue
                # In a form all is text, and what is empty is left out.
                if check.name == "negative_data_rejection" and operation in SAYS_IT_BY_LINE | OF_OPENAI:
                    continue
                if check.name == "use_after_free" and operation in CANCELED_FIRST:
                    continue
                failure = check.failure_info
                wrong.setdefault((operation, check.name), f"{failure.failure.message}\n{failure.code_sample}")
    assert not wrong, "\n\n".join(f"{operation}, {fault}: {how}" for (operation, fault), how in wrong.items())
    # Every operation was done, and refused where it can be.
    paths = schema.raw_schema["paths"].values()
    operations = {operation["operationId"] for path in paths for operation in path.values()}
    assert {operation for operation, status in answers if status < 300} == operations
    refused = {operation for operation, status in answers if 400 <= status < 500}
    assert refused == operations - NEVER_REFUSED
    # None of it kept a worker from its work.
    with contract.client() as client:
        assert client.get("/readyz").status_code == 200


@pytest.fixture(scope="module")
def validated(contract: Server) -> schemathesis.BaseSchema:
    return described(contract)


def conforms(schema: schemathesis.BaseSchema, answer: httpx.Response, path: str) -> Any:
    """Hold an answer against the document; return what it says."""
    schema[path][answer.request.method].validate_response(answer)
    return answer.json() if answer.headers["content-type"] == "application/json" else answer.text


@pytest.mark.parametrize(
    ("number", "model", "keys"),
    [
        (0, "VoiceprintOutput", {"voiceprint"}),
        (1, "DiarizationOutput", {"diarization", "exclusiveDiarization", "confidence", "speakerProbability"}),
        (2, "IdentificationOutput", {"diarization", "identification", "voiceprints", "exclusiveDiarization"}),
        (3, "FailedOutput", {"error"}),
    ],
)
def test_outputs_are_as_described(contract: Server, kept: Kept, validated, number: int, model: str, keys: set[str]):  # noqa: PLR0917
    with contract.client() as client:
        job = conforms(validated, client.get(f"/v1/jobs/{kept.jobs[number]}"), "/v1/jobs/{jobId}")
    assert job["status"] == ("failed" if model == "FailedOutput" else "succeeded")
    assert keys <= set(job["output"])
    # The document names every key that is sent, not only those that must be there.
    models = validated.raw_schema["components"]["schemas"]
    assert set(job) <= set(models["Job"]["properties"])
    assert set(job["output"]) <= set(models[model]["properties"])


def test_lists_are_as_described(contract: Server, kept: Kept, validated):
    models = validated.raw_schema["components"]["schemas"]
    with contract.client() as client:
        jobs = conforms(validated, client.get("/v2/jobs"), "/v2/jobs")
        old = conforms(validated, client.get("/v1/jobs"), "/v1/jobs")
        deliveries = conforms(validated, client.get("/v1/webhooks/deliveries"), "/v1/webhooks/deliveries")
        usage = conforms(validated, client.get("/v1/usage"), "/v1/usage")
    attempts = [attempt for delivery in deliveries["items"] for attempt in delivery["attempts"]]
    for items, model in (
        (jobs["items"], "JobItem"),
        (old["items"], "JobItemOld"),
        (deliveries["items"], "Delivery"),
        (attempts, "Attempt"),
        (usage["keys"], "UsageOfKey"),
    ):
        assert items, model
        assert all(set(item) == set(models[model]["properties"]) for item in items)


def test_both_ways_to_delete_are_as_described(contract: Server, validated):
    with contract.client() as client:
        job = submit(client, "diarize", url="media://nothing/to/hear")
        finished(client, job)
        gone = conforms(validated, client.delete(f"/v1/jobs/{job}"), "/v1/jobs/{jobId}")
        assert gone == {"jobId": job, "deleted": True}
        unknown = conforms(validated, client.delete(f"/v1/jobs/{NOBODY}"), "/v1/jobs/{jobId}")
        assert set(unknown) == {"requestId", "message"}


def test_the_document_is_served_without_a_key(contract: Server):
    answer = httpx.get(f"{contract.address}/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"


def test_nothing_was_logged_as_a_fault(contract: Server):
    for log in Path(contract.folder, "log").iterdir():
        assert '"event": "fault"' not in log.read_text(), log
