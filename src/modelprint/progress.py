"""Progress reports of long work: one callable, which ignores them by default."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

Item = TypeVar("Item")


@runtime_checkable
class Progress(Protocol):
    """Called once per finished step; the command line draws bars from these calls."""

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Report that `done` of `total` steps of `phase` are finished; the first call of a phase has `done` 0."""


def ignore_progress(phase: str, done: int, total: int) -> None:
    """Do nothing."""


def track_steps(phase: str, items: Iterable[Item], total: int, progress: Progress) -> Iterator[Item]:
    """Yield `items` and report each one when the loop body is done with it."""
    progress(phase, 0, total)
    for done, item in enumerate(items, start=1):
        yield item
        progress(phase, done, total)
