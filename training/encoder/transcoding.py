"""Speech as it comes out of telephones and lossy files: through the real codecs, by PyAV."""

import io
from typing import NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

RATE = 16_000


class Codec(NamedTuple):
    """One way of packing speech."""

    container: str
    encoder: str
    rate: int  # Hz
    bit_rates: tuple[int, ...]


CODECS = (
    Codec("amr", "libopencore_amrnb", 8_000, (4_750, 5_900, 7_400, 12_200)),
    Codec("amr", "libopencore_amrnb", 8_000, (5_900, 7_950, 12_200)),
    Codec("wav", "pcm_mulaw", 8_000, (64_000,)),
    Codec("wav", "adpcm_ima_wav", 8_000, (32_000,)),
    Codec("ogg", "libopus", 8_000, (6_000, 9_000, 12_000)),
    Codec("ogg", "libopus", 16_000, (9_000, 12_000, 16_000, 24_000)),
    Codec("mp3", "libmp3lame", 16_000, (16_000, 24_000, 32_000)),
    Codec("adts", "aac", 16_000, (16_000, 24_000, 32_000)),
)


def transcoded(samples: NDArray[np.int16], rng: np.random.Generator) -> NDArray[np.int16]:
    """Encode and decode int16 samples `[n]` of 16 kHz with a codec of chance; the length stays."""
    codec = CODECS[rng.integers(len(CODECS))]
    loud = samples * 10 ** (rng.uniform(-12, 3) / 20)
    packed = _encode(loud.clip(-32_768, 32_767).astype(np.int16), codec, int(rng.choice(codec.bit_rates)))
    heard = np.zeros_like(samples)
    decoded = _decode(packed)[: len(samples)]
    heard[: len(decoded)] = decoded
    return heard


def _encode(samples: NDArray[np.int16], codec: Codec, bit_rate: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=codec.container) as output:
        stream = output.add_stream(codec.encoder, rate=codec.rate, layout="mono")
        if not codec.encoder.startswith(("pcm", "adpcm")):
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        resampler = av.AudioResampler(stream.format, "mono", codec.rate, frame_size=stream.frame_size or 1_024)
        for resampled in (*resampler.resample(frame), *resampler.resample(None)):
            output.mux(stream.encode(resampled))
        output.mux(stream.encode(None))
    return file.getvalue()


def _decode(packed: bytes) -> NDArray[np.int16]:
    with av.open(io.BytesIO(packed)) as container:
        resampler = av.AudioResampler("s16", "mono", RATE)
        frames = [out.to_ndarray()[0] for raw in container.decode(audio=0) for out in resampler.resample(raw)]
        frames += [out.to_ndarray()[0] for out in resampler.resample(None)]
    return np.concatenate(frames)
