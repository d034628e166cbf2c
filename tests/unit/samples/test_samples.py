"""The sample speech is what its README says: exact turns, four voices, overlap, small files; the demo judges by it."""

from __future__ import annotations

import runpy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

SAMPLES = Path(__file__).parents[3] / "samples"
NAMES = ("Ada", "Ben", "Callum", "Dan")
RATE = 16_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    start: float
    end: float
    name: str


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    fields = [line.split() for line in (SAMPLES / "conversation.rttm").read_text().splitlines()]
    return [Row(start=float(row[3]), end=float(row[3]) + float(row[4]), name=row[7]) for row in fields]


@pytest.fixture(scope="module")
def conversation() -> np.ndarray:
    return decoded(SAMPLES / "conversation.ogg")


@pytest.fixture(scope="module")
def speakers_at(rows: list[Row], conversation: np.ndarray) -> np.ndarray:
    """How many people speak in each 10 ms."""
    count = np.zeros(len(conversation) // 160, dtype=int)
    for row in rows:
        count[round(row.start * 100) : round(row.end * 100)] += 1
    return count


def decoded(path: Path) -> np.ndarray:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    with av.open(str(path)) as container:
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in [*frames, *resampler.resample(None)]])


def level(samples: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(samples**2))))


def test_the_conversation_has_four_voices_and_every_length_of_turn(rows: list[Row]):
    assert sorted({row.name for row in rows}) == sorted(NAMES)
    assert 25 <= len(rows) <= 35
    lengths = [row.end - row.start for row in rows]
    assert min(lengths) < 0.8
    assert max(lengths) > 8.0


def test_turns_are_in_order_and_within_the_audio(rows: list[Row], conversation: np.ndarray):
    assert [row.start for row in rows] == sorted(row.start for row in rows)
    assert all(0 <= row.start < row.end <= len(conversation) / RATE for row in rows)
    assert 110 <= len(conversation) / RATE <= 130


def test_two_may_speak_at_once_but_never_three(speakers_at: np.ndarray):
    assert 4.0 <= (speakers_at == 2).sum() / 100 <= 8.0
    assert speakers_at.max() == 2


def test_the_turns_agree_with_the_sound(rows: list[Row], conversation: np.ndarray, speakers_at: np.ndarray):
    frames = conversation[: len(speakers_at) * 160].reshape(-1, 160)
    assert -30 < level(frames[speakers_at > 0]) < -23
    # What lies outside of every turn is room noise; 30 ms beside a turn belong to the codec and to trimmed breath.
    near = np.convolve(speakers_at > 0, np.ones(7), "same") > 0
    assert level(frames[~near]) < -60
    for row in rows:
        assert level(conversation[round(row.start * RATE) : round(row.end * RATE)]) > -32


@pytest.mark.parametrize("name", NAMES)
def test_an_enrolment_is_twenty_seconds_of_clean_speech(name: str):
    samples = decoded(SAMPLES / "enrol" / f"{name}.flac")
    assert 18 <= len(samples) / RATE <= 22
    assert -30 < level(samples) < -23
    assert np.abs(samples).max() < 0.9


def test_the_files_are_small():
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 2_500_000


RIGHT = dict(zip(("SPEAKER_00", "SPEAKER_01", "SPEAKER_02", "SPEAKER_03"), NAMES, strict=True))


def answered(rows: list[Row], matches: dict[str, str | None]) -> dict[str, Any]:
    """What a server answers that found the exact turns, and gave these names to their speakers."""
    labels = {name: label for label, name in RIGHT.items()}
    return {
        "identification": [
            {"start": row.start, "end": row.end, "diarizationSpeaker": labels[row.name]}
            for row in rows
            if labels[row.name] in matches
        ],
        "voiceprints": [{"speaker": label, "match": match} for label, match in matches.items()],
    }


@pytest.mark.parametrize(
    ("matches", "right"),
    [
        (RIGHT, True),
        (RIGHT | {"SPEAKER_00": "Ben", "SPEAKER_01": "Ada"}, False),
        (RIGHT | {"SPEAKER_03": None}, False),
        ({label: name for label, name in RIGHT.items() if name != "Dan"}, False),
    ],
    ids=["right", "two mixed up", "one unknown", "one not found"],
)
def test_the_demo_is_content_with_right_names_only(rows: list[Row], matches: dict[str, str | None], right: bool):
    rightly_named = runpy.run_path(str(SAMPLES / "demo.py"))["rightly_named"]
    assert rightly_named(answered(rows, matches)) is right
