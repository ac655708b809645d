"""Long work: it reports its progress, and resumes from its saved state after an interruption."""

import hashlib
import os
import re
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

OS_ERROR = re.compile(r"\b(?:os error|code:) (\d+)")
"""How safetensors, which is written in Rust, gives the number of an error of the operating system."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """How long work reports its progress, where it saves its state, and which margin its samples need.

    Attributes:
        progress: Called after each step.
        folder: Where unfinished state is saved; None saves nothing.
        identity: What the state belongs to; state with another identity is ignored.
        margin: Smallest top-1 minus top-2 logit of a sample that can be kept, as far as it is known; 0 when unknown.
    """

    progress: Progress = ignore_progress
    folder: Path | None = None
    identity: str = ""
    margin: float = 0.0

    def bind_to(self, *facts: object) -> "Work":
        """Return the same work, whose state belongs to `facts` too; different facts need a different `repr`."""
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
        """Save `tensors` under `name`, replacing what was there; OSError when that fails."""
        path = self._path(name)
        if path is not None:
            content = {key: tensor.contiguous() for key, tensor in tensors.items()}
            save_tensors(content, path, {"identity": self.identity})

    def make_rows(
        self, name: str, total: int, make: Callable[[int], Tensor], phase: str, *, every: int = SAVED_EVERY
    ) -> Tensor:
        """Make `total` rows one by one and return them together, saving them as they are made.

        Args:
            name: Of the state; see `save`.
            total: How many rows, at least 1.
            make: Makes the row of an index, with a leading dimension of 1.
            phase: What a progress bar calls it.
            every: Rows between two saved states; larger when a row costs less than saving all rows before it.
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
        finally:  # an interruption, or a row that cannot be made, loses none of the rows before it
            if len(made) > kept:
                self.save(name, {"rows": torch.cat(made)})
        return torch.cat(made)

    def _path(self, name: str) -> Path | None:
        return None if self.folder is None else self.folder / f"{name}.safetensors"


def save_tensors(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write contiguous `tensors` as safetensors, atomically.

    Raises:
        OSError: The file cannot be written, e.g. because the disk is full; its `filename` is `path`.
    """

    def write(draft: Path) -> None:
        try:
            save_file(dict(tensors), draft, metadata=None if metadata is None else dict(metadata))
        except SafetensorError as problem:
            raise _to_os_error(problem, path) from problem

    write_atomically(path, write)


def _to_os_error(problem: SafetensorError, path: Path) -> OSError:
    number = OS_ERROR.search(str(problem))
    if number is None:
        return OSError(f"{path} could not be written: {problem}")
    return OSError(int(number[1]), os.strerror(int(number[1])), str(path))
