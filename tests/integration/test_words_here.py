"""Words in our own process: models of the extra `asr`, pulled from a hub, and a recogniser that comes from PyPI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import numpy as np
import pocketsphinx
import pytest

from hub import Hub, running_hub
from timbre import Settings
from timbre.audio import SAMPLE_RATE
from timbre.audio.decoding import open_recording
from timbre.errors import ModelCorrupt, ModelDownloadFailed, ModelMissing, ModelUnknown
from timbre.recognition.onnx import OnnxRecogniser, read_tokens
from timbre.recognition.onnx_models import find, pull
from timbre.recognition.transcriber import Recognised
from timbre.recognition.transcription import transcribe
from timbre.transcripts.spoken import Segment, Word

onnx = pytest.importorskip("onnx")
REPOSITORY = "istupakov/parakeet-ctc-0.6b-onnx"
NAME = "parakeet-ctc-0.6b"
VOCABULARY = ["\u2581hello", "\u2581wor", "ld", "<blk>"]


def network() -> bytes:
    """A network in the shape of NeMo's CTC models: says "hello" where it is loud, and else nothing."""
    helper, numpy = onnx.helper, onnx.numpy_helper
    weights = np.zeros((80, len(VOCABULARY)), np.float32)
    weights[:, 0] = 1.0  # features are normalised: above their mean it is loud
    constants = [numpy.from_array(weights, "weights"), numpy.from_array(np.array([0, 0, 0, 0.5], np.float32), "bias")]
    nodes = [
        helper.make_node("Transpose", ["audio_signal"], ["frames"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["frames", "weights"], ["scores"]),
        helper.make_node("Add", ["scores", "bias"], ["logits"]),
        helper.make_node("LogSoftmax", ["logits"], ["logprobs"], axis=-1),
        helper.make_node("Identity", ["length"], ["same"]),
    ]
    real, whole = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
    graph = helper.make_graph(
        nodes,
        "ctc",
        [
            helper.make_tensor_value_info("audio_signal", real, ["n", 80, "t"]),
            helper.make_tensor_value_info("length", whole, ["n"]),
        ],
        [
            helper.make_tensor_value_info("logprobs", real, ["n", "t", len(VOCABULARY)]),
            helper.make_tensor_value_info("same", whole, ["n"]),
        ],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return model.SerializeToString()


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        vocabulary = "".join(f"{token} {number}\n" for number, token in enumerate(VOCABULARY))
        config = {"model_type": "nemo-conformer-ctc", "features_size": 80, "subsampling_factor": 1}
        hub.files = {
            f"{REPOSITORY}/model.onnx": network(),
            f"{REPOSITORY}/vocab.txt": vocabulary.encode(),
            f"{REPOSITORY}/config.json": json.dumps(config).encode(),
            f"{REPOSITORY}/model.int8.onnx": b"another",
            f"{REPOSITORY}/README.md": b"read me",
        }
        yield hub


@pytest.fixture
def settings(hub, tmp_path) -> Settings:
    return Settings(models_dir=tmp_path / "models", hub_endpoint=hub.endpoint, asr_model=NAME)


def test_a_model_is_pulled_pinned_and_heard(hub, settings):
    told = []
    folder = pull(NAME, settings, lambda *report: told.append(report))
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.onnx", "pinned.json", "vocab.txt"]
    assert told[-1][1] == told[-1][2] > 0
    assert not hub.authorized
    asked = len(hub.requests)
    assert pull(f"nemo-{NAME}", settings) == folder  # it is here, whatever the hub has by now
    assert len(hub.requests) == asked
    loud = np.zeros(4 * SAMPLE_RATE, np.int16)
    loud[2 * SAMPLE_RATE : 3 * SAMPLE_RATE] = np.random.default_rng(1).normal(0, 8000, SAMPLE_RATE)
    found = asyncio.run(OnnxRecogniser(settings).recognise(loud, language=None))
    assert found.timed
    words = [word for segment in found.segments for word in segment.words]
    assert {word.text for word in words} == {"hello"}
    assert any(1.8 < word.start < 3.2 for word in words)


def test_what_is_wrong_with_a_model_is_said(hub, settings):
    published = dict(hub.files)
    offline = settings.model_copy(update={"offline": True})
    with pytest.raises(ModelMissing, match="TIMBRE_OFFLINE"):
        pull(NAME, offline)
    with pytest.raises(ModelMissing, match=f"timbre models pull {NAME}"):
        find(NAME, settings)
    with pytest.raises(ModelUnknown, match="nemo-parakeet-tdt"):
        pull("nothing", settings)
    network = hub.files.pop(f"{REPOSITORY}/model.onnx")
    with pytest.raises(ModelDownloadFailed, match="someone/something"):
        pull("someone/something", settings)
    hub.files.clear()
    with pytest.raises(ModelDownloadFailed, match=NAME):
        pull(NAME, settings)
    assert not any((settings.models_dir / "words").iterdir())
    hub.files.update(published | {f"{REPOSITORY}/model.onnx": network})
    folder = pull(NAME, settings)
    assert pull(NAME, offline) == folder == find(NAME, offline)
    (folder / "model.onnx").write_bytes(b"damaged")
    with pytest.raises(ModelCorrupt, match="does not match its checksum"):
        find(NAME, settings)
    assert find(NAME, settings.model_copy(update={"models_dir": pull(NAME, settings).parent.parent})) == folder


def test_tokens_become_words():
    found = read_tokens("hello world", [" hel", "lo", " wor", "ld"], [0.2, 0.4, 1.0, 1.1], 5.0)
    words = found.segments[0].words
    assert [(word.text, word.start, word.end) for word in words] == [
        ("hello", 0.2, pytest.approx(0.7)),
        ("world", 1.0, pytest.approx(1.4)),
    ]
    assert not read_tokens("hello world", None, None, 5.0).timed
    assert not read_tokens("", [], [], 5.0).segments


class Pocketsphinx:
    """A recogniser of English that comes from PyPI, behind our seam."""

    async def recognise(self, sound, *, language) -> Recognised:  # noqa: ARG002 - the seam's
        decoder = pocketsphinx.Decoder(samprate=SAMPLE_RATE, loglevel="FATAL")
        decoder.start_utt()
        decoder.process_raw(sound.tobytes(), full_utt=True)
        decoder.end_utt()
        words = tuple(
            Word(part.word.partition("(")[0], part.start_frame / 100, (part.end_frame + 1) / 100)
            for part in decoder.seg()
            if not part.word.startswith(("<", "["))
        )
        return Recognised(segments=[Segment(0.0, len(sound) / SAMPLE_RATE, words)])


def test_a_real_recogniser_behind_the_seam(voice):
    """Two pieces of some seconds: what it hears of clear English is in order, and mostly right."""

    async def listen():
        async def nobody():
            return ()

        return await transcribe(Pocketsphinx(), recording, nobody, longest=6.0, at_once=1)

    with open_recording((voice("Ada")[: 9 * SAMPLE_RATE], SAMPLE_RATE), settings=Settings()) as recording:
        found = asyncio.run(listen())
    assert not found.faults
    assert " ".join(word.text for word in found.words).startswith("my grandmother kept")
    assert [word.start for word in found.words] == sorted(word.start for word in found.words)
    assert 15 < len(found.words) < 35
    assert 5 < found.words[-1].end <= 9
