"""Naming: from the voices of a recording and the people who may speak in it to names.

No network is needed for it, so the voices of an old result can be named again at any time, and by any process:

    namer = load_namer()
    for match in namer.name(voices, {"Ada": ada}, among=1, threshold=50):
        print(match.speaker, match.match)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Final

from timbre.diarization.diarization import Voice
from timbre.errors import OptionError, VoiceprintMalformed, VoiceprintMismatch
from timbre.identification.identification import SpeakerMatch
from timbre.identification.matching import match
from timbre.identification.scoring import confidences, log_odds
from timbre.identification.voiceprint import Voiceprint
from timbre.models.packs import find_pack
from timbre.models.same_voice import SameVoice, Side
from timbre.models.spaces import Space, find_space, own_space
from timbre.names import fault_of
from timbre.settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TWO_PEOPLE: Final = -3.0  # log-odds under which two voices are no one person, whatever voiceprint both resemble
UNFITTED: Final = "Confidence is not calibrated for this encoder; fit it to your own people with `timbre calibrate`"


class Namer:
    """Names voices of one space."""

    def __init__(self, same_voice: SameVoice, space: str, *, model: str) -> None:
        """Take what a pack says about voices.

        Args:
            same_voice: The calibrated model of its encoder.
            space: Fingerprint of the encoder and its centre.
            model: The name of the pack, or of the encoder where that alone is known, for messages.
        """
        self.same_voice = same_voice
        self.space = space
        self.model = model

    def name(
        self,
        voices: Sequence[Voice],
        people: Mapping[str, Voiceprint],
        *,
        among: int | None = None,
        threshold: float = 0.0,
        exclusive: bool = True,
        excluded: Mapping[str, Collection[str]] | None = None,
    ) -> tuple[SpeakerMatch, ...]:
        """Give a name to every voice that has one.

        Args:
            voices: The speakers of a recording; their vectors are of this space.
            people: Everybody who comes into question, by name.
            among: How many people were looked for in all, where these are only the nearest ones of a gallery.
            threshold: Confidence, 0-100, from which a name is given.
            exclusive: Give a name to at most one voice.
            excluded: Whom a voice is not, by its label: those are compared with it, but their names are not given.

        Returns:
            A match for each voice, in their order, with the confidence of all these people.

        Raises:
            OptionError: the threshold is out of range.
            VoiceprintMalformed: a voiceprint is damaged.
            VoiceprintMismatch: a voiceprint was made by another encoder.
        """
        check_threshold(threshold)
        for label, voiceprint in people.items():
            self.check(label, voiceprint, *voices[:1])
        labels = list(people)
        odds = log_odds(voices, list(people.values()), self.same_voice)
        scores = confidences(odds, self.same_voice, len(people) if among is None else among)
        allowed = scores.copy()
        for row, voice in enumerate(voices):
            for label in (excluded or {}).get(voice.speaker, ()):
                if label in people:
                    allowed[row, labels.index(label)] = -1
        chosen = match(odds, allowed, threshold=threshold, exclusive=exclusive)
        if threshold > 0 and not exclusive:
            chosen = self._without_doubles(chosen, odds, voices)
        return tuple(
            SpeakerMatch(
                speaker=voice.speaker,
                match=None if column is None else labels[column],
                confidence=dict(zip(labels, row.tolist(), strict=True)),
            )
            for voice, row, column in zip(voices, scores, chosen, strict=True)
        )

    def _without_doubles(
        self, chosen: list[int | None], odds: NDArray[np.float64], voices: Sequence[Voice]
    ) -> list[int | None]:
        """Leave a name to the likeliest of its voices, and to those that may be the same person."""
        kept: list[int | None] = list(chosen)
        for column in {column for column in chosen if column is not None}:
            rows = [row for row, one in enumerate(chosen) if one == column]
            best = voices[max(rows, key=lambda row: odds[row, column])]
            for row in rows:
                voice = voices[row]
                sides = (Side.of([one.seconds], [one.acoustics]) for one in (best, voice))
                alike = float(self.same_voice.log_odds(voice.embedding @ best.embedding, *sides)[0])
                if voice is not best and alike < _TWO_PEOPLE:
                    kept[row] = None
        return kept

    def warnings(self, threshold: float) -> tuple[str, ...]:
        """Say what to know about names that were given from this threshold on, in words; mostly nothing."""
        said = []
        if not self.same_voice.fitted:
            said.append(UNFITTED)
        if 0 < threshold <= 1:
            said.append(f"threshold is {threshold:g} on a scale of 0 to 100; did you mean {threshold * 100:g}?")
        return tuple(said)

    def voiceprints(self, given: Mapping[str, Voiceprint | str | PathLike[str]]) -> dict[str, Voiceprint]:
        """Read voiceprints that somebody gives, by name.

        Raises:
            OptionError: a name is none by `timbre.names`.
            VoiceprintMalformed: a voiceprint is damaged or foreign.
            VoiceprintMismatch: a voiceprint was made by another encoder.
        """
        people = {}
        for label, one in given.items():
            if fault := fault_of(label):
                raise OptionError(f"The name {label[:40]!r} cannot be given. {fault}.")
            people[label] = read_voiceprint(label, one)
            self.check(label, people[label])
        return people

    def check(self, label: str, voiceprint: Voiceprint, *voices: Voice) -> None:
        """Make sure that a voiceprint can be compared with voices of this space; its label is for the message.

        Raises:
            VoiceprintMalformed: it is damaged.
            VoiceprintMismatch: it was made by another encoder.
        """
        if voiceprint.space != self.space:
            raise VoiceprintMismatch(
                f"{label}: this voiceprint was made by another encoder than {self.model}; make it again, or, if it is a"
                " gallery that is of an earlier one, upgrade that with `timbre speakers upgrade`."
            )
        dimensions = {voice.embedding.size for voice in voices}
        if self.same_voice.centre.any():  # else the calibration does not say how long vectors are
            dimensions.add(self.same_voice.centre.size)
        if dimensions - {voiceprint.prototypes.shape[1]}:
            raise VoiceprintMalformed(f"{label}: this voiceprint was damaged; make it again from a recording.")


def load_namer(model: str | None = None, settings: Settings | None = None) -> Namer:
    """Load what a pack says about voices, and none of its networks.

    Args:
        model: A pack's name, or `auto` for the best one on disk; the setting `model` if left out.
        settings: Read from the environment if left out.

    Raises:
        ModelMissing: the pack is not on this machine.
        ModelUnknown: there is no such pack.
        ModelCorrupt: the calibration is damaged.
    """
    settings = settings or Settings()
    pack = find_pack(model or settings.model, settings)
    space = own_space(pack.encoder, settings)
    return Namer(space.same_voice(), space.name, model=pack.name)


def load_namer_of(space: str, settings: Settings) -> Namer:
    """Load what a space says about voices, whichever pack heard them; its encoder need not be on this machine.

    Raises:
        VoiceprintMismatch: the catalogue has no encoder for it.
        ModelCorrupt: the calibration is damaged.
    """
    found = known_space(space, settings)
    return Namer(found.same_voice(), space, model=found.encoder.name)


def known_space(space: str, settings: Settings, *, label: str | None = None) -> Space:
    """The encoder and calibration of a space; the label of the voiceprint that is of it is for the message.

    Raises:
        VoiceprintMismatch: the catalogue has none for it.
        ModelCorrupt: the calibration of the settings is damaged.
    """
    found = find_space(space, settings)
    if found is None:
        this = "This" if label is None else f"{label}: this"
        raise VoiceprintMismatch(
            f"{this} voiceprint was made by another encoder than those that Timbre has here; make it again."
        )
    return found


def common_space(voiceprints: Mapping[str, Voiceprint], settings: Settings, *, own: str) -> str:
    """The one space that a recording is heard in to be compared with voiceprints.

    Args:
        voiceprints: By name.
        settings: Where another calibration is named.
        own: The space to be heard in where there are none; of several spaces, the one that shall stay.

    Raises:
        VoiceprintMismatch: they are of several spaces, or of one that the catalogue has no encoder for.
    """
    made = {
        label: own if voiceprint.space == own else known_space(voiceprint.space, settings, label=label).encoder.name
        for label, voiceprint in voiceprints.items()
    }
    spaces = {voiceprint.space for voiceprint in voiceprints.values()} or {own}
    if len(spaces) == 1:
        return spaces.pop()
    others = [f"{label} ({encoder})" for label, encoder in made.items() if voiceprints[label].space != own]
    raise VoiceprintMismatch(
        "These voiceprints were made by several encoders, and a recording is heard with one of them; make again:"
        f" {', '.join(others)}."
    )


def check_threshold(threshold: float) -> None:
    """Raise `OptionError` if this is no confidence."""
    if not 0 <= threshold <= 100:  # noqa: PLR2004 - the scale of confidence
        raise OptionError(f"threshold is a confidence from 0 to 100, not {threshold:g}.")


def read_voiceprint(label: str, given: Voiceprint | str | PathLike[str]) -> Voiceprint:
    """Read a voiceprint, its text or the file that has it; the label is for the message.

    Raises:
        VoiceprintMalformed: it is damaged or foreign.
    """
    try:
        if isinstance(given, str):
            given = Voiceprint.from_text(given)
        elif isinstance(given, PathLike):
            given = Voiceprint.load(given)
    except VoiceprintMalformed as error:
        raise VoiceprintMalformed(f"{label}: {error}") from None
    if not isinstance(given, Voiceprint):
        raise VoiceprintMalformed(
            f"{label}: expected a voiceprint, its text, or the path of a file with it, got {type(given).__name__}."
        )
    return given
