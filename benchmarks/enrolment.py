"""What a fingerprint detects on a server in half precision or int8: enrolled there, and sealed for it by profile.

    modelprint generate --network resnet20 --weights cifar10_resnet20.safetensors --data cifar10 --count 100 --seed 7
        --output r20.mprint
    python benchmarks/enrolment.py runs/enrolment --fingerprint r20.mprint --profile bf16=r20-bf16.mprint

1. Enrols the fingerprint on the target as it is served in each precision: with the pictures as they are and with walks.
2. Makes one suspect of each kind from the float32 target, or takes it from the cache, and serves it likewise.
3. Asks about all samples, one image at a time; a line of answers.jsonl has the labels that differ. A tie does not count
   as a difference, as in `verify`.
4. Asks the target itself in batches of random size, among natural images, as a busy server would compute them.
5. Prints Markdown: exact detection rates, with intervals, for each kind and in the mean, and the labels that batches
   changed.

Stopped, it goes on where it was. Suspects whose weights are those of the target after rounding are marked.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from modelprint.bench.targets import TARGETS, target_model
from modelprint.calibration import Forms
from modelprint.calibration.profiles import PRECISIONS
from modelprint.calibration.variants import fp32, int8
from modelprint.classifier import Classifier
from modelprint.data import DataSet, load_data
from modelprint.detection.rates import bootstrap_interval, detection_rate
from modelprint.enrolment import EnrolmentPlan, enrol
from modelprint.enrolment.release_check import list_natural
from modelprint.errors import ModelprintError
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.intervals import upper_bound
from modelprint.oracles.local import LocalOracle
from modelprint.settings import build
from modelprint.tamperings import SUITE
from modelprint.tamperings.store import load_or_make_suspect, suspect_path
from modelprint.tensors import to_images

SERVED = {**PRECISIONS, "int8-weights": int8.weights}
"""Ways to serve, by name."""
BATCHED = {"fp32": fp32.float32}
"""The same in batches, where the way above computes one image at a time."""
HALVES = {"fp16": torch.float16, "bf16": torch.bfloat16}
CONTROL = "none"
KINDS = (
    "unlearning",
    "unlearning-published",
    "online-learning",
    "prune-20",
    "int8-weights",
    "int8-dynamic",
    "distil-short",
    "transfer-shifted",
    "transfer-shifted-bnfrozen",
    "finetune-last-1e-3",
    "finetune-last-1e-3-bnfrozen",
    "finetune-last-1e-4",
    "finetune-last-1e-4-bnfrozen",
    "finetune-last-1e-5",
    "finetune-last-1e-5-bnfrozen",
    "finetune-all-1e-3",
    "finetune-all-1e-3-bnfrozen",
    "finetune-all-1e-4",
    "finetune-all-1e-4-bnfrozen",
    "finetune-all-1e-5",
    "finetune-all-1e-5-bnfrozen",
    "retrain-last",
    "retrain-all-short",
    "architecture-given:resnet32",
    "architecture-given:resnet44",
    "architecture-given:resnet56",
    "degrade-random",
    "degrade-specific",
    "degrade-sample",
    "targeted",
    "bit-flip",
    "backdoor",
    "trojan",
    "clean-label-collision",
    "flip-sign",
    "weight-noise-1e-3",
    "weight-noise-1e-1",
)
"""The rows of Table 1, and three small changes; a network after a colon is the one that replaces the target."""
APART = tuple(f"finetune-last-1e-{power}-bnfrozen" for power in (3, 4, 5))
"""Kinds that half precision nearly undoes: they move the last layer alone, by less than a rounding step. The means are
given with and without them."""
NS = (1, 5)
LARGEST = 64
"""Images that come together, most of the time fewer."""


def main() -> None:
    """Read the command line, enrol, ask and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where enrolled files and answers are kept")
    parser.add_argument("--fingerprint", type=Path, required=True, help="the released fingerprint, of profile fp32")
    parser.add_argument(
        "--profile", action="append", default=[], metavar="PRECISION=FILE", help="one sealed by profile"
    )
    parser.add_argument("--target", default="cifar10-resnet20", help="name of the benchmark's target that they are of")
    parser.add_argument("--precisions", nargs="+", default=["fp32", "fp16", "bf16", "int8"], choices=SERVED)
    parser.add_argument("--walks", nargs="+", type=int, default=[0, 3], help="enrolments, by their number of walks")
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), help="suspects")
    parser.add_argument("--data", default="cifar10@0.1", help="what suspects are made from")
    parser.add_argument("--test-images", type=int, default=1000, help="how many of them suspects are looked at with")
    parser.add_argument("--cached", action="store_true", help="leave out suspects that are not in the cache")
    parser.add_argument("--checks", type=int, default=0, help="answers in batches, for each fingerprint")
    parser.add_argument("--seed", type=int, default=1, help="of suspects and walks")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.folder.mkdir(parents=True, exist_ok=True)
    model, whole = target_model(TARGETS[given.target])
    data = load_data(given.data)
    data = replace(data, test=data.test.take(range(given.test_images)))
    by_profile = dict(one.split("=", 1) for one in given.profile)
    lines, batches = Lines(given.folder / "answers.jsonl"), Lines(given.folder / "batches.jsonl")
    for precision in given.precisions:
        files = {"by profile": by_profile[precision]} if precision in by_profile else {}
        prints = {name: Fingerprint.load(file) for name, file in files.items()}
        release = Fingerprint.load(given.fingerprint)
        for walks in given.walks:
            prints[f"{walks} walks"] = enrolled(given.folder, release, model, whole, precision, walks, given.seed)
        for kind in (CONTROL, *given.kinds):
            ask_suspect(lines, model, (data, whole), kind, given.seed, precision, prints, given.cached)
        for name, fingerprint in prints.items() if given.checks else ():
            if not batches.has(precision=precision, fingerprint=name):
                changed, answers = count_changes(model, whole, precision, fingerprint, given.checks, given.seed)
                batches.add(precision=precision, fingerprint=name, answers=answers, changed=changed)
    print("\n".join([*report(lines.all, given.precisions), *report_batches(batches.all)]))


