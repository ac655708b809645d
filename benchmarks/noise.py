"""How far honest ways of serving move the logits of four networks, and which labels they change.

    python benchmarks/noise.py --images 100 > noise.md
    python benchmarks/noise.py --targets imagenet-lite0 --images 20 --profiles fp32,tf32

Prints Markdown: for each network what every variant of the profiles does to natural test images and to as many images
from a decision boundary, made by bisection; then what each profile asks of a sample.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence

import torch

from modelprint.bench.targets import TARGETS, target_model
from modelprint.calibration import Forms, Noise, Profile, Variant, find_profile, measure
from modelprint.classifier import Classifier
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet
from modelprint.methods.bisection import Bisection
from modelprint.tensors import to_pixels
from modelprint.work import Work

NETWORKS = "cifar10-resnet20,gtsrb-cnn6,mnist-lenet5,imagenet-lite0"
NAMES = "exact,fp32,tf32,fp16,bf16,int8,jpeg-100,jpeg-90,jpeg-75"
HEADS = ("profile", "variant", "median", "99.9 %", "largest", "labels changed, natural", "boundary")
NEEDS = ("profile", "floor", "smallest margin", "steady, natural", "boundary")


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description="What honest serving does to logits.")
    parser.add_argument("--targets", default=NETWORKS, help="names of the benchmark's targets, with commas between")
    parser.add_argument("--images", type=int, default=100, help="natural images; as many from a boundary are added")
    parser.add_argument("--profiles", default=NAMES, help="names of profiles, with commas between")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of images and of their partners")
    given = parser.parse_args()
    torch.set_num_threads(1)
    profiles = [find_profile(name) for name in given.profiles.split(",")]
    for name in given.targets.split(","):
        model, data = target_model(TARGETS[name])
        print("\n".join(section(name, model, data, profiles, given.images, given.seed)), flush=True)


def section(
    name: str, model: Classifier, data: DataSet, profiles: Sequence[Profile], count: int, seed: int
) -> Iterator[str]:
    """Yield a heading and the two tables of one network."""
    natural = pick_sources(data.test, count, seed).pixels
    near = to_pixels(Bisection().craft(model, data, natural, seed, Work()).images)
    # Profiles share most of their variants; each is measured once.
    whole = Profile(name="all", variants=union(profiles))
    forms = Forms(model, data.train.pixels)
    parts = [measure(forms, pixels, whole) for pixels in (natural, near)]
    gaps = parts[1].margins
    yield f"## {name}\n"
    yield (
        f"{count} natural images; {count} from a boundary, their margins {gaps.min():.1e} to {gaps.max():.1e}, "
        f"median {gaps.median():.1e}; seed {seed}.\n"
    )
    yield from table(HEADS, variant_rows(profiles, parts))
    yield ""
    for reason in dict.fromkeys(parts[0].absent.values()):
        names = [variant for variant, why in parts[0].absent.items() if why == reason]
        yield f"Not measured: {'; '.join(names)} ({reason}).\n"
    yield from table(NEEDS, (needs(profile, parts) for profile in profiles))
    yield ""


def union(profiles: Sequence[Profile]) -> Mapping[str, Variant]:
    """Return all variants, each once, in the order of the profiles."""
    return {name: variant for profile in profiles for name, variant in profile.variants.items()}


def variant_rows(profiles: Sequence[Profile], parts: Sequence[Noise]) -> Iterator[Sequence[str]]:
    """Yield what each variant that was measured does, beside the first profile that has it."""
    for name in parts[0].drifts:
        first = next(profile.name for profile in profiles if name in profile.variants)
        drifts = torch.cat([part.drifts[name] for part in parts])
        ranked = torch.quantile(drifts, 0.999, interpolation="higher")
        sizes = [f"{size:.1e}" for size in (drifts.median(), ranked, drifts.max())]
        yield first, name, *sizes, *(changed(part, name) for part in parts)


def changed(noise: Noise, name: str) -> str:
    """Return how many labels a variant changes."""
    return f"{int((noise.logits[name].argmax(1) != noise.labels).sum())}"


def needs(profile: Profile, parts: Sequence[Noise]) -> Sequence[str]:
    """Return the floor of a profile over all images, and how many of them are steady in it."""
    own = [Noise(logits={n: logits for n, logits in part.logits.items() if n in profile.variants}) for part in parts]
    floor = max(part.floor for part in own)
    steady = [f"{int(part.find_steady(floor=floor).sum())} of {len(part.labels)}" for part in own]
    return profile.name, f"{floor:.1e}", f"{3 * floor:.1e}", *steady


def table(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield f"| {' | '.join(heads)} |"
    yield "|---|" + "---|" * (len(heads) - 1)
    for row in rows:
        yield f"| {' | '.join(row)} |"


if __name__ == "__main__":
    main()
