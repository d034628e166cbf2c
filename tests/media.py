"""Media files for tests, made with real encoders."""

from __future__ import annotations

import io
import struct
import tempfile
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np


def tone(frequency: float, seconds: float, rate: int, amplitude: float = 0.5) -> np.ndarray:
    """Return a sine, float32 [n]."""
    return (amplitude * np.sin(2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def tones(frequencies: list[float], seconds: float, rate: int, amplitude: float = 0.5) -> np.ndarray:
    """Return one sine a channel, float32 [channels, n]."""
    return np.stack([tone(frequency, seconds, rate, amplitude) for frequency in frequencies])


def encoded(
    samples: np.ndarray,
    rate: int,
    *,
    container: str,
    codec: str,
    layout: str | None = None,
    bit_rate: int | None = None,
    video: str | None = None,
    options: Mapping[str, str] | None = None,
) -> bytes:
    """Encode samples, float32 [n] or [channels, n], to a file.

    Args:
        samples: full scale at ±1.
        rate: in Hz.
        container: FFmpeg's name of a muxer.
        codec: FFmpeg's name of an encoder.
        layout: FFmpeg's name of a channel layout; the usual one for the number of channels if left out.
        bit_rate: bits a second.
        video: FFmpeg's name of a video encoder, for a few grey pictures beside the sound.
        options: of the muxer.
    """
    samples = np.atleast_2d(samples).astype(np.float32)
    layout = layout or {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}.get(len(samples), f"{len(samples)} channels")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "media")  # a real file: some muxers go back to its beginning
        with av.open(path, "w", format=container, options=dict(options or {})) as output:
            stream: Any = output.add_stream(codec, rate=rate, layout=layout)
            stream.codec_context.options = {"strict": "experimental"}  # FFmpeg's own Vorbis encoder calls itself that
            if bit_rate:
                stream.bit_rate = bit_rate
            if video:
                _add_video(output, video, samples.shape[1] / rate)
            frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1), format="flt", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
        return path.read_bytes()


def _add_video(output: Any, codec: str, seconds: float) -> None:
    stream = output.add_stream(codec, rate=10)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    for number in range(int(10 * seconds)):
        picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number % 256, np.uint8), format="rgb24")
        picture.pts, picture.time_base = number, Fraction(1, 10)
        output.mux(stream.encode(picture.reformat(format="yuv420p")))
    output.mux(stream.encode(None))


def silent_film(container: str, codec: str, seconds: float = 2.0) -> bytes:
    """Return a file of pictures without sound."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        _add_video(output, codec, seconds)
    return file.getvalue()


def wav(
    data: bytes, *, rate: int, channels: int = 1, bits: int = 16, tag: int = 1, claimed: int | None = None
) -> bytes:
    """Return a WAV file around sample data, whose header may claim another number of bytes than it holds.

    Args:
        data: interleaved little-endian samples.
        rate: in Hz.
        channels: number of channels.
        bits: of one sample.
        tag: coding of the samples; 1 is integer, 3 floating.
        claimed: bytes that the header promises; what there are if left out.
    """
    size = len(data) if claimed is None else claimed
    block = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * block % (1 << 32), block, bits)
    return (
        b"RIFF"
        + struct.pack("<I", min(36 + size, 0xFFFFFFFF))
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + fmt
        + (b"data" + struct.pack("<I", size) + data)
    )


def retimed(
    file: bytes,
    container: str,
    shift: Callable[[float], float],
    *,
    video: bool = False,
    options: Mapping[str, str] | None = None,
) -> bytes:
    """Copy the sound of a file, each packet that much later than it was.

    Args:
        file: With one sound track.
        container: FFmpeg's name of a muxer.
        shift: Seconds, given those at which a packet was.
        video: Put grey pictures beside it that begin at 0.
        options: Of the muxer.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "media")
        with (
            av.open(io.BytesIO(file)) as source,
            av.open(path, "w", format=container, options=dict(options or {})) as to,
        ):
            sound = source.streams.audio[0]
            copied: Any = to.add_stream_from_template(sound)
            if video:
                _add_video(to, "libvpx" if container in ("webm", "matroska") else "mpeg2video", 2)
            for packet in source.demux(sound):
                if packet.dts is not None and packet.pts is not None and packet.time_base is not None:
                    ticks = round(shift(float(packet.pts * packet.time_base)) / packet.time_base)
                    packet.pts, packet.dts, packet.stream = packet.pts + ticks, packet.dts + ticks, copied
                    to.mux(packet)
        return path.read_bytes()


def several_tracks(
    tracks: Sequence[np.ndarray],
    rate: int,
    *,
    container: str,
    codec: str,
    languages: Sequence[str] | None = None,
    starts: Sequence[float] | None = None,
) -> bytes:
    """Encode samples, float32 [n] each, to a file with a sound track of each.

    Args:
        tracks: Full scale at ±1.
        rate: In Hz.
        container: FFmpeg's name of a muxer.
        codec: FFmpeg's name of an encoder.
        languages: Of the tracks, as ISO 639-2 has them.
        starts: Seconds at which they begin; 0 if left out.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "media")
        with av.open(path, "w", format=container) as output:
            streams: list[Any] = [output.add_stream(codec, rate=rate, layout="mono") for _ in tracks]
            for stream, language in zip(streams, languages or (), strict=False):
                stream.metadata["language"] = language
            for number, (stream, samples) in enumerate(zip(streams, tracks, strict=True)):
                frame = av.AudioFrame.from_ndarray(samples[np.newaxis].astype(np.float32), format="flt", layout="mono")
                frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
                frame.pts = round((starts[number] if starts else 0) * rate)
                output.mux(stream.encode(frame))
                output.mux(stream.encode(None))
        return path.read_bytes()
