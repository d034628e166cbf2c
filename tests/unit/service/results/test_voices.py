"""The voices of a job as they are sealed: they come back as they were, to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from timbre.audio.acoustics import Acoustics
from timbre.diarization.diarization import Voice
from timbre.errors import VoicesMissing
from timbre.service.requests.selection import Selection
from timbre.service.results.voices import Asked, Voices

UNKNOWN_OR = lambda low, high: st.none() | st.floats(low, high)  # noqa: E731
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)


@st.composite
def voices(draw):
    count, dimension = draw(st.integers(0, 5)), draw(st.sampled_from([1, 32, 256]))
    seed = draw(st.integers(0, 2**32 - 1))
    vectors = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    made = tuple(
        Voice(
            speaker=f"SPEAKER_{number:02}",
            embedding=vector,
            seconds=draw(st.floats(0, 1e5)),
            acoustics=Acoustics(telephone=draw(UNKNOWN_OR(0, 1)), snr=draw(UNKNOWN_OR(-50, 100))),
            channel=draw(st.none() | st.integers(0, 7)),
        )
        for number, vector in enumerate(vectors)
    )
    heard = draw(st.lists(st.sampled_from([voice.speaker for voice in made]), unique=True)) if made else []
    asked = Asked(
        selection=draw(st.sampled_from([None, Selection(), Selection(tags=("x",))])),
        voiceprints=draw(st.dictionaries(TEXTS, TEXTS, max_size=3)),
        threshold=draw(st.floats(0, 100)),
        exclusive=draw(st.booleans()),
    )
    return Voices(
        space=draw(st.text("0123456789abcdef", min_size=16, max_size=16)),
        voices=made,
        clips={speaker: draw(st.binary(min_size=1, max_size=100)) for speaker in sorted(heard)},
        asked=draw(st.sampled_from([None, asked])),
    )


@given(voices())
def test_voices_come_back_as_they_were(given_voices):
    back = Voices.from_bytes(given_voices.to_bytes())
    assert (back.space, dict(back.clips), back.asked) == (
        given_voices.space, dict(given_voices.clips), given_voices.asked,
    )  # fmt: skip
    assert len(back.voices) == len(given_voices.voices)
    for one, other in zip(back.voices, given_voices.voices, strict=True):
        np.testing.assert_array_equal(one.embedding, other.embedding)
        assert one.embedding.dtype == np.float32
        assert (one.speaker, one.seconds, one.acoustics, one.channel) == (
            other.speaker, other.seconds, other.acoustics, other.channel,
        )  # fmt: skip


def test_a_voice_is_found_by_its_label():
    voice = Voice(speaker="SPEAKER_00", embedding=np.ones(2, np.float32), seconds=1.0)
    kept = Voices(space="0" * 16, voices=(voice,))
    assert kept.find("SPEAKER_00") is voice
    with pytest.raises(VoicesMissing, match="no voice 'SPEAKER_01'; it has: SPEAKER_00"):
        kept.find("SPEAKER_01")
