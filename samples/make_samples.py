"""Make the sample speech of this folder: a conversation of four voices, its exact turns, and enrolments.

Needs Debian's `flite` beside the project's own environment:

    .venv/bin/python samples/make_samples.py

Everything is deterministic: the same `flite` gives the same files.
"""

from __future__ import annotations

import io
import re
import subprocess
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).parent
RATE = 16_000
FRAME = RATE // 100
SENTENCE_PAUSE = 0.25  # seconds between the sentences of one turn
TRIM_DB = 32.0  # what is this far below the loudest 10 ms, at the ends of a sentence, is silence
ROOM_NOISE_DB = -66.0
TAIL = 1.0  # seconds of room after the last word

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """A synthetic person."""

    flite: str  # name of flite's voice
    level_db: float  # RMS of what it says, dBFS
    enrolment: str  # about twenty seconds of text that the conversation does not contain


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One turn of the script."""

    speaker: str
    gap: float  # seconds after everything said so far has ended; negative: overlaps it
    text: str


VOICES = {
    "Ada": Voice(
        flite="slt",
        level_db=-24.0,
        enrolment=(
            "My grandmother kept bees behind the bakery, and every summer I helped her with the honey. "
            "We wore white jackets and moved slowly, as if we were under water. "
            "She could tell from the sound of a hive whether it was happy, hungry, or about to leave. "
            "Today I have two hives of my own, and I am still learning to listen. "
            "Most of the honey goes to the neighbours."
        ),
    ),
    "Ben": Voice(
        flite="rms",
        level_db=-26.0,
        enrolment=(
            "The night train to the coast leaves at ten and arrives in time for breakfast. "
            "I always take the upper bed, because from there you can watch the villages go by. "
            "Once we stood still for an hour in deep snow, and the guard brought soup to everybody. "
            "Since then I have crossed those mountains by aeroplane, and I remember nothing."
        ),
    ),
    "Callum": Voice(
        flite="awb",
        level_db=-28.0,
        enrolment=(
            "If you want to build a boat, begin with a small one that fits in your kitchen. "
            "My first was made from an old cupboard, and it carried me across the lake and half of the way back. "
            "The second had a proper keel and a sail cut from curtains. "
            "People laughed on the shore, but they all asked for a turn before the day was over. "
            "Wood forgives nearly every mistake."
        ),
    ),
    "Dan": Voice(
        flite="kal16",
        level_db=-25.0,
        enrolment=(
            "On Sundays the old cinema shows films without sound, and a student plays the piano. "
            "She has never seen most of them before, so she looks at the screen and not at the keys. "
            "When somebody falls into a river, you hear it coming. "
            "I go there for the music, my brother goes for the popcorn, and our father sleeps in the back row."
        ),
    ),
}

CONVERSATION = (
    Line(
        speaker="Ada",
        gap=0.8,
        text="Good morning, everyone. Let us begin with the weather station on the hill. "
        "It has been silent since Tuesday night.",
    ),
    Line(
        speaker="Ben",
        gap=0.5,
        text="I looked at it yesterday. The solar panel is fine, but the cable to the battery is chewed through.",
    ),
    Line(speaker="Callum", gap=0.3, text="Chewed through?"),
    Line(speaker="Ben", gap=0.25, text="Yes, and there are tooth marks all along it."),
    Line(
        speaker="Callum",
        gap=0.6,
        text="That will be the sheep again. "
        "They come in by the gap beside the gate, and nobody has mended it since spring.",
    ),
    Line(speaker="Dan", gap=-0.9, text="I was going to, but I never had the wire for it."),
    Line(speaker="Ada", gap=0.7, text="Did the wire ever arrive, Dan?"),
    Line(
        speaker="Dan",
        gap=0.4,
        text="It came last week. It is still in the back of my van, together with the new wind gauge.",
    ),
    Line(speaker="Ada", gap=-0.4, text="Wonderful."),
    Line(speaker="Dan", gap=0.4, text="I can drive up on Thursday, as long as the track is dry."),
    Line(
        speaker="Callum",
        gap=0.4,
        text="It will not be. There is rain coming from the west, two days of it, "
        "and the lower bridge floods before anything else does.",
    ),
    Line(speaker="Ben", gap=-2.6, text="That is true."),
    Line(speaker="Ada", gap=0.9, text="Then shall we say Friday?"),
    Line(speaker="Dan", gap=0.3, text="Friday is fine with me."),
    Line(speaker="Ben", gap=-0.5, text="Friday works for me too."),
    Line(
        speaker="Ada",
        gap=0.6,
        text="Good. Then please bring the wire, a roll of strong tape, the spare battery, "
        "two flasks of hot tea, and the long ladder, because the rain gauge is full of leaves "
        "and somebody will have to climb up and clean it.",
    ),
    Line(speaker="Callum", gap=-0.3, text="Not me."),
    Line(speaker="Ben", gap=0.3, text="And not me either. My knee is still bad."),
    Line(speaker="Dan", gap=0.8, text="I will climb. I like the view from up there."),
    Line(speaker="Callum", gap=0.3, text="You say that now. Wait until the wind finds you."),
    Line(speaker="Dan", gap=-0.4, text="I have a warm hat."),
    Line(
        speaker="Ada",
        gap=0.8,
        text="There is one more question. The school would like to visit in October, "
        "and they are asking whether thirty children can read the instruments by themselves.",
    ),
    Line(speaker="Dan", gap=-2.8, text="Oh, nice."),
    Line(
        speaker="Callum",
        gap=0.6,
        text="Thirty is too many for that little hut. "
        "Let half of them look at the instruments while the others count the birds, and then change places.",
    ),
    Line(
        speaker="Ben",
        gap=0.4,
        text="That is a lovely idea. I could print a small chart for each of them, "
        "so that they can write down what they measure.",
    ),
    Line(speaker="Ada", gap=-0.6, text="Yes, please do."),
    Line(speaker="Dan", gap=0.6, text="And who will carry the charts home when they are soaked?"),
    Line(speaker="Callum", gap=0.3, text="The sheep will eat them first."),
    Line(speaker="Ben", gap=0.4, text="Very funny."),
    Line(
        speaker="Ada",
        gap=0.7,
        text="All right. Friday at nine, at the gate, with boots. "
        "I will write to the school this afternoon. Is there anything else?",
    ),
    Line(speaker="Dan", gap=0.6, text="Only that I am bringing a cake."),
    Line(speaker="Callum", gap=-0.3, text="Then I am coming early."),
    Line(speaker="Ben", gap=0.5, text="See you all on Friday."),
    Line(speaker="Ada", gap=-0.4, text="Goodbye, everyone."),
)


def synthesise(text: str, voice: str) -> Samples:
    """Return what flite's `voice` says for `text`, 16 kHz, without the silence around it."""
    command = ["flite", "-voice", voice, "-t", text, "-o", "/dev/stdout"]
    sound = subprocess.run(command, check=True, capture_output=True).stdout
    with wave.open(io.BytesIO(sound)) as reader:
        if reader.getframerate() != RATE:
            raise ValueError(f"flite's voice {voice} speaks at {reader.getframerate()} Hz, expected {RATE}")
        samples = np.frombuffer(reader.readframes(-1), dtype="<i2") / 32768.0
    return trimmed(samples)


