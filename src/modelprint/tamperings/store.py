"""A cache of suspects, keyed by everything they are made from.

An entry has the SHA-256 of its weights and its record. If it does not match, or the entry cannot be read, this is
logged and the suspect is made again.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path

from modelprint.cache import cache_folder, content_key, load_or_make
from modelprint.classifier import Classifier
from modelprint.data import DataSet
from modelprint.errors import LoadingError
from modelprint.loading import load_like, save_weights
from modelprint.progress import Progress, ignore_progress
from modelprint.tamperings.tampering import Movement, Suspect, Tampering, make_suspect

REVISION = 1
"""Increase it whenever the result of a tampering changes, so that old entries are no longer found."""

CHECKSUM = "checksum"

log = logging.getLogger(__name__)


def load_or_make_suspect(
    kind: str,
    tampering: Tampering,
    model: Classifier,
    data: DataSet,
    seed: int,
    *,
    folder: Path | None = None,
    progress: Progress = ignore_progress,
) -> Suspect:
    """Return the suspect from the cache, or make it and save it there.

    A damaged entry is logged and made again. An entry that cannot be written, e.g. because the disk is full, is logged
    and returned.

    Args:
        kind: The tampering's name.
        tampering: The tampering.
        model: The original.
        data: Training and test set.
        seed: Ignored, and 0, for deterministic tamperings.
        folder: Folder of the cache; by default in the user's cache.
        progress: Receives progress reports.
    """
    seed = 0 if tampering.deterministic else seed
    path = suspect_path(kind, tampering, model, data, seed, folder=folder)
    return load_or_make(
        path,
        load=partial(load_suspect, model),
        make=partial(make_suspect, kind, tampering, model, data, seed, progress=progress),
        save=save_suspect,
        log=log,
    )


def suspect_path(
    kind: str, tampering: Tampering, model: Classifier, data: DataSet, seed: int, *, folder: Path | None = None
) -> Path:
    """Return the path of the suspect in the cache; it may not exist."""
    seed = 0 if tampering.deterministic else seed
    return (folder or cache_folder() / "suspects") / f"{kind}-{seed}-{_key(tampering, model, data, seed)}.safetensors"


def save_suspect(suspect: Suspect, path: Path) -> None:
    """Write the suspect, its record and the checksum of both; OSError when that fails."""
    record = suspect.record()
    save_weights(suspect.classifier, path, {**record, CHECKSUM: _checksum(suspect.classifier, record)})


def load_suspect(model: Classifier, path: Path) -> Suspect:
    """Return the suspect of `model` in `path`; LoadingError when it is damaged.

    An entry without a checksum, from an older version, is accepted.
    """
    classifier, record = load_like(model, path)
    expected = record.pop(CHECKSUM, None)
    if expected is not None and expected != _checksum(classifier, record):
        raise LoadingError(f"{path} does not agree with its checksum")
    try:
        return _restore_suspect(classifier, record)
    except (KeyError, TypeError) as problem:
        raise LoadingError(f"{path}: its record is not that of a suspect: {problem}") from problem


def _checksum(classifier: Classifier, record: Mapping[str, object]) -> str:
    """Return the hexadecimal SHA-256 of weights and record together."""
    facts = json.dumps([classifier.digest(), record], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()


def _key(tampering: Tampering, model: Classifier, data: DataSet, seed: int) -> str:
    """Return the content hash of everything a suspect is made from."""
    inputs = [
        REVISION,
        type(tampering).__name__,
        asdict(tampering),  # type: ignore[call-overload]
        model.digest(),
        *data.part_digests,
        seed,
    ]
    return content_key(inputs)


def _restore_suspect(classifier: Classifier, record: dict[str, object]) -> Suspect:
    facts = dict(record)
    movement = Movement(**facts.pop("movement"))  # type: ignore[arg-type]
    return Suspect(classifier=classifier, movement=movement, **facts)  # type: ignore[arg-type]
