"""What a stream said, scored by what it knew when: error rates at a latency, names, and how late it was told.

*At a latency of L seconds* a moment t is given to whom the stream says at t + L that it is. So a start that is told
after 0.9 s is missed in part at a latency of 0.5 s, and whole at one of 1 s; a revision counts if it comes in time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from timbre.evaluation.corpus import Recording
from timbre.evaluation.diarization import DiarizationError, score_diarization
from timbre.live.events import Event, Revision, SpeakerEnd, SpeakerName, SpeakerStart
from timbre.turns import Turn

LATENCIES: Final = (0.5, 1.0, 2.0, 5.0)  # seconds
NAMES_AT: Final = 1.0  # seconds of latency at which names are looked at
_FRAME: Final = 0.02
_TICK: Final = 0.1  # seconds from one moment at which a stream tells something to the next
_NEAR: Final = 0.5  # seconds that a start or an end that is told may be off, to be that of a turn
_PAUSE: Final = 0.4  # seconds; shorter pauses of one speaker make no turn of the reference
_NOBODY: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event, and when it came."""

    at: float  # seconds of sound that had been heard
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamScore:
    """How well one stream was heard."""

    recording: str
    duration: float  # seconds
    errors: Mapping[float, DiarizationError]  # by latency
    starts: tuple[float, ...]  # seconds from the beginning of a turn until it was told
    ends: tuple[float, ...]
    first_names: tuple[float, ...]  # seconds of a known person's speech until the right name; infinite if never
    named_rightly: float  # seconds of speech of known people under their own name at that moment
    named_wrongly: float  # seconds of anybody's speech under the name of somebody else
    known: float  # seconds of speech of known people
    speech: float  # seconds of anybody's speech
    revised: int  # turns whose speaker was another later

    def to_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "recording": self.recording,
            "duration": self.duration,
            "errors": {f"{latency:g}": error.to_dict() for latency, error in self.errors.items()},
            "starts": self.starts,
            "ends": self.ends,
            "first_names": [None if math.isinf(one) else one for one in self.first_names],
            "named_rightly": self.named_rightly,
            "named_wrongly": self.named_wrongly,
            "known": self.known,
            "speech": self.speech,
            "revised": self.revised,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamReport:
    """How well the streams of a corpus were heard; there is at least one."""

    streams: tuple[StreamScore, ...]

    def error(self, latency: float) -> float:
        """The error rate of all streams together."""
        errors = [stream.errors[latency] for stream in self.streams]
        wrong = math.fsum(error.missed + error.false_alarm + error.confusion for error in errors)
        return wrong / max(math.fsum(error.total for error in errors), 1e-9)

    def of(self, figure: str) -> tuple[float, ...]:
        """All `starts`, `ends` or `first_names`, in order of size."""
        return tuple(sorted(value for stream in self.streams for value in getattr(stream, figure)))

    def quantile(self, figure: str, share: float) -> float | None:
        """The value that so many are at most; None without any."""
        values = self.of(figure)
        return values[min(len(values) - 1, math.ceil(share * len(values)) - 1)] if values else None

    def share(self, figure: str, of: str) -> float | None:
        """One sum of seconds as a share of another; None where that is nothing."""
        whole = math.fsum(getattr(stream, of) for stream in self.streams)
        return math.fsum(getattr(stream, figure) for stream in self.streams) / whole if whole else None

    @property
    def revised_a_minute(self) -> float:
        """Turns a minute whose speaker was another later."""
        return sum(stream.revised for stream in self.streams) / (sum(each.duration for each in self.streams) / 60)

    def to_dict(self) -> dict[str, Any]:
        """Return the whole and every stream, for JSON."""
        latencies = self.streams[0].errors
        return {
            "error": {f"{latency:g}": self.error(latency) for latency in latencies},
            **{
                figure: {
                    f"p{round(100 * share)}": _finite(self.quantile(figure, share)) for share in (0.5, 0.9, 0.95, 0.99)
                }
                for figure in ("starts", "ends", "first_names")
            },
            "named_rightly": self.share("named_rightly", "known"),
            "named_wrongly": self.share("named_wrongly", "speech"),
            "revised_a_minute": self.revised_a_minute,
            "streams": [stream.to_dict() for stream in self.streams],
        }