class Lines:
    """The lines of a file, one for each suspect, precision and fingerprint."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.all: list[dict[str, Any]] = []
        if path.is_file():
            self.all = [json.loads(line) for line in path.read_text().splitlines()]

    def has(self, **facts: str) -> bool:
        """Whether there is a line with these facts."""
        return any(all(line[name] == value for name, value in facts.items()) for line in self.all)

    def add(self, **facts: Any) -> None:
        """Write one line."""
        self.all.append(facts)
        with self.path.open("a") as file:
            file.write(json.dumps(facts) + "\n")


def serve(model: Classifier, data: DataSet, precision: str) -> LocalOracle:
    """Return an oracle of `model` as it is served."""
    compute = partial(SERVED[precision], Forms(model, data.train.pixels))
    return LocalOracle(model, precision=precision, compute=compute)


def enrolled(
    folder: Path, release: Fingerprint, model: Classifier, data: DataSet, precision: str, walks: int, seed: int
) -> Fingerprint:
    """Return the release enrolled on the target; made when it is not in `folder`."""
    path = folder / f"{precision}-{walks}.mprint"
    if path.is_file():
        return Fingerprint.load(path)
    # One process that computes one image at a time has nothing else to vary.
    kind, known = precision.partition("-")[0], bool(list_natural(release))
    plan = EnrolmentPlan(
        walks=walks, repeats=2, concurrency=1, pause=0.0, seed=seed, checked=known, precision=kind, allow_fewer=True
    )
    made, found = enrol(release, [serve(model, data, precision)], plan, folder=folder / f"{precision}-{walks}.partial")
    made.save(path)
    print(f"{precision}, {walks} walks: {' / '.join(found.summary().splitlines())}", flush=True)
    return made


def ask_suspect(
    lines: Lines,
    model: Classifier,
    sets: tuple[DataSet, DataSet],
    kind: str,
    seed: int,
    precision: str,
    prints: Mapping[str, Fingerprint],
    cached: bool,
) -> None:
    """Ask one suspect about the samples of every fingerprint that has no line yet.

    `sets` are the data it is made from, and those that an int8 graph takes its ranges from.
    """
    data, whole = sets
    missing = {name for name in prints if not lines.has(kind=kind, precision=precision, fingerprint=name)}
    name, _, network = kind.partition(":")
    tampering = build(SUITE, name, {"network": network} if network else {})
    if not missing or (cached and kind != CONTROL and not suspect_path(name, tampering, model, data, seed).is_file()):
        return
    suspect = model if kind == CONTROL else load_or_make_suspect(name, tampering, model, data, seed).classifier
    differing = count_differing(model, suspect, precision)
    try:
        oracle = serve(suspect, whole, precision)
        for one in sorted(missing):
            answers = [(oracle.ask(sample.picture), sample.label) for sample in prints[one].samples]
            mismatched = [answer.usable and answer.label != label for answer, label in answers]
            ties = sum(answer.tie for answer, _ in answers)
            facts = {"kind": kind, "precision": precision, "fingerprint": one, "differing": differing, "ties": ties}
            lines.add(**facts, mismatched=mismatched)
            print(f"{precision}, {kind}, {one}: {sum(mismatched)} of {len(mismatched)}, {ties} ties", flush=True)
    except (ModelprintError, RuntimeError, AttributeError, TypeError) as problem:  # an integer graph cannot be cast
        print(f"{precision}, {kind}: cannot be served: {problem}", flush=True)


def count_differing(model: Classifier, suspect: Classifier, precision: str) -> int | None:
    """Return how many parameters and buffers differ after rounding; None when the two are not of the same shapes."""
    own, other = model.network.state_dict(), suspect.network.state_dict()
    if own.keys() != other.keys() or any(own[name].shape != other[name].shape for name in own):
        return None
    dtype = HALVES.get(precision, torch.float32)
    return sum(int((own[name].to(dtype) != other[name].to(dtype)).sum()) for name in own)


def count_changes(
    model: Classifier, data: DataSet, precision: str, fingerprint: Fingerprint, checks: int, seed: int
) -> tuple[int, int]:
    """Return how many labels of samples differ when they are computed in batches, and of how many answers.

    Samples come in a new order each time, among as many natural images, in batches of random size.
    """
    forms, compute = Forms(model, data.train.pixels), BATCHED.get(precision, SERVED[precision])
    own = np.stack([sample.picture.pixels for sample in fingerprint.samples])
    images = to_images(np.concatenate([own, data.test.pixels[: len(own)]]), torch.float64)
    labels = torch.tensor([sample.label for sample in fingerprint.samples])
    rng, changed, answers = np.random.default_rng(seed), 0, 0
    while answers < checks:
        order = torch.from_numpy(rng.permutation(len(images)))
        for part in order.split(int(rng.integers(1, LARGEST + 1))):
            mine = part < len(labels)
            found = compute(forms, images[part]).argmax(1)
            changed += int((found[mine] != labels[part[mine]]).sum())
        answers += len(labels)
    return changed, answers


def report_batches(lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a table of labels that batches changed, with the one-sided 95 % bound of their share."""
    if lines:
        yield "\n| served in | fingerprint | answers in batches | labels changed | at most |\n|---|---|---:|---:|---:|"
    for line in lines:
        bound = upper_bound(line["changed"], line["answers"])
        yield f"| {line['precision']} | {line['fingerprint']} | {line['answers']} | {line['changed']} | {bound:.1e} |"


