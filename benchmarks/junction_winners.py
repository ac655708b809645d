"""What it gains that the winner of a junction is never the class that its source shows.

    python benchmarks/junction_winners.py suspects
    python benchmarks/junction_winners.py rates --before OLD.mprint .. --after NEW.mprint .. > winners.md
    python benchmarks/junction_winners.py shares FILE.mprint ..

`suspects` makes one suspect of each kind and keeps it in the cache, so that it can be stopped and run again: training
takes a tenth of the training images, and the first thousand test images are looked at. `rates` asks the suspects that
are there about fingerprints of the same seeds, sealed before and after, one image at a time. `shares` says how many
samples expect the label that the network gives their source. The last two print Markdown.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float64

from modelprint.bench.targets import TARGETS, target_model
from modelprint.classifier import Classifier
from modelprint.data import DataSet, load_data
from modelprint.detection import detection_rate, mismatches
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.intervals import exact_interval
from modelprint.loading import load_classifier
from modelprint.settings import build
from modelprint.tamperings import SUITE
from modelprint.tamperings.store import load_or_make_suspect, suspect_path
from modelprint.tamperings.tampering import Suspect
from modelprint.tensors import to_images

TARGET, DATA, SHARE, TEST_IMAGES = "cifar10-resnet20", "cifar10", 0.1, 1000
RATES = ("1e-3", "1e-4", "1e-5")
ROWS: tuple[tuple[str, str, dict[str, str]], ...] = (
    *(("Different architectures", "architecture-given", {"network": f"resnet{size}"}) for size in (32, 44, 56)),
    ("Pruning", "prune-20", {}),
    ("Quantization", "int8-dynamic", {}),
    ("Quantization", "int8-static", {}),
    ("Quantization", "int8-weights", {}),
    ("Unlearning", "unlearning-published", {}),
    ("Online learning", "online-learning", {}),
    *((f"Fine-tune last layer, lr {rate}", f"finetune-last-{rate}-bnfrozen", {}) for rate in RATES),
    *((f"Fine-tune all, lr {rate}", f"finetune-all-{rate}-bnfrozen", {}) for rate in RATES),
    ("Retrain last layer", "retrain-last", {}),
    ("Retrain all", "retrain-all-short", {}),
    ("Knowledge distillation", "distil-short", {}),
    ("Degradation random class", "degrade-random", {}),
    ("Degradation specific class", "degrade-specific", {}),
    ("Degradation single sample", "degrade-sample", {}),
    ("Targeted attack", "targeted", {}),
    ("Bit flip", "bit-flip", {}),
    ("Transfer learning", "transfer-shifted", {}),
    ("Clean label", "clean-label-collision", {"epochs": "70"}),
    ("Trojan", "trojan", {}),
    ("Backdoor", "backdoor", {}),
    *((f"Fine-tune last layer, lr {rate}", f"finetune-last-{rate}", {}) for rate in RATES),
    *((f"Fine-tune all, lr {rate}", f"finetune-all-{rate}", {}) for rate in RATES),
    ("Transfer learning", "transfer-shifted-bnfrozen", {}),
    ("Unlearning", "unlearning", {}),
)
"""Row of Table 1 of MiSentry, kind and settings, in the order in which suspects are made.

