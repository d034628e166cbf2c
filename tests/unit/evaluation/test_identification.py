"""Open-set identification and the seconds of names, by pencil and against slow plain code."""

import numpy as np
import pytest

from timbre.evaluation.corpus import Recording
from timbre.evaluation.identification import NamingError, evaluate_identification, open_set, score_naming
from timbre.turns import Turn

SCORES = np.array(
    [
        [9, 1, 1],  # of 0: best is 0
        [1, 5, 6],  # of 1: best is 2
        [1, 1, 7],  # of 2: best is 2
        [2, 8, 3],  # of nobody, best 8
        [4, 3, 2],  # of nobody, best 4
    ]
)
WHO = np.array([0, 1, 2, -1, -1])


def test_everybody_enrolled_by_pencil():
    # No false alarm allowed: the threshold is 8, which only the 9 passes. One of two allowed: it is 4.
    (strict,) = open_set(SCORES, WHO, sizes=[3])
    assert (strict.gallery, strict.draws, strict.known_probes, strict.unknown_probes) == (3, 1, 3, 2)
    assert strict.rank_1 == pytest.approx(2 / 3, abs=1e-7)
    assert strict.detection_and_identification == pytest.approx(1 / 3, abs=1e-7)
    (loose,) = open_set(SCORES, WHO, sizes=[3], false_alarm=0.5)
    assert loose.detection_and_identification == pytest.approx(2 / 3, abs=1e-7)
    (free,) = open_set(SCORES, WHO, sizes=[3], false_alarm=1.0)
    assert free.detection_and_identification == free.rank_1


def test_galleries_larger_than_the_people_are_left_out():
    assert [result.gallery for result in open_set(SCORES, WHO)] == [1]


def test_without_strangers_there_is_no_threshold_and_without_friends_no_rank():
    (closed,) = open_set(SCORES[:3], WHO[:3], sizes=[3])
    assert (closed.rank_1, closed.detection_and_identification) == (pytest.approx(2 / 3), None)
    (strangers,) = open_set(SCORES[3:], WHO[3:], sizes=[3])
    assert (strangers.rank_1, strangers.detection_and_identification) == (None, None)


def test_in_a_gallery_of_one_the_others_are_strangers():
    # Gallery {0}: 9 against 1, 1, 2, 4. Gallery {1}: 5 against 1, 1, 8, 3. Gallery {2}: 7 against 1, 6, 3, 2.
    # Named without a false alarm: 0 and 2 but never 1.
    (result,) = open_set(SCORES, WHO, sizes=[1], draws=600)
    assert result.rank_1 == 1.0
    assert result.unknown_probes == 4 * result.known_probes == 4 * 600
    assert result.detection_and_identification == pytest.approx(2 / 3, abs=0.06)


def plain_rates(scores, identities, gallery, false_alarm):
    """Raise the threshold from stranger to stranger until few enough pass."""
    tops = [max(row[j] for j in gallery) for row in scores]
    strangers = [top for top, who in zip(tops, identities, strict=True) if who not in gallery]
    threshold = next(
        t for t in sorted([-np.inf, *strangers]) if sum(top > t for top in strangers) <= false_alarm * len(strangers)
    )
    known = [i for i, who in enumerate(identities) if who in gallery]
    first = [i for i in known if scores[i][identities[i]] == tops[i]]
    return len(first) / len(known), sum(tops[i] > threshold for i in first) / len(known)


def test_random_scores_against_plain_code():
    generator = np.random.default_rng(8)
    for false_alarm in [0.0, 0.01, 0.1, 0.29]:
        identities = generator.integers(-1, 12, size=300)
        scores = generator.normal(size=(300, 12)) + 2 * (identities[:, None] == np.arange(12))
        (result,) = open_set(scores, identities, sizes=[12], false_alarm=false_alarm)
        plain = plain_rates(scores.tolist(), identities.tolist(), range(12), false_alarm)
        assert (result.rank_1, result.detection_and_identification) == pytest.approx(plain, abs=1e-12)


def test_larger_galleries_are_harder_and_draws_repeat():
    generator = np.random.default_rng(9)
    identities = np.repeat(np.arange(60), 5)
    scores = generator.normal(size=(300, 60)) + 3 * (identities[:, None] == np.arange(60))
    results = open_set(scores, identities, sizes=[1, 10, 50])
    assert results == open_set(scores, identities, sizes=[1, 10, 50])
    ranks = [result.rank_1 for result in results]
    rates = [result.detection_and_identification for result in results]
    assert ranks == sorted(ranks, reverse=True)
    assert rates == sorted(rates, reverse=True)
    assert ranks[0] > ranks[2]
    assert results[0].to_dict()["gallery"] == 1


def turns(*spoken):
    return [Turn(start=start, end=end, speaker=speaker) for speaker, start, end in spoken]


def seconds(error):
    return tuple(getattr(error, name) for name in NamingError.__slots__)


