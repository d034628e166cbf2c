"""Names of models in requests, and the packs that hear for them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from threading import Lock
from typing import Final

from timbre.engine import Engine, voiceprint_space
from timbre.errors import ModelError, ModelMissing, ModelUnknown, RequestInvalid, VoiceprintError
from timbre.identification.voiceprint import Voiceprint
from timbre.service.requests.submissions import HOSTED_DIARIZERS, HOSTED_MODELS, LabelledVoiceprint
from timbre.settings import Settings

_MOST_LOADED: Final = 2  # packs in memory at a time


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

    def space_of(self, model: str) -> str:
        """The space that a pack hears in.

        Raises:
            RequestInvalid: it is not on this machine.
        """
        return self._find(model)[1]

    def check_voiceprints(self, model: str | None, voiceprints: Sequence[LabelledVoiceprint]) -> None:
        """Make sure that every voiceprint can be compared with the voices that a model hears.

        Raises:
            RequestInvalid: one is damaged, foreign, or of another encoder.
        """
        pack, space = self._find(model)
        errors = []
        for number, labelled in enumerate(voiceprints):
            try:
                given = Voiceprint.from_text(labelled.voiceprint)
            except VoiceprintError as error:
                errors.append((f"voiceprints.{number}.voiceprint", str(error)))
                continue
            if given.space != space:
                errors.append(
                    (
                        f"voiceprints.{number}.voiceprint",
                        f"This voiceprint was made by another encoder than that of the pack {pack};"
                        " make it again with POST /v1/voiceprint, or ask for the model that made it.",
                    )
                )
        if errors:
            raise RequestInvalid(errors)

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
