"""What junction fingerprints reach, beside each other and beside every other method: from the folders of runs.

    modelprint bench run plans/junction-cifar10.toml --scale laptop
    modelprint bench run plans/methods-cifar10.toml --scale laptop
    python benchmarks/junction_targets.py runs/junction-cifar10-laptop --methods runs/methods-cifar10-laptop

Prints Markdown. Spread, margin and residual are computed again from the PNG files of each fingerprint, in float64;
rates and intervals are those of the report. The weakest line is the row, tampering and batch-norm mode that is seen
least. One change stands apart, since it moves logits by less than honest servers do.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from modelprint.bench.detection.report import scores
from modelprint.bench.detection.results import DetectionResults, read_results
from modelprint.bench.detection.table import Cell, Line, Table
from modelprint.bench.reading import read_run
from modelprint.bench.targets import TARGETS, target_model
from modelprint.classifier import Classifier
from modelprint.fingerprint.integrity import Fingerprint
from modelprint.pages.grids import number
from modelprint.tensors import to_images

APART = "finetune-last-1e-5-bnfrozen"
"""The change that is smaller than the noise of honest servers."""
NS = (1, 5)


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of a run of junction fingerprints")
    parser.add_argument("--methods", type=Path, help="folder of a run of all methods on the same suspects")
    parser.add_argument("--fingerprint", default="junction", help="the one to hold against the other methods")
    given = parser.parse_args()
    torch.set_num_threads(1)
    run = read_results(read_run(given.run))
    model, _ = target_model(TARGETS[run.contents.record.target.name])
    print("\n".join(reached(run, model)))
    print("\n" + "\n".join(weakest(scores(run), [name for name in run.order if name in run.fingerprints])))
    if given.methods:
        print("\n" + "\n".join(beside(read_results(read_run(given.methods)), given.fingerprint)))


def reached(run: DetectionResults, model: Classifier) -> Iterator[str]:
    """Yield what each fingerprint is: how near its classes are, and how far it is from natural images."""
    heads = ("fingerprint", "profile", "floor", "classes", "smallest margin", "spread", "residual", "top-1", "L2")
    yield from start(heads)
    for name in run.order:
        if name in run.fingerprints:
            yield row(name, *nearness(run.fingerprints[name], model), f"{median_l2(run, name):.2f}")


def nearness(fingerprint: Fingerprint, model: Classifier) -> Iterator[str]:
    """Yield floor, number of classes, smallest margin, and the medians of spread, residual and top-1 probability.

    The spread is the distance from the first to the last of the classes that tie. The residual is the norm of how far
    those after the first are from their mean.
    """
    pixels = np.stack([sample.picture.pixels for sample in fingerprint.samples])
    logits = model.double().logits(to_images(pixels, torch.float64))
    k = int(fingerprint.provenance.notes["k"])
    values = logits.topk(k, dim=1).values
    margins, spreads = values[:, 0] - values[:, 1], values[:, 0] - values[:, -1]
    residuals = (values[:, 1:] - values[:, 1:].mean(1, keepdim=True)).norm(dim=1)
    yield fingerprint.profile.name
    yield f"{fingerprint.profile.floor:.1e}"
    yield str(k)
    yield f"{margins.min():.1e}"
    yield from (f"{size.median():.1e}" for size in (spreads, residuals))
    yield f"{logits.softmax(1).amax(1).median():.3f}"


def median_l2(run: DetectionResults, name: str) -> float:
    """Return the median distance from the sources that the run recorded."""
    return number(run.record.fingerprints[name].median_l2)


def weakest(table: Table, names: Sequence[str]) -> Iterator[str]:
    """Yield for each fingerprint its mean, its weakest lines, and the line that stands apart."""
    heads = ["fingerprint"]
    for n in NS:
        heads += [f"N = {n}: mean", f"below {threshold(n)} %", f"weakest line, N = {n}", f"{APART}, N = {n}"]
    yield from start(heads)
    for name in names:
        cells: list[str] = []
        for n in NS:
            every = cells_of(table, name, n)
            others = [cell for cell in every if cell.line.kind != APART]
            least = min(others, key=rate_of)
            below = sum(rate_of(cell) < threshold(n) / 100 for cell in others)
            apart = [cell for cell in every if cell.line.kind == APART]
            cells += [f"{100 * mean(every):.1f}", f"{below} of {len(others)}"]
            cells += [f"{shown(least)} {least.line.made_by}", ", ".join(map(shown, apart)) or "-"]
        yield row(name, *cells)


def beside(run: DetectionResults, ours: str) -> Iterator[str]:
    """Yield a row for each other method: on how many lines it sees more than ours does, and where most so."""
    table = scores(run)
    heads = ["method", "L2"]
    for n in NS:
        heads += [f"N = {n}: mean", f"lines where it detects more, N = {n}", f"most of all, N = {n}"]
    yield from start(heads)
    for name in [ours, *(name for name in run.order if name in run.fingerprints and name != ours)]:
        cells = [f"{median_l2(run, name):.2f}"]
        for n in NS:
            mine = {cell.line: cell for cell in cells_of(table, ours, n)}
            theirs = cells_of(table, name, n)
            more = [cell for cell in theirs if rate_of(cell) > rate_of(mine[cell.line])]
            most = max(more, key=lambda cell: rate_of(cell) - rate_of(mine[cell.line]), default=None)
            cells += [f"{100 * mean(theirs):.1f}", f"{len(more)} of {len(theirs)}"]
            cells.append(f"{shown(most)} against {shown(mine[most.line])}, {most.line.made_by}" if most else "-")
        yield row(name, *cells)


def cells_of(table: Table, name: str, n: int) -> list[Cell]:
    """Return the cells of one fingerprint that have a rate, controls aside."""
    lines: Iterable[Line] = dict.fromkeys(cell.line for cell in table.cells if not cell.line.control)
    found = [table.cell(line, name, n) for line in lines]
    return [cell for cell in found if cell is not None and cell.rate is not None]


def rate_of(cell: Cell) -> float:
    """Return the rate of a cell that has one."""
    assert cell.rate is not None
    return cell.rate


def mean(cells: Sequence[Cell]) -> float:
    """Return the mean rate."""
    return sum(map(rate_of, cells)) / len(cells)


def threshold(n: int) -> float:
    """Return the per cent that every line is to reach with `n` samples."""
    return {1: 85.0, 5: 99.9}[n]


def shown(cell: Cell) -> str:
    """Return a rate with its interval, in per cent."""
    assert cell.low is not None
    assert cell.high is not None
    return f"{100 * rate_of(cell):.1f} ({100 * cell.low:.0f} to {100 * cell.high:.0f})"


def start(heads: Sequence[str]) -> Iterator[str]:
    """Yield the first two lines of a Markdown table."""
    yield row(*heads)
    yield "|---|" + "---:|" * (len(heads) - 1)


def row(*cells: str) -> str:
    """Return a line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
