"""The training loop: AdamW, a rate that rises and falls, and a moving average of the weights as the result."""

import copy
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from timbre.settings import Settings
from training.encoder.batches import Batches
from training.encoder.corpus import Utterance, stretches
from training.encoder.network import Encoder, mel_power, published, samples_of
from training.encoder.objective import Objective
from training.encoder.verification import centre_of

Report = list[dict[str, Any]]  # what `train` told

REPORT = 50  # steps from line to line of the log
_CLEAN_WINDOWS = 3  # of a voice, whose mean vector begins its prototype
_VOICES = 32  # at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that can be chosen about a training."""

    steps: int = 2_800
    batch: int = 64
    rate: float = 2e-4
    prototype_rate: float = 2e-3
    scale: float = 24.0
    margin: float = 0.2
    closeness: float = 3.0
    average: float = 0.998  # of the weights, from step to step
    seed: int = 0


def train(
    teacher: Encoder,
    utterances: Sequence[Utterance],
    folder: Path,
    recipe: Recipe,
    report: Callable[[dict[str, Any]], None],
) -> Encoder:
    """Train from the teacher's weights on these utterances.

    Args:
        teacher: GE2E as published.
        utterances: Of speakers that may be trained on.
        folder: Where prepared speech is kept between runs.
        recipe: What to do.
        report: Is told of the loss every 50 steps.

    Returns:
        The moving average of the weights.
    """
    torch.manual_seed(recipe.seed)
    batches = Batches(stretches(utterances), folder, size=recipe.batch, seed=recipe.seed)
    middle = torch.from_numpy(centre_of(teacher, utterances))
    objective = Objective(
        teacher,
        middle,
        _prototypes(teacher, batches, middle),
        scale=recipe.scale,
        margin=recipe.margin,
        closeness=recipe.closeness,
    )
    encoder = copy.deepcopy(teacher).train()
    averaged = copy.deepcopy(teacher).eval()
    optimizer = torch.optim.AdamW(
        [
            {"params": encoder.parameters(), "lr": recipe.rate},
            {"params": [objective.prototypes], "lr": recipe.prototype_rate},
        ],
        weight_decay=1e-4,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, [recipe.rate, recipe.prototype_rate], total_steps=recipe.steps, pct_start=0.1
    )
    begin, sums = time.monotonic(), dict[str, float]()
    for step, batch in zip(range(1, recipe.steps + 1), batches, strict=False):
        loss, parts = objective(encoder, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        _average(averaged, encoder, min(recipe.average, step / (step + 20)))
        for name, value in parts.items():
            sums[name] = sums.get(name, 0.0) + value
        if step % REPORT == 0:
            means = {name: round(total / REPORT, 4) for name, total in sums.items()}
            report({"step": step, "seconds": round(time.monotonic() - begin), **means})
            sums.clear()
    return averaged


def side_by_side(jobs: Sequence[tuple[Sequence[Utterance], Recipe]], folder: Path) -> list[tuple[Encoder, Report]]:
    """Run trainings from GE2E, one on each core: that is faster than one training on several.

    Args:
        jobs: Speech and recipe of each.
        folder: Where the prepared speech of all of them is kept.

    Returns:
        The encoder and the report of each.
    """
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        results = list(pool.map(_alone, repeat(folder), *zip(*jobs, strict=True)))
    trained = []
    for state, report in results:
        encoder = Encoder()
        encoder.load_state_dict(state)
        trained.append((encoder.eval(), report))
    return trained


def _alone(folder: Path, speech: Sequence[Utterance], recipe: Recipe) -> tuple[dict[str, Tensor], Report]:
    torch.set_num_threads(1)
    report: Report = []

    def tell(line: dict[str, Any]) -> None:
        report.append(line)
        print(
            f"seed {recipe.seed}, {len(speech)} utterances:",
            *(f"{key} {value}" for key, value in line.items()),
            flush=True,
        )

    return train(published(Settings()), speech, folder, recipe, tell).state_dict(), report


@torch.no_grad()
def _prototypes(teacher: Encoder, batches: Batches, middle: Tensor) -> Tensor:
    """Return the teacher's mean vector of every voice, with the mean voice taken off: `[voices, 256]`."""
    length = samples_of(160)
    means = []
    for voices in torch.arange(batches.voices).split(_VOICES):
        windows = torch.cat([batches.of_voice(int(voice), length, _CLEAN_WINDOWS) for voice in voices])
        vectors = nn.functional.normalize(teacher(mel_power(windows)) - middle, dim=1)
        means.append(vectors.unflatten(0, (len(voices), _CLEAN_WINDOWS)).mean(dim=1))
    return torch.cat(means)


@torch.no_grad()
def _average(averaged: Encoder, encoder: Encoder, keep: float) -> None:
    for mean, value in zip(averaged.parameters(), encoder.parameters(), strict=True):
        mean.lerp_(value, 1 - keep)
