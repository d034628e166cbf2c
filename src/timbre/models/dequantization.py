"""Networks with eight-bit recurrent layers, back in floats: CUDA has no such layers and leaves them to the processor.

The weights are those of the eight-bit network; only that what enters a layer is not rounded any more.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from timbre.extras import needing

_QUANTISED: Final = "DynamicQuantizeLSTM"
_WEIGHTS: Final = ((1, 8), (2, 10))  # inputs of the node: weights, and the scale of each gate; zero points are 0
_INPUTS: Final = 8  # of an LSTM with everything


def in_floats(model: bytes) -> bytes:
    """Turn every `DynamicQuantizeLSTM` of an ONNX file into an LSTM; a file without comes back as it is.

    Raises:
        ExtraMissing: the package `onnx` is not installed.
    """
    with needing("cuda"):
        import onnx  # noqa: PLC0415 - only where there is a GPU
        from onnx import numpy_helper  # noqa: PLC0415

    proto = onnx.load_from_string(model)
    quantised = [node for node in proto.graph.node if node.op_type == _QUANTISED]
    if not quantised:
        return model
    tensors: dict[str, Any] = {tensor.name: tensor for tensor in proto.graph.initializer}
    for node in quantised:
        for weights, scale in _WEIGHTS:
            tensor = tensors[node.input[weights]]
            gates = np.swapaxes(numpy_helper.to_array(tensor).astype(np.float32), 1, 2)  # [1, gates, inputs]
            values = gates * numpy_helper.to_array(tensors[node.input[scale]])[:, :, None]
            tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), tensor.name))
        del node.input[_INPUTS:]
        node.op_type, node.domain = "LSTM", ""
    return bytes(proto.SerializeToString(deterministic=True))
