"""What `verify` says about an untouched model whose pictures are changed on the way, and about tampered models.

    python benchmarks/doubts.py measure r20.mprint --weights cifar10_resnet20.safetensors --others weights --log d.jsonl
    python benchmarks/doubts.py report d.jsonl

For each served model: how many of the differing labels are those of the source pictures, over all samples; then the
verdicts of many checks, each in a random order of the samples: without controls, with them, and with the labels of
known preprocessing too. `measure` writes one line for each served model and goes on where it was; `report` prints
Markdown.
"""

import argparse
import io
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from modelprint.classifier import Classifier
from modelprint.data import DataSet, load_data
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.intervals import exact_interval
from modelprint.loading import load_classifier, load_like, save_weights
from modelprint.oracles.local import LocalOracle
from modelprint.oracles.oracle import Answer, Oracle
from modelprint.oracles.recorded import RecordedOracle
from modelprint.pixels import Picture
from modelprint.progress import ignore_progress
from modelprint.streams import stream
from modelprint.tamperings import SUITE
from modelprint.verification.doubts import find_doubts
from modelprint.verification.ledger import Ledger
from modelprint.verification.verdict import Observed, Verdict
from modelprint.verification.verifier import verify

MEAN, STD = (torch.tensor(values)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
"""What the network itself normalises with."""
PICTURES, MODEL = "pictures", "model"
MOST_UNSTEADY = 25
"""Checks of a model whose answers vary, which cannot be kept."""
TAMPERINGS = (
    ("int8-weights", 1),
    ("prune-20", 1),
    ("prune-80", 1),
    ("weight-noise-1e-3", 3),
    ("flip-sign", 3),
    ("finetune-last-1e-3", 3),
    ("weight-noise-1e-2", 1),
    ("bit-flip", 1),
    ("finetune-all-1e-3", 1),
    ("backdoor-1-epoch", 1),
)
"""Names in SUITE and how many seeds of each."""


@dataclass(frozen=True)
class Served:
    """A model behind a server.

    Attributes:
        name: In the tables.
        kind: PICTURES for the untouched model whose pictures or scores are changed, MODEL for a changed model.
        model: What answers.
        steady: Whether it gives a picture the same label every time.
    """

    name: str
    kind: str
    model: Classifier
    steady: bool = True


@dataclass(frozen=True)
class Named:
    """An oracle that is described by a name, without the digest of its weights, which takes longer than an answer.

    Attributes:
        oracle: Gives the answers.
        name: Describes it.
    """

    oracle: Oracle
    name: str

    def ask(self, picture: Picture) -> Answer:
        """Return its answer."""
        return self.oracle.ask(picture)

    def describe(self) -> dict[str, str]:
        """Return the name."""
        return {"kind": "local", "name": self.name}


class Changed(nn.Module):
    """A network behind a change of its input, and one of its logits."""

    def __init__(self, network: nn.Module, before: Callable[[Tensor], Tensor], noise: float = 0.0) -> None:
        super().__init__()
        self.network, self.before, self.noise = network, before, noise
        self.generator = torch.Generator().manual_seed(0)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits."""
        logits = self.network(self.before(images))
        return logits + self.noise * torch.randn(logits.shape, generator=self.generator, dtype=logits.dtype)


def main() -> None:
    """Read the command line, then measure or print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    measuring = commands.add_parser("measure")
    measuring.add_argument("fingerprint", type=Path, help="of the CIFAR-10 ResNet-20, with controls")
    measuring.add_argument("--data", default="cifar10")
    measuring.add_argument("--weights", type=Path, required=True)
    measuring.add_argument("--others", type=Path, help="folder with weights of other published networks")
    measuring.add_argument("--suspects", type=Path, required=True, help="folder to keep tampered weights in")
    measuring.add_argument("--checks", type=int, default=100, help="random orders of the samples")
    measuring.add_argument("--log", type=Path, required=True, help="one JSON line for each served model")
    commands.add_parser("report").add_argument("log", type=Path)
    given = parser.parse_args()
    if given.command == "report":
        print(report([json.loads(line) for line in given.log.read_text().splitlines()]))
        return
    torch.set_num_threads(1)
    fingerprint = Fingerprint.load(given.fingerprint)
    model, data = load_classifier("resnet20", given.weights), load_data(given.data)
    if fingerprint.provenance.model_sha256 != model.digest():
        parser.error(f"{given.fingerprint} is not of {given.weights}")
    known = {json.loads(line)["name"] for line in given.log.read_text().splitlines()} if given.log.exists() else set()
    for name, make in list_served(model, data, given.suspects, given.others):
        if name not in known:
            line = measure(make(), fingerprint, given.checks)
            with given.log.open("a") as file:
                file.write(json.dumps(line) + "\n")


# What is served


def list_served(
    model: Classifier, data: DataSet, suspects: Path, others: Path | None
) -> Iterator[tuple[str, Callable[[], Served]]]:
    """Yield the name of each served model, and a function that makes it."""
    for name, change in CHANGES.items():
        yield name, lambda name=name, change=change: Served(name, PICTURES, wrap(model, change))
    for noise in (0.001, 0.1):
        name = f"noise {noise:g} on the logits"
        yield name, lambda name=name, noise=noise: Served(name, PICTURES, wrap(model, lambda x: x, noise), False)
    for dtype in (torch.bfloat16, torch.float16):
        name = f"weights rounded to {str(dtype).removeprefix('torch.')}"
        yield name, lambda name=name, dtype=dtype: Served(name, MODEL, round_weights(model, dtype))
    for depth in (32, 44, 56) if others else ():
        path = Path(others or "") / f"cifar10_resnet{depth}.safetensors"
        name = f"the published ResNet-{depth}"
        yield (
            name,
            lambda name=name, path=path, depth=depth: Served(name, MODEL, load_classifier(f"resnet{depth}", path)),
        )
    for kind, count in TAMPERINGS:
        for seed in range(1, count + 1):
            name = f"{kind}, seed {seed}"
            path = suspects / f"{kind}-{seed}.safetensors"
            yield (
                name,
                lambda name=name, kind=kind, seed=seed, path=path: Served(
                    name, MODEL, load_or_tamper(model, data, kind, seed, path)
                ),
            )


def wrap(model: Classifier, change: Callable[[Tensor], Tensor], noise: float = 0.0) -> Classifier:
    """Return the untouched model behind a change of its pictures, with noise on its scores."""
    network = Changed(model.network, change, noise).eval()
    return Classifier(network, image_shape=model.image_shape, class_count=model.class_count, name=model.name)


def load_or_tamper(model: Classifier, data: DataSet, kind: str, seed: int, path: Path) -> Classifier:
    """Return a tampered copy: the one at `path`, or a new one that is then kept there."""
    if not path.exists():
        made = SUITE[kind]().apply(model.copy(), data, stream(seed, kind), ignore_progress)
        shape, classes = model.image_shape, model.class_count
        save_weights(Classifier(made.network, image_shape=shape, class_count=classes, name=model.name), path)
    return load_like(model, path)[0]


def round_weights(model: Classifier, dtype: torch.dtype) -> Classifier:
    """Return a copy whose weights went through a type of fewer bits."""
    copied = model.copy()
    with torch.no_grad():
        for weight in copied.network.parameters():
            weight.copy_(weight.to(dtype).float())
    return copied


def through_pillow(change: Callable[[Image.Image], Image.Image]) -> Callable[[Tensor], Tensor]:
    """Return a change of tensors from a change of 8-bit images."""

    def apply(images: Tensor) -> Tensor:
        grey = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        changed = np.stack([np.asarray(change(Image.fromarray(one))) for one in grey])
        return torch.from_numpy(changed.copy()).permute(0, 3, 1, 2).to(images.dtype) / 255

    return apply


def compress(image: Image.Image) -> Image.Image:
    """Send it as a JPEG of quality 90."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return Image.open(buffer).convert("RGB")


def resize(image: Image.Image) -> Image.Image:
    """Double its sides and halve them."""
    large = image.resize((2 * image.width, 2 * image.height), Image.Resampling.BILINEAR)
    return large.resize(image.size, Image.Resampling.BILINEAR)


CHANGES: dict[str, Callable[[Tensor], Tensor]] = {
    "JPEG 90": through_pillow(compress),
    "resize to 64 and back": through_pillow(resize),
    "red and blue swapped": lambda images: images.flip(1),
    "normalised by 0.5 / 0.5 instead": lambda images: (images - 0.5) / 0.5 * STD + MEAN,
    "normalised by 0.5 / 0.5 too": lambda images: (images - 0.5) / 0.5,
    "divided by 255 twice": lambda images: images / 255,
    "not divided by 255": lambda images: images * 255,
    "rows and columns swapped": lambda images: images.transpose(2, 3),
}


# What is measured


def measure(served: Served, fingerprint: Fingerprint, checks: int) -> dict[str, object]:
    """Return the flips over all samples, and the verdicts of the checks in each setting."""
    local = Named(LocalOracle(served.model), served.name)
    oracle: Oracle = RecordedOracle(local) if served.steady else local
    seen = [
        Observed(
            index=index, png_sha256=sample.picture.sha256, expected=sample.label, answer=oracle.ask(sample.picture)
        )
        for index, sample in enumerate(fingerprint.samples)
    ]
    doubts = find_doubts(seen, [sample.source_label for sample in fingerprint.samples])
    right = sum(oracle.ask(control.picture).label == control.label for control in fingerprint.controls)
    plain = replace(fingerprint, releases=())
    count = checks if served.steady else min(checks, MOST_UNSTEADY)
    settings = {"without": (plain, False), "with": (plain, True), "known": (fingerprint, True)}
    return {
        "name": served.name,
        "kind": served.kind,
        "samples": len(seen),
        "flips": sum(one.mismatch for one in seen),
        "counted": doubts.flips,
        "on_source": doubts.on_source,
        "controls": [right, len(fingerprint.controls)],
        "checks": {name: check(oracle, sealed, on, count) for name, (sealed, on) in settings.items()},
    }


def check(oracle: Oracle, fingerprint: Fingerprint, controls: bool, count: int) -> dict[str, object]:
    """Verify in `count` random orders; return how often each outcome and explanation came, and the mean questions."""
    verdicts = [
        verify(oracle, fingerprint, controls=controls, ledger=Ledger(path=None, rng=random.Random(seed)))
        for seed in range(count)
    ]
    extra = [verdict.controls.questions for verdict in verdicts if verdict.controls is not None]
    return {
        "outcomes": Counter(str(verdict.outcome) for verdict in verdicts),
        "explained": Counter(explanation for verdict in verdicts if (explanation := explain(verdict))),
        "readings": Counter(verdict.doubts.reading for verdict in verdicts if verdict.doubts is not None),
        "varied": sum(verdict.controls is not None and verdict.controls.varied > 0 for verdict in verdicts),
        "samples": float(np.mean([verdict.asked for verdict in verdicts])),
        "controls": float(np.mean(extra)) if extra else 0.0,
    }


def explain(verdict: Verdict) -> str:
    """Return what explains the answers, empty for nothing."""
    if verdict.identification is not None and verdict.identification.preprocessing is not None:
        return verdict.identification.preprocessing
    if verdict.controls is not None and verdict.controls.explained_by is not None:
        return verdict.controls.explained_by
    return ""


# The tables


SHARES = "| served | flips | on the source's label | share | 95 % interval | controls right |"
CHECKS = (
    "| served | without controls | with controls | explained | points to | with known preprocessing | explained "
    "| samples | more questions |"
)


def report(lines: list[dict[str, object]]) -> str:
    """Return the tables as Markdown."""
    tables = [
        "\n".join([heads, "|" + "---|" * (heads.count("|") - 1), *map(row, lines)])
        for heads, row in ((SHARES, share_row), (CHECKS, check_row))
    ]
    return "\n\n".join([*tables, total(lines)])


def share_row(line: dict[str, object]) -> str:
    """Return the row of one served model: where its flips land."""
    counted, on_source, (right, controls) = int(line["counted"]), int(line["on_source"]), line["controls"]
    share, interval = "-", "-"
    if counted:
        low, high = exact_interval(on_source, counted)
        share, interval = f"{on_source / counted:.2f}", f"{low:.2f} to {high:.2f}"
    flips = f"{line['flips']} of {line['samples']}"
    return f"| {line['name']} | {flips} | {on_source} of {counted} | {share} | {interval} | {right} of {controls} |"


def check_row(line: dict[str, object]) -> str:
    """Return the row of one served model: what the checks say."""
    without, controls, known = (line["checks"][name] for name in ("without", "with", "known"))
    cells = [
        line["name"],
        format_counts(without["outcomes"]),
        format_counts(controls["outcomes"]),
        format_counts(controls["explained"]),
        format_counts(controls["readings"] | ({"answers that vary": controls["varied"]} if controls["varied"] else {})),
        format_counts(known["outcomes"]),
        format_counts(known["explained"]),
        f"{controls['samples']:.1f}",
        f"{controls['controls']:.1f}",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def format_counts(counts: dict[str, int]) -> str:
    """Return counts as text, the largest first."""
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=lambda one: -one[1])) or "-"


def total(lines: list[dict[str, object]]) -> str:
    """Say how many checks of tampered models are tampered without and with controls."""
    chosen = [line for line in lines if line["kind"] == MODEL]
    counts = {
        name: (
            sum(line["checks"][name]["outcomes"].get("tampered", 0) for line in chosen),
            sum(sum(line["checks"][name]["outcomes"].values()) for line in chosen),
        )
        for name in ("without", "with", "known")
    }
    parts = [f"{hits} of {all_} {name}" for name, (hits, all_) in counts.items()]
    return f"Checks of {len(chosen)} changed models that are *tampered*: {', '.join(parts)}."


if __name__ == "__main__":
    main()
