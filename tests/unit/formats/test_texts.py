"""What each format looks like, what it accepts of others' files, and what it says about malformed ones."""

import csv as spreadsheet
import io
import json as json_library

import pytest

from timbre.errors import FormatError
from timbre.formats import audacity, csv, eaf, json, rttm, srt, textgrid, txt, vtt
from timbre.turns import Turn

ADA = Turn(start=0.5, end=2.0, speaker="Ada")
BOB = Turn(start=1.75, end=3723.004, speaker="B & C")
TURNS = (ADA, BOB)


def text(module, turns=TURNS):
    return module.dumps(turns, recording="board meeting", duration=4000.0)


def refusal(module, content):
    with pytest.raises(FormatError) as caught:
        module.loads(content)
    return str(caught.value)


# RTTM


def test_rttm_text():
    assert text(rttm) == (
        "SPEAKER board%20meeting 1 0.500 1.500 <NA> <NA> Ada <NA> <NA>\n"
        "SPEAKER board%20meeting 1 1.750 3721.254 <NA> <NA> B%20&%20C <NA> <NA>\n"
    )


def test_rttm_keeps_names_apart_that_underscores_would_join():
    turns = (Turn(start=0.0, end=1.0, speaker="A B"), Turn(start=1.0, end=2.0, speaker="A_B"))
    assert rttm.loads(text(rttm, turns)) == turns


def test_rttm_of_others():
    content = (
        ";; a comment\n\n"
        "SPKR-INFO m 1 <NA> <NA> <NA> adult_female Ada <NA>\r\n"
        "SPEAKER\tm 1  1.440 11.872 <NA> <NA> 50% <NA>\r\n"
        "SPEAKER m 1 0.25 1e-1 <NA> <NA> Bob <NA> <NA>\n"
        "SPEAKER m 1 3.0 0.000 <NA> <NA> Nobody <NA> <NA>\n"
    )
    assert rttm.loads(content) == (
        Turn(start=0.25, end=0.35, speaker="Bob"),
        Turn(start=1.44, end=13.312, speaker="50%"),
    )


def test_rttm_of_several_recordings():
    second = rttm.dumps([BOB], recording="a second", duration=4000.0)
    assert rttm.loads_all(text(rttm) + second) == {"board meeting": TURNS, "a second": (BOB,)}
    assert "expected one recording, got 2 (board meeting, a second" in refusal(rttm, text(rttm) + second)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("SPEEKER m 1 0 1 <NA> <NA> Ada", "RTTM, line 2: expected a type of RTTM such as SPEAKER, got 'SPEEKER'"),
        ("SPEAKER m 1 0 1 <NA> <NA>", "RTTM, line 2: expected SPEAKER recording channel start length"),
        ("SPEAKER m 1 x 1 <NA> <NA> Ada", "RTTM, line 2: expected a start in seconds, got 'x'"),
        ("SPEAKER m 1 0 nan <NA> <NA> Ada", "RTTM, line 2: expected a length in seconds, got 'nan'"),
        ("SPEAKER m 1 0 1e999 <NA> <NA> Ada", "RTTM, line 2: expected a length in seconds, got '1e999'"),
        ("SPEAKER m 1 0 -1 <NA> <NA> Ada", "RTTM, line 2: expected a length of 0 s or more, got '-1'"),
        ("SPEAKER m 1 -1 2 <NA> <NA> Ada", "RTTM, line 2: expected a start at or after 0, got -1.0"),
    ],
)
def test_rttm_malformed(line, message):
    assert refusal(rttm, f";; head\n{line}\n").startswith(message)


# SRT


def test_srt_text():
    assert text(srt) == ("1\n00:00:00,500 --> 00:00:02,000\nAda:\n\n2\n00:00:01,750 --> 01:02:03,004\nB &amp; C:\n")


