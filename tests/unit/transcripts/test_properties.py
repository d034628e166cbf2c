"""Whatever a transcript and the turns are: what is labelled twice is labelled once, and all else stays as it was."""

import json
import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from timbre.errors import FormatError
from timbre.formats.cues import clock
from timbre.transcripts import loads
from timbre.turns import Turn

NAMES = ["Ada", "Ben & Co", "Zoë", "SPEAKER_00", "Dr: Ada", "<v x>", "two\nlines", " ", "李"]
SPOKEN = st.text(alphabet=[*"aB1 .?!,:;-'\"&<>\t", "é", "李", "\U0001f600"], min_size=1, max_size=6)
PLAIN = SPOKEN.filter(lambda text: text.strip() and not set("<>:") & set(text))
MOMENTS = st.integers(0, 200).map(lambda tenths: tenths / 10)


@st.composite
def conversations(draw) -> list[Turn]:
    """Turns, most often those that never overlap."""
    marks = sorted(draw(st.lists(MOMENTS, max_size=12)))
    overlap = draw(st.sampled_from([0.0, 0.0, 0.7]))
    return [
        Turn(start=start, end=end + overlap, speaker=draw(st.sampled_from(NAMES)))
        for start, end in pairwise(marks)
        if end > start and draw(st.booleans())
    ]


@st.composite
def spoken(draw) -> tuple[float, float, list[tuple[str, float | None, float | None]]]:
    """A segment: start, end, and words in the order of time, of which some do not say when."""
    marks = sorted(draw(st.lists(MOMENTS, min_size=2, max_size=17)))
    words = []
    for start, end in zip(marks[::2], marks[1::2], strict=False):
        known = draw(st.sampled_from([(True, True)] * 4 + [(False, False), (True, False), (False, True)]))
        words.append((draw(PLAIN), start if known[0] else None, end if known[1] else None))
    return marks[0], marks[-1], words


@st.composite
def json_texts(draw) -> str:
    """What transcribers write, in every layout."""
    segments = []
    beside = []
    for start, end, words in draw(st.lists(spoken(), max_size=4)):
        glue = draw(st.sampled_from([" ", ""]))
        segment = {"id": len(segments), "start": start, "end": end, "text": glue.join(word for word, _, _ in words)}
        listed = [
            {"word": word, **{key: value for key, value in (("start", begin), ("end", until)) if value is not None}}
            for word, begin, until in words
        ]
        beside += listed
        if draw(st.booleans()):
            segment["words"] = listed
        if draw(st.booleans()):
            segment = {**segment, **draw(st.dictionaries(st.sampled_from(["speaker", "x", "é"]), SPOKEN))}
        segments.append(segment)
    document = draw(
        st.sampled_from([segments, {"segments": segments}, {"n": 1.0, "word_segments": beside, "segments": segments}])
    )
    layout = draw(st.sampled_from([{}, {"indent": 1}, {"separators": (",", ":")}]))
    return json.dumps(document, ensure_ascii=draw(st.booleans()), **layout)


@st.composite
def srt_texts(draw) -> str:
    """Cues whose texts may begin with names."""
    cues = []
    for number, (start, end, words) in enumerate(draw(st.lists(spoken(), max_size=5)), start=1):
        names = draw(st.lists(st.sampled_from(["Ada: ", "ADA:\n", "Note: ", "SPEAKER_07: ", "Dr: "]), max_size=2))
        text = "".join(names) + draw(st.sampled_from([" ", "\n"])).join(word for word, _, _ in words)
        cues.append(f"{number}\n{clock(start, point=',')} --> {clock(end, point=',')}\n{text}\n")
    return draw(st.sampled_from(["", "\ufeff"])) + "\n".join(cues).replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@st.composite
