"""Recordings with each person on a channel of their own, such as phone calls.

Each channel is heard by itself, and the answers are put together into one whose turns may truly overlap. The other
side is often faintly audible too, as an echo on a line or through the air between two microphones. How faintly is
learned from the moments in which the other side is the louder one; what is no louder than that belongs there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.recording import SAMPLE_RATE, Recording
from timbre.diarization.diarization import Diarization, FrameScores, Probabilities
from timbre.diarization.grid import FRAME, frame_count, frames_in
from timbre.errors import ChannelsInseparable
from timbre.turns import Turn, in_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BLOCK: Final = 60 * SAMPLE_RATE
_SPAN: Final = 15  # frames: 0.3 s over which levels are taken, longer than the delay of most echoes
_FLOOR: Final = 1e-9  # power, -90 dB: what is fainter counts as silence
_TAIL: Final = 10  # frames: 0.2 s after which an echo of what has ended has ended too
_SPEECH: Final = 0.5  # probability of speech from which a frame tells how faint the leak from its channel is
_TYPICAL: Final = 0.25  # quantile of the differences in level that stands for a leak: the rest may be both talking
_LOUDER: Final = 8.0  # dB over the leak from which it is no longer one
_LOUDEST: Final = -10.0  # dB, of a leak against the channel that it comes from: anything louder is a voice of its own
_EQUAL: Final = 0.5  # dB: channels whose levels differ by no more from moment to moment hold the same sound


def leaked(recordings: Sequence[Recording], speech: Sequence[NDArray[np.float32]]) -> NDArray[np.bool_]:
    """Say which frames of each channel hold what another channel holds much louder.

    Args:
        recordings: The channels, of one length, decoded to their end.
        speech: Probability of speech of each channel, `[frames]`.

    Returns:
        bool `[channels, frames]`.

    Raises:
        ChannelsInseparable: two channels hold the same sound.
    """
    levels = np.stack([_levels(recording) for recording in recordings])
    speaks = np.stack(list(speech)) >= _SPEECH
    for one, other in combinations(range(len(levels)), 2):
        if _same(levels[one], levels[other], speaks[one] & speaks[other], speaks[one] | speaks[other]):
            raise ChannelsInseparable(
                f"Channels {one} and {other} of the recording hold the same sound; leave `channels` out to tell its"
                " speakers apart by voice."
            )
    foreign = np.zeros(levels.shape, np.bool_)
    for here, there in permutations(range(len(levels)), 2):
        fainter = levels[here] - levels[there]
        leak = fainter[speaks[there] & (fainter < 0)]
        if leak.size:
            limit = min(_LOUDEST, float(np.quantile(leak, _TYPICAL)) + _LOUDER)
            foreign[here] |= levels[here] - _held(levels[there]) <= limit
    return foreign


def _same(
    one: NDArray[np.float32], other: NDArray[np.float32], both: NDArray[np.bool_], either: NDArray[np.bool_]
) -> bool:
    """Tell whether two channels, given their levels and where both or either have speech, hold the same sound."""
    if not both.any() or 2 * both.sum() < either.sum():
        return False
    difference = (one - other)[both]
    return bool(difference.std() < _EQUAL and abs(difference.mean()) < -_LOUDEST)


def _held(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the highest of the levels up to each frame, within the time of an echo."""
    before = np.pad(levels, (_TAIL, 0), mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(before, _TAIL + 1).max(axis=1), np.float32)


def _levels(recording: Recording) -> NDArray[np.float32]:
    """Return the level around each frame, in dB `[frames]`, reading the recording in pieces."""
    power = np.concatenate([_power(block) for block in recording.blocks(_BLOCK)])
    total = np.concatenate([[0.0], np.cumsum(power)])
    at = np.arange(len(power))
    begin, end = np.maximum(at - _SPAN // 2, 0), np.minimum(at + _SPAN // 2 + 1, len(power))
    return np.asarray(10 * np.log10((total[end] - total[begin]) / (end - begin) + _FLOOR), np.float32)


def _power(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    frames = frame_count(len(samples))
    squares = np.square(np.pad(samples, (0, frames * FRAME - len(samples))), dtype=np.float64)
    return np.asarray(squares.reshape(frames, FRAME).mean(axis=1), np.float64)


def put_together(channels: Sequence[Diarization], shortest: float, warnings: tuple[str, ...]) -> Diarization:
    """Make one diarization of those of the channels: speakers in the order in which they begin to talk.

    Args:
        channels: At least one, of one length and by one encoder.
        shortest: Seconds from which what is left of a turn stays in the view without overlap.
        warnings: Of the whole.
    """
    begins = sorted(
        (turn.start, turn.end, number, turn.speaker)
        for number, channel in enumerate(channels)
        for turn in channel.turns
    )
    order = dict.fromkeys((number, speaker) for _, _, number, speaker in begins)
    names = {key: f"SPEAKER_{index:02d}" for index, key in enumerate(order)}

    def named(number: int, turns: tuple[Turn, ...]) -> Iterator[Turn]:
        for turn in turns:
            own = {names[number, speaker]: score for speaker, score in (turn.confidence or {}).items()}
            confidence = {name: own.get(name, 0) for name in names.values()}  # nobody else is on this channel
            yield replace(turn, speaker=names[number, turn.speaker], confidence=confidence)

    voices = {
        names[number, voice.speaker]: replace(voice, speaker=names[number, voice.speaker], channel=number)
        for number, channel in enumerate(channels)
        for voice in channel.voices
    }
    return replace(
        channels[0],
        turns=in_order(turn for number, channel in enumerate(channels) for turn in named(number, channel.turns)),
        exclusive_turns=_one_at_a_time(
            in_order(
                turn for number, channel in enumerate(channels) for turn in named(number, channel.exclusive_turns)
            ),
            shortest,
        ),
        voices=tuple(voices[name] for name in names.values()),
        confidence=FrameScores(score=np.min([channel.confidence.score for channel in channels], axis=0)),
        probabilities=_probabilities([channel.probabilities for channel in channels], names),
        warnings=warnings,
    )


def _one_at_a_time(turns: tuple[Turn, ...], shortest: float) -> tuple[Turn, ...]:
    """Let who began first finish: turns in order of time that overlap become turns that do not."""
    said, end = [], 0.0
    for turn in turns:
        begin = max(turn.start, end)
        if frames_in(turn.end - begin) >= frames_in(shortest):
            said.append(replace(turn, start=begin))
            end = turn.end
    return tuple(said)


def _probabilities(channels: Sequence[Probabilities | None], names: dict[tuple[int, str], str]) -> Probabilities | None:
    """Anybody speaks where the likeliest channel does; people talk at once where two channels do, or one says so."""
    known = [channel for channel in channels if channel is not None]
    if len(known) < len(channels):
        return None
    speech = np.sort([channel.speech.score for channel in known], axis=0)
    crosstalk = np.max(
        [speech[-2] if len(speech) > 1 else 0 * speech[0], *(channel.crosstalk.score for channel in known)], axis=0
    )
    scores = {
        names[number, speaker]: score
        for number, channel in enumerate(known)
        for speaker, score in channel.speakers.items()
    }
    return Probabilities(
        speech=FrameScores(score=speech[-1]),
        crosstalk=FrameScores(score=crosstalk),
        speakers={name: scores[name] for name in names.values()},
    )
