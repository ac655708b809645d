"""What choosing among samples of ten and of three classes gains, on copies that are never measured on.

    modelprint bench run plans/junction-cifar10.toml --scale laptop
    python benchmarks/junction_portfolio.py runs/junction-cifar10-laptop

Takes the samples of two fingerprints of a run as the candidates that `Junction(k=(10, 3), suite=...)` would have,
chooses as many as one of them has, by the same function, and scores all from the observations of the run. Prints
Markdown.
"""

import argparse
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from modelprint.bench.detection.results import DetectionResults, read_results
from modelprint.bench.reading import read_run
from modelprint.bench.targets import TARGETS, target_model
from modelprint.crafting.selection import portfolio_order
from modelprint.tamperings.zoo import build_zoo
from modelprint.tensors import to_images

SUITE = (
    "finetune-last-1e-5*2",
    "finetune-last-1e-5-bnfrozen*2",
    "finetune-all-1e-5*2",
    "finetune-all-1e-5-bnfrozen*2",
    "flip-sign*4",
)
FIRST_SEED = 1000
"""Suspects of the benchmark have lower ones."""
NS = (1, 5)

Seen = Mapping[tuple[str, ...], list[Bool[np.ndarray, " samples"]]]
"""For each line, whether each sample sees each suspect."""


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a run of junction fingerprints")
    parser.add_argument("--profiles", nargs="*", default=["", "-exact"], help="what the two names end in")
    given = parser.parse_args()
    torch.set_num_threads(1)
    run = read_results(read_run(given.run))
    print("| samples | N = 1: mean | weakest line | N = 5: mean | weakest line |\n|---|---:|---:|---:|---:|")
    for profile in given.profiles:
        names = (f"junction{profile}", f"junction-3{profile}")
        seen = both(run, names)
        count = len(run.fingerprints[names[0]].samples)
        order = chosen(run, names, count)
        every, half = list(range(2 * count)), count // 2
        mine = sum(index < count for index in order)
        pools = {
            f"`{names[0]}`": every[:count],
            f"`{names[1]}`": every[count:],
            "both in turns": [*every[:half], *every[count : count + half]],
            f"portfolio, {mine} of ten classes": order,
            "its first 20": order[:20],
        }
        for name, rows in pools.items():
            print(f"| {name} | " + " | ".join(cell for n in NS for cell in cells(seen, rows, n)) + " |")


def both(run: DetectionResults, names: Sequence[str]) -> Seen:
    """Return the suspects that count, asked about the samples of both fingerprints, one after the other."""
    answers: dict[tuple[str, ...], dict[str, Bool[np.ndarray, " samples"]]] = defaultdict(dict)
    for one in run.observations:
        if one.fingerprint in names and one.goal_reached and not one.control:
            key = (one.row, one.kind, json.dumps(one.settings, sort_keys=True), one.reference, str(one.seed))
            answers[key][one.fingerprint] = np.array([sign == "1" for sign in one.mismatched])
    lines: dict[tuple[str, ...], list[Bool[np.ndarray, " samples"]]] = defaultdict(list)
    for key, found in answers.items():
        lines[key[:-1]].append(np.concatenate([found[name] for name in names]))
    return lines


def chosen(run: DetectionResults, names: Sequence[str], count: int) -> list[int]:
    """Return the portfolio, as places among the samples of both."""
    model, data = target_model(TARGETS[run.contents.record.target.name])
    samples = [sample for name in names for sample in run.fingerprints[name].samples]
    images = to_images(np.stack([sample.picture.pixels for sample in samples]))
    labels = torch.tensor([sample.label for sample in samples])
    suite = build_zoo(model, data, SUITE, first_seed=FIRST_SEED)
    mismatch: Bool[Tensor, "models samples"] = torch.stack([copy.labels(images) != labels for copy in suite.copies])
    return portfolio_order(mismatch, suite.members, labels, count)


def cells(seen: Seen, rows: Sequence[int], n: int) -> tuple[str, str]:
    """Return the mean over lines of the rate at which `n` of some samples see a suspect, and the line seen least."""
    rates = {key: float(np.mean([rate(one[list(rows)], n) for one in suspects])) for key, suspects in seen.items()}
    weakest = min(rates, key=lambda key: rates[key])
    return f"{100 * np.mean(list(rates.values())):.1f}", f"{100 * rates[weakest]:.1f} {weakest[1]}"


def rate(mismatched: Bool[np.ndarray, " samples"], n: int) -> float:
    """Return the exact probability that at least one of `n` samples drawn without replacement sees the suspect."""
    blind = int((~mismatched).sum())
    return 1 - math.comb(blind, n) / math.comb(len(mismatched), n)


if __name__ == "__main__":
    main()
