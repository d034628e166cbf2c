"""What is said in the sample conversation, word by word: a transcriber's result, and the truth about it.

The words come from the script that the sample was made of, the turns from its RTTM; within a turn, each word takes as
long as it has letters.
"""

from __future__ import annotations

import json
import runpy
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any

from server import SAMPLES
from timbre.formats.cues import clock
from timbre.formats.rttm import loads


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A word, and who says it."""

    text: str
    start: float  # seconds
    end: float
    speaker: str


@cache
def lines() -> tuple[tuple[Spoken, ...], ...]:
    """The words of every line of the script, in the order of time."""
    script = runpy.run_path(str(SAMPLES / "make_samples.py"))["CONVERSATION"]
    texts = defaultdict(list)
    for line in script:
        texts[line.speaker].append(line.text.split())
    spoken = []
    for turn in loads((SAMPLES / "conversation.rttm").read_text()):
        words = texts[turn.speaker].pop(0)
        letters = [len(word) + 1 for word in words]
        marks = [turn.start + turn.duration * sum(letters[:n]) / sum(letters) for n in range(len(words) + 1)]
        spoken.append(
            tuple(
                Spoken(text=word, start=round(start, 3), end=round(end, 3), speaker=turn.speaker)
                for word, start, end in zip(words, marks[:-1], marks[1:], strict=True)
            )
        )
    assert not any(texts.values())
    return tuple(spoken)


def words() -> list[Spoken]:
    """All words, in the order of time."""
    return sorted((word for line in lines() for word in line), key=lambda word: (word.start, word.end))


def cues(seconds: float = 5.0) -> list[list[Spoken]]:
    """All words in the order of time, parted as transcribers do: by the clock, whoever speaks."""
    parted: list[list[Spoken]] = []
    for word in words():
        if not parted or word.end > parted[-1][0].start + seconds:
            parted.append([])
        parted[-1].append(word)
    return parted


def whisperx() -> str:
    """The JSON of a transcriber that knows when each word is said."""
    listed = [
        [{"word": word.text, "start": word.start, "end": word.end, "score": 0.9} for word in cue] for cue in cues()
    ]
    segments: list[dict[str, Any]] = [
        {
            "start": words[0]["start"],
            "end": max(word["end"] for word in words),
            "text": " ".join(word["word"] for word in words),
            "words": words,
        }
        for words in listed
    ]
    document = {"segments": segments, "word_segments": [word for words in listed for word in words], "language": "en"}
    return json.dumps(document, indent=2)


def srt() -> str:
    """Subtitles, a cue for every line of the script."""
    return "\n".join(
        f"{number}\n{clock(line[0].start, point=',')} --> {clock(line[-1].end, point=',')}\n"
        f"{' '.join(word.text for word in line)}\n"
        for number, line in enumerate(lines(), start=1)
    )


def vtt() -> str:
    """Captions with a timestamp before every word but the first of a cue."""
    return "WEBVTT\n" + "".join(
        f"\n{clock(cue[0].start, point='.')} --> {clock(max(word.end for word in cue), point='.')}\n{cue[0].text}"
        + "".join(f" <{clock(word.start, point='.')}>{word.text}" for word in cue[1:])
        + "\n"
        for cue in cues()
    )


def talked_over(word: Spoken) -> bool:
    """Whether somebody else says something at the same time."""
    return any(other.speaker != word.speaker and other.start < word.end and word.start < other.end for other in words())