def evaluate_streams(
    corpus: Sequence[Recording],
    hear: Callable[[Recording], tuple[Sequence[Told], float]],
    known: Mapping[str, Collection[str]],
) -> StreamReport:
    """Hear every recording of a corpus, which is not empty, as a stream, and score it.

    Args:
        corpus: The recordings.
        hear: Returns what was told and how long the recording is, in seconds.
        known: Who may be named, by recording.

    Raises:
        ExtraMissing: pyannote.metrics is not installed.
        AudioError: from `hear`.
    """
    scores = []
    for recording in corpus:
        told, duration = hear(recording)
        scores.append(score_stream(recording, told, duration, known.get(recording.name, ())))
    return StreamReport(streams=tuple(scores))


def score_stream(
    recording: Recording, told: Sequence[Told], duration: float, known: Collection[str] = ()
) -> StreamScore:
    """Score what a stream said against the truth, from 0 to `duration` seconds."""
    labels = sorted({one.event.speaker for one in told if isinstance(one.event, SpeakerStart | Revision)})
    views = _views(told, duration, labels, LATENCIES)
    errors = {}
    for latency in LATENCIES:
        turns = _turns(views[latency], labels)
        errors[latency] = score_diarization(
            recording.reference, turns, recording=recording.name, duration=duration
        ).error
    reference = _joined(recording.reference)
    rightly, wrongly, of_known, speech = _named(
        recording, told, _views(told, duration, labels, (NAMES_AT,))[NAMES_AT], labels, known
    )
    return StreamScore(
        recording=recording.name,
        duration=duration,
        errors=errors,
        starts=_delays(told, SpeakerStart, [turn.start for turn in reference if _alone(turn, turn.start, reference)]),
        ends=_delays(told, SpeakerEnd, [turn.end for turn in reference if _alone(turn, turn.end, reference)]),
        first_names=_first_names(recording, told, known),
        named_rightly=rightly,
        named_wrongly=wrongly,
        known=of_known,
        speech=speech,
        revised=sum(isinstance(one.event, Revision) for one in told),
    )


def _views(
    told: Sequence[Told], duration: float, labels: Sequence[str], latencies: Sequence[float]
) -> dict[float, NDArray[np.int64]]:
    """Return whom each frame is given to, `[frames]`, as it was known some seconds later."""
    frames = math.ceil(duration / _FRAME)
    now = np.full(frames, _NOBODY, np.int64)
    views = {latency: now.copy() for latency in latencies}
    number = {label: index for index, label in enumerate(labels)}
    left = iter(told)
    following = next(left, None)
    opened: tuple[int, int] | None = None  # first frame, who
    ticks = math.ceil((duration + max(latencies)) / _TICK) + 1
    for tick in range(1, ticks + 1):
        at = tick * _TICK
        heard = min(frames, round(at / _FRAME))
        while following is not None and following.at <= at + _TICK / 10:
            match following.event:
                case SpeakerStart(time=time, speaker=speaker):
                    opened = (round(time / _FRAME), number[speaker])
                case SpeakerEnd(time=time):
                    if opened is not None:
                        begin, end = opened[0], round(time / _FRAME)
                        now[end:][now[end:] == opened[1]] = _NOBODY
                        now[begin:end] = opened[1]
                    opened = None
                case Revision(start=start, end=end_, speaker=speaker, was=was):
                    part = now[round(start / _FRAME) : round(end_ / _FRAME)]
                    part[part == number.get(was, _NOBODY)] = number[speaker]
            following = next(left, None)
        if opened is not None:
            now[opened[0] : heard] = opened[1]
        for latency, view in views.items():
            low, high = (max(0, round((at - latency - back) / _FRAME)) for back in (_TICK, 0.0))
            view[low:high] = now[low:high]
    return views


