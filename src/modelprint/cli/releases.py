"""Load the releases that the options of `generate` name."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelprint.classifier import Classifier
    from modelprint.generation.releases import KnownRelease


def load_releases(model: "Classifier", also: Sequence[str], precisions: Sequence[str]) -> "list[KnownRelease]":
    """Return the releases that `--also` and `--also-precision` name.

    Args:
        model: The protected classifier.
        also: NAME=WEIGHTS each: a safetensors file of the same network, or a .pt2 file.
        precisions: Names of precisions to serve the protected classifier in; these are also the names of the releases.

    Raises:
        ValueError: An entry of `also` is not NAME=WEIGHTS.
        LoadingError: Weights are missing, unreadable, or of another network.
    """
    from modelprint.generation.releases import KnownRelease

    named = [(*_split_entry(entry), entry) for entry in also]
    others = [KnownRelease(name=name, model=_load(model, weights, entry)) for name, weights, entry in named]
    return others + [KnownRelease(name=precision, model=model, precision=precision) for precision in precisions]


def _split_entry(entry: str) -> tuple[str, Path]:
    name, equals, weights = entry.partition("=")
    if not (name and equals and weights):
        raise ValueError(f"--also is NAME=WEIGHTS such as 1.3=old.safetensors, got {entry!r}")
    return name, Path(weights)


def _load(model: "Classifier", weights: Path, entry: str) -> "Classifier":
    from modelprint.errors import LoadingError
    from modelprint.loading import load_classifier, load_like

    try:
        if weights.suffix == ".pt2":
            return load_classifier(str(weights), image_shape=model.image_shape)
        return load_like(model, weights)[0]
    except LoadingError as problem:
        raise LoadingError(f"--also {entry}: {problem}") from problem
