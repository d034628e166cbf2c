"""Voices that are one person's: what joining makes of them."""

import numpy as np
import pytest

from timbre.audio.acoustics import Acoustics
from timbre.diarization.diarization import Voice
from timbre.errors import VoicesMissing
from timbre.service.results.joining import merge_voices
from timbre.service.results.voices import Voices


def voice(number, vector, seconds, telephone=None, snr=None):
    return Voice(
        speaker=f"SPEAKER_{number:02}",
        embedding=np.array(vector, np.float32),
        seconds=seconds,
        acoustics=Acoustics(telephone=telephone, snr=snr),
    )


def test_the_longer_voice_counts_for_more():
    voices = Voices(
        space="0" * 16,
        voices=(voice(0, [1, 0], 3.0, 1.0, 10.0), voice(1, [0, 1], 9.0), voice(2, [0, 1], 1.0, 0.0)),
        clips={"SPEAKER_00": b"short", "SPEAKER_01": b"long"},
    )
    joined = merge_voices(voices, "SPEAKER_00", ["SPEAKER_01"])
    first, last = joined.voices
    np.testing.assert_allclose(first.embedding, np.array([1, 3]) / np.sqrt(10), atol=1e-6)
    assert (first.speaker, first.seconds, first.acoustics) == ("SPEAKER_00", 12.0, Acoustics(telephone=1.0, snr=10.0))
    assert last is voices.voices[2]
    assert joined.clips == {"SPEAKER_00": b"long"}
    everybody = merge_voices(voices, "SPEAKER_02", ["SPEAKER_00", "SPEAKER_01"])
    assert [each.speaker for each in everybody.voices] == ["SPEAKER_02"]
    assert everybody.voices[0].acoustics.telephone == 0.75
    assert everybody.clips == {"SPEAKER_02": b"long"}
    for into, other in (("SPEAKER_03", "SPEAKER_00"), ("SPEAKER_00", "SPEAKER_03")):
        with pytest.raises(VoicesMissing):
            merge_voices(voices, into, [other])
