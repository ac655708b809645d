"""The test that SSF-BO was published with: how often one sample sees noise on the last layer of a small network.

    python benchmarks/bcd.py                        # MNIST; minutes, and the generator's training once
    python benchmarks/bcd.py --target faces-mlp     # faces, 40 people

A modified model adds n_j to all weights into class j and to its bias, n from N(0, 0.01), a share of the n_j set to 0;
the logit of class j then changes by n_j * (sum of h + 1), h being the input of the last layer, so no model is copied.
Noise, its seeds 0, 1, .. and, for MNIST, the source images are those of the public code, nphdang/BCD; classifier and
generator are our own. Published rates are the means of the arrays stored there.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from sklearn.model_selection import train_test_split
from torch import Tensor

from modelprint.bench.targets import TARGETS, target_model
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.methods.ssf_bo import SSFBO
from modelprint.pixels import Pixels
from modelprint.tensors import Images, to_images
from modelprint.work import Work

SHARES = (0.01, *(index * 0.1 for index in range(1, 9)))
"""Of the entries of the noise that are 0; the first rounds to none for 10 classes."""
DEVIATION = 0.01
PUBLISHED = {
    "mnist-mlp": {
        "random": (0.005, 0.004, 0.003, 0.003, 0.002, 0.002, 0.001, 0.001, 0.000),
        "local": (0.291, 0.290, 0.283, 0.271, 0.248, 0.224, 0.193, 0.156, 0.113),
        "BO": (0.517, 0.507, 0.493, 0.464, 0.425, 0.382, 0.324, 0.258, 0.179),
    },
    "faces-mlp": {
        "random": (0.079, 0.070, 0.061, 0.052, 0.041, 0.031, 0.022, 0.016, 0.008),
        "local": (0.579, 0.571, 0.557, 0.531, 0.496, 0.452, 0.402, 0.331, 0.239),
        "BO": (0.678, 0.672, 0.657, 0.634, 0.601, 0.551, 0.483, 0.396, 0.282),
    },
}
GENERATOR = {"mnist-mlp": (), "faces-mlp": ("latents=8", "batch=32", "epochs=200")}


@dataclass(frozen=True, eq=False)
class Row:
    """What one way of making samples reached.

    Attributes:
        name: What it is.
        published: Its name in the published table; empty when it is not there.
        images: One sample per run.
        rates: Share of modified models that each sample sees, by share of zeros.
        seconds: Per sample.
    """

    name: str
    published: str
    images: Images
    rates: Float[Tensor, "shares runs"]
    seconds: float


def methods(target: str) -> dict[str, tuple[str, SSFBO | None]]:
    """Return every row: its name, its name in the published table, and how its samples are made."""
    floats = {"eight_bit": False, "generator_settings": GENERATOR[target]}
    return {
        "the source itself": ("random", None),
        "local, numerical gradients": ("local", SSFBO(search="local", numerical=True)),
        "local, exact gradients": ("", SSFBO(search="local")),
        "local, logarithm": ("", SSFBO(search="local", objective="log")),
        "best of the first random latents": ("", SSFBO(iterations=0, **floats)),
        "BO as the public code runs": ("BO", SSFBO(towards="lowest", **floats)),
        "BO": ("", SSFBO(**floats)),
        "BO, logarithm, length scale 6": ("", SSFBO(objective="log", length_scale=6.0, **floats)),
    }


def pick(target: str, data: DataSet, runs: int) -> Pixels:
    """Return the source of each run; run number r draws it with the seed r."""
    pixels = data.train.pixels
    if target == "mnist-mlp":
        pixels, _ = train_test_split(
            pixels, test_size=0.2, shuffle=True, stratify=data.train.labels, random_state=42
        )  # fmt: skip
    return np.stack([pixels[np.random.RandomState(run).randint(0, len(pixels))] for run in range(runs)])


def noises(class_count: int, share: float, models: int) -> Float[Tensor, "models classes"]:
    """Return the noise of each modified model; model number m draws it with the seed m."""
    drawn = []
    for seed in range(models):
        rng = np.random.RandomState(seed)
        noise = rng.normal(0, DEVIATION, class_count)
        noise[rng.choice(range(class_count), replace=False, size=int(class_count * share))] = 0
        drawn.append(noise)
    return torch.from_numpy(np.stack(drawn))


def rates(model: Classifier, images: Images, models: int) -> Float[Tensor, "shares runs"]:
    """Return the share of modified models that answer each image differently, by share of zeros."""
    exact = model.double()
    logits, size = exact.logits(images), exact.features(images).sum(1) + 1
    rows = []
    for share in SHARES:
        changed = logits + noises(model.class_count, share, models)[:, None, :] * size[:, None]
        rows.append((changed.argmax(2) != logits.argmax(1)).double().mean(0))
    return torch.stack(rows)


def measured(target: str, runs: int, models: int, seed: int) -> Iterator[Row]:
    """Yield the rows as they come."""
    model, data = target_model(TARGETS[target])
    sources = pick(target, data, runs)
    for name, (published, method) in methods(target).items():
        print(name, file=sys.stderr)
        if method is not None and method.search == "bo":
            SSFBO(iterations=0, generator_settings=GENERATOR[target]).craft(model, data, sources[:1], seed, Work())
        started = time.perf_counter()
        images = to_images(sources)
        if method is not None:
            images = method.craft(model, data, sources, seed, Work()).images
        seconds = (time.perf_counter() - started) / runs
        yield Row(name, published, images, rates(model, images, models), seconds)


def lines(target: str, runs: int, models: int, seed: int) -> Iterator[str]:
    """Yield the tables as Markdown."""
    model, data = target_model(TARGETS[target])
    sources = to_images(pick(target, data, runs))
    rows = list(measured(target, runs, models, seed))
    yield f"{target}: mean over {runs} samples, sources drawn with seeds 0 to {runs - 1}, searches with seed {seed}."
    yield f"{models} modified models per share of zeros, seeds 0 to {models - 1}."
    yield ""
    yield "| share of zeros | " + " | ".join(f"{share:.2g}" for share in SHARES) + " |"
    yield "|---|" + "---|" * len(SHARES)
    for row in rows:
        yield f"| {row.name} | " + " | ".join(f"{rate:.3f}" for rate in row.rates.mean(1).tolist()) + " |"
        if row.published:
            numbers = PUBLISHED[target][row.published]
            yield f"| published: {row.published} | " + " | ".join(f"{rate:.3f}" for rate in numbers) + " |"
    yield ""
    yield "| samples | rate at the first share, smallest to largest | L2, median | top-1 probability, median | s |"
    yield "|---|---|---|---|---|"
    for row in rows:
        first, shift = row.rates[0], (row.images - sources).flatten(1).norm(dim=1).median()
        sure = model.logits(row.images).softmax(1).amax(1).median()
        yield f"| {row.name} | {first.min():.3f} to {first.max():.3f} | {shift:.2f} | {sure:.2f} | {row.seconds:.2f} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", choices=list(PUBLISHED), default="mnist-mlp")
    parser.add_argument("--runs", type=int, default=10, help="samples of each method; 10 were published")
    parser.add_argument("--models", type=int, default=500, help="modified models per share of zeros")
    parser.add_argument("--seed", type=int, default=0, help="of the searches")
    arguments = parser.parse_args()
    for line in lines(arguments.target, arguments.runs, arguments.models, arguments.seed):
        print(line)


if __name__ == "__main__":
    main()