def trimmed(samples: Samples) -> Samples:
    """Cut the silence at both ends, in steps of 10 ms."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    power = np.mean(frames**2, axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-TRIM_DB / 10))
    return frames[loud[0] : loud[-1] + 1].ravel()


def speech(text: str, voice: Voice) -> Samples:
    """Say every sentence of `text`, a short pause between them, at the voice's level."""
    pause = np.zeros(round(SENTENCE_PAUSE * RATE))
    pieces: list[Samples] = []
    for sentence in re.split(r"(?<=[.?!]) ", text):
        pieces += [synthesise(sentence, voice.flite), pause]
    spoken = np.concatenate(pieces[:-1])
    return spoken * 10 ** (voice.level_db / 20) / np.sqrt(np.mean(spoken**2))


def room_noise(length: int, seed: int) -> Samples:
    """Return noise whose power falls by 6 dB an octave, like a quiet room's, at ROOM_NOISE_DB."""
    white = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
    frequency = np.fft.rfftfreq(length, 1 / RATE)
    noise = np.fft.irfft(white / np.maximum(frequency, 100.0), length)
    return noise * 10 ** (ROOM_NOISE_DB / 20) / np.sqrt(np.mean(noise**2))


def performed(lines: tuple[Line, ...]) -> Iterator[tuple[int, str, Samples]]:
    """Yield each line's first sample, speaker and sound."""
    end = 0
    for line in lines:
        sound = speech(line.text, VOICES[line.speaker])
        start = end + round(line.gap * RATE)
        yield start, line.speaker, sound
        end = max(end, start + len(sound))


def make_conversation() -> None:
    turns = list(performed(CONVERSATION))
    length = max(start + len(sound) for start, _, sound in turns) + round(TAIL * RATE)
    mix = room_noise(length, seed=1)
    for start, _, sound in turns:
        mix[start : start + len(sound)] += sound
    write_audio(FOLDER / "conversation.ogg", mix, b="32k")
    write_rttm(FOLDER / "conversation.rttm", turns)


def make_enrolments() -> None:
    for seed, (name, voice) in enumerate(VOICES.items(), start=2):
        sound = np.pad(speech(voice.enrolment, voice), round(0.3 * RATE))
        write_audio(FOLDER / "enrol" / f"{name}.flac", sound + room_noise(len(sound), seed), compression_level="12")


def write_rttm(path: Path, turns: list[tuple[int, str, Samples]]) -> None:
    rows = (
        f"SPEAKER {path.stem} 1 {start / RATE:.3f} {len(sound) / RATE:.3f} <NA> <NA> {name} <NA> <NA>\n"
        for start, name, sound in sorted(turns, key=lambda turn: turn[0])
    )
    path.write_text("".join(rows), encoding="utf-8")


def write_audio(path: Path, samples: Samples, **options: str) -> None:
    """Encode in the way of the file's suffix: FLAC, or Opus in Ogg."""
    container_format, codec = {".flac": ("flac", "flac"), ".ogg": ("ogg", "libopus")}[path.suffix]
    path.parent.mkdir(exist_ok=True)
    pcm = np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)
    # "bitexact" keeps versions and random numbers out of the file.
    with av.open(str(path), "w", format=container_format, options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=RATE, options={"flags": "+bitexact", **options})
        stream.layout = "mono"
        stream.format = "s16"
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    make_conversation()
    make_enrolments()
