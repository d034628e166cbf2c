"""Whose word it is: each rule by an example that can be checked with a pencil."""

import doctest

import pytest

import timbre.transcripts.alignment
import timbre.transcripts.attribution
from timbre.transcripts.alignment import aligned, joined, pieces
from timbre.transcripts.attribution import Speech, divide, word_times
from timbre.transcripts.spoken import Segment, Word
from timbre.turns import Turn


def turn(speaker, start, end):
    return Turn(start=start, end=end, speaker=speaker)


TALK = Speech([turn("Ada", 0.0, 4.0), turn("Ben", 4.0, 8.0), turn("Ada", 10.0, 12.0)])


def words(*spoken):
    return tuple(Word(*word) for word in spoken)


def given(speech, *spoken, start=None, end=None):
    """The speaker of each word of a segment."""
    own = words(*spoken)
    moments = [moment for word in own for moment in (word.start, word.end) if moment is not None]
    segment = Segment(min(moments) if start is None else start, max(moments) if end is None else end, own)
    return [speaker for part in divide(segment, speech) for speaker in part.speakers]


@pytest.mark.parametrize(
    ("start", "end", "speaker"),
    [
        (0.0, 4.0, "Ada"),
        (3.5, 4.4, "Ada"),
        (3.7, 4.4, "Ben"),
        (4.0, 4.0, "Ben"),  # a moment belongs to who begins
        (2.0, 2.0, "Ada"),
        (8.1, 8.4, "Ben"),  # in silence, the nearest
        (9.6, 9.9, "Ada"),
        (8.4, 9.8, "Ada"),  # 0.4 s after Ben, 0.2 s before Ada
        (8.6, 9.4, None),  # nobody is near
        (12.5, 12.6, "Ada"),
        (12.6, 13.0, None),
        (7.0, 10.9, "Ben"),  # 1 s against 0.9 s
    ],
)
def test_what_is_said_belongs_to_who_talks_longest_or_is_nearest(start, end, speaker):
    assert TALK.at(start, end) == speaker


def test_a_speaker_who_pauses_talks_for_the_sum():
    speech = Speech([turn("Ada", 0.0, 0.4), turn("Ben", 0.4, 1.0), turn("Ada", 1.0, 1.4)])
    assert speech.shares(0.0, 1.4) == pytest.approx({"Ada": 0.8, "Ben": 0.6})
    assert speech.at(0.0, 1.4) == "Ada"


def test_without_turns_nobody_talks():
    assert Speech([]).at(0.0, 1.0) is None
    assert Speech([turn("Ada", 1.0, 1.0)]).at(0.0, 1.0) is None


def test_where_two_talk_at_once_who_goes_on_is_believed_else_who_began():
    speech = Speech([turn("Ada", 0.0, 3.0), turn("Ben", 2.0, 6.0)])
    assert speech.at(2.0, 3.0) == "Ada"
    assert speech.at(2.0, 3.0, before="Ben") == "Ben"
    assert speech.at(2.0, 3.0, before="Cem") == "Ada"
    assert speech.at(2.5, 3.5, before="Ada") == "Ben"  # who talks longer is believed anyway


def test_a_long_turn_with_others_inside():
    speech = Speech([turn("Ada", 0.0, 10.0), turn("Ben", 1.0, 2.0), turn("Cem", 3.0, 4.0), turn("Ada", 3.5, 12.0)])
    assert speech.shares(0.0, 20.0) == pytest.approx({"Ada": 12.0, "Ben": 1.0, "Cem": 1.0})
    assert speech.at(3.2, 3.8) == "Ada"
    assert speech.at(11.0, 12.0) == "Ada"


# A word between those of another speaker

BLIP = Speech([turn("Ada", 0.0, 1.1), turn("Ben", 1.1, 1.32), turn("Ada", 1.32, 3.0)])
YES = Speech([turn("Ada", 0.0, 0.9), turn("Ben", 0.9, 1.5), turn("Ada", 1.5, 3.0)])


def test_a_short_word_that_both_say_within_a_sentence_is_no_change():
    assert given(BLIP, ("I", 0.5, 0.9), ("am", 1.0, 1.3), ("here.", 1.4, 1.9)) == ["Ada"] * 3


