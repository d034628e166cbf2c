"""Short recordings, cut from the samples, and spoiled ones."""

import io
import random
import wave

import av
import numpy as np

from benchmarks.material import SAMPLES

RATE = 16_000  # Hz
FORMATS = {"wav": "pcm_s16le", "flac": "flac", "mp3": "mp3", "ogg": "libopus"}
_SPOILED_BYTES = 40
_DAY = 86_400  # seconds


def voice(name: str, seconds: float) -> bytes:
    """The beginning of a person's enrolment recording, as WAV."""
    return _wav(_samples(f"enrol/{name}.flac")[: int(seconds * RATE)])


def talk(seconds: float) -> bytes:
    """The beginning of the sample conversation, as WAV."""
    return _wav(_samples("conversation.ogg")[: int(seconds * RATE)])


def silence(seconds: float) -> bytes:
    """Nothing, as FLAC of 8 kHz: a day of it has a few hundred kilobytes."""
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as output:
        stream = output.add_stream("flac", rate=8_000, layout="mono")
        stream.codec_context.options = {"frame_size": "65535"}
        block = np.zeros((1, 65_535), np.int16)
        for begin in range(0, int(seconds * 8_000), block.shape[1]):
            frame = av.AudioFrame.from_ndarray(block, "s16", "mono")
            frame.rate, frame.pts = 8_000, begin
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()


def spoiled(number: int, seed: int) -> dict[str, bytes]:
    """So many recordings with something wrong, by what is wrong: bytes changed, cut, made of nothing, far too long."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    sound = _samples("conversation.ogg")[: 8 * RATE]
    good = {name: _encoded(sound, name, codec) for name, codec in FORMATS.items()}
    found = {
        "empty": b"",
        "text": b"this is no sound\n" * 1000,
        "noise": chance.randbytes(100_000),
        "zeros": bytes(100_000),
        "a day of silence": silence(_DAY),
        "a header of a gigabyte": b"RIFF\xff\xff\xff\x7fWAVEfmt " + good["wav"][16:44] + bytes(1000),
    }
    while len(found) < number:
        name = chance.choice(list(FORMATS))
        body = bytearray(good[name])
        if chance.random() < 1 / 4:
            del body[chance.randrange(len(body)) :]
        else:
            for _ in range(chance.randrange(1, _SPOILED_BYTES)):
                # Most of them in the head, where sizes and counts stand.
                end = 200 if chance.random() < 1 / 2 else len(body)
                body[chance.randrange(min(end, len(body)))] = chance.randrange(256)
        found[f"{name} {len(found)}"] = bytes(body)
    return dict(list(found.items())[:number])


def _samples(name: str) -> np.ndarray:
    with av.open(SAMPLES / name) as container:
        resampler = av.AudioResampler("s16", "mono", RATE)
        frames = [out.to_ndarray() for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate(frames, axis=1)[0]


def _wav(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


def _encoded(samples: np.ndarray, name: str, codec: str) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=name) as output:
        stream = output.add_stream(codec, rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples.astype("<i2")[None], "s16", "mono")
        frame.rate, frame.pts = RATE, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return file.getvalue()
