"""The cache of trained generators: an entry is found by a hash of everything that its training depends on.

An entry is one safetensors file with the SHA-256 of its tensors. An entry that does not match its SHA-256, or cannot be
read, is reported in the log and made again.
"""

import hashlib
import logging
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors.torch import save

from modelprint.cache import cache_folder, content_key, load_or_make
from modelprint.data import DataSet
from modelprint.errors import LoadingError
from modelprint.generators.generator import GeneratorNetwork, GeneratorRecipe
from modelprint.loading import fill_network, read_weights
from modelprint.progress import Progress, ignore_progress
from modelprint.streams import derive, stream
from modelprint.work import save_tensors

REVISION = 1
"""Increased whenever a generator's code changes its weights, so that old entries are no longer found."""

CHECKSUM = "modelprint.checksum"

log = logging.getLogger(__name__)


def load_or_train_generator(
    name: str,
    recipe: GeneratorRecipe,
    data: DataSet,
    seed: int,
    progress: Progress = ignore_progress,
    *,
    folder: Path | None = None,
) -> GeneratorNetwork:
    """Return the generator from the cache, or train it and put it there.

    A damaged entry is logged and made again. When an entry cannot be written, the reason is logged.

    Args:
        name: Its name in GENERATORS.
        recipe: Its settings.
        data: Its training part is used.
        seed: Equal seeds give equal weights, bit for bit, on one machine and with one number of threads.
        progress: Called during training.
        folder: Where generators are kept; the user's cache by default.

    Raises:
        ValueError: The generator cannot make images of this shape.
    """
    path = generator_path(name, recipe, data, seed, folder=folder)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(seed, name, "weights"))
        generator = recipe.build(data.image_shape)

    def load(path: Path) -> GeneratorNetwork:
        return _load(generator, path, name)

    def make() -> GeneratorNetwork:
        recipe.train(generator, data, stream(seed, name, "training"), progress)
        return generator.eval().requires_grad_(False)

    return load_or_make(path, load=load, make=make, save=_save, log=log)


def generator_path(name: str, recipe: GeneratorRecipe, data: DataSet, seed: int, *, folder: Path | None = None) -> Path:
    """Return where the generator is, or would be, kept."""
    settings = asdict(recipe)  # type: ignore[call-overload]
    inputs = [REVISION, type(recipe).__name__, settings, list(data.image_shape), data.train.digest, seed]
    return (folder or cache_folder() / "generators") / f"{name}-{seed}-{content_key(inputs)}.safetensors"


def _save(generator: GeneratorNetwork, path: Path) -> None:
    """Write weights and checksum; OSError when that cannot be done."""
    tensors = {key: tensor.contiguous() for key, tensor in generator.state_dict().items()}
    metadata = {"format": "pt", CHECKSUM: hashlib.sha256(save(tensors)).hexdigest()}
    save_tensors(tensors, path, metadata)


def _load(generator: GeneratorNetwork, path: Path, name: str) -> GeneratorNetwork:
    """Fill `generator` with the weights in `path`; LoadingError when they are not what was saved."""
    tensors, metadata = read_weights(path)
    if metadata.get(CHECKSUM) != hashlib.sha256(save(tensors)).hexdigest():
        raise LoadingError(f"{path} does not agree with its checksum")
    fill_network(generator, tensors, {}, path, name)
    generator.eval().requires_grad_(False)
    return generator
