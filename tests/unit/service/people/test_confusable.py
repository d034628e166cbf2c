"""Who sounds alike: the same voice under two names, and never strangers."""

import numpy as np

from timbre.identification.namer import load_namer
from timbre.service.people.confusable import LEAST, likenesses


def voices(*cosines: float) -> np.ndarray:
    """One voice, and others with these cosines to it."""
    first = np.zeros(256, np.float32)
    first[0] = 1
    rows = [first]
    for number, cosine in enumerate(cosines, start=1):
        other = cosine * first
        other[number] = np.sqrt(1 - cosine**2)
        rows.append(other)
    return np.stack(rows)


def test_one_voice_under_two_names_is_most_alike_and_strangers_are_not():
    same_voice = load_namer("base").same_voice
    found = likenesses(voices(0.95, 0.0), [20.0, 20.0, 20.0], same_voice)
    assert found[0, 1] > 90
    assert found[0, 2] < LEAST
    assert (found == found.T).all()


def test_likeness_rises_with_the_cosine_and_falls_with_the_crowd():
    same_voice = load_namer("base").same_voice
    rising = [likenesses(voices(cosine), [20.0, 20.0], same_voice)[0, 1] for cosine in np.linspace(0, 1, 21)]
    assert rising == sorted(rising)
    near = voices(0.6)
    crowd = np.concatenate([near, np.eye(256, dtype=np.float32)[3:103]])
    assert likenesses(crowd, [20.0] * 102, same_voice)[0, 1] <= likenesses(near, [20.0, 20.0], same_voice)[0, 1]


def test_length_of_vectors_does_not_matter():
    same_voice = load_namer("base").same_voice
    near = voices(0.6)
    assert (likenesses(near, [20.0, 9.0], same_voice) == likenesses(3 * near, [20.0, 9.0], same_voice)).all()
