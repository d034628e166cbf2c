"""Diarization from end to end: recording in, turns out.

recording ─► speech ─► windows ─► pure windows ─► clusters ─► frames ─► turns
               └► local speakers ───────┴────────────┴───────────┘       (packs with a segmenter)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from timbre.audio.acoustics import UNKNOWN, Acoustics, recording_acoustics
from timbre.audio.level import MOST_CLIPPED
from timbre.audio.recording import SAMPLE_RATE, Recording
from timbre.diarization.assignment import Piece, assign, pieces
from timbre.diarization.channels import leaked, put_together
from timbre.diarization.clustering import cluster
from timbre.diarization.confidence import frame_confidence, percent, speaker_probabilities, with_confidence
from timbre.diarization.diarization import Diarization, FrameScores, Probabilities, Voice
from timbre.diarization.halving import halved
from timbre.diarization.known_voices import LookUp, part, unite
from timbre.diarization.merging import Clusters, Judge, SpeakerBounds, merge_odds, one_person_odds
from timbre.diarization.progress import Progress, silent
from timbre.diarization.recipe import Recipe, Sensitivity
from timbre.diarization.segmentation import LocalSpeakers, local_speakers
from timbre.diarization.speech import speech_frames, speech_probability
from timbre.diarization.stitching import bridge, exclusive_stretches, labels, overlapping_stretches, turns
from timbre.diarization.windows import STEP_SECONDS, Windows, embed_windows, local_talk, pure_windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from timbre.models.packs import Pack
    from timbre.models.same_voice import SameVoice
    from timbre.models.variation import Variation

NO_SPEECH: Final = "No speech was found"
CLIPPED: Final = "{:.1%} of the samples are clipped, and what is cut off is lost: record at a lower level"
NOT_FINITE: Final = "{} samples are not finite numbers and count as silence"
WRONG_NUMBER: Final = "Could not find the requested number of speakers"

_HEARD: Final = 0.5  # probability from which a frame is speech, or overlap, of a recording of one person
_AT_ONCE: Final = 0.05  # share of speech in which two may seem to talk at once though one speaks alone
_ALL_AT_ONCE: Final = 0.55  # and from which surely two do; see decision 0027


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the networks say about a recording, before anything is decided about speakers."""

    speech_probability: NDArray[np.float32]  # [frames]
    speech: NDArray[np.bool_]  # [frames]
    local: LocalSpeakers | None  # from the segmenter, if the pack has one
    windows: Windows
    acoustics: Acoustics = UNKNOWN


