"""The processes that hear for streams may die: a stream loses no label and no sound by it, only time."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import numpy as np
import pytest

from timbre import Engine, Settings, Voiceprint
from timbre.audio.decoding import open_recording
from timbre.live.events import Event, SpeakerEnd, SpeakerName, SpeakerStart
from timbre.live.opening import load_stream_space, new_stream
from timbre.live.requests import AskPeople
from timbre.live.stream import Asking
from timbre.service.live.hearers import Hearers

SAMPLES: Final = Path(__file__).parents[2] / "samples"
RATE: Final = 16_000
SECONDS: Final = 14
DIE_AT: Final = (3.05, 9.05)  # seconds of the sound, in the middle of which both processes are killed
GRID: Final = 0.1  # seconds
MOST_SILENCE: Final = 2.0  # seconds that a death may cost


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("base")


@pytest.mark.exhaustive
def test_a_stream_outlives_those_who_hear_for_it(engine: Engine) -> None:
    people = {name: engine.voiceprint(SAMPLES / "enrol" / f"{name}.flac") for name in ("Ada", "Ben")}
    with open_recording(SAMPLES / "conversation.ogg", settings=Settings()) as recording:
        sound = recording.read(0, SECONDS * RATE)
    stream = engine.stream(people)
    undisturbed = [event for piece in pieces(sound) for event in stream.push(piece)] + stream.finish()

    told, deaths, restarts = asyncio.run(heard_by_mortals(sound, people))

    assert deaths == len(DIE_AT)
    assert restarts >= deaths
    assert labels(told) == labels(undisturbed)
    assert [event.match for event in told if isinstance(event, SpeakerName)] == [
        event.match for event in undisturbed if isinstance(event, SpeakerName)
    ]
    now, then = view(told), view(undisturbed)
    assert longest(then & ~now) * GRID <= MOST_SILENCE
    assert not (now & ~then).any()  # what is told is whose it was


async def heard_by_mortals(sound: np.ndarray, people: dict[str, Voiceprint]) -> tuple[list[Event], int, int]:
    """Hear with processes that are killed now and then, all at once; return what was told, and how often they died."""
    settings = Settings(model="base", live_processes=2)
    space = load_stream_space("base", settings)
    stream = new_stream(space, voiceprints=people, among=len(people), threshold=50)
    hearers, team, events, deaths = Hearers(settings), uuid4(), [], 0

    async def driven(asking: Asking) -> list[Event]:
        try:
            question = next(asking)
            while True:
                answer: Any = people
                if not isinstance(question, AskPeople):
                    answer = await hearers.ask(team, space.namer.space, question)
                question = asking.send(answer)
        except StopIteration as done:
            told: list[Event] = done.value
            return told

    try:
        for piece in pieces(sound):
            asked = asyncio.create_task(driven(stream.push(piece)))
            if deaths < len(DIE_AT) and stream.seconds + GRID > DIE_AT[deaths]:
                await asyncio.sleep(0)  # it has asked
                for process in hearers.processes:
                    os.kill(process, signal.SIGKILL)
                deaths += 1
            events += await asked
        events += await driven(stream.finish())
    finally:
        await hearers.close()
    return events, deaths, hearers.restarts


def pieces(sound: np.ndarray) -> Iterable[np.ndarray]:
    return (sound[begin : begin + RATE // 10] for begin in range(0, sound.size, RATE // 10))


def labels(events: Iterable[Event]) -> list[str]:
    return list(dict.fromkeys(event.speaker for event in events if isinstance(event, SpeakerStart)))


def view(events: Iterable[Event]) -> np.ndarray:
    """Who speaks at each moment, by the times that were told: bool `[labels, moments]`."""
    events = list(events)
    known = labels(events)
    found = np.zeros((len(known), round(SECONDS / GRID)), bool)
    begun: dict[str, float] = {}
    for event in events:
        if isinstance(event, SpeakerStart):
            begun[event.speaker] = event.time
        elif isinstance(event, SpeakerEnd):
            found[known.index(event.speaker), round(begun.pop(event.speaker) / GRID) : round(event.time / GRID)] = True
    assert not begun
    return found


def longest(lost: np.ndarray) -> int:
    """The most moments in a row at which somebody is missing."""
    most = run = 0
    for moment in lost.any(axis=0):
        run = run + 1 if moment else 0
        most = max(most, run)
    return most
