"""Eight-bit weights for the recurrent layers of a GE2E network: less than half the size, and faster.

The first layer stays as it is. It hears linear mel power, whose range of 60 dB does not fit into the one scale of eight
bits that the runtime gives a whole batch; what the layers above hear lies between -1 and 1.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

_RUNTIME_OPERATORS: Final = "com.microsoft"
_LARGEST: Final = 127


def quantized(model: bytes) -> bytes:
    """Quantise every LSTM layer but the first.

    Weights become int8 with one scale for each gate of each cell, symmetric about 0; what enters a layer is quantised
    while the network runs (ONNX Runtime's `DynamicQuantizeLSTM`). Inputs and outputs keep their names and shapes, and
    the same model always gives the same bytes.

    Args:
        model: An ONNX file as `timbre.models.conversion.ge2e` builds it, weights in float32.
    """
    proto = onnx.load_from_string(model)
    graph = proto.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "LSTM"][1:]:
        scales = []
        for name in node.input[1:3]:
            values, scale = _int8(numpy_helper.to_array(weights[name]))
            weights[name].CopyFrom(numpy_helper.from_array(values, name))
            scales += [
                _added(graph, f"{name}_scale", scale),
                _added(graph, f"{name}_zero", np.zeros_like(scale, np.int8)),
            ]
        node.op_type, node.domain = "DynamicQuantizeLSTM", _RUNTIME_OPERATORS
        node.input.extend([""] * (8 - len(node.input)) + scales)
    proto.opset_import.append(helper.make_opsetid(_RUNTIME_OPERATORS, 1))
    return bytes(proto.SerializeToString(deterministic=True))


def _int8(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return weights `[1, gates, inputs]` as int8 `[1, inputs, gates]`, and the scale of each gate `[1, gates]`.

    Processors without VNNI instructions add two neighbouring products in 16 bits, and cut off what does not fit. So
    that every machine gives the same vectors, a scale leaves room for the sum of two neighbours.
    """
    pairs = weights.reshape(*weights.shape[:2], -1, 2).sum(axis=3)
    scale = np.maximum(np.abs(weights).max(axis=2), np.abs(pairs).max(axis=2)) / np.float32(_LARGEST)
    values = np.rint(weights / np.maximum(scale, np.finfo(np.float32).tiny)[:, :, None]).astype(np.int8)
    return np.ascontiguousarray(values.transpose(0, 2, 1)), scale


def _added(graph: Any, name: str, values: NDArray[Any]) -> str:
    graph.initializer.append(numpy_helper.from_array(values, name))
    return name
