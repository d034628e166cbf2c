"""Other people's readers find in our files the turns that we wrote, whatever the names and whoever talks at once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from outside_readers import READERS, Spoken
from timbre.formats import dumps
from timbre.turns import Turn

DAY = 24 * 3_600_000  # milliseconds
PIECES = [
    *"aZ7 \"'&<>;:,.-#%{}\\/!?",
    *(
        "é",
        "李",
        "אדה",
        "🎤",
        "👩🏽‍🎤",
        "\u202e",
        "\u200f",
        "\xa0",
        "\t",
        "\n",
        "\r",
        "\r\n",
        "\x85",
        "\u2028",
        "\ufeff",
    ),
    *("-->", " --> ", "&amp;", "&#10;", "&#133;", "<v Bob>", "</v>", "<i>", "{\\an8}", "<NA>", "%20", "\n\n1\n", '"""'),
    *("WEBVTT", "NOTE ", "STYLE", "00:00:01.000 --> 00:00:02.000", 'name = "Bob"', "xmax = 3", "speech"),
]
ALWAYS_THE_SAME = settings(derandomize=True, deadline=None)
NAMES = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join).filter(lambda name: name.strip())


@st.composite
def conversations(draw: st.DrawFn, names: st.SearchStrategy[str]) -> list[Spoken]:
    """Up to four people, of whom each talks up to five times, over the others but not over themselves."""
    spoken: list[Spoken] = []
    for name in draw(st.lists(names, min_size=1, max_size=4, unique=True)):
        marks = sorted(draw(st.sets(st.integers(0, DAY), min_size=2, max_size=10)))
        spoken += [(start, end, name) for start, end in zip(marks[::2], marks[1::2], strict=False)]
    return sorted(spoken)


def read_back(name: str, spoken: list[Spoken]) -> list[Spoken]:
    turns = [Turn(start=start / 1000, end=end / 1000, speaker=speaker) for start, end, speaker in spoken]
    return READERS[name](dumps(turns, name, recording='a "meeting" & more', duration=DAY / 1000))


@ALWAYS_THE_SAME
@given(conversations(NAMES))
def test_rttm(spoken: list[Spoken]):
    assert read_back("rttm", spoken) == spoken


@ALWAYS_THE_SAME
@given(conversations(NAMES))
def test_vtt(spoken: list[Spoken]):
    assert read_back("vtt", spoken) == spoken


# pysubs2 takes white space off what is shown, and any line with two times for the head of a cue. SubRip has no rules.
@ALWAYS_THE_SAME
@given(conversations(NAMES.map(str.strip).filter(lambda name: ".000 --> " not in name)))
def test_srt(spoken: list[Spoken]):
    assert read_back("srt", spoken) == spoken


# praatio looks for a tier's name in one line. Praat itself reads line ends in it.
@ALWAYS_THE_SAME
@given(conversations(NAMES.filter(lambda name: "\n" not in name and "\r" not in name)))
def test_textgrid(spoken: list[Spoken]):
    assert read_back("textgrid", spoken) == spoken


@ALWAYS_THE_SAME
@given(conversations(NAMES))
def test_eaf(spoken: list[Spoken]):
    assert read_back("eaf", spoken) == spoken
