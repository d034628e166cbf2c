"""The clock of a sound track: where each frame lies in time, by the timestamps of its file.

A player shows sound at its timestamp. So silence stands where timestamps say that there is none, and what overlaps is
cut as players cut it. Timestamps are input like any other: one that stands alone with its claim is not believed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import av

SKEW: Final = 0.1  # seconds by which sound may differ from its timestamps before anything is done about it
_AHEAD: Final = 10.0  # seconds; a jump by more is believed once the next frame agrees with it
_OTHER_RATE: Final = 0.01  # beyond this the unit is that of another rate, from before the rate changed
_BACK: Final = 1.0  # the same, back


@dataclass(frozen=True, slots=True)
class Placed:
    """A frame and its place."""

    frame: av.AudioFrame
    start: float | None  # seconds from the beginning of the file; None: where the frame before ends
    cut: float  # seconds of its beginning that lie in what was already said


class Clock:
    """Places the frames of one track."""

    def __init__(self, tick: float, zero: float, longest: float) -> None:
        """Begin at zero.

        Args:
            tick: Seconds of one unit of the timestamps.
            zero: The timestamp, in seconds, at which a player begins.
            longest: Seconds from zero; what claims to lie behind is a jump of the clock, and no silence.
        """
        self.filled = 0.0  # seconds of silence put in
        self.overlapped = 0.0  # seconds of sound left out, as others have the same time
        self.restarts: list[float] = []  # seconds at which timestamps jumped to where nothing can follow them
        self.position = 0.0  # seconds: where the next frame lies if nothing is missing
        self._tick = tick
        self._zero = zero  # moves when the clock jumps
        self._longest = longest
        self._next: int | None = None  # the timestamp of the next frame, if timestamps count samples
        self._held: av.AudioFrame | None = None  # a frame behind a jump that nothing confirms yet

    def place(self, frame: av.AudioFrame) -> Iterator[Placed]:
        """Place a frame; what is yielded may lag one frame behind."""
        if self._held is not None:
            held, self._held = self._held, None
            yield self._jumped(held, frame)
        lag = self._lag(frame)
        if frame.pts is not None:
            if frame.pts == self._next and abs(self._tick * frame.sample_rate - 1) > _OTHER_RATE:
                self._zero, lag = self._zero + lag, 0.0
            self._next = frame.pts + frame.samples
        if -_BACK <= lag <= _AHEAD:
            yield self._placed(frame, lag)
        else:
            self._held = frame

    def finish(self) -> Iterator[Placed]:
        """Place what is left; a last frame far from all others comes right behind them."""
        if self._held is not None:
            held, self._held = self._held, None
            yield self._placed(held, 0.0)

    def _lag(self, frame: av.AudioFrame) -> float:
        """Return by how many seconds a frame says to be later than the sound so far goes."""
        return 0.0 if frame.pts is None else frame.pts * self._tick - self._zero - self.position

    def _jumped(self, frame: av.AudioFrame, following: av.AudioFrame) -> Placed:
        lag, length = self._lag(frame), _seconds(frame)
        after = self._lag(following) - length  # 0 where the next frame goes on as if this one had not jumped
        if abs(after - lag) >= abs(after):
            return self._placed(frame, 0.0)
        if lag > 0 and self.position + lag + length <= self._longest:
            return self._placed(frame, lag)
        self.restarts.append(self.position)
        self._zero += lag
        return self._placed(frame, 0.0)

    def _placed(self, frame: av.AudioFrame, lag: float) -> Placed:
        length = _seconds(frame)
        if lag > SKEW:
            self.filled += lag
            self.position += lag
            start = self.position
            self.position += length
            return Placed(frame, start, 0.0)
        cut = min(-lag, length) if lag < -SKEW else 0.0
        self.overlapped += cut
        self.position += length - cut
        return Placed(frame, None, cut)


def _seconds(frame: av.AudioFrame) -> float:
    return frame.samples / max(frame.sample_rate, 1)  # a rate of 0 is refused when its samples are looked at
