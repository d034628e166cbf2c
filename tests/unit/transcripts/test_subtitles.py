"""SRT and WebVTT as they are found in the world: what is labelled, what stays as it is, what is refused."""

import pytest

from timbre.errors import FormatError
from timbre.transcripts import loads, read
from timbre.turns import Turn

TALK = (
    Turn(start=0.0, end=4.0, speaker="Ada"),
    Turn(start=4.0, end=8.0, speaker="Ben & Co"),
    Turn(start=10.0, end=12.0, speaker="Ada"),
)


def labelled(text, turns=TALK, **options):
    """Label a transcript, twice: the second time changes nothing. Without changes it is as it was."""
    transcript = loads(text, **options)
    once = transcript.labelled(turns)
    assert loads(once, **options).labelled(turns) == once
    return once


def refusal(text, form):
    with pytest.raises(FormatError) as caught:
        loads(text, form)
    return str(caught.value)


# SRT

WHISPER_SRT = """\
1
00:00:00,000 --> 00:00:03,400
Good morning, everyone.

2
00:00:03,400 --> 00:00:07,000
I looked at it yesterday.
The panel is fine.

3
00:00:08,600 --> 00:00:09,400
[Music]

4
00:00:10,100 --> 00:00:11,000
Wonderful.

"""


def test_srt_of_whisper():
    assert labelled(WHISPER_SRT) == (
        WHISPER_SRT.replace("Good", "Ada: Good")
        .replace("I looked", "Ben &amp; Co: I looked")
        .replace("Won", "Ada: Won")
    )


def test_srt_with_everything_that_editors_leave_behind():
    text = (
        "\ufeff1\r\n00:00:00,000-->00:00:03,400 X1:10 X2:600 Y1:400 Y2:450\r\n{\\an8}<i>Good</i>\r\n\r\nmorning\r\n"
        "\r\n\r\n0:00:04.5 --> 0:00:07.000   \r\n- No.\r\n- Yes --> no.\r\n\r\n17\r\n00:00:10,1 --> 00:00:11,5\r\n\r\n"
        "18\r\n00:00:10,100 --> 00:00:11,000\r\n12\r\n"
    )
    assert labelled(text) == (
        text.replace("<i>Good", "Ada: <i>Good")
        .replace("- No", "Ben &amp; Co: - No")
        .replace("\r\n12\r", "\r\nAda: 12\r")
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_stay(end):
    text = "1\n00:00:00,000 --> 00:00:01,000\nHi\n\n2\n00:00:05,000 --> 00:00:06,000\nHo".replace("\n", end)
    assert labelled(text) == text.replace("Hi", "Ada: Hi").replace("Ho", "Ben &amp; Co: Ho")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Hi", "Ada: Hi"),
        ("Ada: Hi", "Ada: Hi"),
        ("ADA: Hi", "Ada: Hi"),
        ("SPEAKER_01: Hi", "Ada: Hi"),
        ("Ben &amp; Co: Hi", "Ada: Hi"),
        ("Ada: Ada: Hi", "Ada: Hi"),
        ("Ada:\nHi", "Ada:\nHi"),
        ("ADA:", "Ada:"),
        ("{\\an8}{\\i1}Ada: Hi", "{\\an8}{\\i1}Ada: Hi"),
        ("Adam: Hi", "Ada: Adam: Hi"),
        ("Ada:Hi", "Ada: Ada:Hi"),
        ("Note: Hi", "Ada: Note: Hi"),
        ("10:30", "Ada: 10:30"),
        ("  Hi", "Ada:   Hi"),
    ],
)
def test_names_that_are_known_are_replaced(before, after):
    text = "1\n00:00:01,000 --> 00:00:02,000\n{}\n"
    assert labelled(text.format(before)) == text.format(after)


def test_names_from_before_are_replaced_if_they_are_told():
    text = "1\n00:00:01,000 --> 00:00:02,000\nLady Lovelace: Hi\n"
    assert labelled(text) == text.replace("Lady", "Ada: Lady")
    assert loads(text).labelled(TALK, names=["Lady Lovelace"]) == text.replace("Lady Lovelace", "Ada")


def test_where_nobody_speaks_a_name_is_taken_away():
    text = "1\n00:01:00,000 --> 00:01:02,000\nAda: SPEAKER_00: Hi\n"
    assert labelled(text) == text.replace("Ada: SPEAKER_00: ", "")
    assert labelled(text.replace("Ada: SPEAKER_00: ", "")) == text.replace("Ada: SPEAKER_00: ", "")


