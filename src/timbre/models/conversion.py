"""Build ONNX files from weights that are published in other formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from timbre.errors import ModelCorrupt
from timbre.extras import needing
from timbre.models.checkpoint import read_weights

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_OPSET: Final = 17
_IR_VERSION: Final = 9
_LAYERS: Final = 3
_BANDS: Final = 40
_HIDDEN: Final = 256
_DIMENSION: Final = 256


def onnx_package() -> Any:
    """Return the package `onnx`, which writes ONNX files.

    Raises:
        ExtraMissing: it is not installed.
    """
    with needing("conversion"):
        import onnx  # noqa: PLC0415 - needed once in the life of an installation, if at all
    return onnx


def ge2e(checkpoint: bytes) -> bytes:
    """Turn Resemblyzer's checkpoint into ONNX: mel `[N, T, 40]` to unit vectors `[N, 256]`.

    The same checkpoint always gives the same bytes.

    Raises:
        ExtraMissing: the package `onnx` is not installed.
        ModelCorrupt: the checkpoint cannot be read or is another network's.
    """
    return ge2e_graph(read_weights(checkpoint, key="model_state"))


def ge2e_graph(weights: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Write GE2E's network with these weights, by the names of its checkpoint, as ONNX; see `ge2e`.

    Raises:
        ExtraMissing: the package `onnx` is not installed.
        ModelCorrupt: the weights are another network's.
    """
    onnx = onnx_package()
    helper, floats = onnx.helper, onnx.TensorProto.FLOAT
    initializers = _ge2e_initializers(weights)
    graph = helper.make_graph(
        nodes=_ge2e_nodes(helper.make_node),
        name="ge2e",
        inputs=[helper.make_tensor_value_info("mel", floats, ["N", "T", _BANDS])],
        outputs=[helper.make_tensor_value_info("embedding", floats, ["N", _DIMENSION])],
        initializer=[onnx.numpy_helper.from_array(value, name) for name, value in initializers.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _ge2e_nodes(node: Any) -> list[Any]:
    """Return the network: LSTM layers over time, the last state projected, rectified and brought to length 1."""
    nodes = [node("Transpose", ["mel"], ["sequence0"], perm=[1, 0, 2])]
    for layer in range(_LAYERS):
        inputs = [f"{part}{layer}" for part in ("sequence", "W", "R", "B")]
        nodes += [
            node("LSTM", inputs, [f"directions{layer}", f"last{layer}"], hidden_size=_HIDDEN),
            node("Squeeze", [f"directions{layer}", "direction_axis"], [f"sequence{layer + 1}"]),
        ]
    nodes[-1] = node("Squeeze", [f"last{_LAYERS - 1}", "state_axis"], ["state"])
    return [
        *nodes,
        node("Gemm", ["state", "projection", "bias"], ["projected"], transB=1),
        node("Relu", ["projected"], ["rectified"]),
        node("LpNormalization", ["rectified"], ["embedding"], axis=1, p=2),
    ]


def _ge2e_initializers(weights: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[Any]]:
    def take(name: str, *shape: int) -> NDArray[np.float32]:
        found = weights.get(name)
        if found is None or found.shape != shape:
            raise ModelCorrupt(f"The checkpoint should hold {name} of shape {shape}; it is another network's.")
        return found

    values: dict[str, NDArray[Any]] = {"direction_axis": np.array([1]), "state_axis": np.array([0])}
    gates = 4 * _HIDDEN
    for layer in range(_LAYERS):
        entering = _BANDS if layer == 0 else _HIDDEN
        biases = [take(f"lstm.bias_{side}_l{layer}", gates) for side in ("ih", "hh")]
        values[f"W{layer}"] = _onnx_gates(take(f"lstm.weight_ih_l{layer}", gates, entering))[None]
        values[f"R{layer}"] = _onnx_gates(take(f"lstm.weight_hh_l{layer}", gates, _HIDDEN))[None]
        values[f"B{layer}"] = np.concatenate([_onnx_gates(bias) for bias in biases])[None]
    values["projection"] = take("linear.weight", _DIMENSION, _HIDDEN)
    values["bias"] = take("linear.bias", _DIMENSION)
    return values


def _onnx_gates(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reorder torch's gates (input, forget, cell, output) as ONNX wants them (input, output, forget, cell)."""
    enter, forget, cell, leave = np.split(rows, 4)
    return np.concatenate([enter, leave, forget, cell])
