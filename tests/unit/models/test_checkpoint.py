"""Checkpoints give their weights, and a hostile one does nothing."""

from __future__ import annotations

import io
import pickle
import struct
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from timbre.errors import ModelCorrupt
from timbre.models.checkpoint import read_weights

MAGIC = 0x1950A86A20F9469CFC6C
WEIGHTS = np.arange(12, dtype="<f4").reshape(3, 4)


class Global:
    """Pickles as a reference to a name, without that name's module being there."""

    def __init__(self, module: str, name: str) -> None:
        self.reference = f"c{module}\n{name}\n".encode()


class TorchPickler(pickle._Pickler):
    """Writes what torch writes for a state dictionary, and whatever else a test asks for."""

    def save(self, obj, save_persistent_id=True):
        if isinstance(obj, Global):
            self.write(obj.reference)
        elif isinstance(obj, Tensor):
            super().save(obj)
        else:
            super().save(obj, save_persistent_id)

    def persistent_id(self, obj):
        return obj.identity if isinstance(obj, Storage) else None


class Storage:
    def __init__(self, key: str, kind: str = "FloatStorage", count: int = 12) -> None:
        self.identity = ("storage", Global("torch", kind), key, "cpu", count, None)


class Tensor:
    def __init__(self, storage: Storage, offset=0, shape=(3, 4), strides=(4, 1)) -> None:
        self.arguments = (storage, offset, shape, strides, False, OrderedDict())

    def __reduce_ex__(self, protocol):
        return Rebuild(), self.arguments


class Rebuild(Global):
    def __init__(self) -> None:
        super().__init__("torch._utils", "_rebuild_tensor_v2")

    def __call__(self):
        raise AssertionError("only its name is written")


def pickled(value: object) -> bytes:
    stream = io.BytesIO()
    TorchPickler(stream, protocol=2).dump(value)
    return stream.getvalue()


def checkpoint(state: object, *, keys=("0",), magic=MAGIC, storage: bytes | None = None) -> bytes:
    raw = struct.pack("<q", 12) + WEIGHTS.tobytes() if storage is None else storage
    header = [magic, 1001, {"little_endian": True}]
    return b"".join(map(pickled, [*header, {"model_state": state}, list(keys)])) + raw


def test_weights_come_out_as_they_went_in():
    state = OrderedDict(whole=Tensor(Storage("0")), row=Tensor(Storage("0"), 4, (4,), (1,)))
    weights = read_weights(checkpoint(state), key="model_state")
    np.testing.assert_array_equal(weights["whole"], WEIGHTS)
    np.testing.assert_array_equal(weights["row"], WEIGHTS[1])


class Attack:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


@pytest.mark.parametrize(
    "name", [("os", "system"), ("builtins", "eval"), ("torch", "load"), ("timbre.models.checkpoint", "read_weights")]
)
def test_no_other_name_is_resolved(name):
    with pytest.raises(ModelCorrupt, match=rf"{name[0]}\.{name[1]}"):
        read_weights(checkpoint({"weight": Global(*name)}), key="model_state")


def test_a_hostile_pickle_runs_nothing(tmp_path):
    mark = tmp_path / "ran"
    with pytest.raises(ModelCorrupt, match="no place among weights"):
        read_weights(checkpoint({"weight": Attack(mark)}), key="model_state")
    with pytest.raises(ModelCorrupt, match="no place among weights"):
        read_weights(pickled(Attack(mark)), key="model_state")
    assert not mark.exists()


def test_a_module_named_in_a_pickle_is_not_even_imported():
    with pytest.raises(ModelCorrupt):
        read_weights(checkpoint({"weight": Global("antigravity", "fly")}), key="model_state")
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"PK\x03\x04 a newer checkpoint is a zip archive", id="zip"),
        pytest.param(checkpoint({}, magic=1), id="magic"),
        pytest.param(checkpoint({"weight": Tensor(Storage("0"))})[:-4], id="cut"),
        pytest.param(checkpoint({"weight": Tensor(Storage("0"))}, storage=struct.pack("<q", -1)), id="negative count"),
        pytest.param(checkpoint({"weight": Tensor(Storage("0"))}, storage=struct.pack("<q", 1 << 62)), id="huge count"),
        pytest.param(checkpoint({"weight": Tensor(Storage("0", "LongStorage"))}), id="other numbers"),
        pytest.param(checkpoint({"weight": Tensor(Storage("9"))}), id="no such storage"),
        pytest.param(checkpoint({"weight": Tensor(Storage("0"), 4)}), id="past the end"),
        pytest.param(checkpoint({"weight": Tensor(Storage("0"), -12)}), id="before the beginning"),
        pytest.param(checkpoint({"weight": Tensor(Storage("0"), strides=(1, 3))}), id="transposed"),
        pytest.param(checkpoint({"weight": "no tensor"}), id="no tensor"),
        pytest.param(checkpoint([]), id="no dictionary"),
    ],
)
def test_a_damaged_checkpoint_is_refused(data):
    with pytest.raises(ModelCorrupt):
        read_weights(data, key="model_state")


def test_a_checkpoint_without_the_key_is_refused():
    with pytest.raises(ModelCorrupt, match="state_dict"):
        read_weights(checkpoint({}), key="state_dict")
