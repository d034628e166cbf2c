"""Names in a transcript of the sample conversation: on the command line, by a job that is there, by a new job."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import spoken
from command_line import SAMPLES, run
from server import Server, finished, submit, upload
from timbre import Engine
from timbre.formats.escaping import unescape_markup

CONVERSATION = SAMPLES / "conversation.ogg"
NAMES = ("Ada", "Ben", "Callum", "Dan")
RIGHT = 0.98  # of all words
RIGHT_WITHOUT_ENDS = 0.95  # where nothing says when a word ends, or only when a line does
RIGHT_ALONE = 0.99  # of those that nobody talks over
WORDS = spoken.words()


@pytest.fixture(scope="module")
def voiceprints(engine: Engine) -> dict[str, str]:
    return {name: str(engine.voiceprint(SAMPLES / "enrol" / f"{name}.flac")) for name in NAMES}


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    """A team of its own."""
    with server.client(server.run("keys", "create", "label", "--team", "label")) as asking:
        upload(asking, CONVERSATION)
        yield asking


@pytest.fixture(scope="module")
def identified(client: httpx.Client, voiceprints: dict[str, str]) -> str:
    """A job that names everybody."""
    people = [{"label": name, "voiceprint": text} for name, text in voiceprints.items()]
    job = submit(client, "identify", url="media://conversation.ogg", voiceprints=people, exclusive=True)
    assert finished(client, job)["status"] == "succeeded"
    return job


def check_words(named: list[str | None], least: float = RIGHT) -> None:
    """Hold the names of all words, in the order of time, against the truth."""
    assert len(named) == len(WORDS)
    right = [name == word.speaker for name, word in zip(named, WORDS, strict=True)]
    alone = [is_right for is_right, word in zip(right, WORDS, strict=True) if not spoken.talked_over(word)]
    assert sum(right) / len(right) >= least
    assert sum(alone) / len(alone) >= RIGHT_ALONE


def check_json(text: str) -> None:
    document = json.loads(text)
    segments = [word for segment in document["segments"] for word in segment["words"]]
    assert segments == document["word_segments"]
    check_words([word.get("speaker") for word in segments])
    assert all(
        {word.get("speaker", segment["speaker"]) for word in segment["words"]} == {segment["speaker"]}
        for segment in document["segments"]
    )
    assert len(document["segments"]) > len(json.loads(spoken.whisperx())["segments"])
    before = json.loads(spoken.whisperx())
    assert [{**word, "speaker": None} for word in segments] == [
        {**word, "speaker": None} for word in before["word_segments"]
    ]


def check_vtt(text: str) -> None:
    named = []
    for cue in text.split("\n\n")[1:]:
        name = re.search(r"<v ([^>]*)>", cue)
        spoken_words = re.sub(r"<[^>]*>", "", cue.partition("\n")[2]).split()
        named += [name and unescape_markup(name[1])] * len(spoken_words)
    check_words(named, RIGHT_WITHOUT_ENDS)


def check_srt(text: str) -> None:
    """One name a line of the script, which one person says; those of a word or two may be talked over as a whole."""
    named = re.findall(r"^(\w+): ", text, re.MULTILINE)
    lines = spoken.lines()
    assert len(named) == len(lines)
    wrong = [line for name, line in zip(named, lines, strict=True) if name != line[0].speaker]
    assert sum(len(line) for line in wrong) / len(WORDS) <= 1 - RIGHT_WITHOUT_ENDS


TRANSCRIPTS = [
    pytest.param("srt", spoken.srt(), check_srt, id="srt"),
    pytest.param("vtt", spoken.vtt(), check_vtt, id="vtt"),
    pytest.param("json", spoken.whisperx(), check_json, id="whisperx"),
]
TYPES = {"srt": "application/x-subrip", "vtt": "text/vtt", "json": "application/json"}


# The command line


@pytest.fixture(scope="module")
def result(tmp_path_factory, voiceprints) -> tuple[Path, list[str]]:
    """What `timbre identify --json` says of the conversation, and the options that name everybody."""
    folder = tmp_path_factory.mktemp("label")
    options = []
    for name, text in voiceprints.items():
        (folder / f"{name}.voiceprint").write_text(text)
        options.append(f"--voiceprint={name}={folder / name}.voiceprint")
    path = folder / "conversation.json"
    ended = run("identify", CONVERSATION, *options, "--json", "--exclusive-turns", "--model=base", "-o", path)
    assert (ended.code, ended.err) == (0, "")
    return path, options


@pytest.mark.parametrize(("form", "text", "check"), TRANSCRIPTS)
def test_a_transcript_is_labelled_by_a_result(form, text, check, result, tmp_path):
    path = tmp_path / f"talk.{form}"
    path.write_text(text)
    ended = run("label", path, result[0])
    assert (ended.code, ended.err) == (0, "")
    check(ended.out)
    again = tmp_path / f"again.{form}"
    again.write_text(ended.out)
    assert run("label", again, result[0]).out == ended.out


def test_a_transcript_is_labelled_by_a_recording_and_keeps_its_encoding(result, tmp_path):
    path, written = tmp_path / "talk.srt", tmp_path / "named.srt"
    path.write_bytes(spoken.srt().replace("\n", "\r\n").encode("utf-16"))
    ended = run("label", path, CONVERSATION, *result[1], "--model=base", "-o", written)
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    text = written.read_bytes().decode("utf-16")
    assert text.count("\r\n") == text.count("\n")
    check_srt(text.replace("\r\n", "\n"))


def test_without_people_speakers_have_labels(tmp_path):
    path = tmp_path / "talk.vtt"
    path.write_text(spoken.vtt())
    ended = run("label", path, CONVERSATION, "--model=base", "--num-speakers=4")
    assert (ended.code, ended.err) == (0, "")
    assert set(re.findall(r"<v ([^>]*)>", ended.out)) == {f"SPEAKER_{number:02}" for number in range(4)}


def test_turns_of_others_are_taken(tmp_path):
    path = tmp_path / "talk.json"
    path.write_text(spoken.whisperx())
    ended = run("label", path, SAMPLES / "conversation.rttm")
    assert (ended.code, ended.err) == (0, "")
    check_json(ended.out)


def test_people_of_the_gallery_are_named(server, voiceprints, tmp_path):
    with server.client(server.run("keys", "create", "people", "--team", "people-of-label")) as client:
        for name, text in voiceprints.items():
            made = client.post("/v1/speakers", json={"name": name, "sample": {"voiceprint": text}})
            assert made.status_code == 201, made.text
    path = tmp_path / "talk.srt"
    path.write_text(spoken.srt())
    of = ("--team=people-of-label", f"--data-dir={server.folder}", "--model=base")
    ended = run("label", path, CONVERSATION, "--speakers=all", *of)
    assert (ended.code, ended.err) == (0, "")
    check_srt(ended.out)
    ended = run("label", path, CONVERSATION, "--speakers=Nobody", *of)
    assert (ended.code, ended.out) == (1, "")
    assert "There is nobody called 'Nobody'" in ended.err


def test_what_is_wrong_on_the_command_line(tmp_path):
    bad, good = tmp_path / "bad.srt", tmp_path / "good.srt"
    bad.write_text("1\n00:00:01,000 --> soon\nHi\n")
    good.write_text("1\n00:00:01,000 --> 00:00:02,000\nHi\n")
    truth = SAMPLES / "conversation.rttm"
    ended = run("label", bad, CONVERSATION)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == (
        f"timbre: {bad}: SRT, line 2: expected times as in 00:00:01.000 --> 00:00:02.000, got '00:00:01,000 --> soon'\n"
    )
    ended = run("label", good, truth, "--voiceprint=Ada=ada.voiceprint")
    assert (ended.code, ended.out) == (2, "")
    assert "says already who speaks; give the recording itself" in ended.err
    assert run("label", good, truth, "-o", tmp_path / "no" / "where").code == 2
    assert run("label", good, tmp_path / "nothing.mp3").code == 2
    assert run("label", good, good).code == 1  # subtitles without names are turns of nobody


# The server


@pytest.mark.parametrize(("form", "text", "check"), TRANSCRIPTS)
def test_a_transcript_is_labelled_by_a_job_that_is_there(form, text, check, client, identified):
    answer = client.post("/v1/label", json={"transcript": text, "jobId": identified})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == f"{TYPES[form]}; charset=utf-8"
    check(answer.text)
    again = client.post("/v1/label", json={"transcript": answer.text, "format": form, "jobId": identified})
    assert again.content == answer.content


def test_a_transcript_is_labelled_by_a_new_job(client, voiceprints):
    people = [{"label": name, "voiceprint": text} for name, text in voiceprints.items()]
    job = submit(client, "label", transcript=spoken.vtt(), url="media://conversation.ogg", voiceprints=people)
    ended = finished(client, job)
    assert (ended["status"], ended["type"]) == ("succeeded", "label")
    check_vtt(ended["output"]["transcript"])
    assert {"diarization", "exclusiveDiarization", "identification", "voiceprints"} <= set(ended["output"])


def test_a_new_job_without_people_writes_labels(client):
    job = submit(client, "label", transcript=spoken.srt(), url="media://conversation.ogg")
    output = finished(client, job)["output"]
    assert "identification" not in output
    labels = set(re.findall(r"^(SPEAKER_\d\d): ", output["transcript"], re.MULTILINE))
    assert labels == {turn["speaker"] for turn in output["diarization"]}


@pytest.mark.exhaustive
def test_names_in_the_transcript_follow_the_people_of_the_gallery(client, voiceprints):
    ids = {}
    for name, text in voiceprints.items():
        made = client.post("/v1/speakers", json={"name": name, "sample": {"voiceprint": text}})
        assert made.status_code == 201, made.text
        ids[name] = made.json()["id"]

    def transcript(job: str) -> str:
        return finished(client, job)["output"]["transcript"]

    jobs = [
        submit(client, "label", transcript=text, url="media://conversation.ogg", speakers="all")
        for text in (spoken.srt(), spoken.whisperx())
    ]
    named = [transcript(job) for job in jobs]
    check_srt(named[0])
    check_json(named[1])

    assert client.patch(f"/v1/speakers/{ids['Ada']}", json={"name": "Lady Lovelace"}).status_code == 200
    assert transcript(jobs[0]) == named[0].replace("Ada: ", "Lady Lovelace: ")
    assert transcript(jobs[1]) == named[1].replace('"Ada"', '"Lady Lovelace"')

    assert client.delete(f"/v1/speakers/{ids['Ben']}").status_code == 200
    for job in jobs:
        output = finished(client, job)["output"]
        assert "Ben" not in output["transcript"]
        (label,) = [voice["speaker"] for voice in output["voiceprints"] if voice["match"] is None]
        assert output["transcript"].count(label) > 3

    answer = client.post(
        f"/v1/jobs/{jobs[0]}/rematch", json={"voiceprints": [{"label": "B", "voiceprint": voiceprints["Ben"]}]}
    )
    assert answer.status_code == 200, answer.text
    assert transcript(jobs[0]) == named[0].replace("Ada: ", "Lady Lovelace: ").replace("Ben: ", "B: ")


@pytest.fixture
def heard(client) -> str:
    """A job that nobody is named in."""
    job = submit(client, "diarize", url="media://conversation.ogg")
    assert finished(client, job)["status"] == "succeeded"
    return job


def test_a_transcript_is_handed_in_and_its_words_follow_what_stands(client, heard):
    path = f"/v1/jobs/{heard}/transcript"
    before = client.get(f"/v1/jobs/{heard}").json()["output"]
    for text in (spoken.srt(), spoken.whisperx()):  # the second takes the place of the first
        answer = client.put(path, json={"transcript": text})
        assert answer.status_code == 200, answer.text
    output = answer.json()["output"]
    assert output == client.get(f"/v1/jobs/{heard}").json()["output"]
    words = output["wordLevelTranscription"]
    assert [word["text"] for word in words] == [word.text for word in WORDS]
    assert [set(word) for word in words] == [{"start", "end", "text", "speaker"}] * len(WORDS)
    assert " ".join(turn["text"] for turn in output["turnLevelTranscription"]).split() == [each.text for each in WORDS]

    decided = client.post(f"/v1/jobs/{heard}/decisions", json={"kind": "name", "voice": "SPEAKER_00", "name": "Zoë"})
    assert decided.status_code == 200, decided.text
    output = decided.json()["output"]
    said = [turn["text"] for turn in output["turnLevelTranscription"] if turn["speaker"] == "Zoë"]
    assert len(said) > 3
    assert f"Zoë: {said[0]}" in client.get(f"/v1/jobs/{heard}/output.srt").text.splitlines()
    for name in ("vtt", "textgrid", "eaf", "csv", "txt"):
        exported = client.get(f"/v1/jobs/{heard}/output.{name}")
        assert exported.status_code == 200
        assert said[0] in exported.text, name
        assert "Zoë" in exported.text
    assert said[0] not in client.get(f"/v1/jobs/{heard}/output.rttm").text

    first = {"kind": "reword", "words": [{"word": 1, "text": "Xanthippe,"}]}
    output = client.post(f"/v1/jobs/{heard}/decisions", json=first).raise_for_status().json()["output"]
    assert output["wordLevelTranscription"][1]["text"] == "Xanthippe,"
    assert output["turnLevelTranscription"][0]["text"].startswith("Good Xanthippe, everyone.")
    assert "Xanthippe" not in output["transcript"]
    for name in ("srt", "vtt", "textgrid", "eaf", "csv", "txt"):
        assert "Good Xanthippe, everyone." in client.get(f"/v1/jobs/{heard}/output.{name}").text, name

    person = next(voice["speakerId"] for voice in output["voiceprints"] if voice["match"] == "Zoë")
    assert client.delete(f"/v1/speakers/{person}").status_code == 200
    after = client.get(f"/v1/jobs/{heard}").text
    assert ("Zoë" in after, "Good Xanthippe, everyone." in after) == (False, True)
    # The same words in another format read as was said of them; the words of another transcript do not.
    for text, reads in ((spoken.srt(), "Xanthippe,"), (spoken.srt().replace("morning", "evening"), "evening,")):
        words = client.put(path, json={"transcript": text}).json()["output"]["wordLevelTranscription"]
        assert words[1]["text"] == reads
    answer = client.delete(path)
    assert answer.status_code == 200
    left = answer.json()["output"]
    assert not {"transcript", "turnLevelTranscription", "wordLevelTranscription"} & set(left)
    assert left["diarization"] == before["diarization"]


def test_transcripts_that_cannot_be_handed_in(client, server, heard):
    path = f"/v1/jobs/{heard}/transcript"
    answer = client.put(path, json={"transcript": "1\n00:00:01,000 --> soon\nHi\n"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "transcript"
    far = client.put(path, json={"transcript": "1\n01:00:01,000 --> 01:00:02,000\nHi\n"})
    assert "is this the transcript of another?" in far.headers["X-Warning"]
    assert client.put("/v1/jobs/7/transcript", json={"transcript": "x"}).status_code == 404
    with server.client() as other:  # of another team
        assert other.put(path, json={"transcript": spoken.srt()}).status_code == 404
        assert other.delete(path).status_code == 404
    with server.client(server.run("keys", "create", "v", "--team", "label", "--scope", "jobs:read")) as viewer:
        assert viewer.put(path, json={"transcript": spoken.srt()}).status_code == 403


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"transcript": "Hi"}, "url", "Expected a recording as `url`, or a job as `jobId`, got neither"),
        ({"transcript": "Hi", "url": "media://x"}, "transcript", "SRT, line 1: expected times as in 00:00:01,000"),
        ({"transcript": "[3]", "url": "media://x"}, "transcript", "JSON, line 1, $[0]: expected an object with"),
        ({"transcript": "", "url": "media://x"}, "transcript", "Expected a transcript: the text of its file, got"),
        ({"transcript": ["a"], "url": "media://x"}, "transcript", "Expected a transcript: the text of its file, got"),
        ({"transcript": "a\0", "url": "media://x"}, "transcript", "Expected a text, got U+0000 as character 2"),
        (
            {"transcript": "[]", "format": "ass", "url": "media://x"},
            "format",
            "Expected one of srt, vtt, json, ctm,",
        ),
        ({"transcript": "[]", "jobId": "7"}, "jobId", "Expected an id, such as"),
        ({"url": "media://x"}, "transcript", "Expected a value, as this is required, got none"),
    ],
)
def test_bodies_that_are_refused(body, field, message, client):
    answer = client.post("/v1/label", json=body)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert error["message"].startswith(message)


@pytest.mark.parametrize(
    "more", [{"url": "media://x"}, {"speakers": "all"}, {"voiceprints": [{"label": "A", "voiceprint": "x"}]}]
)
def test_names_of_a_job_are_its_own(more, client, identified):
    answer = client.post("/v1/label", json={"transcript": "[]", "jobId": identified, **more})
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["field"], error["message"]) == (
        next(iter(more)),
        "Expected none, as names are those of the job `jobId`; rematch it for others",
    )


def test_jobs_that_cannot_label(client, server, identified, voiceprints):
    unknown = {"transcript": "[]", "jobId": "8d1c9c8e-0b0f-4d70-9d61-7f6f0f6d0b52"}
    assert client.post("/v1/label", json=unknown).status_code == 404
    with server.client() as other:  # of another team
        assert other.post("/v1/label", json={**unknown, "jobId": identified}).status_code == 404
    failed = submit(client, "diarize", url="media://never-uploaded")
    assert finished(client, failed)["status"] == "failed"
    answer = client.post("/v1/label", json={**unknown, "jobId": failed})
    assert answer.status_code == 404
    assert answer.json()["message"].startswith("This job has no output: it failed")
    upload(client, SAMPLES / "enrol" / "Ada.flac")
    heard = submit(client, "voiceprint", url="media://Ada.flac")
    assert finished(client, heard)["status"] == "succeeded"
    answer = client.post("/v1/label", json={**unknown, "jobId": heard})
    assert answer.status_code == 404
    assert "does not say who speaks" in answer.json()["message"]


def test_scopes(client, server, identified):
    for scopes, by_job, by_url in (
        (["jobs:read"], 200, 403),
        (["jobs:write"], 403, 403),
        (["jobs:read", "jobs:write"], 200, 200),
        (["media:read"], 403, 403),
    ):
        flags = [word for scope in scopes for word in ("--scope", scope)]
        with server.client(server.run("keys", "create", "limited", "--team", "label", *flags)) as limited:
            answer = limited.post("/v1/label", json={"transcript": "[]", "jobId": identified})
            assert answer.status_code == by_job, scopes
            answer = limited.post("/v1/label", json={"transcript": "[]", "url": "media://x"})
            assert answer.status_code == by_url, scopes


def test_large_transcripts(client, identified):
    """More than other bodies may have is taken, more than 50 MB is not."""
    cue = "1\n00:00:01,000 --> 00:00:02,000\n" + "word " * 200_000
    text = "".join(f"{cue}\n\n" for _ in range(10))
    answer = client.post("/v1/label", json={"transcript": text, "jobId": identified})
    assert answer.status_code == 200
    assert answer.text == text.replace("\nword", "\nAda: word")
    answer = client.post("/v1/label", json={"transcript": text * 6, "jobId": identified})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "transcript")
    answer = client.post("/v1/label", content=b" " * (65 << 20))
    assert answer.status_code == 413
    assert answer.json()["message"] == "The body is larger than 64 MiB; cut the transcript in two."
