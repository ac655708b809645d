"""How often honest servers give a sample of a fingerprint another label than the file says.

    python benchmarks/label_changes.py r20.mprint --target cifar10-resnet20 --checks 100000

Every sample is asked in each variant of the file's profile that runs here, again and again: each time among other
samples and natural images, in another order and in a batch of another size, as a busy server would have it. Prints the
checks, the labels that changed and the one-sided 95 % bound of their share, by variant; exits with 1 when any changed.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

from modelprint.bench.targets import TARGETS, target_model
from modelprint.calibration import FLOAT64, Forms, Variant, find_profile
from modelprint.fingerprint.integrity import Fingerprint
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
    variants = dict(find_profile(fingerprint.profile.name).variants)
    del variants[FLOAT64]  # what the labels come from
    forms, natural = Forms(model, data.train.pixels), data.test.pixels[: len(pixels)]
    asked = np.concatenate([pixels, natural])
    absent = {name: why for name, variant in variants.items() if (why := reason(forms, variant, asked[:1]))}
    each = -(-given.checks // ((len(variants) - len(absent)) * len(labels)))
    counts = {
        name: changed(forms, variant, asked, labels, each, stream(given.seed, name))
        for name, variant in variants.items()
        if name not in absent
    }
    print("\n".join(report(fingerprint, counts, absent, each * len(labels))))
    sys.exit(any(counts.values()))


def reason(forms: Forms, variant: Variant, pixels: Pixels) -> str:
    """Return why a variant cannot run here; empty when it can."""
    try:
        variant(forms, to_images(pixels, torch.float64))
    except (RuntimeError, ImportError) as problem:
        return str(problem).partition("\n")[0]
    return ""


def changed(forms: Forms, variant: Variant, pixels: Pixels, labels: Labels, times: int, rng: torch.Generator) -> int:
    """Return how many of `times` labels of every sample are not those in the file.

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
        found = torch.cat([variant(forms, part).argmax(1) for part in images.split(size)])
        ours = order < len(labels)
        wrong += int((found[ours] != labels[order[ours]]).sum())
    return wrong


def report(
    fingerprint: Fingerprint, counts: Mapping[str, int], absent: Mapping[str, str], checks: int
) -> Iterator[str]:
    """Yield the lines of a Markdown table; `checks` is their number for each variant."""
    asked = f"{len(fingerprint.samples)} samples, profile {fingerprint.profile.name}"
    yield f"{asked}, {checks:,} checks of each variant.\n"
    yield "| variant | labels changed | at most, 95 % |\n|---|---|---|"
    for name, count in counts.items():
        yield f"| {name} | {count} | {upper_bound(count, checks):.1e} |"
    total, wrong = checks * len(counts), sum(counts.values())
    yield f"| all | {wrong} of {total:,} | {upper_bound(wrong, total):.1e} |"
    for why in dict.fromkeys(absent.values()):
        names = ", ".join(name for name, given in absent.items() if given == why)
        yield f"\nNot measured: {names} ({why})."


if __name__ == "__main__":
    main()
