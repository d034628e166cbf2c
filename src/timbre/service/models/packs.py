"""Names of models in requests, and the packs that hear for them; the encoders of voiceprints and galleries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final

from timbre.engine import Engine, voiceprint_space
from timbre.errors import ModelError, ModelMissing, ModelUnknown, RequestInvalid, VoiceprintError, VoiceprintMalformed
from timbre.identification.voiceprint import Voiceprint
from timbre.models.catalogue import catalogue
from timbre.models.spaces import find_space
from timbre.models.store import Store
from timbre.service.requests.submissions import HOSTED_DIARIZERS, HOSTED_MODELS, LabelledVoiceprint
from timbre.settings import Settings

_MOST_LOADED: Final = 2  # packs in memory at a time
MADE: Final = "This voiceprint was made by"
AGAIN: Final = "make it again with POST /v1/voiceprint"
HEARD: Final = "This voice was heard with"
SUBMIT: Final = "submit the recording again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What voiceprints are to be compared beside: people or voices of some encoder."""

    what: str  # as a message calls it, up to the name of the encoder: "the people of the gallery are compared by"
    space: str
    remedy: str  # what to do where it is not of the server's own encoder


class Packs:
    """What the models on this machine can be asked for, without loading them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def named(self, model: str | None) -> str:
        """The pack that a request's `model` means.

        Raises:
            RequestInvalid: it is not on this machine.
        """
        return self._find(model)[0]

    def space(self) -> str | None:
        """The space that the server's own choice of a model hears in; None while it has none."""
        try:
            return voiceprint_space(settings=self._settings)[1]
        except ModelError:
            return None

    def knows(self, space: str) -> bool:
        """Whether the catalogue has an encoder for a space."""
        return find_space(space, self._settings) is not None

    def encoder_of(self, space: str | None) -> str | None:
        """Name of the encoder of a space; None if the catalogue has none for it."""
        found = None if space is None else find_space(space, self._settings)
        if found is None:
            return None
        return found.encoder.name if found.fit is None else f"{found.encoder.name}, calibrated anew"

    def check_dimension(self, voiceprint: Voiceprint) -> None:
        """Refuse a voiceprint whose vectors are no vectors of the space that it says it is of.

        Raises:
            VoiceprintMalformed: it is one.
        """
        found = find_space(voiceprint.space, self._settings)
        if found is not None and found.same_voice().centre.size != voiceprint.prototypes.shape[1]:
            raise VoiceprintMalformed("This voiceprint was damaged; make it again from a recording.")

    def unlike(self, thing: str, space: str, again: str, beside: Beside) -> str:
        """Say that two things do not compare, and what to do.

        Args:
            thing: What is asked about, up to the name of its encoder: "This voiceprint was made by".
            space: What it is of.
            again: How it is made again.
            beside: What it shall be compared with.
        """
        own = self.space()
        advice = [] if beside.space == own else [beside.remedy]
        if space != own or not advice:
            advice.append(again)
        encoder, other = (self.encoder_of(one) or "an encoder that is not here" for one in (space, beside.space))
        return f"{thing} {encoder}, and {beside.what} {other}; {', and '.join(advice)}."

    def fault_of(self, space: str) -> str | None:
        """Say why nothing can be heard in a space on this machine, and what to do; None if it can."""
        found = find_space(space, self._settings)
        if found is None:
            return "was made by another encoder than those of this server; make it again with POST /v1/voiceprint"
        if Store(self._settings).has(found.encoder):
            return None
        pack = catalogue().pack_with(found.encoder)
        return f"was made by {found.encoder.name}, which is not on this server; pull the pack {pack}, or make it again"

    def check_voiceprints(
        self, model: str | None, voiceprints: Sequence[LabelledVoiceprint], beside: Beside | None = None
    ) -> None:
        """Make sure that all voiceprints can be compared with the voices of one recording.

        Args:
            model: That hears it. Voiceprints of one other encoder are heard with that.
            voiceprints: As they were sent.
            beside: What else is compared with its voices.

        Raises:
            RequestInvalid: one is damaged, foreign, of an encoder that is not here, or of another one than the others.
        """
        own = self._find(model)[1]
        errors, spaces = list[tuple[str, str]](), dict[int, str]()
        for number, labelled in enumerate(voiceprints):
            try:
                voiceprint = Voiceprint.from_text(labelled.voiceprint)
                self.check_dimension(voiceprint)
                spaces[number] = voiceprint.space
            except VoiceprintError as error:
                errors.append((f"voiceprints.{number}.voiceprint", str(error)))
        several = len({*spaces.values()}) > 1
        for number, space in spaces.items():
            if fault := self.fault_of(space):
                errors.append((f"voiceprints.{number}.voiceprint", f"This voiceprint {fault}."))
            elif beside is not None and space != beside.space:
                errors.append((f"voiceprints.{number}.voiceprint", self.unlike(MADE, space, AGAIN, beside)))
            elif beside is None and several and space != own:
                message = (
                    "The voiceprints of one request have to be of one encoder, and this one was made by"
                    f" {self.encoder_of(space)}; make it again with POST /v1/voiceprint, or send it in another request."
                )
                errors.append((f"voiceprints.{number}.voiceprint", message))
        if errors:
            raise RequestInvalid(sorted(errors, key=lambda error: int(error[0].split(".")[1])))

    def _find(self, model: str | None) -> tuple[str, str]:
        name = None if model is None or model in (*HOSTED_MODELS, *HOSTED_DIARIZERS) else model
        try:
            return voiceprint_space(name, settings=self._settings)
        except (ModelMissing, ModelUnknown) as error:
            raise RequestInvalid([("model", str(error))]) from None


class Engines:
    """Loaded engines by the names of their packs; the least lately used one goes when there are too many."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: dict[str, Engine] = {}
        self._lock = Lock()

    async def get(self, pack: str | None = None) -> Engine:
        """The engine of a pack, loaded now if need be; the default one's without a name.

        Raises:
            ModelError: it cannot be loaded.
        """
        return await asyncio.to_thread(self._get, pack)

    def _get(self, pack: str | None) -> Engine:
        with self._lock:
            name = pack or voiceprint_space(settings=self._settings)[0]
            engine = self._loaded.pop(name, None) or Engine(name, settings=self._settings)
            self._loaded[name] = engine
            while len(self._loaded) > _MOST_LOADED:
                del self._loaded[next(iter(self._loaded))]
            return engine
