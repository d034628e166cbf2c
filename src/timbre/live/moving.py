"""A stream as a record, to go on in another process: all that it remembers, without the models that every process has.

The record is a pickle, so it is only for whoever knows that it is their own: a server seals it.
"""

from __future__ import annotations

import io
import pickle
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from timbre.live.stream import LiveStream

_OURS: Final = ("timbre.", "numpy.")
_OTHERS: Final = frozenset({("numpy", "ndarray"), ("numpy", "dtype"), ("collections", "deque"), ("uuid", "UUID")})


class _Writer(pickle.Pickler):
    def __init__(self, out: io.BytesIO, shared: dict[str, object]) -> None:
        super().__init__(out, pickle.HIGHEST_PROTOCOL)
        self._names = {id(value): name for name, value in shared.items()}

    def persistent_id(self, value: object) -> str | None:
        return self._names.get(id(value))


class _Reader(pickle.Unpickler):
    def __init__(self, record: bytes, shared: dict[str, object]) -> None:
        super().__init__(io.BytesIO(record))
        self._shared = shared

    def persistent_load(self, name: Any) -> object:
        return self._shared[name]

    def find_class(self, module: str, name: str) -> Any:
        if not module.startswith(_OURS) and (module, name) not in _OTHERS:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a stream")
        return super().find_class(module, name)


def packed(stream: LiveStream) -> bytes:
    """Return a stream as a record; between two pieces of sound, not while one is heard."""
    out = io.BytesIO()
    _Writer(out, stream.shared).dump(stream)
    return out.getvalue()


def unpacked(record: bytes, like: LiveStream) -> LiveStream:
    """Return the stream that was packed, with the models of another one that was asked for in the same way.

    Raises:
        UnpicklingError: it is no record of a stream.
    """
    stream: LiveStream = _Reader(record, like.shared).load()
    return stream
