"""A zoo: tampered copies from which a method crafts samples. Never used for measurements."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.progress import Progress, ignore_progress
from modelprint.settings import build
from modelprint.tamperings import SUITE
from modelprint.tamperings.store import load_or_make_suspect


@dataclass(frozen=True, eq=False)
class Zoo:
    """Copies of one classifier, family by family.

    Attributes:
        families: For each tampering, its copies.
    """

    families: dict[str, tuple[Classifier, ...]]

    @property
    def copies(self) -> tuple[Classifier, ...]:
        """All copies, family after family."""
        return tuple(copy for family in self.families.values() for copy in family)

    @cached_property
    def members(self) -> tuple[tuple[int, ...], ...]:
        """For each family, the indices of its copies in `copies`."""
        groups, start = [], 0
        for family in self.families.values():
            groups.append(tuple(range(start, start + len(family))))
            start += len(family)
        return tuple(groups)


def parse_recipe(recipe: Sequence[str]) -> dict[str, int]:
    """Return ("finetune-last-1e-5*3", ...) as counts by tampering; ValueError says which entry is wrong."""
    counts: dict[str, int] = {}
    for entry in recipe:
        kind, star, number = entry.partition("*")
        if kind not in SUITE or kind in counts or (star and not number.isdecimal()) or (star and int(number) < 1):
            raise ValueError(f"a zoo entry is KIND*COUNT, each kind once, got {entry!r}; kinds are {', '.join(SUITE)}")
        counts[kind] = int(number) if star else 1
    if not counts:
        raise ValueError("a zoo needs at least one tampering, e.g. finetune-last-1e-5*5")
    return counts


def build_zoo(
    model: Classifier,
    data: DataSet,
    recipe: Sequence[str],
    *,
    first_seed: int,
    folder: Path | None = None,
    progress: Progress = ignore_progress,
) -> Zoo:
    """Return the zoo of `recipe`; each copy is made once and cached, so an interrupted build continues.

    Args:
        model: The classifier to copy.
        data: The data set of the tamperings.
        recipe: Entries KIND*COUNT.
        first_seed: Copies of a kind have this seed and the following ones; suspects for measurements must have others.
        folder: Folder of the cache; by default in the user's cache.
        progress: Receives progress reports of each copy and its training.
    """
    counts = parse_recipe(recipe)
    total, done = sum(counts.values()), 0
    families: dict[str, tuple[Classifier, ...]] = {}
    progress("building the zoo", 0, total)
    for kind, count in counts.items():
        tampering = build(SUITE, kind)
        copies = []
        for seed in range(first_seed, first_seed + count):
            suspect = load_or_make_suspect(kind, tampering, model, data, seed, folder=folder, progress=progress)
            copies.append(suspect.classifier)
            done += 1
            progress("building the zoo", done, total)
        families[kind] = tuple(copies)
    return Zoo(families)
