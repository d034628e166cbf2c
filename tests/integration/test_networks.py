"""The networks of `base` and `ge2e`, and the int8 segmenter where it is, on speech."""

from __future__ import annotations

import os
from pathlib import Path

import av
import numpy as np
import pytest

from timbre.errors import ModelCorrupt, ModelError
from timbre.models.dequantization import in_floats
from timbre.models.encoder import Encoder
from timbre.models.ge2e import Ge2eEncoder
from timbre.models.packs import Pack, load_pack
from timbre.models.runtime import session
from timbre.models.segmenter import Segmenter, activity, overlap, speech
from timbre.models.store import Store
from timbre.settings import Settings

DATA = os.environ.get("TIMBRE_DATA")
INT8 = Path(DATA or ".").parent / "models" / "segmentation-3.0.int8.onnx"
NAMES = ("Ada", "Ben", "Callum", "Dan")
STARTS = np.arange(0, 290_000, 32_000)  # windows of a voice that do not overlap
SAME = 0.998  # the least cosine of a window's vectors that docs/explanations/processors.md promises


@pytest.fixture(scope="module")
def base() -> Pack:
    return load_pack("base", Settings())


def least_cosine(some: np.ndarray, others: np.ndarray) -> float:
    """Return how far one vector is from its counterpart, at most."""
    return float((some * others).sum(axis=1).min())


class TestVoiceActivity:
    def test_gives_what_the_streaming_network_gives(self, base, voice, golden):
        stream = base.vad.stream()
        ours = np.concatenate([stream.push(voice("Callum")[:160_000]), stream.flush()])
        np.testing.assert_allclose(ours, golden("silero")["probabilities"], atol=1e-4)

    @pytest.mark.parametrize("block", [1, 100, 512, 4_097])
    def test_does_not_depend_on_the_size_of_blocks(self, base, voice, block):
        samples = voice("Ben")[: 200 if block == 1 else 20_000]
        whole, parts = base.vad.stream(), base.vad.stream()
        expected = np.concatenate([whole.push(samples), whole.flush()])
        pushed = [parts.push(samples[first : first + block]) for first in range(0, len(samples), block)]
        np.testing.assert_array_equal(np.concatenate([*pushed, parts.flush()]), expected)
        assert expected.size == -(-samples.size // 512)

    def test_a_flushed_stream_has_nothing_left(self, base):
        stream = base.vad.stream()
        stream.push(np.zeros(700, np.float32))
        assert stream.flush().size == 1
        assert stream.flush().size == 0

    def test_hears_nothing_where_samples_are_not_finite(self, base):
        stream = base.vad.stream()
        damaged = np.full(16_000, np.nan, np.float32)
        damaged[::7] = np.inf
        assert stream.push(damaged).max() < 0.3


@pytest.fixture(scope="module")
def ge2e() -> Encoder:
    return load_pack("ge2e", Settings()).encoder


class TestGe2e:
    def test_gives_what_resemblyzer_gives(self, ge2e, voice, golden):
        expected = golden("ge2e")
        clips = zip(expected["names"], expected["starts"], strict=True)
        ours = [ge2e.embed(voice(name)[start : start + 25_600], [0])[0] for name, start in clips]
        assert len(ours) == 100
        assert (np.stack(ours) * expected["embeddings"]).sum(axis=1).min() > 0.9999
        np.testing.assert_allclose(ours, expected["embeddings"], atol=1e-4)

    def test_windows_of_a_stretch_are_the_windows_alone(self, ge2e, voice):
        samples = voice("Ada")
        together = ge2e.embed(samples, [16_000, 70_003])
        alone = ge2e.embed(samples[16_000 - 480 : 16_000 + 26_000], [480])
        np.testing.assert_allclose(together[0], alone[0], atol=1e-5)
        rounded = ge2e.embed(samples, [70_080])
        np.testing.assert_allclose(together[1], rounded[0], atol=1e-5)

    def test_its_fingerprint_is_that_of_the_published_weights(self, ge2e):
        assert ge2e.fingerprint == "39373b86598fa3da"


@pytest.fixture(scope="module")
def in_float(tmp_path_factory) -> Encoder:
    """The encoder of `base` with its eight-bit layers in floats, as a GPU runs it."""
    path = tmp_path_factory.mktemp("floats") / "timbre-voice-1.onnx"
    path.write_bytes(in_floats(Store(Settings()).path("timbre-voice-1").read_bytes()))
    return Ge2eEncoder(path, name="timbre-voice-1", fingerprint="00")


class TestEncoderOfBase:
    def test_tells_the_voices_apart(self, base, voice):
        means = [base.encoder.embed(voice(name), STARTS).mean(axis=0) for name in NAMES]
        units = np.stack([mean / np.linalg.norm(mean) for mean in means])
        assert (units @ units.T)[~np.eye(4, dtype=bool)].max() < 0.8

    def test_eight_bits_hear_what_floats_hear(self, base, in_float, voice):
        for name in NAMES:
            assert least_cosine(*(encoder.embed(voice(name), STARTS) for encoder in (base.encoder, in_float))) > SAME

    def test_a_window_hardly_depends_on_those_beside_it(self, base, voice):
        for name in NAMES:
            alone = np.concatenate([base.encoder.embed(voice(name), [start]) for start in STARTS])
            assert least_cosine(base.encoder.embed(voice(name), STARTS), alone) > SAME

    def test_hardly_depends_on_level(self, base, voice):
        for name in NAMES:
            loud, quiet = (base.encoder.embed(voice(name) * np.float32(gain), STARTS) for gain in (1, 0.01))
            assert least_cosine(loud, quiet) > SAME

    def test_no_two_windows_of_a_voice_are_as_near_as_that(self, base, voice):
        for name in NAMES:
            vectors = base.encoder.embed(voice(name), STARTS)
            assert (vectors @ vectors.T)[~np.eye(len(STARTS), dtype=bool)].max() < 1 - 10 * (1 - SAME)

    def test_does_not_depend_on_threads(self, voice):
        embeddings = [
            load_pack("base", Settings(threads=threads)).encoder.embed(voice("Ben"), np.arange(0, 280_000, 6_400))
            for threads in (1, 3)
        ]
        np.testing.assert_array_equal(*embeddings)

    @pytest.mark.parametrize("length", [None, 8_000, 48_000, 100])
    def test_takes_windows_of_any_length(self, base, voice, length):
        vectors = base.encoder.embed(voice("Ada"), [0, 16_000, 32_000], length)
        assert vectors.shape == (3, 256)
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_silence_damage_and_the_end_give_unit_vectors(self, base, voice):
        silence = np.zeros(30_000, np.float32)
        damaged = voice("Ada")[:30_000].copy()
        damaged[::3] = np.nan
        for samples, starts in ((silence, [0]), (damaged, [0]), (voice("Ada"), [voice("Ada").size - 100, 10_000_000])):
            vectors = base.encoder.embed(samples, starts)
            assert np.isfinite(vectors).all()
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)

    def test_no_window_no_vector(self, base, voice):
        assert base.encoder.embed(voice("Ada"), []).shape == (0, 256)


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory) -> Segmenter:
    store = Store(Settings(models_dir=tmp_path_factory.mktemp("models")))
    return Segmenter(store.path(store.add(INT8).name), threads=2)


