"""Read the weights out of a torch checkpoint without torch, and without running what it may carry.

A checkpoint in torch's legacy format is a row of pickles (magic number, protocol, facts about the machine,
the object itself, the keys of its storages) and then the storages: for each key a count and that many
little-endian float32 values. A pickle may name any function to be called while it is read, so this reader
knows the three names that weights need and refuses every other.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from timbre.errors import ModelCorrupt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_MAGIC: Final = 0x1950A86A20F9469CFC6C
_PROTOCOL: Final = 1001
_COUNT: Final = struct.Struct("<q")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tensor:
    """Where a tensor lies in its storage."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _FloatStorage:
    """Stands for `torch.FloatStorage`: the only kind of storage that is read."""


def read_weights(data: bytes, *, key: str) -> dict[str, NDArray[np.float32]]:
    """Return the tensors that a checkpoint holds under `key`, by name.

    Raises:
        ModelCorrupt: the data is no such checkpoint, or asks for anything but tensors.
    """
    try:
        return _read(io.BytesIO(data), key)
    except ModelCorrupt:
        raise
    except Exception as error:
        raise ModelCorrupt(f"The checkpoint cannot be read: {type(error).__name__}: {error}") from error


def _read(stream: io.BytesIO, key: str) -> dict[str, NDArray[np.float32]]:
    magic, protocol = _unpickle(stream), _unpickle(stream)
    if magic != _MAGIC or protocol != _PROTOCOL:
        raise ModelCorrupt("The checkpoint is not in torch's legacy format.")
    _unpickle(stream)  # byte order and sizes of the machine that wrote it: always little-endian in practice
    checkpoint, keys = _unpickle(stream), _unpickle(stream)
    storages = {name: _read_storage(stream) for name in keys}
    return {name: _view(storages[tensor.storage], tensor) for name, tensor in checkpoint[key].items()}


def _read_storage(stream: io.BytesIO) -> NDArray[np.float32]:
    (count,) = _COUNT.unpack(stream.read(_COUNT.size))
    raw = stream.read(count * 4)
    if count < 0 or len(raw) != count * 4:
        raise ModelCorrupt("The checkpoint ends before its last weight.")
    return np.frombuffer(raw, "<f4")


def _view(storage: NDArray[np.float32], tensor: _Tensor) -> NDArray[np.float32]:
    size = math.prod(tensor.shape)
    flat = storage[tensor.offset : tensor.offset + size]
    if tensor.strides != _contiguous(tensor.shape) or tensor.offset < 0 or flat.size != size:
        raise ModelCorrupt(f"A tensor of shape {tensor.shape} does not lie in its storage as it should.")
    return flat.reshape(tensor.shape)


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _unpickle(stream: io.BytesIO) -> Any:
    return _TensorUnpickler(stream).load()


class _TensorUnpickler(pickle.Unpickler):
    """An unpickler that can make dictionaries, numbers, text and `_Tensor`s."""

    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case "collections", "OrderedDict":
                return OrderedDict
            case "torch._utils", "_rebuild_tensor_v2":
                return _rebuild_tensor
            case "torch", "FloatStorage":
                return _FloatStorage
        raise ModelCorrupt(f"The checkpoint asks for {module}.{name}, which has no place among weights.")

    def persistent_load(self, pid: Any) -> str:
        _, kind, storage, *_ = pid
        if kind is not _FloatStorage:
            raise ModelCorrupt("The checkpoint holds weights that are not float32.")
        return str(storage)


def _rebuild_tensor(
    storage: str,
    offset: int,
    shape: tuple[int, ...],
    strides: tuple[int, ...],
    _requires_grad: bool,
    _hooks: Mapping[str, Any],
) -> _Tensor:
    return _Tensor(storage=storage, offset=offset, shape=shape, strides=strides)
