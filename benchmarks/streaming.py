"""Streams in one process, as fast as they go: how right they are beside whole recordings, and what memory they take.

The recordings are those of the benchmark of accuracy, on the labelled speech that TIMBRE_DATA points to; all times are
those of the sound. Memory needs no labelled speech: the sample conversation is heard over and over, for five hours with
`--full`.
"""

import time
from typing import Any

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.material import SAMPLES, data_folder, held_out
from timbre import Engine
from timbre.audio.decoding import open_recording
from timbre.cli.measuring.enrolment_list import read_enrolments
from timbre.cli.measuring.runs import stream_corpus
from timbre.evaluation.corpus import read_corpus
from timbre.evaluation.diarization import DiarizationReport
from timbre.evaluation.streaming import StreamReport
from timbre.settings import Settings

RATE = 16_000  # Hz
FRAME = 1_600  # samples
THRESHOLD = 50.0


def run(console: Console, *, full: bool) -> dict[str, Any]:
    """Measure, print and return everything."""
    figures: dict[str, Any] = {"memory": memory(hours=5.0 if full else 0.25)}
    data = data_folder()
    if data is not None:
        corpus = read_corpus(data / "conversations")
        enrolled = read_enrolments(data / "conversations" / "enrol.csv", data)
        engine = Engine("base")
        for name, people in (("plain", {}), ("with voiceprints", enrolled)):
            figures[name] = _figures(*stream_corpus(engine, corpus, people, THRESHOLD))
            _show(console, name, figures[name])
    console.print(figures["memory"])
    return figures


def conversation() -> np.ndarray:
    """The sample conversation: float32 `[n]`."""
    with open_recording(SAMPLES / "conversation.ogg", channel=None, settings=Settings()) as recording:
        return recording.read(0, 10 * 60 * RATE)


def _figures(streams: StreamReport, whole: DiarizationReport) -> dict[str, Any]:
    apart = StreamReport(streams=tuple(one for one in streams.streams if held_out(one.recording)))
    wholes = DiarizationReport(recordings=tuple(one for one in whole.recordings if held_out(one.recording)))
    names = streams.of("first_names")
    return {
        **{name: value for name, value in streams.to_dict().items() if name != "streams"},
        "recordings": len(streams.streams),
        "known_people": len(names),
        "named_within_4_s": sum(seconds <= 4 for seconds in names),
        "whole": whole.error.rate,
        "held_out": {"error": apart.to_dict()["error"], "whole": wholes.error.rate, "recordings": len(apart.streams)},
    }


def memory(*, hours: float) -> dict[str, Any]:
    """Hear a conversation over and over; return the memory that the process has meanwhile."""
    sound, stream, process = conversation(), Engine("base").stream(), psutil.Process()
    points: list[tuple[float, float]] = []
    began, place = time.process_time(), 0
    while stream.seconds < hours * 3600:
        stream.push(sound[place : place + FRAME])
        place = (place + FRAME) % (sound.size - FRAME)
        if stream.seconds // 60 > (points[-1][0] // 60 if points else -1):
            points.append((stream.seconds, process.memory_info().rss / 2**20))
    taken = time.process_time() - began
    late = np.array([point for point in points if point[0] > min(600, stream.seconds / 2)])
    slope = float(np.polyfit(late[:, 0] / 3600, late[:, 1], 1)[0]) if len(late) > 1 else 0.0
    return {
        "hours": hours,
        "rss_mib_first": round(points[0][1], 1),
        "rss_mib_after_10_minutes": round(float(late[0, 1]), 1),
        "rss_mib_last": round(points[-1][1], 1),
        "mib_an_hour_after_10_minutes": round(slope, 2),
        "processor_seconds_an_hour": round(taken / hours, 1),
    }


def _show(console: Console, name: str, figures: dict[str, Any]) -> None:
    table = Table("latency", "error", "held out", title=name, title_justify="left")
    for latency, error in figures["error"].items():
        table.add_row(f"{latency} s", f"{100 * error:.1f} %", f"{100 * figures['held_out']['error'][latency]:.1f} %")
    table.add_row("whole", f"{100 * figures['whole']:.1f} %", f"{100 * figures['held_out']['whole']:.1f} %")
    console.print(table)
    kept = ("starts", "ends", "first_names", "named_within_4_s", "named_rightly", "named_wrongly", "revised_a_minute")
    console.print({name: figures[name] for name in kept})