def test_a_word_that_another_says_alone_is_a_change():
    assert given(YES, ("I", 0.5, 0.8), ("yes", 1.0, 1.3), ("am", 1.6, 1.9)) == ["Ada", "Ben", "Ada"]


def test_between_sentences_a_short_word_may_be_anothers():
    assert given(YES, ("Here.", 0.5, 0.8), ("Yes?", 1.0, 1.3), ("I", 1.6, 1.9)) == ["Ada", "Ben", "Ada"]
    assert given(YES, ('"Here!"', 0.5, 0.8), ("Yes", 1.0, 1.3), ("I", 1.6, 1.9)) == ["Ada"] * 3  # a sentence


def test_a_sentence_is_not_cut_where_a_turn_is_off_by_a_word():
    speech = Speech([turn("Ada", 0.0, 1.6), turn("Ben", 1.6, 4.0)])
    spoken = ("We", 0.5, 0.8), ("are", 0.8, 1.2), ("here.", 1.5, 1.9), ("And", 2.2, 2.5), ("so.", 2.5, 2.9)
    assert given(speech, *spoken) == ["Ada"] * 3 + ["Ben"] * 2
    late = ("We", 0.5, 0.8), ("go.", 0.8, 1.2), ("And", 1.35, 1.6), ("so", 1.7, 1.9), ("on.", 2.0, 2.4)
    assert given(speech, *late) == ["Ada"] * 2 + ["Ben"] * 3


def test_a_word_that_was_stretched_over_a_silence_belongs_to_where_it_begins():
    speech = Speech([turn("Ada", 0.0, 1.4), turn("Ben", 3.0, 6.0)])
    assert given(speech, ("good", 0.5, 0.9), ("day.", 1.0, 4.0), ("Hello", 4.0, 4.4)) == ["Ada", "Ada", "Ben"]


def test_who_speaks_at_the_same_time_is_another():
    """An answer that has no turn of its own goes to whoever spoke before, not to whose sentence it stands in."""
    speech = Speech([turn("Ben", 0.0, 2.0), turn("Ada", 2.2, 9.0), turn("Cem", 9.5, 12.0)])
    ada = [(f"word{n}{'.' if n == 15 else ''}", 2.3 + 0.4 * n, 2.7 + 0.4 * n) for n in range(16)]
    answer = [("That", 5.15, 5.45), ("is", 5.45, 5.75), ("true.", 5.75, 6.2)]
    spoken = sorted([("So.", 1.0, 1.9), *ada, *answer, ("Now.", 9.6, 10.0)], key=lambda word: word[1])
    named = dict(zip((word[0] for word in spoken), given(speech, *spoken), strict=True))
    assert [named[word[0]] for word in answer] == ["Ben"] * 3
    assert {named[word[0]] for word in ada} == {"Ada"}
    assert (named["So."], named["Now."]) == ("Ben", "Cem")


def test_two_words_of_another_are_a_change():
    speech = Speech([turn("Ada", 0.0, 0.95), turn("Ben", 0.95, 1.6), turn("Ada", 1.6, 3.0)])
    spoken = ("a", 0.5, 0.9), ("b", 1.0, 1.3), ("c", 1.4, 1.69), ("d", 1.8, 2.0)
    assert given(speech, *spoken) == ["Ada", "Ben", "Ben", "Ada"]


def test_a_word_of_nobody_within_a_sentence_joins_it():
    speech = Speech([turn("Ada", 0.0, 1.0), turn("Ada", 4.0, 5.0)])
    spoken = ("well", 0.5, 0.9), ("um", 2.0, 2.2), ("then", 4.1, 4.5)
    assert given(speech, *spoken) == ["Ada"] * 3
    assert given(speech, ("Well.", 0.5, 0.9), *spoken[1:]) == ["Ada", None, "Ada"]


# Words without times


def test_words_without_times_share_what_is_between_the_others():
    segment = Segment(0.0, 10.0, words(("a",), ("b", 2.0, 3.0), ("c",), ("d",), ("e", 4.0, 5.0), ("f",)))
    assert word_times(segment) == [(0.0, 2.0), (2.0, 3.0), (3.0, 3.5), (3.5, 4.0), (4.0, 5.0), (5.0, 10.0)]


