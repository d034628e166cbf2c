"""The encoder's network in torch: GE2E's architecture, so that its weights are where training begins.

Source: Wan et al., "Generalized end-to-end loss for speaker verification", ICASSP 2018.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from timbre.audio.mel import BANDS, mel_filters, mel_window
from timbre.models.store import Store
from timbre.settings import Settings

LEVEL = 10 ** (-28 / 10)  # mean square to which every window is brought, as timbre.models.ge2e does
STEP = 160
FRAME = 400
_HALF = torch.cpu._is_avx512_bf16_supported()  # twice as fast, and nothing is lost that a test could hear


class Encoder(nn.Module):
    """Three LSTM layers over mel power, the last state projected, rectified and brought to length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(BANDS, 256, num_layers=3, batch_first=True)
        self.linear = nn.Linear(256, 256)

    def forward(self, mel: Tensor) -> Tensor:
        """Embed mel power float32 `[B, T, 40]`: unit vectors float32 `[B, 256]`."""
        with torch.autocast("cpu", torch.bfloat16, enabled=_HALF):
            _, (state, _) = self.lstm(mel)
            projected = torch.relu(self.linear(state[-1]))
        return nn.functional.normalize(projected.float(), dim=-1, eps=1e-8)


def mel_power(samples: Tensor) -> Tensor:
    """Return the mel power `[B, T, 40]` of windows `[B, 160 T + 240]`, brought to the level that the engine uses."""
    power = samples.square().mean(dim=-1, keepdim=True).clamp_min(1e-10)
    frames = samples.unfold(-1, FRAME, STEP) * torch.from_numpy(mel_window())
    return (torch.fft.rfft(frames).abs().square() @ torch.from_numpy(mel_filters())) * (LEVEL / power)[..., None]


def samples_of(frames: int) -> int:
    """Return how many samples a window of so many mel frames covers."""
    return (frames - 1) * STEP + FRAME


def from_weights(weights: Mapping[str, NDArray[np.float32]]) -> Encoder:
    """Make the network from tensors by the names of GE2E's checkpoint."""
    encoder = Encoder()
    encoder.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()})
    return encoder


def to_weights(encoder: Encoder) -> dict[str, NDArray[np.float32]]:
    """Return the tensors by the names of GE2E's checkpoint."""
    return {name: value.detach().float().numpy() for name, value in encoder.state_dict().items()}


def mean_of(encoders: Sequence[Encoder]) -> Encoder:
    """Return the network whose weights are the mean of others' that began from the same ones.

    Source: Wortsman et al., "Model soups", ICML 2022.
    """
    weights = [to_weights(encoder) for encoder in encoders]
    return from_weights({name: np.mean([each[name] for each in weights], axis=0) for name in weights[0]})


def blended(first: Encoder, second: Encoder, share: float) -> Encoder:
    """Return the network whose weights lie `share` of the way from the first to the second.

    Source: Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022.
    """
    one, other = to_weights(first), to_weights(second)
    return from_weights({name: (1 - share) * value + share * other[name] for name, value in one.items()})


def published(settings: Settings) -> Encoder:
    """Return GE2E as it was published, from the store.

    Raises:
        ModelMissing: it is not there; says how to get it.
    """
    graph = onnx.load(Store(settings).path("ge2e")).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = {"linear.weight": tensors["projection"], "linear.bias": tensors["bias"]}
    for layer in range(3):
        entering, hidden = np.split(tensors[f"B{layer}"][0], 2)
        weights |= {
            f"lstm.weight_ih_l{layer}": _torch_gates(tensors[f"W{layer}"][0]),
            f"lstm.weight_hh_l{layer}": _torch_gates(tensors[f"R{layer}"][0]),
            f"lstm.bias_ih_l{layer}": _torch_gates(entering),
            f"lstm.bias_hh_l{layer}": _torch_gates(hidden),
        }
    return from_weights(weights)


def _torch_gates(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Reorder ONNX's gates (input, output, forget, cell) as torch wants them (input, forget, cell, output)."""
    enter, leave, forget, cell = np.split(rows, 4)
    return np.concatenate([enter, forget, cell, leave])