def test_names_by_pencil():
    reference = turns(("Ada", 0, 10), ("Bob", 10, 16), ("Zoe", 16, 20))  # Zoe is not enrolled
    found = turns(("Ada", 0, 6), ("Bob", 6, 8), ("SPEAKER_00", 8, 13), ("Bob", 13, 17), ("Ada", 20, 21))
    error = score_naming(reference, found, enrolled={"Ada", "Bob"}, duration=25.0)
    # rightly: Ada 0-6, Bob 13-16; wrongly: Ada 6-8; unnamed: 8-13; falsely: Zoe 16-17; silence: 20-21
    assert seconds(error) == pytest.approx((9, 2, 5, 1, 3, 1), abs=1e-7)
    assert (error.known, error.unknown) == pytest.approx((16, 4), abs=1e-7)
    assert error.rightly_rate == pytest.approx(9 / 16, abs=1e-7)
    assert error.wrongly_rate == pytest.approx(3 / 20, abs=1e-7)
    assert error.to_dict()["wrongly_rate"] == error.wrongly_rate


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], (0, 0, 2, 0, 1, 0)),
        (["SPEAKER_00", "SPEAKER_01"], (0, 0, 2, 0, 1, 0)),
        (["Ada"], (1, 0, 1, 0, 1, 0)),
        (["Ada", "Bob"], (2, 0, 0, 0, 1, 0)),
        (["Cat"], (0, 1, 1, 0, 1, 0)),
        (["Ada", "Cat"], (1, 1, 0, 0, 1, 0)),
        (["Ada", "Bob", "Cat"], (2, 0, 0, 1, 0, 0)),
        (["Ada", "Bob", "Cat", "Dan"], (2, 0, 0, 1, 0, 1)),
    ],
)
def test_names_where_three_people_speak_at_once(given, expected):
    """Ada and Bob are enrolled, Zoe is not; Cat and Dan are enrolled and silent."""
    reference = turns(("Ada", 0, 1), ("Bob", 0, 1), ("Zoe", 0, 1))
    found = turns(*((name, 0, 1) for name in given))
    error = score_naming(reference, found, enrolled=["Ada", "Bob", "Cat", "Dan"], duration=1.0)
    assert seconds(error) == pytest.approx(expected, abs=1e-7)


def test_names_beyond_the_recording_do_not_count_and_nobody_overlaps_themselves():
    reference = turns(("Ada", 0, 4), ("Ada", 2, 8), ("Ada", 9, 12))
    found = turns(("Ada", 0, 6), ("Ada", 1, 5), ("Ada", 6, 7), ("Ada", 11, 12))
    error = score_naming(reference, found, enrolled=["Ada"], duration=10.0)
    assert seconds(error) == pytest.approx((7, 0, 2, 0, 0, 0), abs=1e-7)


def test_without_speech_there_are_no_rates():
    error = score_naming([], [], enrolled=["Ada"], duration=10.0)
    assert (error.rightly_rate, error.wrongly_rate) == (None, None)


def plain_naming(reference, found, enrolled, frames):
    """Frame by frame, a tenth of a second each."""
    counts = dict.fromkeys(NamingError.__slots__, 0)
    for frame in range(frames):
        speaking, given = (
            {turn.speaker for turn in some if round(turn.start * 10) <= frame < round(turn.end * 10)}
            for some in (reference, found)
        )
        names = [name for name in given if name in enrolled]
        waiting = sorted(speaking, key=lambda name: name not in enrolled)  # enrolled people first
        for name in names:
            if name in waiting:
                waiting.remove(name)
                counts["named_rightly"] += 1
        for name in names:
            if name not in speaking:
                bearer = waiting.pop(0) if waiting else None
                kind = "named_silence" if bearer is None else "named_wrongly" if bearer in enrolled else "falsely_named"
                counts[kind] += 1
        for name in waiting:
            counts["unnamed" if name in enrolled else "left_unnamed"] += 1
    return [counts[name] / 10 for name in NamingError.__slots__]


def test_random_names_against_plain_code():
    generator = np.random.default_rng(10)

    def conversation(names):
        marks = np.sort(generator.integers(0, 300, size=(25, 2)), axis=1) / 10
        return [Turn(start=a, end=b, speaker=str(generator.choice(names))) for a, b in marks.tolist() if a < b]

    for _ in range(20):
        reference = conversation(["Ada", "Bob", "Cat", "Zoe", "Yan"])
        found = conversation(["Ada", "Bob", "Cat", "Dan", "SPEAKER_00"])
        enrolled = {"Ada", "Bob", "Cat", "Dan"}
        error = score_naming(reference, found, enrolled=enrolled, duration=30.0)
        assert seconds(error) == pytest.approx(plain_naming(reference, found, enrolled, 300), abs=1e-7)


def test_a_corpus_is_named_recording_by_recording(tmp_path):
    class Found:
        turns = (Turn(start=0.0, end=4.0, speaker="Ada"),)
        duration = 10.0

    corpus = [
        Recording(name=name, audio=tmp_path / f"{name}.wav", reference=tuple(turns((speaker, 0, 5))))
        for name, speaker in [("one", "Ada"), ("two", "Bob"), ("three", "Zoe")]
    ]
    report = evaluate_identification(corpus, lambda _: Found(), {"one": ["Ada"], "two": {"Bob", "Ada"}})
    assert [score.enrolled for score in report.recordings] == [("Ada",), ("Ada", "Bob"), ()]
    assert [seconds(score.error) for score in report.recordings] == [
        pytest.approx((4, 0, 1, 0, 0, 0)),
        pytest.approx((0, 4, 1, 0, 0, 0)),
        pytest.approx((0, 0, 0, 0, 5, 0)),
    ]
    assert seconds(report.error) == pytest.approx((4, 4, 2, 0, 5, 0), abs=1e-7)
    assert report.to_dict()["recordings"][1]["enrolled"] == ["Ada", "Bob"]
