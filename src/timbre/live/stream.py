"""A stream: sound in, in pieces of any size; events out.

It is a generator of questions, so that it can be driven by whoever has networks: the engine answers at once, a server
sends the questions of many streams to the processes that hear.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from timbre.audio.recording import SAMPLE_RATE
from timbre.diarization.diarization import Voice
from timbre.diarization.windows import STEP
from timbre.errors import OptionError
from timbre.live.events import Event, Partial, Revision, SpeakerEnd, SpeakerStart
from timbre.live.follower import NOBODY, Follower
from timbre.live.recipe import LiveRecipe
from timbre.live.requests import AskPeople, AskSpeakers, AskSpeech, AskVoice, Question, Speech
from timbre.live.speech import Level, SpeechRuns
from timbre.live.voices import WINDOW_SECONDS, Voices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.diarization.merging import MergeRule
    from timbre.diarization.speech import SpeechRule
    from timbre.diarization.spread import Spread
    from timbre.live.names import Names
    from timbre.models.same_voice import SameVoice

HOP: Final = 1_600  # samples, 0.1 s: what is heard at once
_WINDOW: Final = 25_600  # samples of a whole window
_WHOLE: Final = WINDOW_SECONDS
_SHORT_STEP: Final = 0.2  # seconds from look to look in the beginning of a run
_HEARD: Final = 0.5  # share of speech of a window that is heard
_SHORTEST: Final = 0.4  # seconds of a window
_KEPT: Final = 4 * SAMPLE_RATE  # samples
_REVISED: Final = 60.0  # seconds of turns that revisions may be about
_LEAST_TURN: Final = 0.1  # seconds
_REFERENCE: Final = 10.0  # seconds at which likeness is stated
_EPSILON: Final = 1e-6

Asking = Generator["Question | AskPeople", Any, "list[Event]"]


class LiveStream:
    """One stream of sound."""

    def __init__(
        self,
        *,
        same_voice: SameVoice,
        merging: MergeRule,
        spread: Spread | None,
        speech: SpeechRule,
        names: Names,
        least_speech: float,
        most_speakers: int,
        partial: bool,
        recipe: LiveRecipe,
    ) -> None:
        self._same_voice = same_voice
        self._merging = merging
        self._spread = spread
        self._names = names
        self._least_speech = least_speech
        self._most = most_speakers
        self._partial = partial
        self._recipe = recipe
        self._level = Level()
        self._vad: Any = None
        self._runs = SpeechRuns(speech, recipe.pause)
        self._voices = Voices()
        self._samples = np.zeros(0, np.float32)  # the last seconds
        self._waiting = np.zeros(0, np.float32)  # less than a hop
        self._heard = 0  # samples
        self._follower: Follower | None = None
        self._looked = 0.0  # end of the last window in this run
        self._open: SpeakerStart | None = None
        self._speaker: int | None = None  # of the open turn
        self._last: int | None = None  # who spoke last
        self._likely = 0  # 0-100, that it is the speaker of the open turn
        self._turns: deque[tuple[float, float, int]] = deque()  # told and ended, of the last minute
        self._labels: dict[int, str] = {}  # of those who were told of, in the order in which they were

    @property
    def shared(self) -> dict[str, object]:
        """The models that it goes by, which are those of every stream that was asked for in the same way."""
        return {"same_voice": self._same_voice, "merging": self._merging, "namer": self._names.namer} | (
            {} if self._spread is None else {"spread": self._spread}
        )

    @property
    def seconds(self) -> float:
        """How much was heard."""
        return self._heard / SAMPLE_RATE

    @property
    def speakers(self) -> list[str]:
        """Labels of everybody who was told of."""
        return list(self._labels.values())

    @property
    def said(self) -> dict[str, str]:
        """The names that a person gave, by label."""
        return self._names.said

    def name(self, speaker: str, name: str | None) -> list[Event]:
        """Take a person's word for who a voice is; from then on it has that name.

        Raises:
            OptionError: nobody has this label, or that is no name.
        """
        if speaker not in self.speakers:
            raise OptionError(f"Nobody is called {speaker[:40]!r} in this stream.")
        number = next(number for number, known in self._labels.items() if known == speaker)
        return list(self._names.say(self._label(self._voices.now(number)), name, self.seconds))

    def push(self, samples: NDArray[np.float32]) -> Asking:
        """Take the next samples, float32 `[n]` at 16 kHz; what is not finite counts as silence."""
        clean = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
        self._waiting = np.concatenate([self._waiting, np.clip(clean, -1, 1)])
        events: list[Event] = []
        while self._waiting.size >= HOP:
            hop, self._waiting = self._waiting[:HOP], self._waiting[HOP:]
            events += yield from self._hop(hop)
        return events

    def finish(self) -> Asking:
        """Hear what is left; the open turn ends."""
        events: list[Event] = []
        if self._waiting.size:
            rest, self._waiting = self._waiting, self._waiting[:0]
            events += yield from self._hop(rest)
        if self._runs.begin is not None:
            events += yield from self._end_run()
        return events

    def cut(self) -> list[Event]:
        """End the open turn where it is, with no more questions."""
        return self._end(self._runs.end)

    def _hop(self, samples: NDArray[np.float32]) -> Asking:
        speech: Speech = yield AskSpeech(samples=self._level.raised(samples), state=self._vad)
        self._vad = speech.state
        before = self.seconds
        self._heard += samples.size
        self._samples = np.concatenate([self._samples, samples])[-_KEPT:]
        events: list[Event] = []
        for probability in speech.probabilities.tolist():
            if self._runs.push(probability):
                events += yield from self._end_run()
        runs = self._runs
        if runs.begin is not None and runs.talking:
            if self._follower is None:
                self._follower = Follower(self._recipe, runs.begin, self._last)
                self._looked = runs.begin + self._recipe.first_look - _SHORT_STEP
            if runs.end - runs.begin < _WHOLE and runs.end - self._looked >= _SHORT_STEP - _EPSILON:
                events += yield from self._look()
        if self._heard % STEP == 0:
            events += yield from self._remember()
        if self._follower is not None and self._follower.looked and runs.talking:
            events += self._tell(last=False)
        if self._partial and int(self.seconds) > int(before):
            events.append(self._now())
        return events

    def _end_run(self) -> Asking:
        events: list[Event] = []
        if self._runs.spoken >= self._recipe.least and self._follower is None:
            self._follower = Follower(self._recipe, self._runs.begin or 0.0, self._last)
        if self._follower is not None:
            length = self._runs.end - (self._runs.begin or 0.0)
            if length < _WHOLE and (self._runs.end - self._looked >= _SHORT_STEP / 2 or not self._follower.looked):
                events += yield from self._look()
            events += self._tell(last=True)
            events += self._end(self._runs.end)
        self._runs.close()
        self._follower = None
        return events

    def _look(self) -> Asking:
        """Hear whose voice the first words of a run are."""
        runs = self._runs
        end = self._looked = runs.end
        length = max(_SHORTEST, _SHORT_STEP * int((end - (runs.begin or 0.0) + _EPSILON) / _SHORT_STEP))
        length = min(length, _WHOLE)
        window, _ = self._window(end, length)
        vector = yield AskVoice(window=window)
        share = runs.share(end - length, end)
        self._compare(vector, length * share, end - length / 2)
        if share < self._least_speech:
            return []
        speaker = self._heard_as(vector, min(length, runs.spoken))
        if speaker is not None:
            self._voices.first_words(speaker, vector, length)
        return (yield from self._look_at_names())

    def _remember(self) -> Asking:
        """Hear the last whole window, and remember it if it is full of speech."""
        now, runs = self.seconds, self._runs
        share = runs.share(now - _WHOLE, now)
        if share < _HEARD or self._heard < _WINDOW:
            return []
        window, start = self._window(now, _WHOLE)
        vector = yield AskVoice(window=window)
        if self._follower is not None and runs.end - (runs.begin or 0.0) >= _WHOLE - _EPSILON:
            self._looked = runs.end
            self._compare(vector, _WHOLE * share, now - _WHOLE / 2)
            speaker = self._heard_as(vector, _WHOLE)
        else:
            known = None if self._follower is None else self._follower.best_known
            speaker = self._last if known is None else known[0]
        events: list[Event] = []
        if speaker is None or share < self._least_speech:
            return events
        self._voices.add(vector, start, speaker)
        if self._voices.due(self._recipe.more, self._recipe.fewest):
            events += yield from self._again()
        events += yield from self._look_at_names()
        return events

    def _window(self, end: float, length: float) -> tuple[NDArray[np.float32], int]:
        """Return so many seconds of sound up to a moment, and the sample that they begin with."""
        size = round(length * SAMPLE_RATE)
        stop = min(self._heard, round(end * SAMPLE_RATE))
        offset = self._heard - self._samples.size
        low = max(0, stop - size - offset)
        window = self._samples[low : stop - offset]
        return np.pad(window, (size - window.size, 0)), stop - size

    def _compare(self, vector: NDArray[np.float32], seconds: float, middle: float) -> None:
        """Tell the follower how likely everybody is."""
        assert self._follower is not None  # noqa: S101 - there is a run
        rule, recipe = self._merging, self._recipe
        known, centroids, spoken = self._voices.centroids()
        odds: dict[int, float] = {}
        if known:
            likeness = self._same_voice.log_odds(centroids @ vector, _REFERENCE, _REFERENCE)
            if self._spread is not None:
                part = min(1.0, max(seconds, _SHORT_STEP) / _WHOLE)
                likeness += recipe.scatter * self._spread.one_person(*self._voices.sums(), vector, part)
            speech = np.log(np.clip(spoken, 0.5, rule.longest) / _REFERENCE) + np.log(max(seconds, 0.5) / _REFERENCE)
            odds = dict(zip(known, (likeness - recipe.prior - recipe.growth * speech).tolist(), strict=True))
        expected, taken = self._names.odds_of_expected(vector, seconds), self._names.taken
        for who in known:
            name = next((name for name, speaker in taken.items() if speaker == self._labels.get(who)), None)
            if name in expected:
                odds[who] += recipe.named * (expected[name] - odds[who])
        if len(known) < self._most:
            others = [likely for name, likely in expected.items() if name not in taken]
            likeliest = max(others, default=-np.inf)
            unheard = [0.0, likeliest - recipe.expected]
            for name, speaker in taken.items():
                bearer = next((who for who in known if self._labels.get(who) == speaker), None)
                if bearer is not None and name in expected:
                    unheard.append(odds[bearer] + likeliest - expected[name] - recipe.contrast)
            odds[NOBODY] = max(unheard)
        self._follower.look(odds, middle)

    def _heard_as(self, vector: NDArray[np.float32], seconds: float) -> int | None:
        """Return who speaks, or None as long as that is somebody unheard of who has said too little."""
        assert self._follower is not None  # noqa: S101 - there is a run
        who, _, _ = self._follower.best
        if who != NOBODY:
            return who
        if self._voices.speakers and seconds < self._recipe.newcomer:
            return None
        number = self._voices.begin(vector, seconds)
        self._follower.met(number)
        return number

    def _tell(self, *, last: bool) -> list[Event]:
        """Say who speaks, if that is sure enough, or if it can wait no longer."""
        assert self._follower is not None  # noqa: S101 - there is a run
        runs, recipe = self._runs, self._recipe
        begin = runs.begin or 0.0
        who, since, margin = self._follower.best
        if who == NOBODY:
            known = self._follower.best_known
            if not last or known is None:
                return []
            who, since, margin = *known, 0.0
        self._likely = round(100 / (1 + np.exp(-margin)))
        if self._open is None:
            if not last and margin < recipe.surely and runs.end - begin < recipe.latest:
                return []
            return self._start(max(begin, since), who)
        if who == self._speaker:
            return []
        time = max(since, self._open.time + _LEAST_TURN)
        return [*self._end(time), *self._start(time, who)]

    def _start(self, time: float, who: int) -> list[Event]:
        speaker = self._label(who)
        self._open = SpeakerStart(time=time, speaker=speaker, match=self._names.confirmed(speaker))
        self._speaker = self._last = who
        return [self._open]

    def _end(self, time: float) -> list[Event]:
        if self._open is None or self._speaker is None:
            return []
        opened, who = self._open, self._speaker
        self._open = self._speaker = None
        time = max(time, opened.time + _LEAST_TURN)
        self._turns.append((opened.time, time, who))
        while self._turns[0][1] < self.seconds - _REVISED:
            self._turns.popleft()
        return [SpeakerEnd(time=time, speaker=opened.speaker, match=self._names.confirmed(opened.speaker))]

    def _again(self) -> Asking:
        """Cluster all that is remembered, and see who is who now."""
        windows = len(self._voices)
        before = self._voices.known
        clusters = yield AskSpeakers(
            vectors=self._voices.vectors, starts=self._voices.starts, most=self._most, known=self._names.known_voices
        )
        own = {who for who, known in self._labels.items() if known in self._names.taken.values()}
        if not self._voices.relabel(clusters, windows, own):
            return []
        moved = {who: self._voices.now(who) for who in before if self._voices.now(who) != who}
        for who, into in moved.items():
            if who in self._labels:
                self._names.moved(self._labels[who], self._label(into))
        if self._follower is not None:
            self._follower.renumber(moved)
        self._last = None if self._last is None else self._voices.now(self._last)
        if self._open is not None and self._speaker is not None and self._follower is not None:
            found = self._voices.who(self._open.time * SAMPLE_RATE - _WINDOW / 2, self._heard - _WINDOW / 2)
            if found is not None and found != self._voices.now(self._speaker):
                self._follower.settle(found, self._open.time)
        events: list[Event] = []
        for number, (begin, end, was) in enumerate(self._turns):
            found = self._voices.who(begin * SAMPLE_RATE - _WINDOW / 2, end * SAMPLE_RATE - _WINDOW / 2)
            now = self._voices.now(was) if found is None else found
            if now != was:
                self._turns[number] = (begin, end, now)
                events.append(Revision(start=begin, end=end, speaker=self._label(now), was=self._label(was)))
        return events

    def _look_at_names(self) -> Asking:
        if not (self._names.looked_for and self._labels):
            return []
        known, centroids, spoken = self._voices.centroids()
        people: Mapping[str, Any] = yield AskPeople(embeddings=centroids)
        voices = [
            Voice(speaker=self._labels[who], embedding=centroid, seconds=seconds)
            for who, centroid, seconds in zip(known, centroids, spoken.tolist(), strict=True)
            if who in self._labels
        ]
        return list(self._names.look(voices, people, self.seconds))

    def _now(self) -> Partial:
        speaker = None if self._open is None else self._open.speaker
        return Partial(
            time=self.seconds,
            speech=round(100 * self._runs.probability),
            speaker=speaker,
            match=None if speaker is None else self._names.confirmed(speaker),
            confidence=0 if speaker is None else self._likely,
        )

    def _label(self, number: int) -> str:
        return self._labels.setdefault(number, f"SPEAKER_{len(self._labels):02d}")