def test_srt_of_others():
    content = "1\r\n00:00:01.000 --> 00:00:02.000 X1:40\r\nAda: Good morning: all\r\n\r\n\r\n" + (
        "00:00:02,000 --> 00:00:03,000\nAT&T:\nis\nhere\n\n"
        "3\n100:00:00,000 --> 100:00:01,000\nJos&#233;&#133;: &quot;\n"
    )
    assert srt.loads(content) == (
        Turn(start=1.0, end=2.0, speaker="Ada"),
        Turn(start=2.0, end=3.0, speaker="AT&T"),
        Turn(start=360_000.0, end=360_001.0, speaker="José…"),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1\nAda:\n", "SRT, line 2: expected times as in 00:00:01.000 --> 00:00:02.000, got 'Ada:'"),
        ("\n1\n00:00:01,000 -->\nAda:\n", "SRT, line 3: expected times as in 00:00:01.000 --> 00:00:02.000"),
        ("1\n00:00:61,000 --> 00:01:02,000\nAda:\n", "SRT, line 2: expected a time as in 00:00:01.000, got '00:00:61"),
        (
            "1\n00:00:02,000 --> 00:00:01,000\nAda:\n",
            "SRT, line 3: expected an end at or after the start at 2, got 1.0",
        ),
        ("1\n00:00:01,000 --> 00:00:02,000\nHello\n", "SRT, line 3: expected a speaker and a colon, got 'Hello'"),
        ("1\n00:00:01,000 --> 00:00:02,000\n", "SRT, line 2: expected a speaker and a colon, got ''"),
    ],
)
def test_srt_malformed(content, message):
    assert refusal(srt, content).startswith(message)


# WebVTT


def test_vtt_text():
    assert text(vtt) == (
        "WEBVTT\n"
        "\n00:00:00.500 --> 00:00:02.000\n<v Ada>Ada</v>\n"
        "\n00:00:01.750 --> 01:02:03.004\n<v B &amp; C>B &amp; C</v>\n"
    )


def test_vtt_of_others():
    content = (
        "WEBVTT - a title\nKind: captions\n\nNOTE\nno --> cue\n\nSTYLE\n::cue { color: red }\n\n"
        "intro\n00:01.000 --> 00:02.000 align:start\n<v.loud Ada>Good <b>morning</b>\n<v Bob>Morning</v>\n"
    )
    assert vtt.loads(content) == (
        Turn(start=1.0, end=2.0, speaker="Ada"),
        Turn(start=1.0, end=2.0, speaker="Bob"),
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "WebVTT, line 1: expected WEBVTT, got ''"),
        ("WEBVTTX\n", "WebVTT, line 1: expected WEBVTT, got 'WEBVTTX'"),
        ("\nWEBVTT\n", "WebVTT, line 1: expected WEBVTT, got ''"),
        ("WEBVTT\n00:01.000 --> 00:02.000\n<v Ada>\n", "WebVTT, line 2: expected a blank line between header and cues"),
        ("WEBVTT\n\n00:01.00 --> 00:02.000\n<v Ada>\n", "WebVTT, line 3: expected a time as in 00:00:01.000"),
        (
            "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n",
            "WebVTT, line 4: expected a voice tag as in <v Ada>, got 'Hello'",
        ),
        ("WEBVTT\n\nHello\n", "WebVTT, line 3: expected times as in 00:00:01.000 --> 00:00:02.000, got 'Hello'"),
    ],
)
def test_vtt_malformed(content, message):
    assert refusal(vtt, content).startswith(message)


# TextGrid


def test_textgrid_text():
    turns = (Turn(start=0.0, end=1.0, speaker='A "1"'), Turn(start=0.5, end=2.0, speaker="B"))
    assert textgrid.dumps(turns, recording="meeting", duration=2.0) == (
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        "xmin = 0.000\nxmax = 2.000\ntiers? <exists>\nsize = 2\nitem []:\n"
        '    item [1]:\n        class = "IntervalTier"\n        name = "A ""1"""\n'
        "        xmin = 0.000\n        xmax = 2.000\n        intervals: size = 2\n"
        '        intervals [1]:\n            xmin = 0.000\n            xmax = 1.000\n            text = "speech"\n'
        '        intervals [2]:\n            xmin = 1.000\n            xmax = 2.000\n            text = ""\n'
        '    item [2]:\n        class = "IntervalTier"\n        name = "B"\n'
        "        xmin = 0.000\n        xmax = 2.000\n        intervals: size = 2\n"
        '        intervals [1]:\n            xmin = 0.000\n            xmax = 0.500\n            text = ""\n'
        '        intervals [2]:\n            xmin = 0.500\n            xmax = 2.000\n            text = "speech"\n'
    )


def test_textgrid_joins_what_one_speaker_says_at_once_and_keeps_what_touches():
    times = [(0.0, 2.0), (0.5, 1.0), (1.5, 3.0), (3.0, 4.0), (5.0, 6.0)]
    turns = [Turn(start=start, end=end, speaker="Ada") for start, end in times]
    joined = textgrid.loads(textgrid.dumps(turns, recording="meeting", duration=5.5))
    assert [(turn.start, turn.end) for turn in joined] == [(0.0, 3.0), (3.0, 4.0), (5.0, 6.0)]


