"""Words given to the right speaker: on the sample conversation, and on simulated ones whose words have jittered times.

And how long `POST /v1/audio/diarization` takes for a short clip.

Beside ours runs the plain rule that most tools have: a word belongs to the speaker with most overlap.

A simulated conversation has four people. Turns follow after pauses or overlap the one before; some are short answers in
the midst of another's, half of which the diarization has missed. Edges of its turns are off by 80 ms (standard
deviation), where two speak at once it has one of them, and one word in 50 is stretched over the silence after it.
"""

from __future__ import annotations

import io
import sys
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import av
import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.served import Served, served
from timbre.transcripts.attribution import Speech, attribute
from timbre.transcripts.spoken import Word
from timbre.turns import Turn

_WARM_UP: Final = 3  # requests that load what is loaded once
JITTERS: Final = (0.0, 0.1, 0.2, 0.3)  # seconds
CONVERSATIONS: Final = 20
MINUTES: Final = 10
PEOPLE: Final = ("Ada", "Ben", "Callum", "Dan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A word, and the truth about it."""

    text: str
    start: float
    end: float
    speaker: str


def conversation(rng: np.random.Generator) -> tuple[list[Said], list[Turn]]:
    """Words in order of time, and the turns that a diarization has."""
    said: list[Said] = []
    turns: list[Turn] = []
    now, speaker = 0.0, "Ada"
    while now < MINUTES * 60:
        speaker = str(rng.choice([name for name in PEOPLE if name != speaker]))
        now += -rng.uniform(0.1, 0.6) if said and rng.random() < 0.15 else rng.exponential(0.5)
        own = [*_sentences(rng, speaker, max(now, 0.0))]
        said += own
        turns.append(Turn(start=own[0].start, end=own[-1].end, speaker=speaker))
        if rng.random() < 0.2 and own[-1].end - own[0].start > 4:
            other = str(rng.choice([name for name in PEOPLE if name != speaker]))
            at = rng.uniform(own[0].start + 1, own[-1].end - 2)
            answer = [*_sentence(rng, other, at, int(rng.integers(1, 4)))]
            said += answer
            if rng.random() < 0.5:
                turns.append(Turn(start=answer[0].start, end=answer[-1].end, speaker=other))
        now = own[-1].end
    heard = [
        Turn(start=max(0.0, turn.start + rng.normal(0, 0.08)), end=turn.end + rng.normal(0, 0.08), speaker=turn.speaker)
        for turn in turns
    ]
    said.sort(key=lambda word: word.start)
    return said, [*_alone(rng, [turn for turn in heard if turn.end > turn.start])]


def _sentences(rng: np.random.Generator, speaker: str, start: float) -> Iterator[Said]:
    for _ in range(int(rng.integers(1, 5))):
        for word in _sentence(rng, speaker, start, int(rng.integers(2, 14))):
            yield word
            start = word.end
        start += rng.uniform(0.1, 0.6)


def _sentence(rng: np.random.Generator, speaker: str, start: float, words: int) -> Iterator[Said]:
    for left in range(words, 0, -1):
        letters = int(rng.integers(1, 10))
        end = start + 0.08 + 0.055 * letters
        yield Said(text="w" * letters + ("." if left == 1 else ""), start=start, end=end, speaker=speaker)
        start = end + (rng.uniform(0.0, 0.1) if rng.random() < 0.5 else 0.0)


def _alone(rng: np.random.Generator, turns: Sequence[Turn]) -> Iterator[Turn]:
    """Turns that never overlap: where several speak, the diarization has one of them."""
    edges = sorted({edge for turn in turns for edge in (turn.start, turn.end)})
    for start, end in pairwise(edges):
        talking = [turn.speaker for turn in turns if turn.start < end and turn.end > start]
        if talking:
            yield Turn(start=start, end=end, speaker=str(rng.choice(talking)))


def jittered(rng: np.random.Generator, said: Sequence[Said], jitter: float) -> list[tuple[float, float]]:
    """Times of words as a recogniser may give them: off by up to so many seconds, but in order."""
    times: list[tuple[float, float]] = []
    reached = 0.0
    for number, word in enumerate(said):
        moved = rng.uniform(-jitter, jitter) if jitter else 0.0
        start = max(word.start + moved, reached if jitter else 0.0, 0.0)
        end = max(word.end + moved, start + 0.02)
        following = said[number + 1].start if number + 1 < len(said) else word.end
        if rng.random() < 0.02 and following > end:
            end = following + rng.uniform(0.0, 0.2)
        times.append((start, end))
        reached = start
    return times


def by_overlap(_: Sequence[Word], times: Sequence[tuple[float, float]], speech: Speech) -> list[str | None]:
    """The plain rule."""
    return [speech.at(start, end) for start, end in times]


RULES: Final[dict[str, Callable[..., list[str | None]]]] = {"most overlap": by_overlap, "Timbre": attribute}


def simulated() -> dict[str, dict[str, float]]:
    """The share of words given to the right speaker, by jitter and rule."""
    figures: dict[str, dict[str, float]] = {}
    for jitter in JITTERS:
        right = dict.fromkeys(RULES, 0)
        total = 0
        for seed in range(CONVERSATIONS):
            rng = np.random.default_rng(seed)
            said, turns = conversation(rng)
            words, times = [Word(word.text) for word in said], jittered(rng, said, jitter)
            total += len(said)
            for name, rule in RULES.items():
                given = rule(words, times, Speech(turns))
                right[name] += sum(word.speaker == speaker for word, speaker in zip(said, given, strict=True))
        figures[f"{jitter * 1000:.0f} ms"] = {name: round(number / total, 4) for name, number in right.items()}
    return figures


def sample() -> dict[str, float]:
    """The share of words of the sample conversation given to the right speaker, by rule."""
    sys.path.append(str(Path(__file__).parent.parent / "tests"))
    import spoken  # noqa: PLC0415 - what is said in the sample, which the tests know
    from timbre import Engine  # noqa: PLC0415 - only this needs the models

    engine = Engine("base")
    samples = Path(__file__).parent.parent / "samples"
    known = {name: engine.voiceprint(samples / "enrol" / f"{name}.flac") for name in PEOPLE}
    found = engine.identify(samples / "conversation.ogg", known)
    names = {match.speaker: match.match for match in found.matches}
    turns = [
        Turn(start=turn.start, end=turn.end, speaker=names[turn.speaker] or turn.speaker)
        for turn in found.diarization.exclusive_turns
    ]
    said = spoken.words()
    words, times = [Word(word.text) for word in said], [(word.start, word.end) for word in said]
    return {
        name: round(
            sum(w.speaker == speaker for w, speaker in zip(said, rule(words, times, Speech(turns)), strict=True))
            / len(said),
            4,
        )
        for name, rule in RULES.items()
    }


def answers(requests: int) -> dict[str, float]:
    """How long `POST /v1/audio/diarization` takes for ten seconds of talk, one request after the other, in ms.

    `processor` is what all of the server works for one, which depends least on what else the machine does.
    """
    with av.open(Path(__file__).parent.parent / "samples" / "conversation.ogg") as container:
        frames = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
        rate = container.streams.audio[0].rate
    sound = np.concatenate(frames)[: 10 * rate]
    sound = (sound * 32_767).astype("<i2") if sound.dtype.kind == "f" else sound.astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writing:
        writing.setnchannels(1)
        writing.setsampwidth(2)
        writing.setframerate(rate)
        writing.writeframes(sound.tobytes())
    with served() as server, httpx.Client(base_url=f"http://{server.host}:{server.port}", timeout=60) as client:
        client.headers["Authorization"] = f"Bearer {server.key}"
        taken, worked = [], _worked(server)
        for _ in range(requests + _WARM_UP):
            begin = time.perf_counter()
            answer = client.post("/v1/audio/diarization", files={"file": ("clip.wav", file.getvalue())})
            taken.append(1000 * (time.perf_counter() - begin))
            answer.raise_for_status()
        worked = _worked(server) - worked
    median, late = np.percentile(taken[_WARM_UP:], [50, 95])
    return {
        "median": round(float(median)),
        "p95": round(float(late)),
        "fastest": round(min(taken)),
        "processor": round(1000 * worked / len(taken)),
    }


def _worked(server: Served) -> float:
    """Seconds of the processor that a server's parts have used so far, those of the database left out."""
    parts = [server.process, *server.process.children(recursive=True)]
    return sum(sum(part.cpu_times()[:4]) for part in parts)


def run(console: Console, *, full: bool) -> dict[str, Any]:
    """Measure, print and return everything."""
    figures = {"sample conversation": sample(), **simulated()}
    table = Table("words", *RULES, title="Words given to the right speaker")
    for name, shares in figures.items():
        table.add_row(name, *(f"{100 * share:.1f} %" for share in shares.values()))
    console.print(table)
    milliseconds = answers(100 if full else 30)
    shown = Table("median, ms", "p95, ms", "fastest, ms", "processor, ms", title="POST /v1/audio/diarization of 10 s")
    shown.add_row(*(f"{milliseconds[name]:.0f}" for name in ("median", "p95", "fastest", "processor")))
    console.print(shown)
    return {"right": figures, "conversations": CONVERSATIONS, "minutes": MINUTES, "milliseconds": milliseconds}
