"""What printed scores show: detection with one question by the decimals that an endpoint prints, and false alarms.

    python benchmarks/scores.py runs/scores --fingerprint r20.mprint

The samples are those of a junction fingerprint of the CIFAR-10 ResNet-20. Their scores, the floor and its null are
measured here in all ways of serving of profile fp32. Each suspect answers every sample in each form: what it prints is
written as text, the form is found from its answers to twenty ordinary pictures and to the samples, and the answers are
compared by the code of `verify`. A rate is the share of samples whose answer differs, so the probability of detection
with one question. `order` compares the order of the classes alone. `joint` says whether the joint test over all samples
exceeds its bound at alpha 1e-3.

`one server` is a file that was sealed on the very deployment: expected are the float32 logits that PyTorch computes one
image at a time, the noise is that of other batches and threads. Suspects are computed in batches there.

The honest rows are the ways of serving themselves; the number in parentheses is with the floor of all others alone.

Work is kept in the folder: a line for each suspect. Run it again to go on. Suspects come from the cache, where a run of
the benchmark has put them; `--make KIND ...` makes those of some kinds. Prints Markdown.
"""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from modelprint.bench.targets import TARGETS, target_model
from modelprint.calibration import Forms, Noise, find_profile, measure
from modelprint.calibration.scores import record_scores
from modelprint.classifier import Classifier
from modelprint.data import DataSet, load_data
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.fingerprint.scores import ScoreRecord
from modelprint.intervals import exact_interval
from modelprint.oracles.oracle import Answer
from modelprint.scores.deviation import deviate, deviate_in_order
from modelprint.scores.form import find_form
from modelprint.scores.joint import compare_jointly
from modelprint.scores.printed import Printed, read_printed
from modelprint.settings import build
from modelprint.tamperings import SUITE
from modelprint.tamperings.store import load_or_make_suspect, suspect_path
from modelprint.tensors import Logits, to_images

ORDINARY = 20
NATURAL = 200
SHARE, TEST_IMAGES = 0.1, 1000
"""Suspects are trained on a tenth of the training images, and reach their goal on so many test images."""
ALPHA = 1e-3
FORMS: Mapping[str, Callable[[float], str]] = {
    "2": lambda value: f"{value:.2f}",
    "3": lambda value: f"{value:.3f}",
    "4": lambda value: f"{value:.4f}",
    "6": lambda value: f"{value:.6f}",
    "full": lambda value: str(np.float32(value)),
}
"""How a probability is written."""
COLUMNS = ("label", "order", *FORMS, "logits", "top-3, 4")
OWN = "one server"
ONE_SERVER = (
    "float32, batch 1",
    "float32, batch 7",
    "float32, batch 64",
    "float32, batch 256",
    "1 thread",
    "2 threads",
)

