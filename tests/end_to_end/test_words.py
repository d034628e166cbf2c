"""Words with names: `transcription` of diarize and identify, with a recogniser of OpenAI's shape behind the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from threading import Event
from typing import Any

import httpx
import pytest

import spoken
from command_line import Ended, run
from far_server import FarRequest
from recogniser import Recogniser, refuse_forms, reply
from server import CONVERSATION, Server, finished, submit, upload, voice
from timbre import Settings
from timbre.cli.server.words import recognising
from timbre.errors import RecogniserFailed

WORDS = spoken.words()
URL = "media://words/conversation.ogg"
PIECE = 30  # seconds of the longest that the shared server asks for


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    """A team of its own, with the conversation, and Ada in its gallery."""
    with server.client(server.run("keys", "create", "words", "--team", "words")) as asking:
        upload(asking, CONVERSATION, "words/conversation.ogg")
        url = upload(asking, voice("Ada"), "words/ada.flac")
        person = asking.post("/v1/speakers", json={"name": "Ada", "sample": {"url": url}}).json()
        assert finished(asking, person["jobId"])["status"] == "succeeded"
        yield asking


@pytest.fixture(autouse=True)
def plain(recogniser: Recogniser) -> Iterator[None]:
    """Every test begins with a recogniser that works."""
    recogniser.answers = None
    recogniser.asked.clear()
    yield
    recogniser.answers = None


def heard(client: httpx.Client, kind: str = "diarize", **body) -> dict:
    return finished(client, submit(client, kind, url=URL, transcription=True, **body))


def test_words_and_turns_as_documented(client, recogniser):
    job = heard(client, transcriptionConfig={"model": "faster-whisper-large-v3-turbo"})
    output = job["output"]
    assert job["status"] == "succeeded"
    assert "warning" not in output
    words, turns = output["wordLevelTranscription"], output["turnLevelTranscription"]
    assert [word["text"] for word in words] == [word.text for word in WORDS]
    assert all(abs(word["start"] - true.start) < 0.002 for word, true in zip(words, WORDS, strict=True))
    assert {*words[0]} == {*turns[0]} == {"start", "end", "text", "speaker"}
    assert " ".join(turn["text"] for turn in turns) == " ".join(word.text for word in WORDS)
    speakers = {turn["speaker"] for turn in output["exclusiveDiarization"]}
    assert {word["speaker"] for word in words} == speakers == {turn["speaker"] for turn in turns}
    assert all(first["speaker"] != after["speaker"] for first, after in pairwise(turns))
    assert len(recogniser.asked) > 2  # pieces of 30 s at most
    assert all(piece["seconds"] <= 30 and piece["key"] == "Bearer sk-words" for piece in recogniser.asked)
    assert {piece["model"] for piece in recogniser.asked} == {"whisper-1"}
    assert recogniser.asked[0]["timestamp_granularities[]"] == ["word", "segment"]


def test_words_in_files_by_a_model_of_choice(client, recogniser):
    job = heard(client, transcriptionConfig={"model": "large-v3"})["jobId"]
    assert {piece["model"] for piece in recogniser.asked} == {"large-v3"}
    assert client.get("/v1/models").json()["recognisers"] == ["whisper-1", "large-v3", "parakeet-tdt-0.6b-v3"]
    refused = client.post("/v1/diarize", json={"url": URL, "transcriptionConfig": {"model": "other"}})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "transcriptionConfig.model")
    assert "whisper-1, large-v3" in refused.json()["errors"][0]["message"]
    srt, vtt, text = (client.get(f"/v1/jobs/{job}/output.{form}") for form in ("srt", "vtt", "txt"))
    assert srt.text.startswith("1\n00:00:00,8")
    assert "\nSPEAKER_00: Good morning, everyone." in srt.text
    assert "\n<v SPEAKER_00>Good morning, everyone." in vtt.text
    assert text.text.startswith("[0:00:00] SPEAKER_00: Good morning, everyone. Let us begin")
    assert text.headers["content-disposition"].endswith('.txt"')
    silent = finished(client, submit(client, "diarize", url=URL))["jobId"]
    assert client.get(f"/v1/jobs/{silent}/output.txt").text.startswith("0:00:00 - 0:00:07  SPEAKER_00\n")


def test_without_a_recogniser_it_is_said_how_to_set_one(small):
    with small.client(small.run("keys", "create", "words", "--team", "words")) as asking:
        refused = asking.post("/v1/diarize", json={"url": "media://words/none", "transcription": True})
        assert refused.status_code == 400
        (error,) = refused.json()["errors"]
        assert error["field"] == "transcription"
        assert "TIMBRE_ASR_URL" in error["message"]
        shaped = asking.post("/v1/audio/transcriptions", files={"file": ("a.wav", b"x")})
        assert shaped.status_code == 400
        assert "TIMBRE_ASR_URL" in shaped.json()["error"]["message"]


def test_names_and_what_people_say(client):
    """Words have the names of `identification`, also after people decided, and after people were renamed."""
    job = heard(client, "identify", speakers="all")
    output = job["output"]
    said = output["wordLevelTranscription"]
    alone = [(word["speaker"], true) for word, true in zip(said, WORDS, strict=True) if not spoken.talked_over(true)]
    assert [name == "Ada" for name, _ in alone] == [true.speaker == "Ada" for _, true in alone]
    ada = next(voice for voice in output["voiceprints"] if voice["match"] == "Ada")
    changed = client.post(
        f"/v1/jobs/{job['jobId']}/decisions",
        json={"kind": "nobody", "voice": ada["speaker"]},
    )
    assert changed.is_success, changed.text
    after = client.get(f"/v1/jobs/{job['jobId']}").json()["output"]
    assert "Ada" not in {word["speaker"] for word in after["wordLevelTranscription"]}
    assert "Ada" not in {turn["speaker"] for turn in after["turnLevelTranscription"]}
    assert [word["text"] for word in after["wordLevelTranscription"]] == [
        word["text"] for word in output["wordLevelTranscription"]
    ]


def test_a_word_is_changed_and_changed_back(client):
    job = heard(client)["jobId"]

    def say(path: str = "", **said) -> httpx.Response:
        return client.post(f"/v1/jobs/{job}/decisions{path}", json=said)

    readings = [(1, "evening,"), (2, ""), (3, "zero\u200cwidth")]
    changed = say(kind="reword", words=[{"word": at, "text": text} for at, text in readings]).raise_for_status()
    first, second, third = changed.json()["output"]["wordLevelTranscription"][:3]
    assert (first["text"], second["text"], third["word"]) == ("Good", "evening,", 3)
    for form in ("srt", "vtt", "txt", "json"):
        assert "evening," in client.get(f"/v1/jobs/{job}/output.{form}").text
    (line,) = client.get(f"/v1/jobs/{job}/history").json()["items"]
    assert line["words"][0] == {"word": 1, "text": "evening,", "was": "morning,"}
    back = say("/undo").raise_for_status().json()["output"]["wordLevelTranscription"]
    assert [word["text"] for word in back] == [word.text for word in WORDS]
    for words, field in (
        ([{"word": 10_000, "text": "x"}], "words.0.word"),
        ([{"word": 1, "text": "two\nlines"}], "words.0.text"),
        ([{"word": -1, "text": "x"}], "words.0.word"),
        ([], "words"),
    ):
        refused = say(kind="reword", words=words)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field)


def test_the_command_line_says_who_says_what(recogniser, monkeypatch, tmp_path):
    talk = tmp_path / "talk.txt"
    refused = run("transcribe", CONVERSATION, "-o", talk)
    assert (refused.code, "set TIMBRE_ASR_URL" in refused.err) == (2, True)
    monkeypatch.setenv("TIMBRE_ASR_URL", recogniser.url)
    away = words_of(run("doctor", "--model", "base", "--json"))
    assert (away["state"], "TIMBRE_ASR_NETWORKS" in away["remedy"]) == ("broken", True)
    monkeypatch.setenv("TIMBRE_ASR_NETWORKS", "127.0.0.0/8")
    found = words_of(run("doctor", "--model", "base", "--json"))
    assert (found["state"], found["detail"].partition(" answers")[0]) == ("ok", f"whisper-1, {recogniser.url},")

    ended = run("transcribe", CONVERSATION, "-o", talk, "--language", "en", "--recogniser", "large-v3")
    assert (ended.code, ended.err) == (0, "")
    assert talk.read_text().startswith("[0:00:00] SPEAKER_00: Good morning, everyone.")
    assert (recogniser.asked[-1]["language"], recogniser.asked[-1]["model"]) == ("en", "large-v3")
    for arguments, told in ((["--json", "--format", "srt"], "choose one"), (["-o", tmp_path / "a.odt"], "--format")):
        refused = run("transcribe", CONVERSATION, *arguments)
        assert (refused.code, told in refused.err) == (2, True)


def test_a_command_has_words_recognised_while_it_finds_the_speakers(recogniser):
    """All are there before anybody knows who speaks; and what nobody waits for is given up."""
    settings = Settings(asr_url=recogniser.url, asr_networks="127.0.0.0/8", asr_piece_seconds=30)
    last, go = Event(), Event()

    def answer(request, fields):
        reply(request, recogniser.verbose(fields))
        if fields["at"] + fields["seconds"] > WORDS[-1].end:
            last.set()

    recogniser.answers = answer
    with recognising(CONVERSATION, settings, language=None, tracks="mixed") as words:
        assert last.wait(60)
        found = words.by([])
    assert [word.text for word in found.words] == [word.text for word in WORDS]

    last.clear()
    waited: list[bool] = []
    recogniser.answers = lambda *_: (last.set(), waited.append(go.wait(60)))
    with recognising(CONVERSATION, settings, language=None, tracks="mixed"):
        assert last.wait(60)
    assert not waited
    go.set()

    recogniser.answers = lambda request, _: reply(request, {"error": "no"}, 401)
    with recognising(CONVERSATION, settings, language=None, tracks="mixed") as words:
        progress = words.watched(lambda *_: None)
        with pytest.raises(RecogniserFailed, match="check TIMBRE_ASR_KEY"):
            words.by([])
        with pytest.raises(RecogniserFailed):  # so hearing ends
            progress("speech", 0.1)


def words_of(ended: Ended) -> dict[str, str]:
    """What the doctor found about words."""
    return next(each for each in json.loads(ended.out)["findings"] if each["subject"] == "words")


# Servers that tell less, and servers that fail


@pytest.mark.exhaustive
@pytest.mark.parametrize("segments", [True, False])
def test_servers_that_know_no_times_of_words(segments, client, recogniser):
    """Words are spread over segments; where there are none, every turn is recognised by itself."""
    recogniser.answers = refuse_forms(recogniser, segments=segments)
    output = heard(client)["output"]
    said = [word["text"] for word in output["wordLevelTranscription"]]
    # A turn that is heard by itself may begin within a word that another ends.
    assert abs(len(said) - len(WORDS)) <= (0 if segments else 12)
    assert [word["start"] for word in output["wordLevelTranscription"]] == sorted(
        word["start"] for word in output["wordLevelTranscription"]
    )


def test_a_piece_that_is_missing_is_said(client, recogniser):
    """One piece fails: all others are there."""

    def answer(request, fields):
        bad = fields["at"] and 30 < fields["at"] < 55
        reply(request, {"error": "out of memory"} if bad else recogniser.verbose(fields), 413 if bad else 200)

    recogniser.answers = answer
    output = heard(client)["output"]
    assert 0.5 * len(WORDS) < len(output["wordLevelTranscription"]) < len(WORDS)
    assert "s are missing: The recogniser at http://127.0.0.1" in output["warning"]
    assert "413: out of memory" in output["warning"]


def answering(answer: Callable[[Recogniser, dict[str, Any]], bytes | dict[str, Any]], status: int = 200):
    """Make a recogniser answer so, whatever it is asked."""

    def install(recogniser: Recogniser) -> None:
        def answers(request: FarRequest, fields: dict[str, Any]) -> None:
            told = answer(recogniser, fields)
            if isinstance(told, bytes):
                request.answer(status, told)
            else:
                reply(request, told, status)

        recogniser.answers = answers

    return install


def lying(recogniser: Recogniser, fields: dict[str, Any]) -> dict[str, Any]:
    told = recogniser.verbose(fields)
    return {
        "text": told["text"],
        "words": [{**word, "start": word["start"] + 1e6, "end": -1} for word in told["words"]],
    }


FAULTS = {
    "html": (answering(lambda *_: b"<html>"), "what is no transcription"),
    "foreign": (answering(lambda *_: {"job": 1}), "JSON that has no `text`"),
    "empty": (answering(lambda *_: {"text": ""}), "heard no words"),
    "lying": (answering(lying), "gives times that cannot be"),
    "unknown": (answering(lambda *_: b"", 404), "check TIMBRE_ASR_URL"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_recogniser_that_does_wrong(fault, client, recogniser):
    """The speakers are there, and the job says what is wrong with the words."""
    install, told = FAULTS[fault]
    install(recogniser)
    job = heard(client)
    assert job["status"] == "succeeded"
    assert job["output"]["diarization"]
    assert told in job["warning"]
    if fault == "lying":
        assert len(job["output"]["wordLevelTranscription"]) == len(WORDS)


def events_of(lines: Iterator[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a job as they come."""
    for line in lines:
        if line.startswith("event: "):
            yield line.removeprefix("event: "), json.loads(next(lines).removeprefix("data: "))