class Diarizer:
    """Diarizes recordings with the models of one pack."""

    def __init__(self, pack: Pack, same_voice: SameVoice, variation: Variation, recipe: Recipe) -> None:
        self._pack = pack
        self._same_voice = same_voice
        self._variation = variation
        self._recipe = recipe
        self._judge = Judge(rule=recipe.merging, same_voice=same_voice, seconds=STEP_SECONDS)

    def diarize(
        self,
        recording: Recording,
        *,
        bounds: SpeakerBounds,
        sensitivity: Sensitivity,
        probabilities: bool = False,
        known: LookUp | None = None,
        progress: Progress = silent,
    ) -> Diarization:
        """Diarize a recording.

        Args:
            recording: May still be decoding.
            bounds: How many speakers there may be.
            sensitivity: How readily speech and overlap are heard.
            probabilities: Compute the frame-level probabilities too.
            known: Finds people who may speak, to merge speakers by.
            progress: Is told of every block.

        Raises:
            AudioError: the recording cannot be decoded.
        """
        heard = self.hear(recording, sensitivity, progress)
        return self.decide(
            heard,
            duration=recording.duration,
            bounds=bounds,
            sensitivity=sensitivity,
            probabilities=probabilities,
            known=known,
            warnings=_warnings(recording),
        )

    def diarize_channels(
        self,
        recordings: Sequence[Recording],
        *,
        bounds: SpeakerBounds | None,
        sensitivity: Sensitivity,
        probabilities: bool = False,
        known: LookUp | None = None,
        progress: Progress = silent,
    ) -> Diarization:
        """Diarize the channels of a recording each by itself, and put the answers together.

        Args:
            recordings: The channels, of one length; they may still be decoding.
            bounds: How many speakers there may be on all of them; None for one on each.
            sensitivity: See `diarize`, as for the rest.
            probabilities: Compute the frame-level probabilities too.
            known: Finds people who may speak; within a channel they make one speaker of several.
            progress: Is told of every block.

        Raises:
            AudioError: the recording cannot be decoded, or its channels hold the same sound.
        """
        heard = self._hear_channels(recordings, sensitivity, progress)
        found = [
            self.decide(
                channel,
                duration=recordings[0].duration,
                bounds=SpeakerBounds(least=count, most=count),
                sensitivity=sensitivity,
                probabilities=probabilities,
                known=known,
            )
            for channel, count in zip(heard, self._counts(heard, bounds), strict=True)
        ]
        speakers = sum(len(channel.voices) for channel in found)
        warnings = _warnings(recordings[0])
        if not speakers:
            warnings = (*warnings, NO_SPEECH)
        elif bounds and not bounds.least <= speakers <= (bounds.most or speakers):
            warnings = (*warnings, WRONG_NUMBER)
        return put_together(found, self._recipe.shortest_turn, warnings)

    def one_voice(self, recording: Recording) -> tuple[float, float | None]:
        """Return how probable it is that one person speaks in a recording, and how much of the speech is two at once.

        It is tried to tell two apart who speak one after the other. Two who talk at once sound like one voice between
        theirs; only a segmenter hears them, and the share is None without one.
        """
        heard = self.hear(recording, Sensitivity(), silent)
        share = None if heard.local is None else _overlap(heard.local)
        if not len(heard.windows):
            return 1.0, share
        clusters = self._cluster(heard, SpeakerBounds(least=2, most=2))
        odds = one_person_odds(clusters, self._judge)
        alone = float(np.clip((_ALL_AT_ONCE - (share or 0.0)) / (_ALL_AT_ONCE - _AT_ONCE), 0, 1))
        return alone * float(1 / (1 + np.exp(-odds))), share

    def hear(self, recording: Recording, sensitivity: Sensitivity, progress: Progress) -> Heard:
        """Run the networks over a recording: nearly all of the work, and none of the decisions about speakers."""
        probability = self._speech_probability(recording, progress)
        return self._embed(recording, probability, self._local(recording, progress), sensitivity, progress)

    def _hear_channels(
        self, recordings: Sequence[Recording], sensitivity: Sensitivity, progress: Progress
    ) -> list[Heard]:
        """Hear each channel, deaf to what leaks into it from the others."""

        def share(number: int) -> Progress:
            return lambda stage, fraction: progress(stage, (number + fraction) / len(recordings))

        tell = [share(number) for number in range(len(recordings))]
        probability = [self._speech_probability(*each) for each in zip(recordings, tell, strict=True)]
        local = [self._local(*each) for each in zip(recordings, tell, strict=True)]
        foreign = leaked(recordings, probability)
        return [
            self._embed(
                recording,
                np.where(deaf, np.float32(0), own),
                None
                if seen is None
                else replace(seen, speech=np.where(deaf, 0, seen.speech), overlap=np.where(deaf, 0, seen.overlap)),
                sensitivity,
                to,
            )
            for recording, own, seen, deaf, to in zip(recordings, probability, local, foreign, tell, strict=True)
        ]

    def _speech_probability(self, recording: Recording, progress: Progress) -> NDArray[np.float32]:
        return speech_probability(recording, self._pack.vad, _report(recording, "speech", progress))

    def _local(self, recording: Recording, progress: Progress) -> LocalSpeakers | None:
        if self._pack.segmenter is None:
            return None
        return local_speakers(recording, self._pack.segmenter, _report(recording, "segmentation", progress))

    def _embed(
        self,
        recording: Recording,
        probability: NDArray[np.float32],
        local: LocalSpeakers | None,
        sensitivity: Sensitivity,
        progress: Progress,
    ) -> Heard:
        """Embed what is speech by the detector, or by the segmenter."""
        recipe = self._recipe
        speech = speech_frames(probability, recipe.speech.moved(sensitivity.speech))
        if local is not None:
            speech |= local.speech >= recipe.local_speech * np.exp(-0.15 * sensitivity.speech)
            probability = np.maximum(probability, local.speech)
        on_block = _report(recording, "voices", progress)
        windows = embed_windows(recording, speech, self._pack.encoder, self._same_voice, on_block=on_block)
        return Heard(
            speech_probability=probability,
            speech=speech,
            local=local,
            windows=windows,
            acoustics=recording_acoustics(recording, speech),
        )

    def decide(
        self,
        heard: Heard,
        *,
        duration: float,
        bounds: SpeakerBounds,
        sensitivity: Sensitivity,
        probabilities: bool = False,
        known: LookUp | None = None,
        warnings: tuple[str, ...] = (),
    ) -> Diarization:
        """Turn what was heard into turns; see `diarize`."""
        if not heard.speech.any():
            return self._silence(heard, duration, probabilities, (*warnings, NO_SPEECH))
        clusters = self._cluster(heard, bounds)
        if known is not None:
            vectors = heard.windows.embeddings[self._pure(heard)]
            clusters = unite(clusters, known, self._judge, acoustics=heard.acoustics, bounds=bounds)
            clusters = part(clusters, vectors, known, self._judge, acoustics=heard.acoustics, bounds=bounds)
        rule = self._recipe.overlap.moved(sensitivity.overlap)

        def parts() -> Iterator[Piece]:
            return pieces(heard.windows, clusters.centroids, len(heard.speech), heard.local, rule)

        overlap = heard.local.overlap if heard.local is not None else None
        frames = assign(parts(), heard.speech, overlap, rule)
        frames = replace(frames, first=bridge(frames.first, self._recipe.longest_pause))
        stretches = overlapping_stretches(frames, self._recipe.shortest_turn)
        if not stretches:
            return self._silence(heard, duration, probabilities, (*warnings, NO_SPEECH))
        exclusive = exclusive_stretches(frames, self._recipe.shortest_turn)
        names = labels(stretches)
        voices = _voices(clusters, names, heard.acoustics)
        if not bounds.least <= len(voices) <= (bounds.most or len(voices)):
            warnings = (*warnings, WRONG_NUMBER)
        speaks = heard.speech_probability
        return Diarization(
            turns=with_confidence(turns(stretches, names, duration), heard.windows, voices, self._same_voice),
            exclusive_turns=with_confidence(turns(exclusive, names, duration), heard.windows, voices, self._same_voice),
            voices=voices,
            duration=duration,
            encoder=self._pack.encoder.fingerprint,
            confidence=frame_confidence(frames, speaks),
            probabilities=_probabilities(heard, speaker_probabilities(parts(), speaks, names))
            if probabilities
            else None,
            warnings=warnings,
        )

    def _counts(self, heard: Sequence[Heard], bounds: SpeakerBounds | None) -> list[int]:
        """Say how many speakers to find on each channel: one, or as many as there are within the bounds on them all.

        Below the least, the channel is split whose speakers are then the least alike; above the most, those of the
        channel are merged whose speakers are the most alike. A channel on which anybody speaks has at least one.
        """
        counts = [1] * len(heard)
        if bounds is None:
            return counts
        talking = [number for number, channel in enumerate(heard) if channel.speech.any()]
        least, most = max(bounds.least, 1), bounds.most

        @cache
        def alike(number: int, count: int) -> float:
            """Log-odds that the likest two of so many speakers of a channel are one; infinite if there are fewer."""
            clusters = self._cluster(heard[number], SpeakerBounds(least=count, most=count))
            if len(clusters.sizes) < count:
                return np.inf
            odds = merge_odds(clusters, self._judge)
            return float(odds[~np.eye(count, dtype=bool)].max())

        for number in talking:
            counts[number] = len(self._cluster(heard[number], SpeakerBounds()).sizes)
        while most is not None and sum(counts[number] for number in talking) > max(most, len(talking)):
            several = [number for number in talking if counts[number] > 1]
            counts[max(several, key=lambda number: alike(number, counts[number]))] -= 1
        while sum(counts[number] for number in talking) < least:
            odds = {number: alike(number, counts[number] + 1) for number in talking}
            if not odds or min(odds.values()) == np.inf:
                break
            counts[min(odds, key=odds.__getitem__)] += 1
        return counts

    def _pure(self, heard: Heard) -> NDArray[np.int64]:
        """Return the windows that speakers are learned from, in order of time."""
        recipe = self._recipe
        return pure_windows(
            heard.windows,
            least_speech=recipe.least_speech,
            dropped=recipe.dropped,
            local=heard.local,
            least_dominance=recipe.least_dominance,
        )

    def _cluster(self, heard: Heard, bounds: SpeakerBounds) -> Clusters:
        pure = self._pure(heard)
        vectors = heard.windows.embeddings[pure]
        clusters = cluster(
            vectors,
            self._recipe.merging,
            self._same_voice,
            self._variation,
            seconds=STEP_SECONDS,
            bounds=bounds,
            local=() if heard.local is None else local_talk(heard.windows, heard.local, pure),
        )
        # What a segmenter hears of halves is not known, and the rule weighs it.
        return clusters if heard.local is not None else halved(clusters, vectors, self._judge, bounds)

    def _silence(self, heard: Heard, duration: float, probabilities: bool, warnings: tuple[str, ...]) -> Diarization:
        return Diarization(
            turns=(),
            exclusive_turns=(),
            voices=(),
            duration=duration,
            encoder=self._pack.encoder.fingerprint,
            confidence=percent(1 - heard.speech_probability),
            probabilities=_probabilities(heard, {}) if probabilities else None,
            warnings=warnings,
        )