def vtt_texts(draw) -> str:
    """Cues, some with voices, tags and timestamps."""
    cues = ["WEBVTT\n"]
    tags = st.sampled_from(["", "", "<i>", "</i>", "<v Bob>", "<v.loud Eve>", "</v>", "<c.x>", "</c>"])
    for start, end, words in draw(st.lists(spoken(), max_size=5)):
        stamps = ["" if begin is None else f"<{clock(begin, point='.')}>" for _, begin, _ in words]
        pieces = [f"{draw(tags)}{stamp}{word}{draw(tags)}" for stamp, (word, _, _) in zip(stamps, words, strict=True)]
        timing = f"{clock(start, point='.')} --> {clock(end, point='.')}{draw(st.sampled_from(['', ' line:0']))}"
        cues.append(f"{timing}\n{draw(st.sampled_from([' ', chr(10)])).join(pieces)}\n")
    return "\n".join(cues)


@given(text=srt_texts(), turns=conversations())
def test_what_is_labelled_twice_is_labelled_once(text, turns):
    once = loads(text).labelled(turns)
    assert loads(once).labelled(turns) == once


@given(text=vtt_texts(), turns=conversations())
def test_labelling_again_says_the_same(text, turns):
    """A cue that was divided may be divided elsewhere, as it knows nothing of the words before it; no word changes."""

    def said(labelled):
        return re.findall(r"\w+", re.sub(r"<[^>]*>|^[\d:.]+ --> .*$", " ", labelled, flags=re.MULTILINE))

    once = loads(text).labelled(turns)
    assert said(loads(once).labelled(turns)) == said(once) == said(text)


@given(text=srt_texts(), turns=conversations())
def test_anonymous_labels_of_before_make_no_difference(text, turns):
    others = [Turn(start=turn.start, end=turn.end, speaker=f"SPEAKER_{index:02}") for index, turn in enumerate(turns)]
    assert loads(loads(text).labelled(others)).labelled(turns) == loads(text).labelled(turns)


@given(text=st.one_of(srt_texts(), vtt_texts(), json_texts()))
def test_without_turns_nothing_but_names_is_touched(text):
    nobody = loads(text).labelled([])
    assert loads(nobody).labelled([]) == nobody
    if not re.search(r"</?v|speaker", text, re.IGNORECASE):
        assert nobody.encode() == text.encode()


@given(text=json_texts(), turns=conversations())
def test_json_keeps_every_word_and_every_key(text, turns):
    def strip(document):
        segments = document["segments"] if isinstance(document, dict) else document
        words = [word for segment in segments for word in segment.get("words", [])]
        rest = [
            {key: value for key, value in segment.items() if key not in {"start", "end", "text", "words", "speaker"}}
            for segment in segments
        ]
        parts = [one for index, one in enumerate(rest) if index == 0 or one != rest[index - 1]]
        spelled = "".join("".join(segment["text"].split()) for segment in segments)
        beside = document.get("word_segments") if isinstance(document, dict) else None
        return [[{**word, "speaker": None} for word in words or []] for words in (words, beside)], parts, spelled

    assert strip(json.loads(loads(text).labelled(turns))) == strip(json.loads(text))


@given(text=srt_texts(), turns=conversations())
def test_srt_keeps_every_line_but_for_names(text, turns):
    pattern = re.compile("|".join(["(?i:Ada:|SPEAKER_\\d+:)\\s?", *(re.escape(name) + ":? ?" for name in NAMES)]))
    once = loads(text).labelled([Turn(start=t.start, end=t.end, speaker="Ada") for t in turns])
    assert pattern.sub("", once).split() == pattern.sub("", text).split()


@given(
    text=st.one_of(srt_texts(), vtt_texts(), json_texts()),
    cuts=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 20), SPOKEN), min_size=1, max_size=3),
    turns=conversations(),
)
def test_damaged_texts_are_refused_or_labelled_but_never_another_error(text, cuts, turns):
    for at, length, put in cuts:
        text = text[:at] + put + text[at + length :]
    try:
        once = loads(text).labelled(turns)
    except FormatError:
        return
    once.encode()
