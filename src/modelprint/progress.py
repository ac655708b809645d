"""How long work tells a person how far it is: one callable, silent by default."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar, runtime_checkable

Item = TypeVar("Item")


@runtime_checkable
class Progress(Protocol):
    """Told once per finished step; the command line draws bars from it."""

    def __call__(self, phase: str, done: int, total: int) -> None:
        """`done` of `total` steps of `phase` are finished; the first call of a phase has `done` 0."""


def silent(phase: str, done: int, total: int) -> None:
    """Say nothing."""


def steps(phase: str, items: Iterable[Item], total: int, progress: Progress) -> Iterator[Item]:
    """Yield `items`, reporting each one when its work is over."""
    progress(phase, 0, total)
    for done, item in enumerate(items, start=1):
        yield item
        progress(phase, done, total)
