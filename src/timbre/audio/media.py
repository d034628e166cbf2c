"""A media file: one recording, or several that were joined end to end.

Runs in the child process of `decoder.py`, since what a file holds is not to be trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from timbre.audio.medium import Medium, Wish
from timbre.audio.parts import find_beginning, find_parts
from timbre.errors import AudioUnreadable, TrackMissing, TracksInseparable


class Media:
    """The parts of a file; it is open at the first."""

    def __init__(self, file: BinaryIO, wish: Wish) -> None:
        """Open the first part.

        Raises:
            AudioUnreadable: this is no media file, or none with sound that can be decoded.
            TrackMissing, TracksInseparable: it has no such tracks.
        """
        self.warnings: list[str] = []  # complete when `parts` is through, as is `damaged`
        self.damaged = False  # something could not be decoded
        self._file, self._wish = file, wish
        self._rest = find_parts(file)
        part = next(self._rest)
        try:
            self.first = Medium(file, part, wish)
        except AudioUnreadable:
            found = find_beginning(file) if part.start == 0 and not part.head else None
            if found is None:
                raise
            self._rest = iter(())
            self.first = Medium(file, found, wish)

    def parts(self) -> Iterator[Medium]:
        """Yield each part; hear it before the next is asked for."""
        yield self.first
        self._ended(self.first)
        for part in self._rest:
            try:
                medium = Medium(self._file, part, self._wish, most=len(self.first.tracks))
            except (AudioUnreadable, TrackMissing, TracksInseparable) as error:
                self.warnings.append(f"what follows byte {part.start} of the file was not heard: {error}")
                return
            yield medium
            self._ended(medium)

    def _ended(self, medium: Medium) -> None:
        self.warnings += medium.shortfalls()
        self.damaged |= any(track.damaged for track in medium.tracks)
