"""A stream whose questions are answered at once, by the networks of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from timbre.live.requests import AskPeople

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from timbre.identification.candidates import People
    from timbre.live.events import Event
    from timbre.live.hearing import Hearing
    from timbre.live.stream import Asking, LiveStream


class Stream:
    """Sound in, events out; for one thread at a time."""

    def __init__(self, stream: LiveStream, hearing: Hearing, people: People) -> None:
        self._stream = stream
        self._hearing = hearing
        self._people = people

    @property
    def seconds(self) -> float:
        """How much sound was heard."""
        return self._stream.seconds

    @property
    def speakers(self) -> list[str]:
        """Labels of everybody who was told of."""
        return self._stream.speakers

    def push(self, samples: NDArray[np.float32]) -> list[Event]:
        """Take the next samples, float32 `[n]` of any n, 16 kHz mono; return what is to be told now.

        What is not finite counts as silence.
        """
        return self._driven(self._stream.push(samples))

    def name(self, speaker: str, name: str | None) -> list[Event]:
        """Say who a voice is; from now on it has that name. None leaves it to the machine again.

        Raises:
            OptionError: nobody has this label, or that is no name.
        """
        return self._stream.name(speaker, name)

    def finish(self) -> list[Event]:
        """Hear what is left of the sound; the turn that is open ends."""
        return self._driven(self._stream.finish())

    def _driven(self, asking: Asking) -> list[Event]:
        try:
            question = next(asking)
            while True:
                if isinstance(question, AskPeople):
                    question = asking.send(self._people.near(question.embeddings))
                else:
                    question = asking.send(self._hearing.answer([question])[0])
        except StopIteration as done:
            events: list[Event] = done.value
            return events
