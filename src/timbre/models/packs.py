"""A pack, loaded: the networks that hear a recording, ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from timbre.errors import ModelMissing
from timbre.models.catalogue import Catalogue, EncoderFile, PackFiles, catalogue
from timbre.models.ge2e import Ge2eEncoder
from timbre.models.kaldi_encoder import KaldiEncoder
from timbre.models.redimnet import ReDimNetEncoder
from timbre.models.runtime import available_threads
from timbre.models.segmenter import Segmenter
from timbre.models.store import Store
from timbre.models.vad import VoiceActivity

if TYPE_CHECKING:
    from collections.abc import Callable

    from timbre.models.encoder import Encoder
    from timbre.settings import Settings

_ENCODERS: Final[dict[str, Callable[..., Encoder]]] = {
    "ge2e": Ge2eEncoder,
    "kaldi": KaldiEncoder,
    "redimnet": ReDimNetEncoder,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """The networks of one pack."""

    name: str
    vad: VoiceActivity
    segmenter: Segmenter | None
    encoder: Encoder


def load_pack(name: str, settings: Settings, *, models: Catalogue | None = None) -> Pack:
    """Load a pack from the store.

    Args:
        name: A pack of the catalogue, or `auto` for the best whose files are all there.
        settings: Where the files are, and what they run on.
        models: Another catalogue than the one that comes with Timbre.

    Raises:
        ModelUnknown: there is no such pack.
        ModelMissing: it is not on this machine; says how to get it.
        ModelCorrupt: one of its files is damaged.
    """
    models = models or catalogue()
    store = Store(settings, models=models)
    pack = find_pack(name, settings, models=models)
    threads, device = available_threads(settings), settings.device
    segmenter = store.segmenter(pack)
    return Pack(
        name=pack.name,
        vad=VoiceActivity(store.path(pack.vad.name), device=device),
        segmenter=Segmenter(store.path(segmenter.name), threads=threads, device=device) if segmenter else None,
        encoder=load_encoder(pack.encoder, settings, models=models),
    )


def load_encoder(encoder: EncoderFile, settings: Settings, *, models: Catalogue | None = None) -> Encoder:
    """Load an encoder from the store, also one that no pack has any more.

    Raises:
        ModelMissing: it is not on this machine; says how to get it.
        ModelCorrupt: its file is damaged.
    """
    return _ENCODERS[encoder.front_end](
        Store(settings, models=models).path(encoder.name),
        name=encoder.name,
        fingerprint=encoder.fingerprint,
        threads=available_threads(settings),
        device=settings.device,
    )


def find_pack(name: str, settings: Settings, *, models: Catalogue | None = None) -> PackFiles:
    """The files of a pack, all there; `auto` for the best.

    Raises:
        ModelUnknown: there is no such pack.
        ModelMissing: it is not on this machine; says how to get it.
    """
    models = models or catalogue()
    store = Store(settings, models=models)
    pack = _best(store, models) if name == "auto" else models.pack(name)
    if lost := [file.name for file in pack.files if file.shipped and not store.has(file)]:
        raise ModelMissing(f"Timbre lacks what comes with it, {' and '.join(lost)}; install Timbre again.")
    if not store.is_complete(pack):
        raise ModelMissing(
            f"The pack {pack.name} is not on this machine; get it with `timbre models pull {pack.name}`."
        )
    return pack


def _best(store: Store, models: Catalogue) -> PackFiles:
    for pack in models.packs.values():
        if store.is_complete(pack):
            return pack
    raise ModelMissing
