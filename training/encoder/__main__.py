"""Make the next speaker encoder of Timbre, and say how good it is beside the one that ships.

    python -m training.encoder train       # the weights, as build/encoder/timbre-voice-2.onnx; an hour or two
    python -m training.encoder evaluate    # GE2E, the encoder in the package and that one, on the test speakers
    python -m training.encoder left-out    # short trainings without one source each, tested on that source

TIMBRE_DATA points to the labelled speech; the pack `ge2e` has to be there. What takes long to prepare is kept under
build/encoder. Every command writes what it found into next.json, beside this file; log.json tells of the training of
the encoder in the package.
"""

import argparse
import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import onnxruntime
import torch

from timbre.models.conversion import ge2e_graph
from timbre.settings import Settings
from training.encoder.batches import takes_of
from training.encoder.corpus import RATE, Utterance, is_unseen, read_utterances, stretches, training_speech
from training.encoder.learning import Recipe, side_by_side
from training.encoder.network import blended, mean_of, published, to_weights
from training.encoder.quantization import quantized
from training.encoder.verification import Embedder, kind, measured

ROOT = Path(__file__).parents[2]
WORK = ROOT / "build" / "encoder"
LOG = Path(__file__).parent / "next.json"
SHIPPED = ROOT / "src" / "timbre" / "models" / "shipped" / "timbre-voice-1.onnx"
MADE = WORK / "timbre-voice-2.onnx"
SEEDS = (0, 1)  # a training each, side by side; their weights are averaged
SHARE = 0.75  # of the way from GE2E's weights to these, which the encoder goes
LEFT_OUT_STEPS = 300
CURVE = 40  # lines of a training's log that are kept

Speech = Sequence[Utterance]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training.encoder", description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("what", choices=("train", "evaluate", "left-out"))
    parser.add_argument("--steps", type=int, help="of every training: fewer are done sooner, and are worse")
    arguments = parser.parse_args()
    data = Path(os.environ["TIMBRE_DATA"])
    WORK.mkdir(parents=True, exist_ok=True)
    speech = read_utterances(data, WORK)
    known = training_speech(speech, data)
    takes_of(stretches(known), WORK)
    unseen = is_unseen(data)
    tested = [said for said in speech if unseen(said.speaker)]
    if arguments.what == "train":
        make(known, Recipe(steps=arguments.steps or Recipe().steps))
    if arguments.what in {"train", "evaluate"}:
        evaluate(known, tested)
    if arguments.what == "left-out":
        leave_out(known, tested, Recipe(steps=arguments.steps or LEFT_OUT_STEPS))


def make(known: Speech, recipe: Recipe) -> None:
    """Train once a seed, and keep what lies between GE2E and the mean, in eight bits."""
    trained = side_by_side([(known, replace(recipe, seed=seed)) for seed in SEEDS], WORK)
    made = blended(published(Settings()), mean_of([encoder for encoder, _ in trained]), SHARE)
    graph = quantized(ge2e_graph(to_weights(made)))
    MADE.write_bytes(graph)
    _remember(
        "training",
        {
            "recipe": asdict(recipe) | {"seed": SEEDS, "share": SHARE},
            "torch": torch.__version__,
            "speech": {source: _amount(known, source) for source in _sources(known)},
            "curves": [report[:: max(1, len(report) // CURVE)] for _, report in trained],
            "file": {"sha256": hashlib.sha256(graph).hexdigest(), "bytes": len(graph)},
        },
    )


def evaluate(known: Speech, tested: Speech) -> None:
    """Measure GE2E, the encoder in the package and the next one on speakers of whom no training has heard a word."""
    encoders: dict[str, Embedder] = {"ge2e": published(Settings()), "ours": _from_file(SHIPPED)}
    if MADE.exists():
        encoders["next"] = _from_file(MADE)
    rates = {name: measured(encoder, known, tested) for name, encoder in encoders.items()}
    table = {
        of: {name: rate[of] for name, rate in rates.items()}
        | {"people": len({x.speaker for x in tested if kind(x) == of})}
        for of in rates["ge2e"]
    }
    _remember("test speakers", table)
    for of, row in table.items():
        print(f"{of}: EER", *(f"{name} {row[name]:.2f} %" for name in rates), f"({row['people']} people)")


def leave_out(known: Speech, tested: Speech, recipe: Recipe) -> None:
    """Train without each source in turn, and measure on the test speakers of that source."""
    sources = _sources(known)
    jobs = [([said for said in known if said.source != source], recipe) for source in sources]
    *without, everything = (encoder for encoder, _ in side_by_side([*jobs, (known, recipe)], WORK))
    before, after = (measured(encoder, known, tested) for encoder in (published(Settings()), everything))
    table = {}
    for source, encoder in zip(sources, without, strict=True):
        others = [said for said in known if said.source != source]
        unseen = measured(encoder, others, [said for said in tested if said.source == source])
        table[source] = {"ge2e": before[source], "left out": unseen[source], "trained on": after[source]}
        print(
            f"{source}: EER {before[source]:.2f} %, left out {unseen[source]:.2f} %, trained on {after[source]:.2f} %"
        )
    _remember("left out", {"steps": recipe.steps, "eer": table})


def _from_file(path: Path) -> Embedder:
    """Return what will run, eight bits and all."""
    session = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    return lambda mel: torch.from_numpy(session.run(None, {"mel": mel.numpy()})[0])


def _sources(speech: Speech) -> list[str]:
    return sorted({said.source for said in speech})


def _amount(speech: Speech, source: str) -> dict[str, float]:
    of_source = [said for said in speech if said.source == source]
    hours = sum(said.samples.size for said in of_source) / RATE / 3600
    return {"people": len({said.speaker for said in of_source}), "hours": round(hours, 2)}


def _remember(what: str, found: Any) -> None:
    log = json.loads(LOG.read_text()) if LOG.exists() else {}
    LOG.write_text(json.dumps(log | {what: found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
