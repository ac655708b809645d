"""Why a fingerprint detects some suspects and not others: what each suspect does to the margins of its samples.

    python benchmarks/margins.py plans/table1-cifar10.toml --fingerprint misentry

Prints a Markdown table, which `table_files.py` turns into a data file. A margin is the logit of the sealed label minus
the largest other one; a sample detects a suspect that takes its margin below zero. Fingerprint and suspects come from
the cache, where `modelprint bench run` with the same plan and scale has put them; those that are missing are made.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from modelprint.bench.detection.fingerprints import FingerprintRecipe, answers, load_or_make
from modelprint.bench.detection.plan import PlannedDetection, seed_of
from modelprint.bench.plan import Plan, at_scale
from modelprint.bench.plan_file import read_plan
from modelprint.bench.targets import target_model
from modelprint.tamperings.store import load_or_make_suspect
from modelprint.tensors import Labels, Logits

HEADS = ("tampering", "suspects", "margin after", "median change", "falls, %", "median size of change", "seen, %")


def main() -> None:
    """Read the command line, and print a line for each row of the plan."""
    parser = argparse.ArgumentParser(description="What suspects do to the margins of a fingerprint's samples.")
    parser.add_argument("plan", type=Path)
    parser.add_argument("--scale", default="laptop")
    parser.add_argument("--fingerprint", default="misentry")
    parser.add_argument("--models", type=int, help="at most this many suspects per row, as of bench run")
    parser.add_argument("--each", action="store_true", help="a line for each suspect, not for all of a row together")
    given = parser.parse_args()
    torch.set_num_threads(1)
    plan = at_scale(read_plan(given.plan), given.scale, given.models)
    print("\n".join(lines(plan, given.fingerprint, each=given.each)))


def lines(plan: Plan, fingerprint: str, *, each: bool = False) -> Iterator[str]:
    """Yield the table, after a line about the target itself."""
    model, data = target_model(plan.the_target())
    detection = plan.part(PlannedDetection)
    planned = next(one for one in detection.fingerprints if one.name == fingerprint)
    recipe = FingerprintRecipe(planned=planned, seed=seed_of(plan, planned), zoo=detection.zoo)
    stored = load_or_make(recipe, model, data)
    before = margins(answers(model, stored.images), stored.labels)
    low, middle, high = before.quantile(torch.tensor([0.1, 0.5, 0.9])).tolist()
    yield f"Margins of {fingerprint}, {len(before)} samples: median {middle:.2f}, 80 % from {low:.2f} to {high:.2f}.\n"
    yield f"| {' | '.join(HEADS)} |"
    yield "|---|" + "---:|" * (len(HEADS) - 1)
    for row in plan.suspects:
        if row.control or row.reference:
            continue
        suspects = [load_or_make_suspect(row.kind, row.build(), model, data, seed) for seed in plan.seeds_of(row)]
        after = [margins(answers(suspect.classifier, stored.images), stored.labels) for suspect in suspects]
        yield from (line(row.kind, before, part) for part in (after if each else [torch.stack(after)]))


def line(kind: str, before: Tensor, after: Tensor) -> str:
    """Return what one suspect, or several (rows of `after`), did to samples (columns)."""
    change, after = after - before, after.view(-1, len(before))
    numbers = (
        f"{after.median().item():.3g}",
        f"{change.median().item():+.3g}",
        f"{100 * (change < 0).double().mean().item():.0f}",
        f"{change.abs().median().item():.3g}",
        f"{100 * (after < 0).double().mean().item():.1f}",
    )
    return f"| {kind} | {len(after)} | {' | '.join(numbers)} |"


def margins(logits: Logits, labels: Labels) -> Tensor:
    """Return the logit of each label minus the largest other one."""
    own = logits.gather(1, labels[:, None])
    return (own - logits.scatter(1, labels[:, None], -torch.inf).amax(1, keepdim=True))[:, 0]


if __name__ == "__main__":
    main()
