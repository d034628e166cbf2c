"""Clips: what is heard in them is what was cut out."""

import io

import av
import numpy as np
import pytest

from timbre.service.files import clips
from timbre.service.files.media_types import media_type


@pytest.mark.parametrize("codec", ["libopus", "flac"])
def test_a_clip_sounds_as_what_it_was_made_of(voice, monkeypatch, codec):
    monkeypatch.setattr(clips, "_CODEC", codec)
    samples = (voice("Ada")[: 4 * 16_000] * 32_767).astype(np.int16)
    file = clips.encoded(samples)
    assert media_type(file) == clips.MEDIA_TYPE
    with av.open(io.BytesIO(file)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    heard = np.concatenate([frame.to_ndarray()[0] for frame in frames])[: samples.size].astype(np.float64)
    assert abs(heard.size - samples.size) < 800
    shift = 400  # samples that a codec may be late
    best = max(
        np.corrcoef(heard[shift : heard.size - shift], samples[shift + late : heard.size - shift + late])[0, 1]
        for late in range(-shift, shift)
    )
    assert best > 0.9
    assert len(file) < (60_000 if codec == "libopus" else 150_000)


def test_the_shortest_clip():
    assert media_type(clips.encoded(np.zeros(1, np.int16))) == clips.MEDIA_TYPE
