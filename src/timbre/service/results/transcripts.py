"""Transcripts in outputs: labelled by the turns of the same output, and again whenever those get other names.

Beside the text stand its segments and words with who says them, as `turnLevelTranscription` and
`wordLevelTranscription`; the speaker is empty where nobody of those who speak says it. Words that have no times in the
transcript lie evenly in their segment. People may say how words read: then segments and words do, and the text stays as
it came.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, Final

from timbre.formats.json import exclusive_turns
from timbre.service.results.words import NO_READINGS, TURNS, WORDS, as_text, attribute_again
from timbre.transcripts import Said, Transcript, TranscriptFormat, loads, looks_like
from timbre.transcripts.alignment import aligned
from timbre.transcripts.attribution import word_times
from timbre.transcripts.limits import MOST_WORDS
from timbre.transcripts.spoken import Segment, Word

_MARKS: Final = re.compile(r"[^\w\s]*")


def labelled(
    transcript: str, output: Mapping[str, Any], form: TranscriptFormat | None = None, *, duration: float | None = None
) -> tuple[str, tuple[str, ...]]:
    """Write into a transcript who speaks as an output has it: by `exclusiveDiarization`, or else by all turns.

    Returns:
        The text, and what was mended in it or does not fit the recording, of `duration` seconds.

    Raises:
        FormatError: the transcript is malformed; says where.
    """
    read = loads(transcript, form)
    return read.labelled(exclusive_turns(output), duration=duration), read.warnings


def write_transcript(
    output: dict[str, Any],
    text: str,
    form: TranscriptFormat | None = None,
    *,
    names: Iterable[str] = (),
    duration: float | None = None,
) -> tuple[str, ...]:
    """Put a transcript into an output, with who says what by its turns; `names` as `Transcript.labelled` has them.

    Returns:
        What was mended in it or does not fit the recording, of `duration` seconds.

    Raises:
        FormatError: it is malformed; says where.
    """
    transcript = loads(text, form)
    output.pop(WORDS, None)  # of another one, whose places mean nothing here
    _write(output, transcript, names, duration=duration)
    return transcript.warnings


def _write(
    output: dict[str, Any],
    transcript: Transcript,
    names: Iterable[str],
    readings: Mapping[int, str] = NO_READINGS,
    *,
    duration: float | None = None,
) -> None:
    output["transcript"] = transcript.labelled(exclusive_turns(output), names=names, duration=duration)
    words = _words(transcript.said)
    places = _places([word.text for own in words for word in own], output.pop(WORDS, ()))
    numbered = bool(readings) or places != list(range(len(places)))
    output[TURNS], listed = [], []
    following = iter(places)
    for said, own in zip(transcript.said, words, strict=True):
        here = list(islice(following, len(own)))
        reads = [readings.get(place, word.text) for place, word in zip(here, own, strict=True)]
        text = _reading(said.text, [word.text for word in own], reads) if readings else said.text
        speaker = said.speaker or ""
        if text:
            output[TURNS].append({"start": said.start, "end": said.end, "text": text, "speaker": speaker})
        listed += [
            {"start": word.start, "end": word.end, "text": now, "speaker": speaker}
            | ({"word": place} if numbered else {})
            | ({"decided": place in readings} if readings else {})
            for place, word, now in zip(here, own, reads, strict=True)
            if now
        ]
    if listed:
        output[WORDS] = listed


def _words(said: Sequence[Said]) -> list[Sequence[Word]]:
    """The words of what is said: as the transcript has them, or else spread over it, if those are not too many."""
    words = [each.words or _spread(each) for each in said]
    return words if sum(map(len, words)) <= MOST_WORDS else [each.words for each in said]


def _spread(said: Said) -> Sequence[Word]:
    segment = Segment(said.start, said.end, tuple(map(Word, said.text.split())))
    pairs = zip(segment.words, word_times(segment), strict=True)
    return [Word(word.text, start, end) for word, (start, end) in pairs]


def _places(texts: Sequence[str], before: Sequence[Mapping[str, Any]]) -> list[int]:
    """By which places decisions mean words: by those that they had before.

    Fewer may be left, as a name that stands before a text is no word of it as soon as somebody is called so.
    """
    places: list[int] = []
    known = iter(enumerate(before))
    for text in texts:
        place = next((line.get("word", at) for at, line in known if line["text"] == text), None)
        if place is None:
            return list(range(len(texts)))
        places.append(place)
    return places


def _reading(text: str, words: Sequence[str], reads: Sequence[str]) -> str:
    """What a text says when its words read so; marks around words that stay stay with them."""
    if list(words) == list(reads):
        return text
    cuts = aligned([text], words)
    if cuts is None:
        return as_text([now for now in reads if now])
    ends = [*cuts[0][1:], len(text)]
    said = []
    for word, now, start, end in zip(words, reads, cuts[0], ends, strict=True):
        piece = text[start:end]
        if now and now != word:
            before, _, after = piece.partition(word)
            if _MARKS.fullmatch(now[-1]):  # it has its own
                after = _MARKS.sub("", after, count=1)
            piece = before + now + after
        said.append(piece if now else "")
    return " ".join("".join(said).split())


def remove_transcript(output: dict[str, Any]) -> None:
    """Take a transcript out of an output."""
    for key in ("transcript", TURNS, WORDS):
        output.pop(key, None)


@contextmanager
def labels_kept(output: dict[str, Any], readings: Mapping[int, str] = NO_READINGS) -> Iterator[None]:
    """Label what is said in an output again, if anything is, when the block has changed who speaks.

    Args:
        output: To be changed.
        readings: How words read, by their places, as `write_words` has it; then the output is the machine's.
    """
    text = output.get("transcript")
    before = {turn.speaker for turn in exclusive_turns(output)} if text is not None else set()
    yield
    if text is None:
        attribute_again(output, readings)
        return
    # With its names it may have become larger than a transcript may come in.
    transcript = Transcript(text, looks_like(text))
    _write(output, transcript, before, readings)
