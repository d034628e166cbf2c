"""What is measured on: long recordings made from the sample conversation, and the labelled speech of TIMBRE_DATA."""

import hashlib
import io
import os
from pathlib import Path

import av
import numpy as np

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"
RATE = 44_100
LOOP = 3600.0  # seconds after which a long recording begins again


def data_folder() -> Path | None:
    """Return the folder of labelled speech, if there is one."""
    folder = os.environ.get("TIMBRE_DATA")
    return Path(folder) if folder and Path(folder).is_dir() else None


def held_out(name: str) -> bool:
    """Say whether a recording was left out of the searches for parameters: a third, by the hash of its name."""
    return int(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(), 16) % 3 == 1


def long_recording(path: Path, seconds: float) -> Path:
    """Write an mp3 (44.1 kHz, stereo) that repeats the sample conversation, each time a little louder or softer."""
    talk = _conversation()
    rng = np.random.default_rng(0)
    whole, rest = divmod(seconds, LOOP)
    with path.open("wb") as file:
        if whole:
            file.write(_mp3(talk, LOOP, rng) * int(whole))  # mp3 may be joined end to end
        if rest:
            file.write(_mp3(talk, rest, rng))
    return path


def _mp3(talk: np.ndarray, seconds: float, rng: np.random.Generator) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as output:
        stream = output.add_stream("mp3", rate=RATE, layout="stereo")
        left = round(seconds * RATE)
        while left > 0:
            take = (talk[:left] * 10 ** (rng.uniform(-6, 3) / 20)).clip(-32_768, 32_767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(np.repeat(take, 2)[None], format="s16", layout="stereo")
            frame.sample_rate = RATE
            output.mux(stream.encode(frame))
            left -= len(take)
        output.mux(stream.encode(None))
    return file.getvalue()


def _conversation() -> np.ndarray:
    with av.open(SAMPLES / "conversation.ogg") as container:
        resampler = av.AudioResampler("s16", "mono", RATE)
        frames = [out.to_ndarray() for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate(frames, axis=1)[0]
