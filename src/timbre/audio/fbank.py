"""Kaldi's filter banks, as WeSpeaker trains its encoders on them: 80 log mel energies every 10 ms, Hamming window.

Frame i looks at the 400 samples from sample 160 i on; samples at the end that fill no frame are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP: Final = 160  # samples from frame to frame
WINDOW: Final = 400  # samples of a frame
BANDS: Final = 80

_SAMPLE_RATE: Final = 16_000
_INT16: Final = 32_768  # the encoders were trained on samples of this scale


def fbank(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the log mel energies of every 10 ms, without dither: equal input, equal output.

    Args:
        samples: float32 `[n]`, 16 kHz, in [-1, 1].

    Returns:
        float32 `[1 + (n - 400) // 160, 80]`; no row if there are fewer than 400 samples.
    """
    import kaldi_native_fbank  # noqa: PLC0415 - only encoders of other packs than `base` need it

    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0.0
    options.frame_opts.window_type = "hamming"
    options.mel_opts.num_bins = BANDS
    computer = kaldi_native_fbank.OnlineFbank(options)
    computer.accept_waveform(_SAMPLE_RATE, samples * np.float32(_INT16))
    computer.input_finished()
    frames = [computer.get_frame(index) for index in range(computer.num_frames_ready)]
    return np.array(frames, np.float32).reshape(-1, BANDS)
