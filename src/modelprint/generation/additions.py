"""More samples for a model that has a fingerprint: made from images that earlier files do not use."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from modelprint.data import DataSet
from modelprint.errors import CraftingError
from modelprint.fingerprint.integrity import Fingerprint


def check_same_model(earlier: Sequence[Fingerprint], model_sha256: str) -> None:
    """Raise CraftingError when a fingerprint in `earlier` is of another model than the one with this digest."""
    for fingerprint in earlier:
        found = fingerprint.provenance.model_sha256
        if found != model_sha256:
            raise CraftingError(
                f"the fingerprint {fingerprint.digest[:16]} is of model {found[:16]}, not of {model_sha256[:16]}; "
                "samples are added to fingerprints of the same weights only"
            )


def leave_out(data: DataSet, earlier: Sequence[Fingerprint]) -> DataSet:
    """Return `data` without the training images that samples of `earlier` were made from.

    Raises:
        CraftingError: An earlier file does not show its sources, or all training images are used.
    """
    used: set[bytes] = set()
    for fingerprint in earlier:
        sources = [sample.source for sample in fingerprint.samples]
        if any(source is None for source in sources):
            raise CraftingError(
                f"the fingerprint {fingerprint.digest[:16]} was sealed without sources, so that images it used are not "
                "known; seal other samples with another --seed instead"
            )
        used |= {source.pixels.tobytes() for source in sources if source is not None}
    fresh = np.array([image.tobytes() not in used for image in data.train.pixels])
    if not fresh.any():
        raise CraftingError(f"all {len(fresh)} training images of {data.name} were used by earlier samples")
    left = int((~fresh).sum())
    train = replace(data.train.take(np.flatnonzero(fresh)), name=f"{data.train.name} less {left} used")
    return DataSet(name=f"{data.name} less {left} used", train=train, test=data.test, spare=data.spare)
