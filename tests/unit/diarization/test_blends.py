"""Blends are found in the plane of two voices, and voices are left alone."""

import numpy as np

from timbre.diarization.blends import find_blend
from timbre.models.same_voice import unit

VOICES = np.linalg.qr(np.random.default_rng(0).standard_normal((16, 16)))[0][:3].astype(np.float32)
SIZES = np.array([100, 80, 60, 8])


def with_fourth(vector: np.ndarray) -> np.ndarray:
    return np.concatenate([VOICES, unit(vector[None].astype(np.float32))])


def test_a_small_cluster_between_two_voices_is_a_blend() -> None:
    blend = VOICES[0] + 0.8 * VOICES[1] + 0.3 * VOICES[2]
    assert find_blend(with_fourth(blend), SIZES, 0.8) == 3


def test_a_voice_beside_the_others_is_none() -> None:
    other = np.linalg.qr(np.random.default_rng(0).standard_normal((16, 16)))[0][5]
    assert find_blend(with_fourth(other + 0.3 * VOICES[0] + 0.3 * VOICES[1]), SIZES, 0.8) is None


def test_a_cluster_near_one_voice_is_not_between_two() -> None:
    assert find_blend(with_fourth(VOICES[0] + 0.1 * VOICES[1]), SIZES, 0.8) is None


def test_only_much_smaller_clusters_are_blends() -> None:
    blend = VOICES[0] + VOICES[1]
    assert find_blend(with_fourth(blend), np.array([100, 80, 60, 50]), 0.8) is None


def test_few_clusters_have_no_blend() -> None:
    assert find_blend(VOICES[:1], SIZES[:1], 0.5) is None
    assert find_blend(VOICES[:2], SIZES[:2], 0.5) is None


def test_three_voices_make_a_blend_too() -> None:
    assert find_blend(with_fourth(VOICES.sum(axis=0)), SIZES, 0.9) == 3