def _turns(view: NDArray[np.int64], labels: Sequence[str]) -> list[Turn]:
    edges = np.flatnonzero(np.diff(view, prepend=_NOBODY - 1, append=_NOBODY - 1))
    return [
        Turn(start=begin * _FRAME, end=end * _FRAME, speaker=labels[view[begin]])
        for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        if view[begin] != _NOBODY
    ]


def _joined(turns: Sequence[Turn]) -> list[Turn]:
    """Join the turns of each speaker across pauses that end nothing."""
    joined: dict[str, list[Turn]] = {}
    for turn in sorted(turns, key=lambda turn: turn.start):
        own = joined.setdefault(turn.speaker, [])
        if own and turn.start - own[-1].end < _PAUSE:
            own[-1] = Turn(start=own[-1].start, end=max(turn.end, own[-1].end), speaker=turn.speaker)
        else:
            own.append(turn)
    return [turn for own in joined.values() for turn in own]


def _alone(turn: Turn, moment: float, turns: Sequence[Turn]) -> bool:
    """Whether nobody else talks around a moment of a turn."""
    return not any(
        other.speaker != turn.speaker and other.start - _FRAME < moment < other.end + _FRAME for other in turns
    )


def _delays(told: Sequence[Told], kind: type[SpeakerStart | SpeakerEnd], moments: Sequence[float]) -> tuple[float, ...]:
    """Return how long after each moment the event came that is the nearest to it, where there is one."""
    events = [(one.event.time, one.at) for one in told if isinstance(one.event, kind)]
    delays = []
    for moment in moments:
        near = [(abs(time - moment), at) for time, at in events if abs(time - moment) <= _NEAR]
        if near:
            delays.append(max(0.0, min(near)[1] - moment))
    return tuple(delays)


def _first_names(recording: Recording, told: Sequence[Told], known: Collection[str]) -> tuple[float, ...]:
    """Return how long each known person who speaks had spoken when a voice was first confirmed to be theirs."""
    times = []
    for person in sorted({turn.speaker for turn in recording.reference} & set(known)):
        at = min(
            (
                one.at
                for one in told
                if isinstance(one.event, SpeakerName) and (one.event.match, one.event.status) == (person, "confirmed")
            ),
            default=math.inf,
        )
        own = [turn for turn in recording.reference if turn.speaker == person]
        spoken = math.fsum(max(0.0, min(turn.end, at) - turn.start) for turn in own)
        times.append(spoken if math.isfinite(at) else math.inf)
    return tuple(times)


def _named(
    recording: Recording,
    told: Sequence[Told],
    view: NDArray[np.int64],
    labels: Sequence[str],
    known: Collection[str],
) -> tuple[float, float, float, float]:
    """Return the seconds named rightly and wrongly, those of known people, and those of all."""
    who: list[set[str]] = [set() for _ in view]
    for turn in recording.reference:
        for frame in range(round(turn.start / _FRAME), min(len(view), round(turn.end / _FRAME))):
            who[frame].add(turn.speaker)
    changes = [one for one in told if isinstance(one.event, SpeakerName)]
    names: dict[str, str | None] = {}
    rightly = wrongly = of_known = speech = 0
    following = 0
    for frame, speakers in enumerate(who):
        while following < len(changes) and changes[following].at <= frame * _FRAME + NAMES_AT:
            event = changes[following].event
            assert isinstance(event, SpeakerName)  # noqa: S101 - nothing else was chosen
            names[event.speaker] = event.match if event.status == "confirmed" else None
            following += 1
        if not speakers:
            continue
        given = None if view[frame] == _NOBODY else names.get(labels[view[frame]])
        speech += 1
        of_known += bool(speakers & set(known))
        rightly += given in speakers
        wrongly += given is not None and given not in speakers
    return rightly * _FRAME, wrongly * _FRAME, of_known * _FRAME, speech * _FRAME


def _finite(value: float | None) -> float | None:
    return None if value is None or math.isinf(value) else value