@pytest.fixture(scope="module")
def duet(voice) -> np.ndarray:
    """Ada alone for three seconds, both for three, Ben alone for three, silence."""
    ada, ben = voice("Ada"), voice("Ben")
    duet = np.zeros(160_000, np.float32)
    duet[:96_000] += ada[:96_000]
    duet[48_000:144_000] += ben[:96_000]
    return duet


@pytest.mark.skipif(not DATA or not INT8.is_file(), reason="TIMBRE_DATA is unset or has no int8 segmenter beside it")
class TestSegmenter:
    def test_gives_probabilities(self, segmenter, duet):
        probabilities = segmenter(np.stack([duet, duet[::-1]]))
        assert probabilities.shape == (2, 589, 7)
        assert probabilities.min() >= 0
        np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-4)

    def test_hears_who_speaks_and_when_both_do(self, segmenter, duet):
        probabilities = segmenter(duet[None])[0]
        seconds = np.array([segmenter.frame_centre(index) for index in range(segmenter.frames)])
        first, both, second = (seconds < 3), (seconds > 3) & (seconds < 6), (seconds > 6) & (seconds < 9)
        assert speech(probabilities)[seconds > 9.3].mean() < 0.3
        assert speech(probabilities)[seconds < 9].mean() > 0.8
        assert overlap(probabilities)[both].mean() > 3 * overlap(probabilities)[first | second].mean()
        heard = activity(probabilities)
        assert heard[first].mean(axis=0).argmax() != heard[second].mean(axis=0).argmax()

    def test_hears_a_real_conversation(self, segmenter):
        with av.open(Path(DATA) / "conversations" / "pyannote_sample.flac") as container:
            samples = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)[0]
        probabilities = segmenter((samples[:480_000] / 32_768).astype(np.float32).reshape(3, -1))
        seconds = np.add.outer(10 * np.arange(3), [segmenter.frame_centre(index) for index in range(589)])
        talking = np.zeros(seconds.shape)
        for row in (Path(DATA) / "conversations" / "pyannote_sample.rttm").read_text().splitlines():
            start, duration = map(float, row.split()[3:5])
            talking += (seconds >= start) & (seconds < start + duration)
        assert ((speech(probabilities) > 0.5) == (talking > 0)).mean() > 0.95
        assert overlap(probabilities)[talking > 1].mean() > 5 * overlap(probabilities)[talking <= 1].mean()

    def test_one_wrong_sample_is_not_speech_everywhere(self, segmenter):
        damaged = np.zeros((1, 160_000), np.float32)
        damaged[0, 5] = np.nan
        assert speech(segmenter(damaged)).max() < 0.5

    def test_many_windows_are_run_eight_at_a_time(self, segmenter, duet):
        windows = np.stack([np.roll(duet, 1_000 * shift) for shift in range(17)])
        together = segmenter(windows)
        assert together.shape == (17, 589, 7)
        np.testing.assert_array_equal(together[8:16], segmenter(windows[8:16]))

    def test_no_window_no_answer(self, segmenter):
        assert segmenter(np.zeros((0, 160_000), np.float32)).shape == (0, 589, 7)


def test_cuda_without_a_runtime_for_it_is_refused(base, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime can use CUDA")
    with pytest.raises(ModelError, match="use-a-gpu"):
        session(tmp_path / "any.onnx", device="cuda")


def test_a_file_that_is_no_model_is_refused(tmp_path):
    (tmp_path / "text.onnx").write_text("not a model")
    with pytest.raises(ModelCorrupt, match=r"text\.onnx"):
        session(tmp_path / "text.onnx", device="cpu")
