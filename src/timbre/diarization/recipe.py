"""Every number that diarization depends on; docs/explanations/diarization.md says where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from timbre.diarization.assignment import OverlapRule
from timbre.diarization.merging import MergeRule
from timbre.diarization.speech import SpeechRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The parameters of one way to diarize."""

    speech: SpeechRule
    local_speech: float  # the segmenter's probability of speech that makes a frame speech
    least_speech: float  # fraction of a window that must be speech for speakers to be learned from it
    least_dominance: float  # share of such a window's speech that must come from one local speaker
    dropped: float  # fraction of these windows to leave out, those likeliest to hold a change of speaker
    merging: MergeRule
    overlap: OverlapRule
    longest_pause: float  # seconds; shorter pauses within one speaker's speech are bridged
    shortest_turn: float  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """How readily speech and overlap are heard, each from -5 to 5; 0 is the recipe's own way."""

    speech: float = 0.0
    overlap: float = 0.0


WITHOUT_SEGMENTER: Final = Recipe(
    speech=SpeechRule(onset=0.4, offset=0.2, padding=0.02, longest_gap=0.1, shortest=0.1),
    local_speech=1.0,
    least_speech=0.74,
    least_dominance=0.0,
    dropped=0.16,
    merging=MergeRule(
        sure=5.0,
        smallest=2,
        prior=3.84,
        growth=3.0,
        longest=10.6,
        minutes=16.0,
        strangers=0.33,
        windows=1.8,
        pieces=5.4,
        least=18.0,
        moods=4.6,
        second=7.5,
        crowd=5.0,
        single=0.1,
        order=0.69,
        apart=0.0,
        together=0.0,
        doubt=0.0,
        heeded=0.0,
        blend=2.85,
    ),
    overlap=OverlapRule(least_overlap=1.0, least_activity=1.0, cosine_weight=1.0),
    longest_pause=0.25,
    shortest_turn=0.1,
)

WITH_SEGMENTER: Final = Recipe(
    speech=SpeechRule(onset=0.6, offset=0.5, padding=0.0, longest_gap=0.0, shortest=0.1),
    local_speech=0.5,
    least_speech=0.7,
    least_dominance=0.7,
    dropped=0.25,
    merging=MergeRule(
        sure=4.5,
        smallest=2,
        prior=2.88,
        growth=2.0,
        longest=17.4,
        minutes=25.5,
        strangers=1.5,
        windows=1.7,
        pieces=16.0,
        least=9.0,
        moods=9.0,
        second=24.6,
        crowd=4.5,
        single=0.1,
        order=1.0,
        apart=0.56,
        together=0.33,
        doubt=0.2,
        heeded=0.33,
        blend=4.1,
    ),
    overlap=OverlapRule(least_overlap=0.4, least_activity=0.4, cosine_weight=4.0),
    longest_pause=0.2,
    shortest_turn=0.1,
)
