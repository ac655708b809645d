"""Work that takes long: it reports its progress, and takes up its unfinished state after an interruption."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from modelprint.cache import write_atomically
from modelprint.progress import Progress, ignore_progress

SAVED_EVERY = 10
"""Rows between two saved states."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """How long work reports itself and survives an interruption, and what its samples have to survive.

    Attributes:
        progress: Told after each step.
        folder: Where unfinished state is kept; None keeps nothing.
        identity: What the state belongs to; state of another identity is not taken up.
        margin: Top-1 minus top-2 logit below which a sample is not going to be kept, as far as is known beforehand.
    """

    progress: Progress = ignore_progress
    folder: Path | None = None
    identity: str = ""
    margin: float = 0.0

    def belonging_to(self, *facts: object) -> "Work":
        """Return the same work, whose state belongs to all of `facts` too; their `repr` has to tell them apart."""
        return replace(self, identity=hashlib.sha256(repr([self.identity, *facts]).encode()).hexdigest())

    def resume(self, name: str) -> dict[str, Tensor]:
        """Return the tensors last saved as `name`; empty when there are none of this identity."""
        path = self._path(name)
        if path is None or not path.is_file():
            return {}
        try:
            with safe_open(path, framework="pt") as file:
                if (file.metadata() or {}).get("identity") != self.identity:
                    return {}
                return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a mapping
        except (SafetensorError, OSError, ValueError):
            return {}

    def save(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep `tensors` under `name`, in place of what was there."""
        path = self._path(name)
        if path is not None:
            content = {key: tensor.contiguous() for key, tensor in tensors.items()}
            write_atomically(path, lambda draft: save_file(content, draft, metadata={"identity": self.identity}))

    def rows(
        self, name: str, total: int, make: Callable[[int], Tensor], phase: str, *, every: int = SAVED_EVERY
    ) -> Tensor:
        """Make `total` rows one by one and return them together; state and progress are kept under `name` and `phase`.

        Args:
            name: Of the state; see `save`.
            total: How many rows, at least 1.
            make: Makes the row of an index, with a leading dimension of 1.
            phase: What a progress bar calls it.
            every: Rows between two saved states; more of them where a row costs less than to save those before it.
        """
        saved = self.resume(name)
        made = list(saved["rows"].split(1)) if "rows" in saved else []
        kept = len(made)
        self.progress(phase, kept, total)
        try:
            while len(made) < total:
                made.append(make(len(made)))
                if len(made) % every == 0:
                    self.save(name, {"rows": torch.cat(made)})
                    kept = len(made)
                self.progress(phase, len(made), total)
        finally:  # an interruption, or a row that cannot be made, costs none of those before it
            if len(made) > kept:
                self.save(name, {"rows": torch.cat(made)})
        return torch.cat(made)

    def _path(self, name: str) -> Path | None:
        return None if self.folder is None else self.folder / f"{name}.safetensors"