def test_textgrid_in_short_form_with_points_and_comments():
    content = (
        'File type = "ooTextFile short"\n"TextGrid"\n\n0\n3.5 ! seconds\n<exists>\n2\n'
        '"TextTier"\n"clicks"\n0\n3.5\n1\n1.25\n"click"\n'
        '"IntervalTier"\n"Ada"\n0\n3.5\n3\n0\n1\n""\n1\n2.5\n"Good ""morning"""\n2.5\n3.5\n" "\n'
    )
    assert textgrid.loads(content) == (Turn(start=1.0, end=2.5, speaker="Ada"),)


def test_textgrid_without_tiers():
    assert textgrid.loads('"ooTextFile"\n"TextGrid"\n0\n1\n<absent>\n') == ()


HEAD = '"ooTextFile"\n"TextGrid"\n0\n2\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "TextGrid, line 1: expected the file type \"ooTextFile\", got 'the end of the file'"),
        ('"ooTextFile"\n"Pitch"', "TextGrid, line 2: expected the object class \"TextGrid\", got 'Pitch'"),
        ('"ooTextFile"\n"TextGrid"\n"x"', "TextGrid, line 3: expected the start of the recording, got 'x'"),
        (HEAD + "1", "TextGrid, line 5: expected <exists> or <absent>, got '1'"),
        (HEAD + "<exists>\n1.5", "TextGrid, line 6: expected the number of tiers, got 1.5"),
        (HEAD + '<exists>\n1\n"Tier"', 'TextGrid, line 7: expected "IntervalTier" or "TextTier", got \'Tier\''),
        (HEAD + '<exists>\n1\n"IntervalTier"\n"Ada', "TextGrid, line 8: expected the name of the tier, with a closing"),
        (HEAD + '<exists>\n1\n"IntervalTier"\n"Ada"\n0 2 1\n1 0 "x"', "TextGrid, line 10: expected an end at or after"),
        (
            HEAD + '<exists>\n1\n"IntervalTier"\n"Ada"\n0 2 2\n0 2 "x"',
            "TextGrid, line 10: expected the start of an inte",
        ),
        (HEAD + '<exists>\n1\n"IntervalTier"\n"Ada"\n0 2x', "TextGrid, line 9: expected the end of the tier, got '2x'"),
    ],
)
def test_textgrid_malformed(content, message):
    assert refusal(textgrid, content).startswith(message)


# Audacity


def test_audacity_text():
    assert text(audacity) == "0.500\t2.000\tAda\n1.750\t3723.004\tB & C\n"


def test_audacity_of_others():
    content = "1.440000\t13.312000\tAda\tL.\n\\\t100.0\t200.0\n3.0\t3.0\ta point\n"
    assert audacity.loads(content) == (Turn(start=1.44, end=13.312, speaker="Ada\tL."),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("0.5 2.0 Ada", "Audacity labels, line 1: expected start, end and label between tabs, got '0.5 2.0 Ada'"),
        ("0\t1\tA\n0,5\t2\tAda", "Audacity labels, line 2: expected a start in seconds, got '0,5'"),
        ("1\t0.5\tAda", "Audacity labels, line 1: expected an end at or after the start at 1, got 0.5"),
    ],
)
def test_audacity_malformed(content, message):
    assert refusal(audacity, content).startswith(message)


# CSV


def test_csv_text():
    turns = [Turn(start=0.0, end=1.0, speaker='Lovelace, "Ada"'), BOB]
    assert text(csv, turns) == 'start,end,speaker\n0.000,1.000,"Lovelace, ""Ada"""\n1.750,3723.004,B & C\n'


def test_csv_of_others():
    content = 'speaker,note,start,end\r\n"Ada",x,0.5, 2\r\n\r\nBob,"two\nlines",2,3\r\n'
    assert csv.loads(content) == (ADA, Turn(start=2.0, end=3.0, speaker="Bob"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "CSV, line 1: expected a header with start,end,speaker, got ''"),
        ("start,end\n", "CSV, line 1: expected a header with start,end,speaker, got 'start,end'"),
        ("start,end,speaker\n0,1\n", "CSV, line 2: expected as many fields as the header has, got ['0', '1']"),
        ("start,end,speaker\n0,1,A\nx,1,A\n", "CSV, line 3: expected a start in seconds, got 'x'"),
        ('start,end,speaker\n0,1,"A\n', "CSV, line 2: expected fields between commas, got 'unexpected end of data'"),
        ("start,end,speaker\n1,0,A\n", "CSV, line 2: expected an end at or after the start at 1, got 0.0"),
    ],
)
def test_csv_malformed(content, message):
    assert refusal(csv, content).startswith(message)


