"""How often honest servers give a sample of a fingerprint another label than the file says.

    python benchmarks/label_changes.py r20.mprint --target cifar10-resnet20 --checks 100000

Every sample is asked in each variant of the file's profile that runs here, again and again: each time among other
samples and natural images, in another order and in a batch of another size, as a busy server would have it. Prints the
checks, the labels that changed and the one-sided 95 % bound of their share, by variant; exits with 1 when any changed.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

from modelprint.bench.targets import TARGETS, target_model
from modelprint.calibration import FLOAT64, Forms, Variant, profile_named
from modelprint.fingerprint import Fingerprint
from modelprint.intervals import upper_bound
from modelprint.pixels import Pixels
from modelprint.streams import stream
from modelprint.tensors import Labels, to_images

LARGEST = 128
"""Images that come together, most of the time fewer."""


def main() -> None:
    """Read the command line, check and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fingerprint", type=Path, help=".mprint file")
    parser.add_argument("--target", default="cifar10-resnet20", help="name of the benchmark's target that it is of")
    parser.add_argument("--checks", type=int, default=100_000, help="labels to compare, over all variants")
    parser.add_argument("--seed", type=int, default=0, help="of batches, orders and neighbours")
    given = parser.parse_args()
    torch.set_num_threads(1)
    model, data = target_model(TARGETS[given.target])
    fingerprint = Fingerprint.load(given.fingerprint)
    if fingerprint.provenance.model_sha256 != model.digest():
        parser.error(f"{given.fingerprint} is not of {given.target}")
    pixels = np.stack([sample.picture.pixels for sample in fingerprint.samples])
    labels = torch.tensor([sample.label for sample in fingerprint.samples])
    variants = dict(profile_named(fingerprint.profile.name).variants)
    del variants[FLOAT64]  # what the labels come from
    each = -(-given.checks // (len(variants) * len(labels)))
    forms, natural = Forms(model, data.train.pixels), data.test.pixels[: len(pixels)]
    counts = {
        name: changed(forms, variant, np.concatenate([pixels, natural]), labels, each, stream(given.seed, name))
        for name, variant in variants.items()
    }
    sys.exit(report(counts, each * len(labels), len(labels), fingerprint.profile.name))


def changed(
    forms: Forms, variant: Variant, pixels: Pixels, labels: Labels, times: int, rng: torch.Generator
) -> int | str:
    """Return how many of `times` labels of every sample are not those in the file, or why the variant cannot run.

    Args:
        forms: The classifier.
        variant: How it is served.
        pixels: Samples, and natural images after them.
        labels: Of the samples.
        times: Checks of each sample.
        rng: Draws orders and sizes.
    """
    wrong = 0
    for _ in range(times):
        order = torch.randperm(len(pixels), generator=rng)
        size = int(torch.randint(1, LARGEST + 1, (1,), generator=rng))
        images = to_images(pixels[order.numpy()], torch.float64)
        try:
            found = torch.cat([variant(forms, part).argmax(1) for part in images.split(size)])
        except (RuntimeError, ImportError) as problem:
            return str(problem).partition("\n")[0]
        ours = order < len(labels)
        wrong += int((found[ours] != labels[order[ours]]).sum())
    return wrong


def report(counts: dict[str, int | str], checks: int, samples: int, profile: str) -> int:
    """Print Markdown, and return 1 when a label has changed."""
    print(f"{samples} samples, profile {profile}, {checks:,} checks of each variant.\n")
    print("| variant | labels changed | at most, 95 % |\n|---|---|---|")
    for name, count in counts.items():
        bound = f"{upper_bound(count, checks):.1e}" if isinstance(count, int) else ""
        print(f"| {name} | {count if isinstance(count, int) else f'not measured ({count})'} | {bound} |")
    measured = [count for count in counts.values() if isinstance(count, int)]
    total, wrong = checks * len(measured), sum(measured)
    print(f"| all | {wrong} of {total:,} | {upper_bound(wrong, total):.1e} |")
    return int(wrong > 0)


if __name__ == "__main__":
    main()
