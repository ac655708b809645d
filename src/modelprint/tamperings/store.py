"""Suspects kept by content: made once, found again by what went into them."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from modelprint.cache import cache_folder
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import LoadingError
from modelprint.loading import load_like, save_weights
from modelprint.progress import Progress, silent
from modelprint.tamperings.tampering import Movement, Suspect, Tampering, make_suspect

REVISION = 1
"""Raised whenever a tampering's code changes its result, so that old entries are not found any more."""


def stored_suspect(
    kind: str,
    tampering: Tampering,
    model: Classifier,
    data: DataSet,
    seed: int,
    *,
    folder: Path | None = None,
    progress: Progress = silent,
) -> Suspect:
    """Return the suspect from the cache, or make it and put it there; an unreadable entry is made again.

    Args:
        kind: The tampering's name.
        tampering: What to do.
        model: The original.
        data: Training and test set.
        seed: Ignored, and taken as 0, by deterministic tamperings.
        folder: Where suspects are kept; the user's cache by default.
        progress: Told about long work.
    """
    seed = 0 if tampering.deterministic else seed
    path = suspect_path(kind, tampering, model, data, seed, folder=folder)
    if path.is_file():
        try:
            return _from_record(*load_like(model, path))
        except (LoadingError, KeyError, TypeError):
            path.unlink()
    suspect = make_suspect(kind, tampering, model, data, seed, progress=progress)
    save_weights(suspect.classifier, path, suspect.record())
    return suspect


def suspect_path(
    kind: str, tampering: Tampering, model: Classifier, data: DataSet, seed: int, *, folder: Path | None = None
) -> Path:
    """Return where the suspect is, or would be, kept."""
    seed = 0 if tampering.deterministic else seed
    return (folder or cache_folder() / "suspects") / f"{kind}-{seed}-{_key(tampering, model, data, seed)}.safetensors"


def _key(tampering: Tampering, model: Classifier, data: DataSet, seed: int) -> str:
    """Return the content hash of everything a suspect is made from."""
    inputs = [
        REVISION,
        type(tampering).__name__,
        asdict(tampering),  # type: ignore[call-overload]
        model.digest(),
        data.train.digest,
        data.test.digest,
        seed,
    ]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:20]


def _from_record(classifier: Classifier, record: dict[str, object]) -> Suspect:
    facts = dict(record)
    movement = Movement(**facts.pop("movement"))  # type: ignore[arg-type]
    return Suspect(classifier=classifier, movement=movement, **facts)  # type: ignore[arg-type]