def _overlap(local: LocalSpeakers) -> float:
    """Return the share of the speech that is two people at once."""
    speech = local.speech >= _HEARD
    return float((local.overlap[speech] >= _HEARD).mean()) if speech.any() else 0.0


def _report(recording: Recording, stage: str, progress: Progress) -> Callable[[int], None]:
    """Return what turns the samples that a stage has heard into progress."""

    def on_block(samples: int) -> None:
        total = recording.expected_duration if stage == "speech" else recording.duration
        progress(stage, min(1.0, samples / SAMPLE_RATE / total) if total else 0.0)

    return on_block


def _warnings(recording: Recording) -> tuple[str, ...]:
    broken, clipped = recording.non_finite_samples, recording.clipped_fraction
    said = [NOT_FINITE.format(broken)] if broken else []
    if clipped > MOST_CLIPPED:
        said.append(CLIPPED.format(clipped))
    return (*recording.warnings, *said)


def _voices(clusters: Clusters, names: dict[int, str], acoustics: Acoustics) -> tuple[Voice, ...]:
    centroids = clusters.centroids
    return tuple(
        Voice(
            speaker=name,
            embedding=centroids[who],
            seconds=float(clusters.sizes[who] * STEP_SECONDS),
            acoustics=acoustics,
        )
        for who, name in names.items()
    )


def _probabilities(heard: Heard, speakers: dict[str, FrameScores]) -> Probabilities:
    nothing = np.zeros_like(heard.speech_probability)
    return Probabilities(
        speech=percent(heard.speech_probability),
        crosstalk=percent(heard.local.overlap if heard.local is not None else nothing),
        speakers=speakers,
    )
