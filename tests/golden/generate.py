"""Write the golden arrays beside this script, from the reference implementations: `make goldens`.

| file | what | reference |
|---|---|---|
| mel.npz | linear mel power | librosa, as Resemblyzer calls it |
| ge2e.npz | embeddings of 100 clips | Resemblyzer's own front end and network, in torch |
| silero.npz | speech probabilities | Silero's streaming network, stepped frame by frame |
| fbank.npz | Kaldi filter banks | the NumPy implementation in transformers |
| log_mel.npz | ReDimNet2's front end | redimnet2-onnx's own, in torch |
| powerset.npz | marginals of powerset classes | the definition, spelled out |
| clustering.npz | average linkage | SciPy |

The audio is samples/enrol, which is lossless: every decoder reads the same samples.
"""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import onnxruntime
import soundfile
import torch
from redimnet2_onnx.frontend import ReDimNetFrontend
from resemblyzer import VoiceEncoder
from resemblyzer.audio import normalize_volume, wav_to_mel_spectrogram
from scipy.cluster.hierarchy import fcluster, linkage
from transformers.audio_utils import mel_filter_bank, spectrogram, window_function

HERE = Path(__file__).parent
ENROL = HERE.parents[1] / "samples" / "enrol"
NAMES = ("Ada", "Ben", "Callum", "Dan")
RATE = 16_000


def voice(name: str) -> np.ndarray:
    samples, rate = soundfile.read(ENROL / f"{name}.flac", dtype="float32")
    assert rate == RATE
    return samples


def mel() -> dict[str, np.ndarray]:
    return {"mel": wav_to_mel_spectrogram(voice("Ada")[: 3 * RATE])}


def ge2e() -> dict[str, np.ndarray]:
    """Embed 25 clips of 1.6 s of every voice, each brought to -28 dBFS."""
    encoder = VoiceEncoder("cpu", verbose=False)
    starts = np.arange(25) * (RATE * 7 // 10)
    mels = [
        wav_to_mel_spectrogram(normalize_volume(voice(name)[start : start + 25_600], -28))[:160]
        for name in NAMES
        for start in starts
    ]
    with torch.inference_mode():
        embeddings = encoder(torch.from_numpy(np.stack(mels))).numpy()
    return {"names": np.repeat(NAMES, len(starts)), "starts": np.tile(starts, len(NAMES)), "embeddings": embeddings}


def silero() -> dict[str, np.ndarray]:
    package = Path(importlib.util.find_spec("silero_vad").origin).parent
    session = onnxruntime.InferenceSession(package / "data" / "silero_vad_16k_op15.onnx")
    state, context, probabilities = np.zeros((2, 1, 128), np.float32), np.zeros(64, np.float32), []
    samples = voice("Callum")[: 10 * RATE]
    for frame in np.pad(samples, (0, -samples.size % 512)).reshape(-1, 512):
        heard = np.concatenate([context, frame])
        feed = {"input": heard[None], "state": state, "sr": np.array(RATE, np.int64)}
        probability, state = session.run(None, feed)
        context = heard[-64:]
        probabilities.append(probability.item())
    return {"probabilities": np.array(probabilities, np.float32)}


def fbank() -> dict[str, np.ndarray]:
    filters = mel_filter_bank(
        num_frequency_bins=257,
        num_mel_filters=80,
        min_frequency=20,
        max_frequency=RATE // 2,
        sampling_rate=RATE,
        norm=None,
        mel_scale="kaldi",
        triangularize_in_mel_space=True,
    )
    features = spectrogram(
        voice("Ben")[: 2 * RATE] * 32_768,
        window_function(400, "hamming", periodic=False),
        frame_length=400,
        hop_length=160,
        fft_length=512,
        power=2.0,
        center=False,
        preemphasis=0.97,
        mel_filters=filters,
        log_mel="log",
        mel_floor=np.finfo(np.float32).eps,
        remove_dc_offset=True,
    )
    return {"fbank": features.T.astype(np.float32)}


def log_mel() -> dict[str, np.ndarray]:
    clip = voice("Dan")[RATE : RATE + 25_600]
    return {"log_mel": ReDimNetFrontend()(torch.from_numpy(clip)).numpy()[0, 0]}


def powerset() -> dict[str, np.ndarray]:
    """Sum, for every speaker, the classes of {}, {1}, {2}, {3}, {1,2}, {1,3}, {2,3} that it belongs to."""
    classes = [set(members) for size in range(3) for members in itertools.combinations(range(3), size)]
    probabilities = np.random.default_rng(7).dirichlet(np.full(7, 0.3), size=(2, 50))
    activity = np.zeros((2, 50, 3))
    for speaker, (index, members) in itertools.product(range(3), enumerate(classes)):
        if speaker in members:
            activity[..., speaker] += probabilities[..., index]
    return {
        "probabilities": probabilities.astype(np.float32),
        "activity": activity.astype(np.float32),
        "speech": (1 - probabilities[..., 0]).astype(np.float32),
        "overlap": sum(probabilities[..., index] for index in range(7) if len(classes[index]) > 1).astype(np.float32),
    }


def clustering() -> dict[str, np.ndarray]:
    """Cluster 80 vectors around 6 directions, by the cosine, at several thresholds."""
    random = np.random.default_rng(11)
    directions = random.normal(size=(6, 16))
    vectors = directions[random.integers(6, size=80)] + 0.7 * random.normal(size=(80, 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    tree = linkage(vectors.astype(np.float64), method="average", metric="cosine")
    thresholds = np.array([0.2, 0.4, 0.6, 0.8])
    labels = [fcluster(tree, 1 - threshold, criterion="distance") for threshold in thresholds]
    return {"vectors": vectors, "heights": tree[:, 2], "thresholds": thresholds, "labels": np.array(labels)}


if __name__ == "__main__":
    for stage in (mel, ge2e, silero, fbank, log_mel, powerset, clustering):
        np.savez_compressed(HERE / f"{stage.__name__}.npz", **stage())