ROWS: Sequence[tuple[str, str, Mapping[str, object]]] = (
    ("Unlearning", "unlearning-published", {}),
    ("Online learning", "online-learning", {}),
    ("Pruning", "prune-20", {}),
    ("Quantization", "int8-dynamic", {}),
    ("Quantization", "int8-static", {}),
    ("Quantization", "int8-weights", {}),
    ("Knowledge distillation", "distil-short", {}),
    ("Transfer learning", "transfer-shifted", {}),
    ("Transfer learning", "transfer-shifted-bnfrozen", {}),
    *((f"Fine-tune last layer, lr {rate}", f"finetune-last-{rate}", {}) for rate in ("1e-3", "1e-4", "1e-5")),
    *((f"Fine-tune last layer, lr {rate}", f"finetune-last-{rate}-bnfrozen", {}) for rate in ("1e-3", "1e-4", "1e-5")),
    *((f"Fine-tune all, lr {rate}", f"finetune-all-{rate}", {}) for rate in ("1e-3", "1e-4", "1e-5")),
    *((f"Fine-tune all, lr {rate}", f"finetune-all-{rate}-bnfrozen", {}) for rate in ("1e-3", "1e-4", "1e-5")),
    ("Retrain last layer", "retrain-last", {}),
    ("Retrain all", "retrain-all-short", {}),
    *(("Different architectures", "architecture-given", {"network": f"resnet{depth}"}) for depth in (32, 44, 56)),
    ("Degradation random class", "degrade-random", {}),
    ("Degradation specific class", "degrade-specific", {}),
    ("Degradation single sample", "degrade-sample", {}),
    ("Targeted attack", "targeted", {}),
    ("Bit flip", "bit-flip", {}),
    ("Backdoor", "backdoor", {}),
    ("Trojan", "trojan", {}),
    ("Clean label", "clean-label-collision", {}),
    ("Pruning, as published", "prune-published", {}),
    ("Quantization, as published", "int8-published", {}),
    ("Flipped sign of one weight", "flip-sign", {}),
    ("Noise on 0.1 % of the weights", "weight-noise-1e-3", {}),
    ("Noise on 1 % of the weights", "weight-noise-1e-2", {}),
    ("Noise on 10 % of the weights", "weight-noise-1e-1", {}),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Bench:
    """What all suspects are asked about.

    Attributes:
        fingerprint: The samples.
        record: Their sealed scores.
        samples: The samples, then the ordinary pictures, as images.
        own: Their scores as sealed on one deployment.
        noise: Logits of the samples, the ordinary pictures and more, in every way of serving.
    """

    fingerprint: Fingerprint
    record: ScoreRecord
    own: ScoreRecord
    samples: torch.Tensor
    noise: Noise


def main() -> None:
    """Read the command line, ask every suspect, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the work is kept")
    parser.add_argument("--fingerprint", type=Path, required=True, help="a junction fingerprint of cifar10-resnet20")
    parser.add_argument(
        "--make", nargs="*", default=[], metavar="KIND", help="kinds to make where none is in the cache"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the suspects")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.folder.mkdir(parents=True, exist_ok=True)
    model, data = target_model(TARGETS["cifar10-resnet20"])
    bench = prepare(model, data, Fingerprint.load(given.fingerprint), given.folder)
    small = load_data(f"cifar10@{SHARE}")
    small = replace(small, test=small.test.take(range(TEST_IMAGES)))
    done = read_lines(given.folder / "suspects.jsonl")
    for row, kind, settings in ROWS:
        key = f"{row}/{kind}/{json.dumps(settings)}/{given.seed}"
        if key in done:
            continue
        tampering = build(SUITE, kind, dict(settings))
        seed = 0 if tampering.deterministic else given.seed
        if kind not in given.make and not suspect_path(kind, tampering, model, small, seed).exists():
            continue
        suspect = load_or_make_suspect(kind, tampering, model, small, given.seed)
        logits = suspect.classifier.logits(bench.samples)
        line = {"key": key, "row": row, "kind": kind, "reached": suspect.goal_reached, **score(bench, logits)}
        done[key] = line
        with (given.folder / "suspects.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
    print_tables(bench, list(done.values()))


def read_lines(path: Path) -> dict[str, dict[str, object]]:
    """Return the lines of earlier runs, by key."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {line["key"]: line for line in map(json.loads, lines)}


def prepare(model: Classifier, data: DataSet, fingerprint: Fingerprint, folder: Path) -> Bench:
    """Measure the noise of the samples, the ordinary pictures and more natural ones, or load it."""
    pixels = np.stack([sample.picture.pixels for sample in fingerprint.samples])
    everything = np.concatenate([pixels, data.test.pixels[:ORDINARY], data.train.pixels[:NATURAL]])
    path = folder / f"noise-{fingerprint.digest[:16]}.pt"
    if not path.exists():
        torch.save(dict(measure(Forms(model, data.train.pixels), everything, find_profile("fp32")).logits), path)
    noise = Noise(logits=torch.load(path, weights_only=True))
    record = record_scores(noise, range(len(pixels)))
    own = record_scores(Noise(logits={name: noise.logits[name] for name in ONE_SERVER}), range(len(pixels)))
    asked = to_images(everything[: len(pixels) + ORDINARY])
    return Bench(fingerprint=fingerprint, record=record, own=own, samples=asked, noise=noise)


def score(bench: Bench, logits: Logits, record: ScoreRecord | None = None) -> dict[str, object]:
    """Return, for each form, which answers about samples differ, the largest deviation, and the joint test."""
    record = record or bench.record
    count = len(record.samples)
    labels = torch.tensor([sample.label for sample in bench.fingerprint.samples])
    logits = logits.float()[: count + ORDINARY]
    flipped = (logits[:count].argmax(1) != labels).numpy()
    result: dict[str, object] = {"label": mark(flipped)}
    for column in COLUMNS[1:]:
        answers = write_answers(logits, column)
        differs, squares, largest = compare(answers, record, column)
        result[column] = mark(differs | flipped)
        if column != "order":
            joint = compare_jointly(squares, record.null, alpha=ALPHA, multiple=record.multiple)
            assert joint is not None
            result[f"{column} joint"] = [joint.root, joint.bound]
            result[f"{column} largest"] = largest
    differs, squares, largest = compare(write_answers(logits, "full"), bench.own, "full")
    joint = compare_jointly(squares, bench.own.null, alpha=ALPHA, multiple=bench.own.multiple)
    assert joint is not None
    return result | {OWN: mark(differs | flipped), f"{OWN} joint": [joint.root, joint.bound], f"{OWN} largest": largest}


def compare(answers: Sequence[Printed], record: ScoreRecord, column: str) -> tuple[np.ndarray, list[float], float]:
    """Return which answers differ, their squared deviations, and the largest one."""
    form = find_form(answers, answers[0].count if column != "top-3, 4" else 10)
    assert form is not None
    found = []
    for answer, expected in zip(answers, record.samples, strict=False):
        one = deviate(answer, form, expected, record.floor)
        if column == "order" or one is None:
            one = deviate_in_order(answer, expected, record.floor)
        found.append(one)
    largest = [one.largest for one in found]
    return np.array([far > record.multiple for far in largest]), [one.square for one in found], max(largest)


def write_answers(logits: Logits, column: str) -> list[Printed]:
    """Return what a server prints for each picture in one form; probabilities are computed in float32."""
    shares = logits.softmax(1)
    write = FORMS.get(column, FORMS["4"] if column == "top-3, 4" else FORMS["full"])
    values = logits if column == "logits" else shares
    answers = []
    for row in values.tolist():
        order = np.argsort(-np.array(row), kind="stable")[: 3 if column == "top-3, 4" else None]
        texts = [write(row[index]) for index in order]
        ranking = tuple((int(index), float(text)) for index, text in zip(order, texts, strict=True))
        answer = read_printed(Answer(label=int(order[0]), ranking=ranking, printed=tuple(texts)), len(row))
        assert answer is not None
        answers.append(answer)
    return answers


def mark(differs: np.ndarray) -> str:
    """Return one digit for each sample."""
    return "".join("1" if one else "0" for one in differs)


def print_tables(bench: Bench, lines: Sequence[Mapping[str, object]]) -> None:
    """Print the floor, detection by row, and false alarms."""
    record = bench.record
    print(f"floor {record.floor:.3g}, p0 {record.differ_rate:.2g} from {record.answers} answers\n")
    print(f"one server: floor {bench.own.floor:.3g}\n")
    print(f"| row | kind | {' | '.join(COLUMNS)} | joint, full | {OWN} | joint, {OWN} |")
    print("|---|---|" + "---:|" * (len(COLUMNS) + 3))
    for line in lines:
        if line["reached"]:
            cells = [f"{100 * rate(line[column]):.0f}" for column in COLUMNS]
            own = f"{100 * rate(line[OWN]):.0f} | {joint_cell(line, OWN)}"
            print(f"| {line['row']} | {line['kind']} | {' | '.join(cells)} | {joint_cell(line)} | {own} |")
    counted = [line for line in lines if line["reached"]]
    means = [f"{100 * np.mean([rate(line[column]) for line in counted]):.1f}" for column in COLUMNS]
    own = f"{100 * np.mean([rate(line[OWN]) for line in counted]):.1f}"
    print(f"| mean of {len(counted)} | | {' | '.join(means)} | | {own} | |\n")
    print_alarms(bench)


def print_alarms(bench: Bench) -> None:
    """Print how often the ways of serving themselves are called different, with their own floor and without."""
    print("| way of serving | largest change | " + " | ".join(COLUMNS) + " | joint, full |")
    print("|---|---:|" + "---:|" * (len(COLUMNS) + 1))
    total = dict.fromkeys(COLUMNS, 0)
    answers = 0
    for name, logits in bench.noise.logits.items():
        if name == bench.noise.reference_name:
            continue
        found = score(bench, logits)
        for column in COLUMNS:
            total[column] += str(found[column]).count("1")
        answers += len(bench.record.samples)
        others = {other: values for other, values in bench.noise.logits.items() if other != name}
        alone = score(
            bench, logits, record_scores(replace(bench.noise, logits=others), range(len(bench.record.samples)))
        )
        cells = [f"{str(found[one]).count('1')} ({str(alone[one]).count('1')})" for one in COLUMNS]
        largest = bench.record.variants[name]
        print(f"| {name} | {largest:.2g} | {' | '.join(cells)} | {joint_cell(found)} ({joint_cell(alone)}) |")
    for column in COLUMNS:
        low, high = exact_interval(total[column], answers)
        print(f"\n{column}: {total[column]} alarms in {answers} answers, 95 % interval {low:.2g} to {high:.2g}")


def rate(marks: object) -> float:
    """Return the share of samples whose answer differs."""
    text = str(marks)
    return text.count("1") / len(text)


def joint_cell(line: Mapping[str, object], column: str = "full") -> str:
    """Return the root of the mean squared deviation beside its bound, in floors."""
    root, bound = line[f"{column} joint"]  # type: ignore[misc]
    return f"{root:.2f} of {bound:.2f}" + (" !" if root > bound else "")


if __name__ == "__main__":
    main()