def report(lines: Sequence[Mapping[str, Any]], precisions: Sequence[str]) -> Iterator[str]:
    """Yield a table of means, with and without APART, then one of every kind, then weights that differ."""
    counts = "| served in | fingerprint | samples | suspects | one image | five "
    yield f"{counts}| others | others, one image | others, five | labels changed |"
    yield "|---|---|" + "---:|" * 8
    for precision in precisions:
        for name in sorted({line["fingerprint"] for line in lines if line["precision"] == precision}):
            mine = [line for line in lines if (line["precision"], line["fingerprint"]) == (precision, name)]
            counted = [line for line in mine if line["kind"] != CONTROL and line["differing"] != 0]
            control = [line for line in mine if line["kind"] == CONTROL]
            if counted:
                table = np.array([line["mismatched"] for line in counted])
                low, high = bootstrap_interval(table)
                others = [line for line in counted if line["kind"] not in APART]
                rates = [100 * mean_rate(some, n) for some in (counted, others) for n in NS]
                changed = sum(sum(line["mismatched"]) for line in control)
                yield (
                    f"| {precision} | {name} | {table.shape[1]} | {len(table)} "
                    f"| {rates[0]:.1f} ({100 * low:.1f} to {100 * high:.1f}) | {rates[1]:.1f} "
                    f"| {len(others)} | {rates[2]:.1f} | {rates[3]:.1f} | {changed} |"
                )
    names = sorted({(line["precision"], line["fingerprint"]) for line in lines})
    columns = [(p, n) for p in precisions for q, n in names if p == q]
    yield "\n| kind | " + " | ".join(f"{p}, {n}" for p, n in columns) + " |"
    yield "|---|" + "---:|" * len(columns)
    for kind in dict.fromkeys(line["kind"] for line in lines):
        cells = []
        for precision, name in columns:
            found = [
                line
                for line in lines
                if (line["kind"], line["precision"], line["fingerprint"]) == (kind, precision, name)
            ]
            cells.append(cell(found[0]) if found else "-")
        yield f"| {kind} | " + " | ".join(cells) + " |"
    yield "\n| parameters and buffers that differ after rounding | " + " | ".join(precisions) + " |"
    yield "|---|" + "---:|" * len(list(precisions))
    for kind in dict.fromkeys(line["kind"] for line in lines):
        different = [
            next((one["differing"] for one in lines if (one["kind"], one["precision"]) == (kind, precision)), None)
            for precision in precisions
        ]
        yield f"| {kind} | " + " | ".join("-" if one is None else str(one) for one in different) + " |"


def mean_rate(lines: Sequence[Mapping[str, Any]], n: int) -> float:
    """Return the mean over suspects of the exact probability that `n` samples show a difference."""
    return float(np.mean([detection_rate(sum(line["mismatched"]), len(line["mismatched"]), n) for line in lines]))


def cell(line: Mapping[str, Any]) -> str:
    """Return the rates at each N; the suspect whose weights are the same after rounding is marked."""
    count, samples = sum(line["mismatched"]), len(line["mismatched"])
    rates = " / ".join(f"{100 * detection_rate(count, samples, min(n, samples)):.0f}" for n in NS)
    return f"{rates} (same weights)" if line["differing"] == 0 and line["kind"] != CONTROL else rates


if __name__ == "__main__":
    main()
