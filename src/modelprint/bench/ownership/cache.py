"""Auxiliary inputs of ownership tests in the cache: patterns, views, C-examples, border points.

An entry is one safetensors file with facts, the seconds it took and a checksum. A damaged one is logged and made again.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from modelprint.bench.locks import lock_entry
from modelprint.bench.stopwatch import Stopwatch
from modelprint.cache import cache_folder, load_or_make
from modelprint.errors import LoadingError
from modelprint.loading import read_weights
from modelprint.work import Work, save_tensors

FACTS = "facts"
"""Metadata key of what an entry says about itself."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class AuxiliaryInput:
    """Something that suspects are tested with.

    Attributes:
        tensors: By name.
        facts: How it was made and what came of it; plain data.
        seconds: Processor seconds that it took, those of interrupted calls too.
    """

    tensors: Mapping[str, Tensor]
    facts: dict[str, Any]
    seconds: float


Make = Callable[[Work], tuple[Mapping[str, Tensor], dict[str, Any]]]
"""Makes the tensors and the facts of an input."""


def entry_path(name: str, key: str) -> Path:
    """Return where an entry is, or would be, kept."""
    return cache_folder() / "bench" / "ownership" / f"{name}-{key}.safetensors"


def load_or_make_input(name: str, key: str, make: Make) -> AuxiliaryInput:
    """Return what is kept under a name and key, or make it; Busy when another process is making it."""
    path = entry_path(name, key)
    unfinished = cache_folder() / "bench" / "unfinished" / f"{name}-{key}"

    def make_timed() -> AuxiliaryInput:
        stopwatch = Stopwatch(unfinished / "seconds")
        tensors, facts = make(Work(folder=unfinished, progress=stopwatch))
        return AuxiliaryInput(tensors=tensors, facts=facts, seconds=round(stopwatch.seconds, 3))

    if path.is_file():
        made = load_or_make(path, _load, make_timed, _save, log)
    else:
        with lock_entry(path.stem):
            made = load_or_make(path, _load, make_timed, _save, log)
    shutil.rmtree(unfinished, ignore_errors=True)
    return made


def _save(made: AuxiliaryInput, path: Path) -> None:
    tensors = {name: tensor.contiguous() for name, tensor in made.tensors.items()}
    facts = json.dumps({"facts": made.facts, "seconds": made.seconds, "sha256": _checksum(tensors)}, sort_keys=True)
    save_tensors(tensors, path, {"format": "pt", FACTS: facts})


def _load(path: Path) -> AuxiliaryInput:
    tensors, metadata = read_weights(path)
    try:
        written = json.loads(metadata[FACTS])
        facts, seconds, sha256 = dict(written["facts"]), float(written["seconds"]), written["sha256"]
    except (ValueError, KeyError, TypeError) as problem:
        raise LoadingError(f"{path}: what it says of itself cannot be read: {problem}") from None
    if _checksum(tensors) != sha256:
        raise LoadingError(f"{path} does not agree with its checksum")
    return AuxiliaryInput(tensors=tensors, facts=facts, seconds=seconds)


def _checksum(tensors: Mapping[str, Tensor]) -> str:
    content = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        content.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        content.update(tensor.contiguous().numpy().tobytes())
    return content.hexdigest()