def test_a_recogniser_that_is_slow_holds_nobody_up(client, recogniser, server):
    """A job that waits for its words leaves its place to the next, tells those it has, and can be canceled."""
    go, came = Event(), Event()

    def answer(request, fields):
        if 0 < fields["at"] <= PIECE:  # one of two that are asked for at a time: the other job's words come too
            came.set()
            go.wait(60)
        reply(request, recogniser.verbose(fields))

    recogniser.answers = answer
    try:
        slow, unwanted = (submit(client, "diarize", url=URL, transcription=True) for _ in range(2))
        assert came.wait(60)
        finished(client, submit(client, "diarize", url=URL))
        waiting = client.get(f"/v1/jobs/{slow}").json()
        assert (waiting["status"], waiting["stage"]) == ("running", "words")
        with client.stream("GET", f"/v1/jobs/{slow}/events?words=true") as stream:
            events = (event for kind, event in events_of(stream.iter_lines()) if kind == "words")
            told = next(event for event in events if "speaker" in event["words"][0])
        assert told["first"] == 0
        assert [word["text"] for word in told["words"]] == [word.text for word in WORDS[: len(told["words"])]]
        assert not {"words", "output"} & {*waiting}
        with server.client() as other:
            assert other.get(f"/v1/jobs/{slow}/events?words=true").status_code == 404
        with client.stream("GET", f"/v1/jobs/{unwanted}/events?words=true") as stream:
            events = events_of(stream.iter_lines())
            assert next(kind for kind, _ in events if kind == "words")
            assert client.delete(f"/v1/jobs/{unwanted}").json()["status"] == "canceled"
            assert [event["status"] for kind, event in events if kind == "job"][-1] == "canceled"
        with client.stream("GET", f"/v1/jobs/{unwanted}/events?words=true") as stream:
            assert [kind for kind, _ in events_of(stream.iter_lines())] == ["job"]
    finally:
        go.set()
    words = finished(client, slow)["output"]["wordLevelTranscription"]
    assert len(words) == len(WORDS)
    assert words[:20] == told["words"][:20]
    assert client.get(f"/v1/jobs/{unwanted}").json()["status"] == "canceled"
