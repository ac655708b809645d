"""What jobs of the benchmark have in common.

A job's function is called with names, settings and seeds alone, so that any process can compute it. It finds in the
cache what other jobs have made. What it makes itself it makes under a lock, and raises Busy when another process holds
that lock.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

Returned = TypeVar("Returned", covariant=True)


@dataclass(frozen=True, kw_only=True)
class Done(Generic[Returned]):
    """What a job of the benchmark returns.

    Attributes:
        value: What it was asked for; plain data.
        remarks: Warnings in its log, e.g. about a damaged entry of the cache.
        seconds: How long it took to make, perhaps in an earlier run; None where the time of the job itself counts.
    """

    value: Returned
    remarks: tuple[str, ...] = ()
    seconds: float | None = None


class _Collector(logging.Handler):
    """Keeps the messages of warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message, once."""
        if record.getMessage() not in self.messages:
            self.messages.append(record.getMessage())


@contextmanager
def capture_warnings() -> Iterator[list[str]]:
    """Collect what this package logs as a warning while the block runs, in place of printing it."""
    logger, collector = logging.getLogger("modelprint"), _Collector()
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(collector)
    try:
        yield collector.messages
    finally:
        logger.removeHandler(collector)
        logger.propagate = propagate
