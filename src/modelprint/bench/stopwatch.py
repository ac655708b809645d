"""How long work takes that may be interrupted and continued."""

import time
from pathlib import Path

from modelprint.cache import write_text_atomically

NOTE_EVERY_S = 5.0
"""Seconds of work between two notes of how long it took so far."""


class Stopwatch:
    """Counts the processor's seconds that some work takes, those of interrupted calls too; called as progress.

    Args:
        path: Where the seconds are noted; beside the unfinished work, which goes when it is done.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._start, self._noted = path, time.process_time(), 0.0
        try:
            self._before = float(path.read_text())
        except (OSError, ValueError):
            self._before = 0.0

    @property
    def seconds(self) -> float:
        """Seconds up to now."""
        return self._before + time.process_time() - self._start

    def __call__(self, phase: str, done: int, total: int) -> None:
        """Note the seconds, now and then."""
        if self.seconds - self._noted >= NOTE_EVERY_S:
            self._noted = self.seconds
            write_text_atomically(self._path, f"{self._noted:.3f}")