Seventy epochs of a tenth of the images have the steps of seven of all; the collision misses its goal in ten of a tenth.
"""

Seen = tuple[Bool[np.ndarray, " old"], Bool[np.ndarray, " new"]]
"""Which samples get another label than they expect, of those sealed before and of those sealed after."""


def load() -> tuple[Classifier, DataSet]:
    """Return the target, and the data that suspects are made from."""
    model, _ = target_model(TARGETS[TARGET])
    data = load_data(f"{DATA}@{SHARE}")
    # Weights of other architectures are found by the name of the whole set.
    return model, replace(data, name=DATA, test=data.test.take(range(TEST_IMAGES)))


def make_suspects(first: int) -> None:
    """Make what is missing of the first so many, and say what there is."""
    model, data = load()
    for row, kind, settings in ROWS[:first]:
        suspect = load_or_make_suspect(kind, build(SUITE, kind, settings), model, data, 1)
        print(f"{row}: {suspect.summary()}", file=sys.stderr, flush=True)


def read_suspects() -> Iterator[tuple[str, Suspect]]:
    """Yield row and suspect of those that have been made."""
    model, data = load()
    for row, kind, settings in ROWS:
        tampering = build(SUITE, kind, settings)
        if suspect_path(kind, tampering, model, data, 1).is_file():
            yield row, load_or_make_suspect(kind, tampering, model, data, 1)


@dataclass(frozen=True, eq=False)
class Pair:
    """Fingerprints of one seed, from the same sources.

    Attributes:
        seed: Of both.
        before: Sealed by the old code.
        after: Sealed by the new code.
    """

    seed: int
    before: Fingerprint
    after: Fingerprint


def read_pairs(before: Sequence[Path], after: Sequence[Path]) -> list[Pair]:
    """Read the files, which must have the same seeds in the same order."""
    old, new = ([Fingerprint.load(path) for path in paths] for paths in (before, after))
    seeds = [one.provenance.seed for one in old]
    if seeds != [one.provenance.seed for one in new]:
        raise SystemExit("before and after need files of the same seeds, in the same order")
    return [Pair(*three) for three in zip(seeds, old, new, strict=True)]


def print_rates(pairs: Sequence[Pair]) -> None:
    """Print a line for each suspect, then the means."""
    print("## winners\n\nDetection in per cent by one sample and by five, sealed before and after.\n")
    heads = [f"seed {pair.seed}, {when}, N = {n}" for pair in pairs for n in (1, 5) for when in ("before", "after")]
    lead = ("row", "tampering", "batch norm", "logits, RMS", "labels changed, %", "goal reached")
    print("| " + " | ".join([*lead, *heads]) + " |\n|---|---|---|---:|---:|---|" + "---:|" * len(heads))
    found: dict[str, list[list[Seen]]] = {}
    for row, suspect in read_suspects():
        seen = [ask(suspect.classifier, pair) for pair in pairs]
        print("| " + " | ".join([*describe(row, suspect), *cells(seen)]) + " |")
        if suspect.goal_reached:
            found.setdefault(row, []).append(seen)
    print_means(found, [pair.seed for pair in pairs])


def ask(suspect: Classifier, pair: Pair) -> Seen:
    """Ask a suspect about both fingerprints of a pair."""
    return np.array(mismatches(suspect, pair.before)), np.array(mismatches(suspect, pair.after))


def describe(row: str, suspect: Suspect) -> list[str]:
    """Return what the suspect is and how far it moved."""
    moved, given = suspect.movement, suspect.settings.get("network")
    mode = str(suspect.settings.get("batch_norm", "")) if suspect.steps else ""
    kind = f"{suspect.kind} (network {given})" if given else suspect.kind
    changed = f"{100 * moved.labels_changed:.1f}"
    return [row, kind, mode, f"{moved.logit_rms:.1e}", changed, "yes" if suspect.goal_reached else "no"]


def cells(seen: Sequence[Seen]) -> Iterator[str]:
    """Yield the cells of one suspect."""
    for both in seen:
        for one in both:
            low, high = exact_interval(int(one.sum()), len(one))
            yield f"{100 * one.mean():.1f} ({100 * low:.0f} to {100 * high:.0f})"
        for one in both:
            yield f"{100 * detection_rate(int(one.sum()), len(one), 5):.1f}"


def print_means(found: Mapping[str, list[list[Seen]]], seeds: Sequence[int]) -> None:
    """Print the mean of each row and that of all rows, of suspects that reached their goal."""
    print("\nMeans at N = 1, in per cent; intervals of the change by bootstrap over the samples.\n")
    heads = [f"seed {seed}, {what}" for seed in seeds for what in ("before", "after", "change")]
    print("| row | suspects | " + " | ".join(heads) + " |\n|---|---:|" + "---:|" * len(heads))
    for name, rows in [(f"all {len(found)} rows", list(found)), *((row, [row]) for row in found)]:
        texts = [str(sum(len(found[row]) for row in rows))]
        for index, _ in enumerate(seeds):
            old, new = (
                np.mean([np.mean([one[index][side] for one in found[row]], axis=0) for row in rows], axis=0)
                for side in (0, 1)
            )
            low, high = change_interval(old, new)
            change = f"{100 * (new.mean() - old.mean()):+.1f} ({100 * low:+.0f} to {100 * high:+.0f})"
            texts += [f"{100 * old.mean():.1f}", f"{100 * new.mean():.1f}", change]
        print(f"| {name} | " + " | ".join(texts) + " |")


def change_interval(old: Float64[np.ndarray, " old"], new: Float64[np.ndarray, " new"]) -> tuple[float, float]:
    """Return the 95 % interval of the change of the mean, both fingerprints' samples drawn with replacement."""
    rng = np.random.default_rng(0)
    means = [one[rng.integers(len(one), size=(2000, len(one)))].mean(1) for one in (old, new)]
    low, high = np.quantile(means[1] - means[0], [0.025, 0.975])
    return float(low), float(high)


def print_shares(paths: Iterable[Path], network: str, weights: Path) -> None:
    """Print how many samples of each file expect what the network says of their source."""
    model = load_classifier(network, weights)
    print("## shares\n\nSamples whose expected label is the one that the network gives their source.\n")
    print("| file | method | seed | samples | label of the source, % | of all | least, most often expected |")
    print("|---|---|---:|---:|---:|---|---|")
    for path in paths:
        fingerprint = Fingerprint.load(path)
        samples = [sample for sample in fingerprint.samples if sample.source is not None]
        sources = to_images(np.stack([sample.source.pixels for sample in samples if sample.source is not None]))
        expected = torch.tensor([sample.label for sample in samples])
        own = int((model.labels(sources) == expected).sum())
        often = Counter(expected.tolist())
        counts = [often[label] for label in range(model.class_count)]
        low, high = exact_interval(own, len(samples))
        made = fingerprint.provenance
        print(
            f"| {path.stem} | {made.method} | {made.seed} | {len(samples)} | {100 * own / len(samples):.1f} "
            f"({100 * low:.0f} to {100 * high:.0f}) | {own} of {len(samples)} | {min(counts)}, {max(counts)} |"
        )


def main() -> None:
    """Read the command line and run one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(dest="part", required=True)
    suspects = parts.add_parser("suspects")
    suspects.add_argument("--first", type=int, default=len(ROWS), help="how many, in the order of ROWS")
    rates = parts.add_parser("rates")
    rates.add_argument("--before", type=Path, nargs="+", required=True)
    rates.add_argument("--after", type=Path, nargs="+", required=True)
    shares = parts.add_parser("shares")
    shares.add_argument("files", type=Path, nargs="+")
    shares.add_argument("--network", default="resnet20")
    shares.add_argument("--weights", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.part == "suspects":
        make_suspects(given.first)
    elif given.part == "rates":
        print_rates(read_pairs(given.before, given.after))
    else:
        print_shares(given.files, given.network, given.weights)


if __name__ == "__main__":
    main()