def test_a_name_stays_on_its_line():
    turns = [Turn(start=0.0, end=4.0, speaker="Ada\n--> <b>")]
    text = "1\n00:00:01,000 --> 00:00:02,000\nHi\n"
    assert labelled(text, turns) == text.replace("Hi", "Ada --&gt; &lt;b&gt;: Hi")


def test_nothing_is_a_transcript_in_which_nobody_speaks():
    assert labelled("") == ""
    assert labelled("\r\n\r\n") == "\r\n\r\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Hello\n", "SRT, line 1: expected times as in 00:00:01,000 --> 00:00:02,000, got 'Hello'"),
        ("\n1\n00:00:01,000 --> soon\nHi\n", "SRT, line 3: expected times as in 00:00:01.000 --> 00:00:02.000, got"),
        (
            "1\n00:00:01,000 --> 00:61:02,000\nHi\n",
            "SRT, line 2: expected a time as in 00:00:01.000, got '00:61:02,000'",
        ),
        ("1\n00:00:01,000 --> 00:00:02,000\nHi\n\n--> 3\n", "SRT, line 5: expected times"),
        ("1\r00:00:01,000 --> 00:00:02,000\rHi\r\r2\r1 -->\r", "SRT, line 6: expected times"),
        ('{"segments": []}', "SRT, line 1: expected times"),
    ],
)
def test_srt_malformed(text, message):
    assert refusal(text, "srt").startswith(message)


# WebVTT

HAND_MADE_VTT = """\
WEBVTT - Weekly
Kind: captions
Language: en

STYLE
::cue(v[voice="Bob"]) { color: lime }

REGION
id:fred
width:40%

NOTE
Ada: this is no cue

intro
00:00.000 --> 00:03.400 line:0 position:20% align:start region:fred
<v.loud Bob>Good <i>morning</i></v>, everyone.

00:00:04.500 --> 00:00:07.000
- No.
- Yes &amp; <c.yellow.bg_blue>no</c>.

NOTE the end is near

00:00:08.600 --> 00:00:09.400
<v Narrator>[Music]</v>

00:00:10.100 --> 00:00:11.000
<v Bob>Wonderful.</v> <v Eve>Great.</v>
"""


def test_vtt_made_by_hand():
    assert labelled(HAND_MADE_VTT) == (
        HAND_MADE_VTT.replace("<v.loud Bob>", "<v.loud Ada>")
        .replace("- No", "<v Ben &amp; Co>- No")
        .replace("<v Narrator>[Music]</v>", "[Music]")
        .replace("<v Bob>Wonderful.</v> <v Eve>Great.</v>", "<v Ada>Wonderful. Great.</v>")
    )


ROLLING_VTT = """\
WEBVTT
Kind: captions
Language: en

00:00:00.160 --> 00:00:02.070 align:start position:0%
 
so<00:00:00.320><c> today</c><00:00:00.560><c> we</c>

00:00:02.070 --> 00:00:02.080 align:start position:0%
so today we
 

00:00:02.080 --> 00:00:06.000 align:start position:0%
so today we
have<00:00:02.900><c> a</c><00:00:03.500><c> guest</c><00:00:04.100><c> thank</c><00:00:04.600><c> you</c>

"""  # noqa: W293 - such captions have lines of one space


def test_vtt_of_rolling_captions_is_divided_where_speakers_change():
    assert labelled(ROLLING_VTT) == (
        ROLLING_VTT.replace("\nso<00", "\n<v Ada>so<00")
        .replace("so today we\n \n", "<v Ada>so today we\n \n")
        .replace("so today we\nhave", "<v Ada>so today we\nhave")
        .replace("02.080 --> 00:00:06.000", "02.080 --> 00:00:04.100")
        .replace(
            "<00:00:04.100><c> thank",
            "\n\n00:00:04.100 --> 00:00:06.000 align:start position:0%\n<v Ben &amp; Co><c> thank",
        )
    )


