"""One person in other moods: what calm, excited, loud and tired speech of the same mouth differ in.

Pitch and rate move together and wander, vowels stay nearly where they are, effort moves energy towards high frequencies
and raises the first resonance a little, and loudness comes and goes. The sizes follow what is reported of acted and
loud speech: pitch up to a third higher or a fifth lower (Banse and Scherer, "Acoustic profiles in vocal emotion
expression", JPSP 1996), and a flatter spectrum with more effort (Traunmüller and Eriksson, "Acoustic effects of
variation in vocal effort", JASA 2000).

Speech is read faster or slower, which moves pitch and resonances alike; a filter that changes with time then puts the
resonances back where this mouth has them.
"""

import math

import torch
from torch import Tensor

RATE = 16_000
FASTEST, SLOWEST = 1.35, 0.78  # of the rate at which speech is read
_FRAME, _HOP = 512, 128
_LIFTER = 26  # quefrencies below 1.6 ms are the mouth, those above are the pitch
_LARGEST = math.log(10 ** (24 / 20))  # by which the filter changes an amplitude
_POINTS = 5  # of the curves that wander over a window


def moody(speech: Tensor, length: int, generator: torch.Generator, arousal: Tensor | None = None) -> Tensor:
    """Say rows again in a mood.

    Args:
        speech: float32 `[B, n]`, n at least FASTEST times `length`; the end is what is heard.
        length: Samples to return.
        generator: Draws the moods.
        arousal: float32 `[B, 1]`, -1 tired, 1 beside oneself; of chance where it is not given.

    Returns:
        float32 `[B, length]`.
    """
    rows = len(speech)
    if arousal is None:
        arousal = torch.randn(rows, 1, generator=generator).clamp(-2, 2) / 2
    wander = 0.06 * _curves(rows, length, generator)
    rate = (0.02 + 0.16 * arousal + wander).exp().clamp(SLOWEST, FASTEST)
    place = speech.shape[1] - 1 - rate.flip(1).cumsum(1).flip(1)
    before = place.floor().long().clamp(0, speech.shape[1] - 2)
    read = torch.lerp(speech.gather(1, before), speech.gather(1, before + 1), place - before)
    effort = 1.5 * arousal + 1.5 * torch.randn(rows, 1, generator=generator)  # dB an octave
    mouth = 1 + 0.02 * arousal + 0.01 * torch.randn(rows, 1, generator=generator)
    loudness = 10 ** (3 * _curves(rows, length, generator) / 20)
    return _filtered(read, rate, mouth, effort)[:, :length] * loudness


def _filtered(speech: Tensor, rate: Tensor, mouth: Tensor, effort: Tensor) -> Tensor:
    """Put resonances that stand at `rate` times their place to `mouth` times it, and tilt by `effort` dB an octave."""
    window = torch.hann_window(_FRAME)
    spectrum = torch.stft(speech, _FRAME, _HOP, window=window, return_complex=True)  # [B, F, T]
    level = (spectrum.abs() + 1e-5).log().transpose(1, 2)  # [B, T, F]
    cepstrum = torch.fft.irfft(level, _FRAME)
    cepstrum[..., _LIFTER : _FRAME - _LIFTER + 1] = 0
    envelope = torch.fft.rfft(cepstrum).real
    bins = torch.arange(level.shape[2])
    at = torch.nn.functional.interpolate(rate[:, None], level.shape[1], mode="linear")[:, 0]  # [B, T]
    source = ((at / mouth)[..., None] * bins).clamp(max=len(bins) - 1.001)
    low = source.floor().long()
    wanted = torch.lerp(envelope.gather(2, low), envelope.gather(2, low + 1), source - low)
    octaves = (bins.clamp_min(2) * RATE / _FRAME / 500).log2().clamp(-1, 3)
    change = wanted - envelope + math.log(10) / 20 * effort[:, :, None] * octaves
    gain = change.clamp(-_LARGEST, _LARGEST).exp().transpose(1, 2)
    return torch.istft(spectrum * gain, _FRAME, _HOP, window=window, length=speech.shape[1])


def _curves(rows: int, length: int, generator: torch.Generator) -> Tensor:
    """Return smooth curves around 0 of unit variance, `[rows, length]`."""
    points = torch.randn(rows, 1, _POINTS, generator=generator)
    return torch.nn.functional.interpolate(points, length, mode="linear", align_corners=True)[:, 0]
