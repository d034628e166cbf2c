"""Channel and noise of made-up speech: syllables of coloured noise over a background that is known."""

import numpy as np
import pytest

from timbre.audio.acoustics import FRAME, Acoustics, acoustics, mean_acoustics
from timbre.evaluation.degradation import degraded, over_telephone, with_noise

RATE = 16_000


def speech(seconds: float = 12.0, background: float = 1e-4) -> tuple[np.ndarray, np.ndarray]:
    """Return samples that fall by 12 dB an octave from 500 Hz on, and which frames sound: half a second in each."""
    rng = np.random.default_rng(0)
    count = int(seconds * RATE)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum *= 1 / (1 + (np.fft.rfftfreq(count, 1 / RATE) / 500) ** 2)
    active = (np.arange(count // FRAME) // 25) % 2 == 0
    samples = 0.3 * np.fft.irfft(spectrum, count) * np.repeat(active, FRAME)[:count]
    return (samples + background * rng.standard_normal(count)).astype(np.float32), active


@pytest.mark.parametrize("gain", [1.0, 0.03])
def test_a_telephone_is_told_from_wideband_at_any_level(gain: float) -> None:
    samples, active = speech()
    assert acoustics(gain * samples, active).telephone == 0.0
    assert acoustics(gain * over_telephone(samples), active).telephone == 1.0


def test_hiss_makes_no_wideband_of_a_telephone_and_no_telephone_of_wideband() -> None:
    samples, active = speech()
    hiss = np.random.default_rng(1).standard_normal(samples.size).astype(np.float32)
    level = float(np.sqrt(np.mean(samples[np.repeat(active, FRAME)] ** 2)))
    assert acoustics(samples + level / 10 * hiss, active).telephone == 0.0
    assert (acoustics(over_telephone(samples) + level / 100 * hiss, active).telephone or 0) > 0.5
    assert (acoustics(over_telephone(samples) + level * hiss, active).telephone or 0) == 0


def test_noise_is_measured_and_nothing_is_known_without_speech() -> None:
    samples, active = speech(background=1e-2)
    level = float(np.mean(samples[np.repeat(active, FRAME)] ** 2)) - 1e-4
    assert acoustics(samples, active).snr == pytest.approx(10 * np.log10(level / 1e-4), abs=0.5)
    assert acoustics(samples, np.zeros_like(active)) == Acoustics()
    assert acoustics(samples[:0], active[:0]) == Acoustics()


def test_the_mean_is_over_what_is_known() -> None:
    known = [Acoustics(telephone=1.0, snr=10.0), Acoustics(telephone=0.0), Acoustics()]
    assert mean_acoustics(known) == Acoustics(telephone=0.5, snr=10.0)
    assert mean_acoustics([]) == Acoustics()


def test_copies_are_what_they_are_called_and_equal_for_equal_seeds() -> None:
    samples, active = speech()
    copies = degraded(samples, telephone=False, seed=3)
    assert set(copies) == {"telephone", "noise"}
    assert acoustics(copies["telephone"], active).telephone == 1.0
    clean, noisy = (acoustics(some, active).snr for some in (samples, copies["noise"]))
    assert clean is not None
    assert noisy is not None
    assert noisy < min(clean, 26.0)
    assert (degraded(samples, telephone=False, seed=3)["noise"] == copies["noise"]).all()
    assert set(degraded(samples, telephone=True, seed=3)) == {"noise"}


def test_noise_stays_in_the_band_of_the_channel() -> None:
    samples, active = speech()
    noisy = with_noise(over_telephone(samples), np.random.default_rng(0))
    assert (acoustics(noisy, active).telephone or 0) > 0.9