def test_a_word_with_one_time():
    segment = Segment(0.0, 10.0, words(("a", None, 1.0), ("b", 2.0, None), ("c",), ("d", 3.0, 2.5)))
    assert word_times(segment) == [(0.0, 1.0), (2.0, 2.0), (2.0, 3.0), (3.0, 3.0)]


def test_no_time_between_others_is_a_moment():
    segment = Segment(0.0, 2.0, words(("a", 0.0, 1.0), ("b",), ("c", 1.0, 2.0), ("d",)))
    assert word_times(segment) == [(0.0, 1.0), (1.0, 1.0), (1.0, 2.0), (2.0, 2.0)]


def test_words_without_any_times_share_the_segment():
    assert given(TALK, ("a",), ("b",), ("c",), ("d",), start=2.0, end=6.0) == ["Ada", "Ada", "Ben", "Ben"]


# Segments


def test_a_segment_is_divided_where_speakers_change():
    spoken = words(("a", 3.0, 3.4), ("b", 3.5, 3.9), ("c", 4.2, 4.5), ("d", 10.0, 10.5))
    first, second, third = divide(Segment(2.9, 10.6, spoken), TALK)
    assert (first.first, first.last, first.start, first.end, first.speaker) == (0, 2, 2.9, 3.9, "Ada")
    assert (second.first, second.last, second.start, second.end, second.speaker) == (2, 3, 4.2, 4.5, "Ben")
    assert (third.first, third.last, third.start, third.end, third.speaker) == (3, 4, 10.0, 10.6, "Ada")


def test_words_of_nobody_divide_nothing():
    spoken = words(("a", 7.0, 7.4), ("b", 8.8, 9.0), ("c", 10.2, 10.5))
    first, second = divide(Segment(7.0, 10.5, spoken), TALK)
    assert (first.speakers, second.speakers) == (("Ben", None), ("Ada",))
    (alone,) = divide(Segment(8.6, 9.4, words(("b", 8.8, 9.0))), TALK)
    assert (alone.speaker, alone.speakers) == (None, (None,))


def test_a_segment_without_words_belongs_to_one():
    (part,) = divide(Segment(3.0, 6.0), TALK)
    assert (part.speaker, part.speakers, part.start, part.end) == ("Ben", (), 3.0, 6.0)


def test_parts_never_end_before_they_start():
    """Even where words do not stand in the order of their times."""
    spoken = words(("a", 5.0, 6.0), ("b", 4.5, 4.6), ("c", 3.0, 3.5), ("d", 1.0, 2.0), ("e", 7.0, 7.5))
    parts = divide(Segment(5.0, 7.5, spoken), TALK)
    assert [part.speaker for part in parts] == ["Ben", "Ada", "Ben"]
    assert all(part.start <= part.end for part in parts)


# Texts


def test_cuts_leave_marks_with_the_word_they_touch():
    text = ' "Well," she said (softly): no. '
    ((*cuts,),) = aligned([text], ["Well", "she", "said", "softly", "no"])
    assert list(pieces(text, cuts)) == [' "Well,"', " she", " said", " (softly):", " no. "]
    assert list(pieces(text.strip(), [0, 6, 10])) == ['"Well,', '" sh', "e said (softly): no."]


def test_words_that_are_not_the_text():
    assert aligned(["Good morning"], ["Good"]) is None
    assert aligned(["Good morning"], ["Good", "evening"]) is None
    assert aligned(["Good"], ["Good", "morning"]) is None
    assert aligned(["very good"], ["good"]) is None


def test_a_language_without_spaces():
    assert aligned(["你好世界。再见"], ["你好", "世界", "。", "再见"]) == ((0, 2, 4, 5),)


def test_words_alone_make_a_text():
    assert joined([" Good", " morning", "."]) == " Good morning."
    assert joined(["Good", "morning."]) == "Good morning."


@pytest.mark.parametrize("module", [timbre.transcripts.alignment, timbre.transcripts.attribution, timbre.transcripts])
def test_the_examples_of_the_modules(module):
    assert doctest.testmod(module).failed == 0