# JSON


def test_json_text():
    turns = [ADA, Turn(start=2.0, end=2.123456, speaker="Bob", confidence={"Ada": 3, "Bob": 97})]
    assert json_library.loads(text(json, turns)) == {
        "diarization": [
            {"speaker": "Ada", "start": 0.5, "end": 2.0},
            {"speaker": "Bob", "start": 2.0, "end": 2.123, "confidence": {"Ada": 3, "Bob": 97}},
        ]
    }
    assert json.loads(text(json, turns))[1].confidence == {"Ada": 3, "Bob": 97}


SEGMENT = '{"speaker": "Ada", "start": 0.5, "end": 2}'
OTHER = '{"speaker": "SPEAKER_00", "start": 0.5, "end": 2, "match": null}'


@pytest.mark.parametrize(
    "content",
    [
        f"[{SEGMENT}]",
        f'{{"diarization": [{SEGMENT}]}}',
        f'{{"diarization": [{OTHER}], "identification": [{SEGMENT}]}}',
        f'{{"jobId": "x", "output": {{"identification": [{SEGMENT}], "diarization": [{OTHER}]}}}}',
    ],
)
def test_json_shapes(content):
    assert json.loads(content) == (ADA,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"diarization":\n [}', "JSON, line 2, column 3: Expecting value"),
        ("[" * 100_000, "JSON: expected a list of segments, got lists in lists without end"),
        ("3", 'JSON, $: expected a list of segments, or an object that has one as "diarization", got 3.0'),
        (
            '{"a": 1, "b": 2}',
            'JSON, $: expected a list of segments, or an object that has one as "diarization", got [\'',
        ),
        ('{"output": {"error": "x"}}', "JSON, $.output: expected a list of segments"),
        ("[3]", 'JSON, $[0]: expected an object with "speaker", "start" and "end", got 3.0'),
        (f'[{SEGMENT}, {{"start": 0, "end": 1}}]', "JSON, $[1].speaker: expected the name of a speaker, got None"),
        ('[{"speaker": "A", "start": "0", "end": 1}]', "JSON, $[0].start: expected a number of seconds, got '0'"),
        ('[{"speaker": "A", "start": true, "end": 1}]', "JSON, $[0].start: expected a number of seconds, got True"),
        ('[{"speaker": "A", "start": 0, "end": NaN}]', "JSON, $[0].end: expected a number of seconds, got nan"),
        (
            f'[{{"speaker": "A", "start": 0, "end": {"9" * 5000}}}]',
            "JSON, $[0].end: expected a number of seconds, got inf",
        ),
        (
            '{"diarization": [{"speaker": "A", "start": 1, "end": 0}]}',
            "JSON, $.diarization[0]: expected an end at or after the start at 1, got 0.0",
        ),
        (
            '[{"speaker": "A", "start": 0, "end": 1, "confidence": 3}]',
            "JSON, $[0].confidence: expected a number from 0 to 100 for each speaker, got 3.0",
        ),
    ],
)
def test_json_malformed(content, message):
    assert refusal(json, content).startswith(message)


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=x", "\uff1d1", "'=1", "''-1"])
def test_csv_writes_no_formula_and_reads_the_name_back(name):
    turn = Turn(start=0.0, end=1.0, speaker=name)
    _, (_, _, cell) = spreadsheet.reader(io.StringIO(text(csv, [turn]), newline=""))
    assert cell == f"'{name}"
    assert csv.loads(text(csv, [turn])) == (turn,)


@pytest.mark.parametrize("name", ["'", "'Ada", "Ada = Ben", "O'-Brien", "a-b"])
def test_csv_leaves_other_names_alone(name):
    turn = Turn(start=0.0, end=1.0, speaker=name)
    assert text(csv, [turn]).splitlines()[1] == f"0.000,1.000,{name}"
    assert csv.loads(text(csv, [turn])) == (turn,)


# ELAN


