"""Words in outputs: those that were recognised, given to the speakers that the output has.

`wordLevelTranscription` has a line for each word, `turnLevelTranscription` one for each stretch of words that somebody
says in one go. Both are made of words and turns that never overlap, and made again when people decide about the turns,
or speakers get other names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from timbre.formats.captions import Caption
from timbre.formats.json import exclusive_turns
from timbre.transcripts.attribution import Speech, attribute
from timbre.transcripts.spoken import Word
from timbre.turns import Turn

WORDS: Final = "wordLevelTranscription"
TURNS: Final = "turnLevelTranscription"
NO_READINGS: Final[Mapping[int, str]] = {}
LANGUAGE: Final = "language"  # that the recogniser found; of our own
_PAUSE: Final = 2.0  # seconds without a word, after which somebody goes on in a line of its own
_CAPTION: Final = 84  # characters, two lines of subtitles
_CAPTION_SECONDS: Final = 7.0
_BREATH: Final = 1.0  # seconds of silence that end a caption
_SENTENCE_ENDS: Final = (".", "?", "!", "\u2026", "\u3002", "\uff1f", "\uff01")
_AROUND: Final = 50  # words before others that tell whose those are
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60]"
)  # Thai, Lao, Burmese, Khmer, Chinese, Japanese, and their marks


def write_words(output: dict[str, Any], words: Iterable[Word], readings: Mapping[int, str] = NO_READINGS) -> None:
    """Write words with times, in order, into an output that has turns; nothing where it has no speakers.

    Args:
        output: To write into.
        words: As they were recognised.
        readings: How some read, by their places among the words, as somebody said; empty where nothing is said. Whose
            word it is does not depend on how it reads. With readings, every word has its place as `word`.
    """
    said = [word for word in words if word.text.strip()]
    output[WORDS] = [
        line | {"text": text} | ({"word": place, "decided": place in readings} if readings else {})
        for place, line in enumerate(lines(said, exclusive_turns(output)))
        if "speaker" in line and (text := readings.get(place, line["text"]))
    ]
    output[TURNS] = list(in_turns(output[WORDS]))


def lines(words: Sequence[Word], turns: Sequence[Turn] | None, first: int = 0) -> list[dict[str, Any]]:
    """Words as lines of `wordLevelTranscription`, from a place on.

    Args:
        words: With times, in order; none of them empty.
        turns: Who speaks, without overlaps; None as long as it is not known. Without any, lines have no speaker.
        first: The place of the first that is wanted.
    """
    begin = max(0, first - _AROUND)
    own = words[begin:]
    times = [(word.start or 0.0, word.end or word.start or 0.0) for word in own]
    speakers = [None] * len(own) if not turns else _everybody(attribute(own, times, Speech(turns)), times, turns)
    return [
        {"start": round(start, 3), "end": round(end, 3), "text": word.text.strip()}
        | ({} if speaker is None else {"speaker": speaker})
        for word, (start, end), speaker in zip(own, times, speakers, strict=True)
    ][first - begin :]


def attribute_again(output: dict[str, Any], readings: Mapping[int, str] = NO_READINGS) -> None:
    """Give the words of an output, if it has any, to the speakers that it has now; see `write_words`."""
    if WORDS in output:
        write_words(output, [Word(word["text"], word["start"], word["end"]) for word in output[WORDS]], readings)


def in_turns(words: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Words of one speaker that follow one another, as one text."""
    run: list[Mapping[str, Any]] = []
    for word in words:
        if run and (word["speaker"] != run[-1]["speaker"] or word["start"] - run[-1]["end"] > _PAUSE):
            yield _turn(run)
            run = []
        run.append(word)
    if run:
        yield _turn(run)


def captions(words: Sequence[Mapping[str, Any]]) -> Iterator[Caption]:
    """Words in pieces that can be read while they are said: a sentence or a part of one, of one speaker."""
    run: list[Mapping[str, Any]] = []
    for word in words:
        if run and _ends(run, word):
            yield _caption(run)
            run = []
        run.append(word)
    if run:
        yield _caption(run)


def _ends(run: Sequence[Mapping[str, Any]], following: Mapping[str, Any]) -> bool:
    """Whether a caption ends before a word: another speaks, or it is long enough, or a sentence or breath ends."""
    length = sum(len(word["text"]) + 1 for word in run)
    seconds = following["end"] - run[0]["start"]
    whole = length + len(following["text"]) > _CAPTION or seconds > _CAPTION_SECONDS
    sentence = length > _CAPTION / 2 and run[-1]["text"].endswith(_SENTENCE_ENDS)
    return (
        following["speaker"] != run[-1]["speaker"] or whole or sentence or following["start"] - run[-1]["end"] > _BREATH
    )


def _caption(run: Sequence[Mapping[str, Any]]) -> Caption:
    turn = _turn(run)
    return Caption(start=turn["start"], end=turn["end"], speaker=turn["speaker"], text=turn["text"])


def as_text(words: Sequence[str]) -> str:
    """Write words one after the other, with spaces between them where their script has such."""
    text = ""
    for word in words:
        apart = text and not (_UNSPACED.match(text[-1]) and _UNSPACED.match(word[:1]))
        text += f" {word}" if apart else word
    return text


def _turn(words: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "start": words[0]["start"],
        "end": max(word["end"] for word in words),
        "text": as_text([word["text"] for word in words]),
        "speaker": words[0]["speaker"],
    }


def _everybody(
    speakers: Sequence[str | None], times: Sequence[tuple[float, float]], turns: Sequence[Turn]
) -> list[str | None]:
    """Give words of nobody to whose turn is nearest: somebody said them, and no word is left out."""
    if not turns:
        return [None] * len(speakers)
    given: list[str | None] = []
    at = 0
    for speaker, (start, end) in zip(speakers, times, strict=True):
        if speaker is None:
            while at + 1 < len(turns) and _away(turns[at + 1], start, end) <= _away(turns[at], start, end):
                at += 1
            given.append(turns[at].speaker)
        else:
            given.append(speaker)
    return given


def _away(turn: Turn, start: float, end: float) -> float:
    return max(turn.start - end, start - turn.end, 0.0)
