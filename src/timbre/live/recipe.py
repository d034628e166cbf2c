"""Every number that a stream depends on, beside those of diarization."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRecipe:
    """When something is said, and what about."""

    pause: float = 0.25  # seconds of silence that end a turn
    first_look: float = 0.4  # seconds of speech after which a voice is first looked at
    surely: float = 2.0  # log-odds over the next best at which a turn is told at once
    latest: float = 1.0  # seconds of speech after which it is told in any case
    least: float = 0.2  # seconds of speech; shorter sounds are nobody's
    newcomer: float = 0.6  # seconds of speech of somebody unheard of, until they count as one more
    switch: float = 1.0  # log-odds against a change of speaker from one look to the next
    another: float = 1.0  # log-odds against another speaker than the last after a pause
    unheard: float = 0.0  # log-odds against somebody unheard of, beyond a change
    prior: float = 5.0  # log-odds that a look at 10 s of somebody of whom 10 s are known needs to be theirs
    growth: float = 3.0  # more needed for every factor of e that either grows
    scatter: float = 0.2  # of what the variances of voices say of a look and a voice, beside their cosine
    strangers: float = 0.33  # how much people vary who share a room and a language, beside those of the fit
    heed: float = 1.0  # of a look's log-odds, as looks share samples
    expected: float = 0.0  # log-odds that a look needs to be somebody's who is expected and was not heard yet
    contrast: float = 3.0  # log-odds by which one who is expected must be likelier than who is taken for the speaker
    more: float = 0.05  # share of the windows that were clustered, by which there are more when all are clustered again
    fewest: int = 2  # windows more, at least
    named: float = 0.1  # share of what a voiceprint says of the voice that has its name, beside what was heard of it


LIVE = LiveRecipe()
