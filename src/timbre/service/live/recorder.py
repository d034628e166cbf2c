"""The sound of a stream that is kept: written while it is heard, and a job when it has ended.

Until then it lies in a temporary file without a name, losslessly compressed, so that memory does not grow with it, and
nothing is left of it where a process dies.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import av
import numpy as np

from timbre.audio.recording import SAMPLE_RATE
from timbre.audio.temporary import storage_error, temporary_file
from timbre.live.events import Event, Revision, SpeakerEnd, SpeakerStart
from timbre.service.accounts.teams import Caller
from timbre.service.files.media import SCHEME, Media
from timbre.service.jobs.jobs import Jobs
from timbre.service.jobs.streamed import Streamed
from timbre.service.requests.submissions import DiarizeRequest, IdentifyRequest
from timbre.turns import Turn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from timbre.service.live.requests import StreamRequest
    from timbre.service.live.streams import OpenStream

_WRITTEN: Final = 5 * SAMPLE_RATE  # samples that are written at once
_PIECE: Final = 1 << 20  # bytes
_FULL_SCALE: Final = 32_767


class Recorder:
    """Writes what one stream hears, and who is told to speak."""

    def __init__(self, folder: Path | None) -> None:
        self._file: BinaryIO = temporary_file(folder)
        self._container = av.open(self._file, "w", format="flac")
        self._track = self._container.add_stream("flac", rate=SAMPLE_RATE)
        self._track.layout = "mono"
        self._track.format = "s16"
        self._waiting: list[NDArray[np.float32]] = []
        self._held = 0  # samples that wait
        self._written = 0  # samples
        self._turns: list[Turn] = []
        self._since: dict[str, float] = {}  # when those began who speak

    @property
    def due(self) -> bool:
        """Whether there is so much that it is to be written."""
        return self._held >= _WRITTEN

    @property
    def seconds(self) -> float:
        """How much there is."""
        return (self._written + self._held) / SAMPLE_RATE

    def take(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples, float32 `[n]` at 16 kHz."""
        self._waiting.append(samples)
        self._held += samples.size

    def told(self, events: list[Event]) -> None:
        """Take note of who speaks."""
        for event in events:
            match event:
                case SpeakerStart():
                    self._since[event.speaker] = event.time
                case SpeakerEnd() if event.speaker in self._since:
                    self._turns.append(
                        Turn(start=self._since.pop(event.speaker), end=event.time, speaker=event.speaker)
                    )
                case Revision():
                    self._revise(event)
                case _:
                    pass

    def of(self, speakers: Mapping[str, str]) -> list[Turn]:
        """The turns of these."""
        return [turn for turn in self._turns if turn.speaker in speakers]

    async def write(self) -> None:
        """Write what waits.

        Raises:
            TimbreError: there is no room for it.
        """
        waiting, self._waiting, self._held = self._waiting, [], 0
        if waiting:
            await asyncio.to_thread(self._write, np.concatenate(waiting))

    async def finish(self) -> None:
        """Write all, and make it a whole file.

        Raises:
            TimbreError: there is no room for it.
        """
        await self.write()
        await asyncio.to_thread(self._finish)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the file, once it is whole."""
        await asyncio.to_thread(self._file.seek, 0)
        while piece := await asyncio.to_thread(self._file.read, _PIECE):
            yield piece

    def close(self) -> None:
        """Let it go."""
        self._file.close()

    def _write(self, samples: NDArray[np.float32]) -> None:
        clean = np.clip(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0), -1, 1)
        whole = np.rint(clean * _FULL_SCALE).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(whole.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), self._written
        self._written += whole.size
        self._mux(frame)

    def _finish(self) -> None:
        self._mux(None)
        try:
            self._container.close()  # writes into the beginning how long it is
        except OSError as error:
            raise storage_error(error.strerror) from error

    def _mux(self, frame: av.AudioFrame | None) -> None:
        try:
            self._container.mux(self._track.encode(frame))
        except OSError as error:
            raise storage_error(error.strerror) from error

    def _revise(self, event: Revision) -> None:
        for number in range(len(self._turns) - 1, -1, -1):
            turn = self._turns[number]
            if turn.end <= event.start:
                return
            if (turn.start, turn.end, turn.speaker) == (event.start, event.end, event.was):
                self._turns[number] = Turn(start=turn.start, end=turn.end, speaker=event.speaker)


class Recordings:
    """Makes jobs of what was recorded."""

    def __init__(self, media: Media, jobs: Jobs) -> None:
        self._media = media
        self._jobs = jobs

    async def keep(self, opened: OpenStream, recorder: Recorder, names: Mapping[str, str]) -> UUID | None:
        """Make a job of a stream that has ended, with the names that people gave; None if nothing was heard.

        Raises:
            TimbreError: it cannot be stored, or the team may have nothing heard.
        """
        if not recorder.seconds:
            return None
        await recorder.finish()
        key = f"live/{opened.id}"
        await self._media.receive(opened.team, key, recorder.pieces())
        caller = Caller(team=opened.team, key=opened.key, scopes=opened.scopes, web=opened.web)
        streamed = Streamed(names=names, turns=recorder.of(names), scopes=opened.scopes)
        request = _asked(opened.request, f"{SCHEME}{key}")
        made = await self._jobs.submit(caller, request, stream=opened.id, streamed=streamed if names else None)
        return made.id


def _asked(live: StreamRequest, url: str) -> DiarizeRequest | IdentifyRequest:
    """Return what hears a recording as its stream was heard."""
    asked: dict[str, Any] = {"url": url, "title": live.title or "Live stream", "tags": live.tags}
    if "max_speakers" in live.model_fields_set:
        asked["maxSpeakers"] = live.max_speakers
    if not live.names:
        return DiarizeRequest.model_validate(asked)
    asked |= {"voiceprints": live.voiceprints, "speakers": live.speakers, "matching": {"threshold": live.threshold}}
    return IdentifyRequest.model_validate(asked)