def test_eaf_has_a_tier_a_speaker_and_joins_what_one_says_at_once():
    turns = [*TURNS, Turn(start=1.0, end=3.0, speaker="Ada")]
    content = text(eaf, turns)
    assert '<TIER LINGUISTIC_TYPE_REF="speech" PARTICIPANT="Ada" TIER_ID="Ada">' in content
    assert 'PARTICIPANT="B &amp; C"' in content
    assert [line.strip() for line in content.splitlines() if "TIME_SLOT " in line][:2] == [
        '<TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="500"/>',
        '<TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="3000"/>',
    ]
    assert eaf.loads(content) == (Turn(start=0.5, end=3.0, speaker="Ada"), BOB)


def test_eaf_of_others():
    content = """<ANNOTATION_DOCUMENT><TIME_ORDER>
        <TIME_SLOT TIME_SLOT_ID="a" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="b"/>
        <TIME_SLOT TIME_SLOT_ID="c" TIME_VALUE="2500"/></TIME_ORDER>
        <TIER TIER_ID="Ada"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="1" TIME_SLOT_REF1="a" TIME_SLOT_REF2="c"/>
        </ANNOTATION><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="2" TIME_SLOT_REF1="b" TIME_SLOT_REF2="c"/>
        </ANNOTATION></TIER>
        <TIER TIER_ID="words" PARENT_REF="Ada"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="3" ANNOTATION_REF="1"/>
        </ANNOTATION></TIER></ANNOTATION_DOCUMENT>"""
    assert eaf.loads(content) == (Turn(start=0.0, end=2.5, speaker="Ada"),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Ada", "EAF: expected XML, got a fault: syntax error: line 1"),
        ("<a/>", "EAF: expected the element ANNOTATION_DOCUMENT, got 'a'"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "EAF: expected no document type"),
        ("<ANNOTATION_DOCUMENT><TIER/></ANNOTATION_DOCUMENT>", "EAF: expected a TIER with a TIER_ID, got {}"),
        (text(eaf).replace('REF2="ts2"', 'REF2="x"'), "EAF, annotation a1: expected two time slots of TIME_ORDER"),
        (text(eaf).replace('"500"', '"x"'), "EAF, annotation a1: expected a time in milliseconds, got 'x'"),
        (text(eaf).replace('"500"', '"9000"'), "EAF, annotation a1: expected an end at or after the start at 9"),
    ],
)
def test_eaf_malformed(content, message):
    assert refusal(eaf, content).startswith(message)


# Plain text, and words


SAID = (
    Turn(start=0.5, end=2.0, speaker="Ada", text="Good <morning>,\nall & sundry."),
    Turn(start=2.0, end=3.0, speaker="Ada", text="Shall we?"),
    Turn(start=3661.0, end=3662.0, speaker="B & C", text="=1"),
    Turn(start=3663.0, end=3664.0, speaker="", text="(music)"),
)


def test_plain_text_is_a_list_of_turns_or_who_says_what():
    assert text(txt) == "0:00:00 - 0:00:02  Ada\n0:00:01 - 1:02:03  B & C\n"
    assert text(txt, SAID) == (
        "[0:00:00] Ada: Good <morning>, all & sundry. Shall we?\n\n[1:01:01] B & C: =1\n\n[1:01:03] (music)\n"
    )


def test_words_stand_where_a_format_has_room_for_them():
    lines = text(srt, SAID).splitlines()
    assert lines[2] == "Ada: Good &lt;morning&gt;, all &amp; sundry."
    assert lines[-1] == "(music)"
    assert "<v Ada>Good &lt;morning&gt;, all &amp; sundry.</v>" in text(vtt, SAID)
    assert 'text = "Good <morning>, all & sundry."' in text(textgrid, SAID)
    assert "<ANNOTATION_VALUE>Good &lt;morning&gt;, all &amp; sundry.</ANNOTATION_VALUE>" in text(eaf, SAID)
    rows = list(spreadsheet.reader(io.StringIO(text(csv, SAID), newline="")))
    assert rows[0] == ["start", "end", "speaker", "text"]
    assert [row[3] for row in rows[1:4]] == ["Good <morning>,\nall & sundry.", "Shall we?", "'=1"]
    assert json_library.loads(text(json, SAID))["diarization"][1]["text"] == "Shall we?"
    for module in (rttm, audacity):
        assert "morning" not in text(module, SAID)
    for module in (srt, vtt, textgrid, eaf, csv, json):  # and what is said is no part of a turn that is read
        spoken = module.loads(text(module, SAID[:3]))
        assert [turn.speaker for turn in spoken] == ["Ada", "Ada", "B & C"]
