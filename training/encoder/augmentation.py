"""What rooms, people around, telephones and microphones do to speech, on whole batches of float32 `[B, n]`.

Every effect is drawn for each row of its own. Rooms are noise that dies away exponentially behind the direct sound
(Polack's model, 1988); the source of the recipe as a whole is Snyder et al., "X-vectors", ICASSP 2018.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

RATE = 16_000
LEAD = 6_400  # samples in front of a window, so that a room has something to reverberate; `augmented` takes them off

Effect = Callable[[Tensor, Callable[[float, float], Tensor]], Tensor]  # rows, and how to draw a number for each

_ROOM, _COLOUR, _BABBLE, _NOISE, _TELEPHONE, _CLIP = 0.35, 0.3, 0.2, 0.35, 0.3, 0.1  # how often
_MU = 255.0


def augmented(speech: Tensor, generator: torch.Generator) -> Tensor:
    """Return `[B, n - LEAD]`: every row through its own chain of effects."""

    def some(samples: Tensor, share: float, effect: Effect) -> Tensor:
        rows = torch.nonzero(torch.rand(len(samples), generator=generator) < share)[:, 0]
        if not len(rows):
            return samples

        def between(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(len(rows), 1, generator=generator)

        return samples.index_copy(0, rows, effect(samples[rows], between))

    dry = _leveled(speech)
    made = some(dry, _ROOM, lambda rows, of: reverberant(rows, of(0.1, 0.8), of(0, 15), generator))
    made = _leveled(made[:, LEAD:])
    made = some(made, _BABBLE, lambda rows, of: rows + _ratio(of(5, 20)) * _babble(dry[:, LEAD:], len(rows), generator))
    made = some(
        made, _NOISE, lambda rows, of: rows + _ratio(of(5, 25)) * coloured_noise(rows.shape, of(0, 2), generator)
    )
    made = some(made, _COLOUR, lambda rows, _: _coloured(rows, generator))
    made = some(made, _TELEPHONE, lambda rows, of: telephone(rows, of(150, 400), of(3000, 3900)))
    return some(_leveled(made), _CLIP, lambda rows, of: rows.clamp(-of(0.5, 3.0), of(0.5, 3.0)))


def reverberant(speech: Tensor, decay: Tensor, direct: Tensor, generator: torch.Generator) -> Tensor:
    """Put rows into rooms: `decay` is the time in s to -60 dB, `direct` the direct sound above the rest in dB."""
    length = RATE // 2
    time = torch.arange(length) / RATE
    tail = torch.randn(len(speech), length, generator=generator) * torch.exp(-6.9 * time / decay)
    tail[:, :40] = 0  # 2.5 ms from the direct sound to the first reflection
    tail = tail / tail.square().sum(dim=1, keepdim=True).sqrt() * 10 ** (-direct / 20)
    tail[:, 0] = 1
    size = 1024 * math.ceil((speech.shape[1] + length) / 1024)
    spectrum = torch.fft.rfft(speech, size) * torch.fft.rfft(tail, size)
    return torch.fft.irfft(spectrum, size)[:, : speech.shape[1]]


def coloured_noise(shape: torch.Size, slope: Tensor, generator: torch.Generator) -> Tensor:
    """Return noise of unit power whose power falls as frequency to the minus `slope`: 0 white, 1 pink, 2 brown."""
    white = torch.fft.rfft(torch.randn(shape, generator=generator))
    frequency = torch.arange(white.shape[1]).clamp_min(8)
    return _leveled(torch.fft.irfft(white * frequency ** (-slope / 2), shape[1]))


def telephone(speech: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Keep what a telephone line keeps (from `low` to `high` Hz), through 8-bit mu-law (ITU-T G.711)."""
    spectrum = torch.fft.rfft(speech)
    frequency = torch.linspace(0, RATE / 2, spectrum.shape[1])
    kept = torch.sigmoid((frequency - low) / 30) * torch.sigmoid((high - frequency) / 60)
    narrow = torch.fft.irfft(spectrum * kept, speech.shape[1])
    peak = narrow.abs().amax(dim=1, keepdim=True).clamp_min(1e-6)
    squeezed = torch.sign(narrow) * torch.log1p(_MU * (narrow / peak).abs()) / math.log1p(_MU)
    steps = torch.round(squeezed * 127) / 127
    return torch.sign(steps) * torch.expm1(steps.abs() * math.log1p(_MU)) / _MU * peak


def _coloured(speech: Tensor, generator: torch.Generator) -> Tensor:
    """Pass rows through microphones: a smooth curve of up to some 8 dB over seven octaves."""
    spectrum = torch.fft.rfft(speech)
    points = 4 * torch.randn(len(speech), 1, 8, generator=generator)
    octave = torch.log2(torch.arange(spectrum.shape[1]).clamp_min(1) / spectrum.shape[1] * 128).clamp_min(0)
    low = octave.floor().long().clamp_max(6)
    curve = torch.lerp(points[:, 0, low], points[:, 0, low + 1], (octave - low).clamp(0, 1))
    return torch.fft.irfft(spectrum * 10 ** (curve / 20), speech.shape[1])


def _babble(speech: Tensor, rows: int, generator: torch.Generator) -> Tensor:
    """Return rows of one to five voices of the batch at once, at unit power."""
    voices = torch.randint(len(speech), (rows, 5), generator=generator)
    heard = torch.arange(5) < torch.randint(1, 6, (rows, 1), generator=generator)
    return _leveled(torch.zeros(rows, len(speech)).scatter_add_(1, voices, heard.float()) @ speech)


def _ratio(decibels: Tensor) -> Tensor:
    return 10 ** (-decibels / 20)


def _leveled(samples: Tensor) -> Tensor:
    return samples / samples.square().mean(dim=1, keepdim=True).sqrt().clamp_min(1e-5)