def test_tags_that_are_open_where_a_cue_is_divided_go_on():
    text = (
        "WEBVTT\r\n\r\nfirst\r\n00:03.000 --> 00:11.000 align:end\r\n<v Bob><i.x>one <b>two </b><00:03.700>three"
        " <00:04.000><lang en>four\r\n<00:05.000></lang>five</i><00:10.000> six</v>\r\n"
    )
    assert labelled(text) == (
        "WEBVTT\r\n\r\nfirst\r\n00:03.000 --> 00:04.000 align:end\r\n<v Ada><i.x>one <b>two </b><00:03.700>three</i>"
        "\r\n\r\n00:04.000 --> 00:10.000 align:end\r\n<v Ben &amp; Co><i.x><lang en>four\r\n<00:05.000></lang>five</i>"
        "\r\n\r\n00:10.000 --> 00:11.000 align:end\r\n<v Ada>six\r\n"
    )


def test_timestamps_that_do_not_rise_within_the_cue_are_passed_over():
    text = "WEBVTT\n\n00:03.000 --> 00:05.000\na <00:02.000>b <00:03.000>c <00:04.500>d <00:04.200>e <00:06.000>f\n"
    assert labelled(text) == (
        "WEBVTT\n\n00:03.000 --> 00:04.500\n<v Ada>a <00:02.000>b <00:03.000>c\n\n"
        "00:04.500 --> 00:05.000\n<v Ben &amp; Co>d <00:04.200>e <00:06.000>f\n"
    )


def test_vtt_without_cues_and_cues_without_text():
    for text in ("WEBVTT", "WEBVTT\n", "\ufeffWEBVTT\tx\n\nNOTE\nx", "WEBVTT\n\n00:00.000 --> 00:01.000\n"):
        assert labelled(text) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "WebVTT, line 1: expected WEBVTT, got ''"),
        ("\nWEBVTT\n", "WebVTT, line 1: expected WEBVTT, got ''"),
        ("WEBVTTX\n", "WebVTT, line 1: expected WEBVTT, got 'WEBVTTX'"),
        ("WEBVTT\n00:00.000 --> 00:01.000\nHi\n", "WebVTT, line 2: expected a blank line between header and cues"),
        ("WEBVTT\n\nHi\n", "WebVTT, line 3: expected times as in"),
        ("WEBVTT\n\nintro\nHi\n00:00.000 --> 00:01.000\n", "WebVTT, line 4: expected times as in"),
        ("WEBVTT\n\n00:00.000 --> soon\nHi\n", "WebVTT, line 3: expected times as in"),
        ("WEBVTT\n\n00:00.000 --> 00:01.000\nHi\n00:02.000 --> 00:03.000\n", "WebVTT, line 5: expected a blank line"),
    ],
)
def test_vtt_malformed(text, message):
    assert refusal(text, "vtt").startswith(message)


# Files

SRT = "1\n00:00:01,000 --> 00:00:02,000\nSalut, ça va\xa0? 李\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_keep_their_encoding_and_mark(tmp_path, encoding):
    path = tmp_path / "talk.srt"
    path.write_bytes(SRT.encode(encoding))
    transcript = read(path)
    assert transcript.encoding.encode(transcript.labelled([])) == path.read_bytes()
    assert transcript.encoding.encode(transcript.labelled(TALK)) == SRT.replace("Salut", "Ada: Salut").encode(encoding)


def test_srt_in_an_old_encoding_takes_names_in_ascii(tmp_path):
    path = tmp_path / "talk.SRT"
    path.write_bytes(SRT.replace("李", "\x93").encode("latin-1"))
    transcript = read(path)
    assert transcript.encoding.encode(transcript.labelled([])) == path.read_bytes()
    assert transcript.encoding.encode(transcript.labelled(TALK)) == path.read_bytes().replace(b"Salut", b"Ada: Salut")
    with pytest.raises(FormatError, match="expected text in UTF-8, as the name 'Zoë' is to be written; save it as"):
        transcript.labelled([Turn(start=0.0, end=2.0, speaker="Zoë")])


@pytest.mark.parametrize("name", ["talk.vtt", "talk.json", "talk"])
def test_other_files_are_in_utf_8(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"WEBVTT\n\n\xe9")
    with pytest.raises(FormatError, match=r"talk.*: line 3: expected text in UTF-8, got byte 0xe9"):
        read(path)


def test_binary_files_are_refused(tmp_path):
    path = tmp_path / "talk.srt"
    path.write_bytes(b"\x00\x01\xff\xfe1")
    with pytest.raises(FormatError, match=r"line 1: expected text in UTF-8, got byte 0xff"):
        read(path)
