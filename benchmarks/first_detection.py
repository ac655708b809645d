"""How often MiSentry, in both its forms, and natural images see tampered copies of the CIFAR-10 ResNet-20.

    python benchmarks/first_detection.py suspects     # makes what is missing; the long part, goes on where it was
    python benchmarks/first_detection.py detect       # seals six fingerprints and measures those; prints Markdown

Suspects, the zoo and unfinished fingerprints are kept in the cache, so either command can be stopped and run again.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from modelprint.cache import cache_folder
from modelprint.calibration import PROFILES, measure
from modelprint.classifier import Classifier
from modelprint.crafting.sources import pick_sources
from modelprint.data import DataSet, load_data, weights_path
from modelprint.detection import bootstrap_interval, detection_rate
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.generation.from_weights import generate
from modelprint.generation.measures import NOTHING
from modelprint.loading import load_classifier
from modelprint.methods import METHODS
from modelprint.settings import build
from modelprint.tamperings import SUITE
from modelprint.tamperings.store import load_or_make_suspect, suspect_path
from modelprint.tamperings.tampering import Suspect
from modelprint.tensors import Images, to_images
from modelprint.work import Work

RATES = ("1e-3", "1e-4", "1e-5")
TRAINING = [f"finetune-{layers}-{rate}" for layers in ("last", "all") for rate in RATES]
FROZEN = [f"{kind}-bnfrozen" for kind in TRAINING]
KINDS = [*TRAINING, *FROZEN, "retrain-last", "prune-20", "int8-dynamic", "int8-weights", "flip-sign"]
PAPER = {
    **dict(zip(TRAINING, (73.7, 58.1, 45.9, 76.5, 64.1, 59.2), strict=True)),
    **dict(zip(FROZEN, (73.7, 58.1, 45.9, 76.5, 64.1, 59.2), strict=True)),
    "retrain-last": 84.5,
    "prune-20": 89.5,
    "int8-dynamic": 90.7,
}
"""MiSentry's column of the paper's Table 1 at N = 1; the paper does not say which batch-norm mode it used."""

COVERT: dict[str, str] = {}
NEAR = {"band": "0,100", "target_margin": "0.05", "copy_margin": "0.05", "temperature": "0.1"}
PUBLISHED = {"objective": "published"}


@dataclass(frozen=True, eq=False)
class Column:
    """One fingerprint: images, their labels, and what is worth saying about them."""

    name: str
    images: Images
    labels: torch.Tensor
    facts: str


def models(seeds: Sequence[int], model: Classifier, data: DataSet, *, make: bool) -> Iterator[Suspect]:
    """Yield the suspects of every kind, those not there yet only if told to make them; deterministic kinds have one."""
    for kind in KINDS:
        tampering = build(SUITE, kind)
        for seed in seeds[:1] if tampering.deterministic else seeds:
            if make or suspect_path(kind, tampering, model, data, seed).is_file():
                print(f"{kind} {seed}", file=sys.stderr)
                yield load_or_make_suspect(kind, tampering, model, data, seed)


def sealed(name: str, method: str, overrides: dict[str, str], model: Classifier, data: DataSet, count: int) -> Column:
    """Return what the whole pipeline makes: eight bits, steady under the fp32 profile."""
    made = build(METHODS, method, overrides)
    folder = folder_of(name)
    fingerprint, report = generate(
        model, data, made, count=count, seed=7, allow_fewer=True, measures=NOTHING,
        work=Work(folder=folder, progress=tell),
    )  # fmt: skip
    fingerprint.save(folder / "sealed.mprint")
    print(report.summary(), file=sys.stderr)
    pixels = np.stack([sample.picture.pixels for sample in fingerprint.samples])
    labels = torch.tensor([sample.label for sample in fingerprint.samples])
    noise = measure(model, pixels, PROFILES["fp32"])
    wrong = sum(int((logits.argmax(1) != labels).sum()) for logits in noise.logits.values())
    facts = (
        f"{describe(fingerprint)}; crafted {report.crafted}, lost to rounding {report.lost_rounding}, to steadiness "
        f"{report.lost_steadiness}, kept {report.kept}; floor {report.floor:.1e}; {wrong} mismatches of the intact "
        f"model over {len(noise.logits)} fp32 variants"
    )
    return Column(name, to_images(pixels), labels, facts)


def folder_of(name: str) -> Path:
    """Return where unfinished work of a column is kept."""
    return cache_folder() / "first-detection" / name.replace(" ", "-").replace(",", "")


def describe(fingerprint: Fingerprint) -> str:
    """Return confidence and distance of the samples."""
    confidence = np.median([sample.confidence for sample in fingerprint.samples])
    distance = [
        np.linalg.norm((sample.picture.pixels.astype(float) - sample.source.pixels.astype(float)) / 255)
        for sample in fingerprint.samples
        if sample.source is not None
    ]
    return f"median top-1 probability {confidence:.2f}, median L2 {np.median(distance):.2f}"


def as_floats(name: str, overrides: dict[str, str], model: Classifier, data: DataSet, count: int) -> Column:
    """Return float images as papers use them: nothing is rounded, steadiness is not asked for."""
    method = build(METHODS, "misentry", overrides | {"eight_bit": "false"})
    sources = pick_sources(data.train, count, 7).pixels
    folder = folder_of(name)
    crafted = method.craft(model, data, sources, 7, Work(folder=folder, progress=tell))
    images = crafted.images[crafted.usable]
    logits = model.logits(images)
    shift = (crafted.images - to_images(sources)).flatten(1).norm(dim=1).median()
    confidence = logits.softmax(1).amax(1).median()
    facts = f"median top-1 probability {confidence:.2f}, median L2 {shift:.2f}; crafted {count}, usable {len(images)}"
    return Column(name, images, logits.argmax(1), facts)


def tell(phase: str, done: int, total: int) -> None:
    """Say how far it is, now and then."""
    if phase == "crafting" and done % 10 == 0:
        print(f"{phase} {done}/{total}", file=sys.stderr)


def table(columns: Sequence[Column], suspects: Sequence[Suspect]) -> Iterator[str]:
    """Yield the lines of the table of rates and of the table of movements."""
    kinds = list(dict.fromkeys(suspect.kind for suspect in suspects))
    yield "| tampering | models | paper N=1 | " + " | ".join(f"{c.name} N=1 | {c.name} N=5" for c in columns) + " |"
    yield "|---|---|---|" + "---|---|" * len(columns)
    for kind in kinds:
        found = [suspect for suspect in suspects if suspect.kind == kind]
        cells = [cell for column in columns for cell in rates(column, found)]
        yield f"| {kind} | {len(found)} | {PAPER.get(kind, '')} | " + " | ".join(cells) + " |"
    yield ""
    yield "| tampering | parameters | buffers | logits, rms | labels changed | accuracy before | after | steps |"
    yield "|---|---|---|---|---|---|---|---|"
    for kind in kinds:
        moved = [suspect.movement for suspect in suspects if suspect.kind == kind]
        steps = next(suspect.steps for suspect in suspects if suspect.kind == kind)
        yield (
            f"| {kind} | {mean(m.parameters for m in moved):.1e} | {mean(m.buffers for m in moved):.1e} | "
            f"{mean(m.logit_rms for m in moved):.1e} | {mean(m.labels_changed for m in moved):.2%} | "
            f"{mean(m.accuracy_before for m in moved):.2%} | {mean(m.accuracy_after for m in moved):.2%} | {steps} |"
        )


def mean(values: Iterator[float]) -> float:
    """Return the mean."""
    return float(np.mean(list(values)))


def rates(column: Column, suspects: Sequence[Suspect]) -> tuple[str, str]:
    """Return the cells at N = 1, with its interval, and at N = 5."""
    missed = np.array([(s.classifier.labels(column.images, batch=64) != column.labels).numpy() for s in suspects])
    low, high = bootstrap_interval(missed)
    five = mean(detection_rate(int(row.sum()), len(row), 5) for row in missed)
    return f"{missed.mean():.1%} ({low:.0%} to {high:.0%})", f"{five:.1%}"


def main() -> None:
    """Run one of the two parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["suspects", "detect"])
    parser.add_argument("--models", type=int, default=3, help="suspects per kind, seeds 1, 2, ..")
    parser.add_argument("--count", type=int, default=100, help="samples of the main fingerprint")
    parser.add_argument("--compared", type=int, default=40, help="samples of each fingerprint it is compared with")
    parser.add_argument("--output", type=Path, help="where the Markdown goes; standard output by default")
    arguments = parser.parse_args()
    data = load_data("cifar10")
    model = load_classifier("resnet20", weights_path("cifar10_resnet20"))
    suspects = list(models(range(1, arguments.models + 1), model, data, make=arguments.part == "suspects"))
    if arguments.part == "suspects":
        return
    count = arguments.compared
    columns = [
        sealed("stable, 8-bit", "misentry", COVERT, model, data, arguments.count),
        as_floats("stable, float", COVERT, model, data, count),
        sealed("stable near, 8-bit", "misentry", NEAR, model, data, count),
        sealed("published, 8-bit", "misentry", PUBLISHED, model, data, count),
        as_floats("published, float", PUBLISHED, model, data, count),
        sealed("natural, 8-bit", "natural", {}, model, data, 100),
    ]
    lines = [*table(columns, suspects), "", *(f"- **{column.name}**: {column.facts}." for column in columns)]
    text = "\n".join(lines) + "\n"
    if arguments.output:
        arguments.output.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
