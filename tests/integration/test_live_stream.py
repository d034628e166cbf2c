"""Streams of the engine on the sample speech, as fast as they go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from live_client import samples
from server import CONVERSATION, voice
from timbre import Engine
from timbre.errors import OptionError, VoiceprintMalformed
from timbre.live.driver import Stream
from timbre.live.events import Event, Partial, SpeakerEnd, SpeakerName, SpeakerStart
from timbre.live.hearing import Hearing
from timbre.live.requests import AskSpeakers, AskSpeech, AskVoice

RATE = 16_000


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("base")


@pytest.fixture(scope="module")
def conversation() -> np.ndarray:
    return samples(CONVERSATION, 32)


def pieces(sound: np.ndarray, sizes: Iterator[int]) -> Iterator[np.ndarray]:
    place = 0
    while place < sound.size:
        size = next(sizes)
        yield sound[place : place + size]
        place += size


def heard(stream: Stream, sound: np.ndarray, sizes: Iterator[int] | None = None) -> list[Event]:
    events = [event for piece in pieces(sound, sizes or iter(lambda: 1_600, 0)) for event in stream.push(piece)]
    return events + stream.finish()


def turns(events: list[Event]) -> list[tuple[float, float, str]]:
    """Every start with its end; they come in order, and never overlap."""
    starts = [event for event in events if isinstance(event, SpeakerStart)]
    ends = [event for event in events if isinstance(event, SpeakerEnd)]
    assert len(starts) == len(ends)
    told = [(start.time, end.time, start.speaker) for start, end in zip(starts, ends, strict=True)]
    assert all(start < end for start, end, _ in told)
    assert all(one[1] <= other[0] for one, other in pairwise(told))
    assert all(start.speaker == end.speaker for start, end in zip(starts, ends, strict=True))
    return told


def test_pieces_of_any_size_and_names(engine: Engine, conversation: np.ndarray) -> None:
    """Four people get their names; how sound is cut changes nothing."""
    people = {name: engine.voiceprint(voice(name)) for name in ("Ada", "Ben", "Callum", "Dan")}
    told = heard(engine.stream(people), conversation)
    assert turns(told)
    names = [event for event in told if isinstance(event, SpeakerName)]
    assert {event.match for event in names if event.status == "confirmed"} == set(people)
    first = [event.status for event in names if event.speaker == "SPEAKER_00"]
    assert first == ["tentative", "confirmed"]
    matches = {event.match for event in told if isinstance(event, SpeakerStart) and event.time > 27}
    assert matches <= {*people}  # by then everybody is known
    sizes = np.random.default_rng(0).integers(1, 9_000, 2_000).tolist()
    part = engine.stream(people)
    again = [event for piece in pieces(conversation[: 10 * RATE], iter(sizes)) for event in part.push(piece)]
    assert again == told[: len(again)]
    assert again


def test_what_cannot_be_heard(engine: Engine) -> None:
    """No number is silence, silence is nobody, and a moment of sound is enough to end with."""
    stream = engine.stream(partial=True)
    events = heard(stream, np.full(2 * RATE, np.nan, np.float32))
    assert [type(event) for event in events] == [Partial, Partial]
    assert all(event.speaker is None for event in events if isinstance(event, Partial))
    assert stream.speakers == []
    assert heard(engine.stream(), np.zeros(7, np.float32)) == []
    assert engine.stream().finish() == []
    loud = samples(voice("Ada"), 3) * 50
    assert {speaker for *_, speaker in turns(heard(engine.stream(), loud))} == {"SPEAKER_00"}


def test_named_by_a_person(engine: Engine, conversation: np.ndarray) -> None:
    """From then on that voice has the name, whatever voiceprints say."""
    stream = engine.stream({"Ada": engine.voiceprint(voice("Ada"))})
    before = [
        event for piece in pieces(conversation[: 4 * RATE], iter(lambda: 1_600, 0)) for event in stream.push(piece)
    ]
    assert any(isinstance(event, SpeakerName) and event.match == "Ada" for event in before)
    [said] = stream.name("SPEAKER_00", "Grace")
    assert isinstance(said, SpeakerName)
    assert (said.match, said.confidence, said.status) == ("Grace", 100, "confirmed")
    after = heard(stream, conversation[4 * RATE :])
    assert {event.match for event in after if isinstance(event, SpeakerStart) and event.speaker == "SPEAKER_00"} == {
        "Grace"
    }
    for speaker, name in (("SPEAKER_09", "Ada"), ("SPEAKER_00", "SPEAKER_01"), ("SPEAKER_00", "")):
        with pytest.raises(OptionError):
            stream.name(speaker, name)


def test_bounds(engine: Engine, conversation: np.ndarray) -> None:
    """No more voices at a time than were asked for; options are checked before anything is heard."""
    one = heard(engine.stream(max_speakers=1), conversation[: 20 * RATE])
    assert {speaker for *_, speaker in turns(one)} == {"SPEAKER_00"}
    for options in ({"max_speakers": 0}, {"max_speakers": 33}, {"threshold": 101.0}):
        with pytest.raises(OptionError):
            engine.stream(**options)
    with pytest.raises(VoiceprintMalformed):
        engine.stream({"Ada": "AAAA"})


def test_questions_are_answered_alike_alone_and_together(engine: Engine, conversation: np.ndarray) -> None:
    """Windows of several streams do not hear each other, and an answer depends on its question alone."""
    hearing: Hearing = engine.hearing()
    windows = [
        conversation[begin : begin + size] for begin, size in ((RATE, 25_600), (2 * RATE, 6_400), (8 * RATE, 25_600))
    ]
    together = hearing.answer([AskVoice(window=window) for window in windows])
    for window, vector in zip(windows, together, strict=True):
        assert float(hearing.answer([AskVoice(window=window)])[0] @ vector) > 0.999  # 8 bits have one scale a batch
    first = AskSpeech(samples=conversation[:1_600], state=None)
    [answer] = hearing.answer([first])
    [again] = hearing.answer([replace(first)])
    np.testing.assert_array_equal(answer.probabilities, again.probabilities)
    longer = hearing.answer([AskSpeech(samples=conversation[:3_200], state=None)])[0]
    rest = hearing.answer([AskSpeech(samples=conversation[1_600:3_200], state=answer.state)])[0]
    np.testing.assert_allclose(
        np.concatenate([answer.probabilities, rest.probabilities]), longer.probabilities, atol=1e-6
    )
    starts = np.arange(0, 18 * RATE, 6_400)
    vectors = np.stack(hearing.answer([AskVoice(window=conversation[start : start + 25_600]) for start in starts]))
    [labels] = hearing.answer([AskSpeakers(vectors=vectors, starts=starts, most=8)])
    assert labels.shape == starts.shape
    assert labels[5] != labels[25]  # Ada, Ben
